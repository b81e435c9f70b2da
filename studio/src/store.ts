/**
 * The state of the page and every change to it. Views read it by `useStudio`; nothing else holds state that matters.
 */

import { useLayoutEffect, useState } from 'preact/hooks';
import { type Answer, type Box, renumber, type StudioImage, type Task, visibleBoxes } from './model.ts';

export interface StudioState {
  readonly images: readonly StudioImage[];
  readonly currentId?: string;
  /** Boxes that light up, by id, and the phrase that lights up with them. */
  readonly lit: readonly string[];
  /** The answer whose boxes are shown in colour. */
  readonly answerId?: string;
  readonly selectedId?: string;
  readonly mode: 'point' | 'draw';
  readonly task: Task;
  readonly draft: string;
  readonly names: string;
  readonly counted: string;
  readonly detail: 'brief' | 'detailed';
  readonly captionStyle: 'category' | 'phrase' | 'brief' | 'sentence';
  /** Whether earlier questions and answers go with the next one. */
  readonly isFollowUp: boolean;
  /** A mistake that concerns no image. */
  readonly notice?: string;
  readonly needsKey: boolean;
  /** How far a question about all images is. */
  readonly progress?: { readonly done: number; readonly of: number };
}

let state: StudioState = {
  images: [],
  lit: [],
  mode: 'point',
  task: 'describe',
  draft: '',
  names: '',
  counted: '',
  detail: 'brief',
  captionStyle: 'phrase',
  isFollowUp: false,
  needsKey: false,
};

const toldMs = 4000;

/** Tells that something went well, for a while. */
export function tell(notice: string): void {
  setState({ notice });
  setTimeout(() => {
    if (state.notice === notice) setState({ notice: undefined });
  }, toldMs);
}

const listeners = new Set<() => void>();

export const getState = (): StudioState => state;

export function setState(change: Partial<StudioState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useStudio(): StudioState {
  const [, redraw] = useState(state);
  // Before the page is painted: what a person does right after would go unseen. A change since this drawing is drawn again.
  useLayoutEffect(() => {
    redraw(state);
    return subscribe(() => redraw(state));
  }, []);
  return state;
}

export const currentImage = (): StudioImage | undefined => state.images.find(({ id }) => id === state.currentId);

export function changeImage(id: string, change: (image: StudioImage) => Partial<StudioImage>): void {
  const images = state.images.map((image) => (image.id === id ? { ...image, ...change(image) } : image));
  const isCurrent = id === state.currentId;
  const before = isCurrent ? visibleBoxes(currentImage()!) : [];
  const after = isCurrent ? visibleBoxes(images.find((image) => image.id === id)!) : [];
  setState({ images, ...(isCurrent && { draft: renumber(state.draft, before, after) }) });
}

export function changeAnswer(imageId: string, answerId: string, change: (answer: Answer) => Partial<Answer>): void {
  changeImage(imageId, ({ answers }) => ({
    answers: answers.map((answer) => (answer.id === answerId ? { ...answer, ...change(answer) } : answer)),
  }));
}

const maxUndo = 200;

/** A change of boxes that can be undone. */
export function editBoxes(change: (boxes: readonly Box[]) => readonly Box[]): void {
  const image = currentImage();
  if (!image) return;
  changeImage(image.id, ({ boxes, past }) => ({
    boxes: change(boxes),
    past: [...past, boxes].slice(-maxUndo),
    future: [],
  }));
}

export function undo(): void {
  const image = currentImage();
  if (!image || image.past.length === 0) return;
  changeImage(image.id, ({ boxes, past, future }) => ({
    boxes: past.at(-1)!,
    past: past.slice(0, -1),
    future: [boxes, ...future],
  }));
}

export function redo(): void {
  const image = currentImage();
  if (!image || image.future.length === 0) return;
  changeImage(image.id, ({ boxes, past, future }) => ({
    boxes: future[0],
    past: [...past, boxes],
    future: future.slice(1),
  }));
}

/** Closes one image. */
export function closeImage(id: string): void {
  const at = state.images.findIndex((image) => image.id === id);
  const images = state.images.filter((image) => image.id !== id);
  setState({ images });
  const next = images[Math.min(at, images.length - 1)];
  if (next) show(next.id);
  else setState({ currentId: undefined, answerId: undefined, draft: '' });
}

export function show(id: string): void {
  const image = state.images.find((one) => one.id === id);
  setState({ currentId: id, lit: [], selectedId: undefined, answerId: image?.answers[0]?.id });
}

/** Goes to the next image, or by -1 to the one before. */
export function step(by: number): void {
  const at = state.images.findIndex(({ id }) => id === state.currentId);
  const next = state.images[at + by];
  if (next) show(next.id);
}
