import { useEffect, useState } from 'preact/hooks';
import sceneUrl from '../../../models/nano/example/scene.png?url';
import photographUrl from '../../../models/photo/example/boats.jpg?url';
import { cancel, findBoxes, findBoxesOfCurrent, openFiles, openLinked, openSample } from '../actions.ts';
import { keyStore, modelName } from '../api.ts';
import { linkedId } from '../link.ts';
import { onShortcut } from '../shortcuts.ts';
import { closeImage, currentImage, getState, setState, useStudio } from '../store.ts';
import { AnswerList } from './answers.tsx';
import { AskPanel } from './ask-panel.tsx';
import { BoxList } from './box-list.tsx';
import { ExportPanel } from './export-panel.tsx';
import { FileButtons } from './file-buttons.tsx';
import { FilmStrip } from './film-strip.tsx';
import { LinkPanel } from './link-panel.tsx';
import { Stage } from './stage.tsx';
import { Toolbar } from './toolbar.tsx';

export function App() {
  const { currentId, notice, needsKey } = useStudio();
  const image = currentImage();
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    document.addEventListener('keydown', onShortcut);
    document.addEventListener('paste', onPaste);
    return () => {
      document.removeEventListener('keydown', onShortcut);
      document.removeEventListener('paste', onPaste);
    };
  }, []);
  useEffect(() => void findBoxesOfCurrent(), [currentId]);
  useEffect(() => {
    const open = () => void openLinked();
    open();
    // A link that is pasted into the page's own address loads nothing by itself.
    addEventListener('hashchange', open);
    return () => removeEventListener('hashchange', open);
  }, []);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the whole page takes what is dropped; buttons do it by key
    <div
      class={isOver ? 'page over' : 'page'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => !event.relatedTarget && setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void openFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <header>
        <h1>
          ChatRex <span>studio</span>
        </h1>
        <ModelNote />
        {image && (
          <div class="row">
            <FileButtons isSmall />
            <button type="button" onClick={() => closeImage(image.id)}>
              Close
            </button>
          </div>
        )}
      </header>
      {needsKey && <KeyForm />}
      <p class="notice" role="alert" hidden={!notice}>
        {notice}
        <button
          type="button"
          class="plain"
          aria-label="Close this message"
          onClick={() => setState({ notice: undefined })}
        >
          ×
        </button>
      </p>
      {image ? (
        <main>
          <section class="left" aria-label="Image">
            <Toolbar image={image} />
            {image.status === 'failed' && (
              <p class="failure" role="alert">
                {image.error}{' '}
                <button type="button" onClick={() => void findBoxes(image.id, image.granularity)}>
                  Look again
                </button>
              </p>
            )}
            <div class="around">
              <Stage image={image} />
              <p class="status" role="status">
                {image.status === 'looking' && (
                  <>
                    <span class="spinner" /> Looking for objects…{' '}
                    <button type="button" class="plain" onClick={() => cancel(image.id)}>
                      Cancel
                    </button>
                  </>
                )}
              </p>
            </div>
            <FilmStrip />
          </section>
          <section class="right" aria-label="Questions and answers">
            <AskPanel image={image} />
            <AnswerList image={image} />
            <BoxList image={image} />
            <ExportPanel image={image} />
            <LinkPanel />
          </section>
        </main>
      ) : (
        <main class="welcome">
          <div class="drop">
            <h2>What is in your image?</h2>
            <p>
              Drop an image here, or paste one. ChatRex finds the objects, answers in words, and shows which object
              every phrase means. The image goes to this server and nowhere else.
            </p>
            <FileButtons />
            <Samples />
          </div>
        </main>
      )}
      {image && <Keys />}
    </div>
  );
}

const samples = [
  { name: 'photograph', url: photographUrl, file: 'boats.jpg' },
  { name: 'drawn scene', url: sceneUrl, file: 'scene.png' },
] as const;

function Samples() {
  return samples.map(({ name, url, file }) => (
    <button key={name} type="button" class="sample" data-file={file} onClick={() => void openSample(url, file)}>
      <img src={url} alt="" width="96" height="96" />
      <span>Try the {name}</span>
    </button>
  ));
}

/** Which model answers. The one of drawn scenes disappoints those who give it photographs unwarned. */
function ModelNote() {
  const [name, setName] = useState('');
  useEffect(() => void modelName().then(setName), [getState().needsKey]);
  const note = name === 'nano' ? 'nano, the model of drawn scenes like the sample' : name;
  return <span class="model">{note}</span>;
}

const keys: readonly (readonly [string, string])[] = [
  ['← → ↑ ↓', 'on a box: another box'],
  ['Enter', 'on a box: name it in the question'],
  ['Shift ←', 'on a box: move it'],
  ['Alt ←', 'on a box: resize it'],
  ['Delete', 'on a box: delete it'],
  ['b', 'add a box'],
  ['d', 'draw boxes, or stop'],
  ['Ctrl Z', 'undo'],
  ['Ctrl Shift Z', 'redo'],
  ['n', 'next image'],
  ['p', 'previous image'],
  ['/', 'to the question'],
  ['Escape', 'select nothing'],
];

function Keys() {
  return (
    <footer>
      <details>
        <summary>Keys</summary>
        <ul class="keys">
          {keys.map(([key, text]) => (
            <li key={key}>
              <kbd>{key}</kbd> {text}
            </li>
          ))}
        </ul>
      </details>
    </footer>
  );
}

function onPaste(event: ClipboardEvent): void {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  void openFiles(files);
}

function KeyForm() {
  return (
    <form
      class="notice"
      onSubmit={(event) => {
        event.preventDefault();
        keyStore.set(String(new FormData(event.currentTarget).get('key') ?? ''));
        setState({ needsKey: false });
        const image = currentImage();
        if (linkedId()) void openLinked();
        else if (image) void findBoxes(image.id, image.granularity);
      }}
    >
      <label>
        Key of this server <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit">Use it</button>
    </form>
  );
}
