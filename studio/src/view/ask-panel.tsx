import { askAboutAll, askNow, cancel } from '../actions.ts';
import { earlierTurns } from '../conversation.ts';
import { type StudioImage, type Task, visibleBoxes } from '../model.ts';
import { setState, useStudio } from '../store.ts';

const tasks: readonly [Task, string, string?][] = [
  ['describe', 'Describe'],
  ['detect', 'Detect'],
  ['count', 'Count'],
  ['caption', 'Caption', ' boxes'],
  ['ask', 'Ask'],
];

/** What to ask next. */
export function AskPanel({ image }: { image: StudioImage }) {
  const { task } = useStudio();
  return (
    <form
      class="ask card"
      onSubmit={(event) => {
        event.preventDefault();
        void askNow();
      }}
    >
      <fieldset class="segments wide">
        <legend class="hidden">What to do</legend>
        {tasks.map(([value, text, more]) => (
          <label key={value}>
            <input
              type="radio"
              name="task"
              aria-label={text + (more ?? '')}
              checked={task === value}
              onChange={() => setState({ task: value })}
            />
            <span>
              {text}
              {more && <span class="more">{more}</span>}
            </span>
          </label>
        ))}
      </fieldset>
      <div class="row">
        <Field image={image} task={task} />
        <button type="submit" class="primary">
          {tasks.find(([value]) => value === task)![1]}
        </button>
      </div>
      {task !== 'caption' && <FollowUp image={image} />}
      <AllImages />
    </form>
  );
}

/** Whether what was said goes with the next question. */
function FollowUp({ image }: { image: StudioImage }) {
  const { isFollowUp } = useStudio();
  const { turns, leftOut } = earlierTurns(image);
  if (turns.length + leftOut === 0) return null;
  return (
    <p class="facts follow">
      <label>
        <input
          type="checkbox"
          checked={isFollowUp}
          onChange={({ currentTarget }) => setState({ isFollowUp: currentTarget.checked })}
        />
        <span>
          {turns.length === 1 ? 'Send the earlier question' : `Send the ${turns.length} earlier questions`} with it
        </span>
      </label>
      {isFollowUp && leftOut > 0 && (
        <span>
          {leftOut === 1
            ? 'One is left out, for a box that it names is'
            : `${leftOut} are left out, for boxes they name are`}{' '}
          no longer shown
        </span>
      )}
    </p>
  );
}

/** The same question about every image of a folder. */
function AllImages() {
  const { images, progress } = useStudio();
  if (images.length < 2) return null;
  return (
    <p class="facts all">
      {progress ? (
        <>
          <progress value={progress.done} max={progress.of} aria-label="Images done" />
          {progress.done} of {progress.of}
          <button type="button" class="plain" onClick={() => cancel('all')}>
            Cancel
          </button>
        </>
      ) : (
        <button type="button" onClick={() => void askAboutAll()}>
          The same for all {images.length} images
        </button>
      )}
    </p>
  );
}

function Field({ image, task }: { image: StudioImage; task: Task }) {
  const { draft, names, counted, detail, captionStyle } = useStudio();
  if (task === 'ask') {
    return (
      <textarea
        id="question"
        rows={2}
        maxLength={4000}
        aria-label="Question"
        placeholder="What is &lt;obj0&gt;? Click a box to name it."
        value={draft}
        onInput={({ currentTarget }) => setState({ draft: currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return;
          event.preventDefault();
          void askNow();
        }}
      />
    );
  }
  if (task === 'detect' || task === 'count') {
    const isDetect = task === 'detect';
    return (
      <input
        type="text"
        maxLength={2000}
        aria-label={isDetect ? 'Names to detect, with commas between them' : 'What to count'}
        placeholder={isDetect ? 'cat, kite, butterfly' : 'butterflies'}
        value={isDetect ? names : counted}
        onInput={({ currentTarget: { value } }) => setState(isDetect ? { names: value } : { counted: value })}
      />
    );
  }
  if (task === 'describe') {
    return (
      <select
        aria-label="How much to say"
        value={detail}
        onChange={({ currentTarget }) => setState({ detail: currentTarget.value as 'brief' | 'detailed' })}
      >
        <option value="brief">in one sentence</option>
        <option value="detailed">in detail</option>
      </select>
    );
  }
  return (
    <select
      aria-label={`What to say of each of the ${visibleBoxes(image).length} boxes`}
      value={captionStyle}
      onChange={({ currentTarget }) => setState({ captionStyle: currentTarget.value as typeof captionStyle })}
    >
      <option value="category">its category</option>
      <option value="phrase">a short phrase</option>
      <option value="brief">a brief description</option>
      <option value="sentence">a sentence</option>
    </select>
  );
}
