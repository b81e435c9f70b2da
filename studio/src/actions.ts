/** What people do in the studio that takes the server: open images, find boxes, ask. */

import { questionFor } from '../../src/prompt/templates.ts';
import { ask, caption, type ImagePart, type Piece, propose, StudioError } from './api.ts';
import {
  type Answer,
  type Box,
  defaultMinScore,
  type Granularity,
  hasFoundBoxesOnly,
  newId,
  type Phrase,
  type StudioImage,
  type Task,
  visibleBoxes,
} from './model.ts';
import { changeAnswer, changeImage, currentImage, getState, setState, show } from './store.ts';

const maxFileBytes = 12 * 2 ** 20;
const maxImages = 500;

/** Work under way by the id of what it is for. */
const controls = new Map<string, AbortController>();

export const cancel = (id: string): void => controls.get(id)?.abort();

/** Puts images beside those that are open, and shows the first of them. */
export async function openFiles(files: readonly File[]): Promise<void> {
  const images = files.filter(
    ({ type, name }) => type.startsWith('image/') || /\.(jpe?g|png|webp|gif|avif)$/i.test(name),
  );
  if (images.length === 0) {
    const [first] = files;
    setState({ notice: first && `“${first.name}” is not an image. Choose a PNG, JPEG, WebP, GIF or AVIF file.` });
    return;
  }
  const room = Math.max(0, maxImages - getState().images.length);
  let notice = images.length > room ? `Only ${maxImages} images fit at once; the others were left out.` : undefined;
  let isFirst = true;
  for (const [at, file] of images.slice(0, room).entries()) {
    if (at > 0 && at % 10 === 0) setState({ notice: `Opening image ${at} of ${images.length}…` });
    try {
      const image = await openFile(file);
      setState({ images: [...getState().images, image] });
      if (isFirst) show(image.id);
      isFirst = false;
    } catch (error) {
      notice = (error as Error).message;
    }
  }
  setState({ notice });
  await findBoxesOfCurrent();
}

async function openFile(file: File): Promise<StudioImage> {
  if (file.size > maxFileBytes) {
    throw new StudioError(
      `“${file.name}” has ${Math.ceil(file.size / 2 ** 20)} MB; at most 12 MB are taken. Shrink it.`,
    );
  }
  let size: { width: number; height: number };
  try {
    const bitmap = await createImageBitmap(file);
    size = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
  } catch {
    throw new StudioError(`“${file.name}” cannot be shown. It may be damaged, or no image.`);
  }
  return {
    ...{ id: newId(), name: file.name, file, ...size, boxes: [], past: [], future: [], answers: [] },
    ...{ granularity: 'both', minScore: defaultMinScore, status: 'new' },
  };
}

export async function openSample(url: string, name: string): Promise<void> {
  const blob = await (await fetch(url)).blob();
  await openFiles([new File([blob], name, { type: 'image/png' })]);
}

/** Searches under way by the id of their image. */
const searches = new Map<string, Promise<void>>();

/** Finds the boxes of the image that is shown, where that was not done yet; resolves when they are there. */
export async function findBoxesOfCurrent(): Promise<void> {
  const image = currentImage();
  if (image?.status === 'new') await findBoxes(image.id, image.granularity);
  else if (image) await searches.get(image.id);
}

/** Replaces found boxes; drawn ones stay. */
export async function findBoxes(id: string, granularity: Granularity): Promise<void> {
  const search = searchFor(id, granularity);
  searches.set(id, search);
  await search;
  if (searches.get(id) === search) searches.delete(id);
}

async function searchFor(id: string, granularity: Granularity): Promise<void> {
  const image = getState().images.find((one) => one.id === id);
  if (!image) return;
  changeImage(id, () => ({ status: 'looking', granularity, error: undefined }));
  await cancellable(id, async (signal) => {
    try {
      const found = await propose(image.file, granularity, signal);
      const boxes = found.boxes.map(({ box, score }): Box => ({ id: newId(), box, score, source: 'found' }));
      changeImage(id, (now) => {
        const drawn = now.boxes.filter(({ source }) => source === 'drawn');
        const hasDrawn = drawn.length > 0;
        return {
          ...found.image,
          boxes: [...boxes, ...drawn],
          past: hasDrawn ? [now.boxes] : [],
          future: [],
          status: 'ready',
        };
      });
    } catch (error) {
      // Another search for the same image took the place of this one.
      if (signal.aborted && controls.get(id)?.signal !== signal) return;
      const message = signal.aborted ? 'Cancelled.' : messageOf(error);
      changeImage(id, () => ({ status: 'failed', error: message }));
    }
  });
}

function messageOf(error: unknown): string {
  if (error instanceof StudioError && error.status === 401) setState({ needsKey: true });
  return error instanceof StudioError ? error.message : `Something went wrong in the page: ${(error as Error).message}`;
}

async function cancellable(id: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const control = new AbortController();
  controls.get(id)?.abort();
  controls.set(id, control);
  try {
    await work(control.signal);
  } finally {
    if (controls.get(id) === control) controls.delete(id);
  }
}

interface Asked {
  readonly asked: string;
  readonly question: string;
}

/** What the chosen task asks the model, or why it cannot yet. */
export function askedNow(): Asked | { readonly missing: string } {
  const { task, draft, names, counted, detail, captionStyle } = getState();
  if (task === 'ask') {
    const question = draft.trim();
    return question === '' ? { missing: 'Type a question first.' } : { asked: question, question };
  }
  if (task === 'detect') {
    const phrases = namesOf(names);
    if (phrases.length === 0) return { missing: 'Name what to find first, for example: cat, kite.' };
    return { asked: `Detect ${phrases.join(', ')}`, question: questionFor('detect', phrases) };
  }
  if (task === 'count') {
    const phrase = counted.trim();
    if (phrase === '') return { missing: 'Name what to count first.' };
    return { asked: `Count ${phrase}`, question: questionFor('count', [phrase]) };
  }
  if (task === 'describe') return { asked: `Describe, ${detail}`, question: questionFor(`caption-${detail}`) };
  return { asked: `Caption every box (${captionStyle})`, question: '' };
}

export const namesOf = (text: string): string[] =>
  text
    .split(/[,;\n]/)
    .map((name) => name.trim())
    .filter(Boolean);

/** Asks what the chosen task asks about the image that is shown. */
export async function askNow(): Promise<void> {
  const image = currentImage();
  const what = askedNow();
  if (!image || 'missing' in what) {
    setState({ notice: image && 'missing' in what ? what.missing : 'Open an image first.' });
    return;
  }
  await askAbout(image, getState().task, what);
}

/** Asks the same about every open image, one after the other; the image that is worked on is shown. */
export async function askAboutAll(): Promise<void> {
  const what = askedNow();
  if ('missing' in what) {
    setState({ notice: what.missing });
    return;
  }
  const { images, task } = getState();
  await cancellable('all', async (signal) => {
    for (const [done, { id }] of images.entries()) {
      if (signal.aborted) break;
      setState({ progress: { done, of: images.length } });
      show(id);
      await findBoxesOfCurrent();
      const image = currentImage();
      if (image?.status !== 'ready') continue;
      const work = askAbout(image, task, what);
      const stop = () => cancel(currentImage()?.answers[0]?.id ?? '');
      signal.addEventListener('abort', stop);
      await work;
      signal.removeEventListener('abort', stop);
    }
  });
  setState({ progress: undefined });
}

async function askAbout(image: StudioImage, task: Task, what: Asked): Promise<void> {
  const visible = visibleBoxes(image);
  const isGiven = !hasFoundBoxesOnly(image);
  const answer: Answer = {
    ...{ id: newId(), task, ...what, text: '', phrases: [], boxes: visible.map(({ id }) => id), status: 'waiting' },
    granularity: image.granularity,
    ...(isGiven && { given: visible.map(({ box }) => box), givenScores: visible.map(({ score }) => score) }),
  };
  changeImage(image.id, ({ answers }) => ({ answers: [answer, ...answers] }));
  setState({ answerId: answer.id, notice: undefined, lit: [] });
  await cancellable(answer.id, async (signal) => {
    const start = performance.now();
    const change = (given: (now: Answer) => Partial<Answer>) => changeAnswer(image.id, answer.id, given);
    try {
      const part = partOf(image, answer);
      if (task === 'caption') await captionAll(part, answer, signal, change, start);
      else await ask(part, what.question, signal, (piece) => change((now) => withPiece(now, piece, start)));
      change(() => ({ status: 'done', totalMs: performance.now() - start }));
      const isNames = task === 'detect' || (task === 'caption' && getState().captionStyle === 'category');
      if (isNames) nameBoxes(image.id, answer.id);
    } catch (error) {
      const failed = { status: 'failed', error: signal.aborted ? undefined : messageOf(error) } as const;
      change(() => (signal.aborted ? { status: 'cancelled' } : failed));
    }
  });
}

const partOf = ({ file }: StudioImage, { granularity, given, givenScores }: Answer): ImagePart => ({
  ...{ file, granularity, boxes: given, scores: givenScores },
});

function withPiece(now: Answer, piece: Piece, start: number): Partial<Answer> {
  const { content, grounding, isLast, raw, isCached } = piece;
  const isFirst = now.firstWordMs === undefined && (content ?? '') !== '';
  const phrases = grounding?.phrases.map(
    ({ objects, ...rest }): Phrase => ({ ...rest, boxes: objects.map((index) => now.boxes[index]).filter(Boolean) }),
  );
  return {
    ...(isFirst && { firstWordMs: performance.now() - start, status: 'writing' }),
    ...(content && { text: now.text + content }),
    ...(phrases && { phrases: isLast ? phrases : [...now.phrases, ...phrases] }),
    ...(raw && { raw }),
    ...(isCached !== undefined && { isCached }),
  };
}

/** One box at a time, so that each is shown when it is known and a cancelled run keeps what it has. */
async function captionAll(
  part: ImagePart,
  answer: Answer,
  signal: AbortSignal,
  change: (given: (now: Answer) => Partial<Answer>) => void,
  start: number,
): Promise<void> {
  const { captionStyle } = getState();
  for (const [index, id] of answer.boxes.entries()) {
    const [{ text }] = await caption(part, captionStyle, [index], signal);
    change((now) => {
      const before = now.text === '' ? '' : `${now.text}\n`;
      const phrase = { start: before.length, end: before.length + text.length, text, boxes: [id] };
      return {
        ...(now.firstWordMs === undefined && { firstWordMs: performance.now() - start }),
        ...{ text: before + text, phrases: [...now.phrases, phrase], status: 'writing' },
      };
    });
  }
}

/** Boxes get the names that were found, except those that a person named. */
function nameBoxes(imageId: string, answerId: string): void {
  changeImage(imageId, ({ boxes, answers }) => {
    const phrases = answers.find(({ id }) => id === answerId)?.phrases ?? [];
    const names = new Map(phrases.flatMap(({ text, boxes: ids }) => ids.map((id) => [id, text.trim()] as const)));
    return { boxes: boxes.map((box) => ({ ...box, label: box.label ?? names.get(box.id) })) };
  });
}
