import type { Answer, PromptPart, Raw } from '../model.ts';

/** What the model really read and wrote, for those who study it. */
export function Prompt({ answer: { task, question, raw } }: { answer: Answer }) {
  if (!raw) return null;
  const { prompt } = raw;
  return (
    <details class="prompt">
      <summary>Prompt and tokens</summary>
      {task === 'caption' && <p>Of the first box; the others are asked about in the same way, each by itself.</p>}
      <dl>
        {prompt ? (
          <>
            <dt>All that the model read, in {raw.prompt_tokens} tokens; chips are no words, but what the model sees</dt>
            <Scroll>{prompt.map(Shown)}</Scroll>
            <dt>The same as token ids</dt>
            <Scroll>{prompt.map(Ids)}</Scroll>
          </>
        ) : (
          <>
            <dt>Question</dt>
            <dd>{question}</dd>
          </>
        )}
        <dt>Answer as the model spelled it; {endings[raw.ending]}</dt>
        <Scroll>{raw.answer}</Scroll>
        <dt>Its {raw.tokens.length} tokens</dt>
        <Scroll>{raw.tokens.join(' ')}</Scroll>
      </dl>
    </details>
  );
}

const endings: Readonly<Record<Raw['ending'], string>> = {
  end: 'the model ended it',
  stop: 'a stop text ended it',
  length: 'it was cut for its length',
  loop: 'it was cut for repeating itself',
};

function Scroll({ children }: { children: preact.ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key
    <dd class="code scroll" tabIndex={0}>
      {children}
    </dd>
  );
}

function Shown(part: PromptPart) {
  // The name of a box is one token, and stays in one piece.
  if (part.kind === 'text') return part.tokens.length === 1 ? <span class="token">{part.text}</span> : part.text;
  return <span class="chip">{part.kind === 'image' ? `image, ${part.positions} tokens` : `box ${part.index}`}</span>;
}

function Ids(part: PromptPart) {
  if (part.kind === 'text') return `${part.tokens.join(' ')} `;
  return (
    <>
      <span class="chip">{part.kind === 'image' ? `image × ${part.positions}` : `box ${part.index}`}</span>{' '}
    </>
  );
}
