import { useState } from 'preact/hooks';
import { modelName } from '../api.ts';
import { type Language, languages, requestCode } from '../export/request-code.ts';
import type { Answer, StudioImage } from '../model.ts';
import { setState, tell } from '../store.ts';

/** The request of an answer as code, to copy. */
export function Snippets({ image, answer }: { image: StudioImage; answer: Answer }) {
  const [code, setCode] = useState('');
  const [language, setLanguage] = useState<Language>();
  const choose = async (chosen: Language) => {
    const origin = new URL('.', location.href).href.replace(/\/$/, '');
    const mime = image.file.type || 'image/png';
    setCode(requestCode(chosen, { answer, fileName: image.name, mime, origin, model: await modelName() }));
    setLanguage(chosen);
  };
  return (
    <details>
      <summary>Request as code</summary>
      <div class="row">
        {languages.map((name) => (
          <button key={name} type="button" aria-pressed={name === language} onClick={() => void choose(name)}>
            {name}
          </button>
        ))}
        {code !== '' && (
          <button type="button" class="end" onClick={() => void copy(code)}>
            Copy
          </button>
        )}
      </div>
      {code !== '' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key
        <pre tabIndex={0}>{code}</pre>
      )}
    </details>
  );
}

async function copy(code: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(code);
    tell('Copied.');
  } catch {
    setState({ notice: 'The browser did not allow copying; mark the code and copy it by key.' });
  }
}
