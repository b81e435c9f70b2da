/** What people do in the studio that takes the server: open images, find boxes, ask. */

import { questionFor } from '../../src/prompt/templates.ts';
import { ask, caption, type ImagePart, modelFacts, type Piece, propose, StudioError } from './api.ts';
import { earlierTurns } from './conversation.ts';
import { linkedId, openLink } from './link.ts';
import {
  type Answer,
  type Box,
  firstMinScore,
  type Granularity,
  hasFoundBoxesOnly,
  newId,
  type Phrase,
  type StudioImage,
  type Task,
  visibleBoxes,
} from './model.ts';
import { changeAnswer, changeImage, currentImage, getState, setState, show } from './store.ts';

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
  const { maxImageBytes } = await modelFacts();
  if (file.size > maxImageBytes) {
    const [has, most] = [Math.ceil(file.size / 2 ** 20), Math.floor(maxImageBytes / 2 ** 20)];
    throw new StudioError(`“${file.name}” has ${has} MB; this server takes at most ${most} MB. Shrink it.`);
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
    ...{ granularity: 'both', minScore: firstMinScore, maxOverlap: 1, status: 'new' },
  };
}

/** Opens the session that the page's address names, if it names one, or says why that cannot be. */
export async function openLinked(): Promise<void> {
  const id = linkedId();
  if (id === undefined) return;
  try {
    await openLink(id);
    await findBoxesOfCurrent();
  } catch (error) {
    const isGone = error instanceof StudioError && error.code === 'session_not_found';
    const message = messageOf(error);
    setState({ notice: isGone ? `This link leads to nothing any more: ${message}` : message });
  }
}

export async function openSample(url: string, name: string): Promise<void> {
  const blob = await (await fetch(url)).blob();
  await openFiles([new File([blob], name, { type: blob.type })]);
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
      const boxes = found.boxes.map(
        ({ box, score, label }): Box => ({
          ...{ id: newId(), box, score, source: 'found' },
          ...(label && { label }),
        }),
      );
      const usualScore = found.defaults.min_score;
      changeImage(id, (now) => {
        const drawn = now.boxes.filter(({ source }) => source === 'drawn');
        const hasDrawn = drawn.length > 0;
        return {
          ...found.image,
          // At first the boxes are those that the server takes itself.
          ...(now.usualScore === undefined && { minScore: usualScore }),
          ...{ usualScore, kinds: found.defaults.granularities },
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

async function askAbout(image: StudioImage, task: Task, { asked, question }: Asked): Promise<void> {
  const { isFollowUp, captionStyle } = getState();
  const visible = visibleBoxes(image);
  const isGiven = !hasFoundBoxesOnly(image);
  const answer: Answer = {
    ...{
      id: newId(),
      task,
      asked,
      question,
      text: '',
      phrases: [],
      boxes: visible.map(({ id }) => id),
      status: 'waiting',
    },
    granularity: image.granularity,
    ...(task === 'caption' ? { style: captionStyle } : isFollowUp && { turns: earlierTurns(image).turns }),
    ...(isGiven && { given: visible.map(({ box }) => box), givenScores: visible.map(({ score }) => score) }),
  };
  changeImage(image.id, ({ answers }) => ({ answers: [answer, ...answers] }));
  setState({ answerId: answer.id, notice: undefined, lit: [] });
  await cancellable(answer.id, async (signal) => {
    const start = performance.now();
    const change = (given: (now: Answer) => Partial<Answer>) => changeAnswer(image.id, answer.id, given);
    try {
      const part = partOf(image, answer);
      const onPiece = (piece: Piece) => change((now) => withPiece(now, piece, start));
      if (task === 'caption') await captionAll(part, answer, signal, change, start);
      else await ask(part, { turns: answer.turns ?? [], question }, signal, onPiece);
      change(() => ({ status: 'done', totalMs: performance.now() - start }));
      const isNames = task === 'detect' || (task === 'caption' && captionStyle === 'category');
      if (isNames) nameBoxes(image.id, answer.id);
    } catch (error) {
      const isTooLong = error instanceof StudioError && error.code === 'limit_exceeded';
      change(() =>
        signal.aborted ? { status: 'cancelled' } : { status: 'failed', error: messageOf(error), isTooLong },
      );
    }
  });
}

/** Asks the question of an answer again, without what was said before. */
export async function askAgainAlone(imageId: string, answerId: string): Promise<void> {
  const image = getState().images.find(({ id }) => id === imageId);
  const answer = image?.answers.find(({ id }) => id === answerId);
  if (!image || !answer) return;
  setState({ isFollowUp: false });
  await askAbout(image, answer.task, answer);
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
  for (const [index, id] of answer.boxes.entries()) {
    const [{ text, raw }] = await caption(part, answer.style ?? 'phrase', [index], signal);
    change((now) => {
      const before = now.text === '' ? '' : `${now.text}\n`;
      const phrase = { start: before.length, end: before.length + text.length, text, boxes: [id] };
      return {
        ...(now.firstWordMs === undefined && { firstWordMs: performance.now() - start }),
        // The first box's, as an example of all.
        ...(now.raw === undefined && { raw }),
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
