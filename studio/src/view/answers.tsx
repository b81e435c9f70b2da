import { askAgainAlone, cancel } from '../actions.ts';
import { phraseColours } from '../colours.ts';
import { answerCode } from '../export/request-code.ts';
import type { Answer, StudioImage } from '../model.ts';
import { setState, useStudio } from '../store.ts';
import { Prompt } from './prompt.tsx';
import { Snippets } from './snippets.tsx';

/** The answers about an image, the newest first. */
export function AnswerList({ image }: { image: StudioImage }) {
  const { answerId } = useStudio();
  if (image.answers.length === 0) return null;
  return (
    <section class="answers" aria-label="Answers">
      {image.answers.map((answer) => (
        <AnswerCard key={answer.id} image={image} answer={answer} isShown={answer.id === answerId} />
      ))}
    </section>
  );
}

function AnswerCard({ image, answer, isShown }: { image: StudioImage; answer: Answer; isShown: boolean }) {
  const turns = answer.turns?.length ?? 0;
  const isWorking = answer.status === 'waiting' || answer.status === 'writing';
  return (
    <article class={isShown ? 'answer card shown' : 'answer card'}>
      <h3>
        <button
          type="button"
          class="plain"
          aria-pressed={isShown}
          title="Show the boxes of this answer"
          onClick={() => setState({ answerId: isShown ? undefined : answer.id })}
        >
          {answer.asked}
        </button>
      </h3>
      <AnswerText answer={answer} />
      {answer.status === 'failed' && (
        <p class="failure" role="alert">
          {answer.isTooLong && 'This is longer than the model can read at once. '}
          {answer.error}{' '}
          {answer.isTooLong && turns > 0 && (
            <button type="button" onClick={() => void askAgainAlone(image.id, answer.id)}>
              Ask without the earlier questions
            </button>
          )}
        </p>
      )}
      <p class="facts" role="status">
        {isWorking && (
          <>
            <span class="spinner" />{' '}
            <button type="button" class="plain" onClick={() => cancel(answer.id)}>
              Cancel
            </button>
          </>
        )}
        {turns > 0 && (
          <span>
            after {turns} earlier {turns === 1 ? 'question' : 'questions'}
          </span>
        )}
        {answer.status === 'cancelled' && <span>cancelled</span>}
        {answer.firstWordMs !== undefined && <span>first word after {seconds(answer.firstWordMs)}</span>}
        {answer.totalMs !== undefined && <span>{seconds(answer.totalMs)} in all</span>}
        {answer.isCached && (
          <span title="The server kept the image from an earlier question">image not encoded again</span>
        )}
      </p>
      {answer.status === 'done' && (
        <>
          <Prompt answer={answer} />
          <Snippets image={image} code={(language, place) => answerCode(language, answer, place)} />
        </>
      )}
    </article>
  );
}

const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/** Text whose phrases light up their boxes, and light up with them. */
function AnswerText({ answer }: { answer: Answer }) {
  const { lit } = useStudio();
  const colours = phraseColours(answer.phrases);
  const parts = [];
  let at = 0;
  answer.phrases.forEach(({ start, end, text, boxes }, index) => {
    if (start > at) parts.push(answer.text.slice(at, start));
    at = end;
    const isLit = boxes.some((id) => lit.includes(id));
    const light = () => setState({ lit: boxes, answerId: answer.id });
    const dim = () => setState({ lit: [] });
    parts.push(
      <button
        key={`${start}`}
        type="button"
        class={isLit ? 'phrase lit' : 'phrase'}
        style={{ '--colour': colours[index] }}
        onPointerEnter={light}
        onPointerLeave={dim}
        onFocus={light}
        onBlur={dim}
        onClick={light}
      >
        {text}
        {boxes.length > 1 && (
          <sup>
            {boxes.length}
            <span class="hidden"> boxes</span>
          </sup>
        )}
      </button>,
    );
  });
  parts.push(answer.text.slice(at));
  return (
    <p class="text" aria-live="polite" aria-busy={answer.status === 'writing'}>
      {parts}
    </p>
  );
}
