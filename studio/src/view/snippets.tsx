import { useState } from 'preact/hooks';
import { keyStore, modelName } from '../api.ts';
import { type CodePlace, type Language, languages } from '../export/request-code.ts';
import type { StudioImage } from '../model.ts';
import { setState, tell } from '../store.ts';

/** A request as code, to copy. */
export function Snippets({
  image,
  code,
  title = 'Request as code',
}: {
  image: StudioImage;
  code: (language: Language, place: CodePlace) => string;
  title?: string;
}) {
  const [place, setPlace] = useState<CodePlace>();
  const [language, setLanguage] = useState<Language>('curl');
  const open = async () => {
    const origin = new URL('.', location.href).href.replace(/\/$/, '');
    const mime = image.file.type || 'image/png';
    setPlace({ fileName: image.name, mime, origin, model: await modelName(), hasKey: keyStore.get() !== '' });
  };
  const text = place && code(language, place);
  return (
    <details class="snippets" onToggle={({ currentTarget }) => void (currentTarget.open && open())}>
      <summary>{title}</summary>
      <div class="row">
        {languages.map((name) => (
          <button key={name} type="button" aria-pressed={name === language} onClick={() => setLanguage(name)}>
            {name}
          </button>
        ))}
        {text && (
          <button type="button" class="end" onClick={() => void copy(text)}>
            Copy
          </button>
        )}
      </div>
      {text && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key
        <pre tabIndex={0}>{text}</pre>
      )}
    </details>
  );
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell('Copied.');
  } catch {
    setState({ notice: 'The browser did not allow copying; mark the text and copy it by key.' });
  }
}
