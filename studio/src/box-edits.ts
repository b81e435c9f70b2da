/** Changes of boxes by hand. Every one can be undone. */

import { type Box, type BoxXyxy, newId, type StudioImage, visibleBoxes } from './model.ts';
import { currentImage, editBoxes, getState, setState } from './store.ts';

const leastPixels = 2;

export type Corner = 'nw' | 'ne' | 'se' | 'sw';
export const corners: readonly Corner[] = ['nw', 'ne', 'se', 'sw'];

/** A box inside the image, its corners in order. */
export function tidy([x1, y1, x2, y2]: BoxXyxy, { width, height }: Pick<StudioImage, 'width' | 'height'>): BoxXyxy {
  const clip = (value: number, most: number) => Math.round(Math.min(Math.max(value, 0), most) * 100) / 100;
  return [
    ...[clip(Math.min(x1, x2), width), clip(Math.min(y1, y2), height)],
    ...[clip(Math.max(x1, x2), width), clip(Math.max(y1, y2), height)],
  ] as unknown as BoxXyxy;
}

export const isLargeEnough = ([x1, y1, x2, y2]: BoxXyxy): boolean => x2 - x1 >= leastPixels && y2 - y1 >= leastPixels;

/** Moves by dx, dy pixels, no further than the image reaches. */
export function moved([x1, y1, x2, y2]: BoxXyxy, dx: number, dy: number, { width, height }: StudioImage): BoxXyxy {
  const x = Math.min(Math.max(dx, -x1), width - x2);
  const y = Math.min(Math.max(dy, -y1), height - y2);
  return [x1 + x, y1 + y, x2 + x, y2 + y];
}

/** Moves one corner by dx, dy pixels. */
export function resized([x1, y1, x2, y2]: BoxXyxy, corner: Corner, dx: number, dy: number): BoxXyxy {
  const isWest = corner.endsWith('w');
  const isNorth = corner.startsWith('n');
  return [isWest ? x1 + dx : x1, isNorth ? y1 + dy : y1, isWest ? x2 : x2 + dx, isNorth ? y2 : y2 + dy];
}

export function drawBox(box: BoxXyxy): string {
  const id = newId();
  editBoxes((boxes) => [...boxes, { id, box, score: 1, source: 'drawn' }]);
  setState({ selectedId: id });
  return id;
}

/** A box in the middle, for those who use the keyboard. */
export function addBox(): void {
  const image = currentImage();
  if (!image) return;
  const { width, height } = image;
  const id = drawBox([width * 0.35, height * 0.35, width * 0.65, height * 0.65]);
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-box="${id}"]`)?.focus());
}

export const placeBox = (id: string, box: BoxXyxy): void =>
  editBoxes((boxes) => boxes.map((one): Box => (one.id === id ? { ...one, box, source: 'drawn', score: 1 } : one)));

export const labelBox = (id: string, label: string): void =>
  editBoxes((boxes) => boxes.map((one) => (one.id === id ? { ...one, label: label.trim() || undefined } : one)));

export function deleteBox(id: string): void {
  editBoxes((boxes) => boxes.filter((one) => one.id !== id));
  setState({ selectedId: undefined, lit: [] });
}

/** Puts `<objN>` into the question at the cursor. */
export function nameInQuestion(id: string): void {
  const image = currentImage();
  if (!image) return;
  const index = visibleBoxes(image).findIndex((box) => box.id === id);
  if (index < 0) return;
  const { draft, task } = getState();
  const input = document.querySelector<HTMLTextAreaElement>('#question');
  const at = task === 'ask' && input ? input.selectionStart : draft.length;
  const [before, after] = [draft.slice(0, at), draft.slice(at)];
  const space = before === '' || /\s$/.test(before) ? '' : ' ';
  setState({ task: 'ask', draft: `${before}${space}<obj${index}>${after}`, selectedId: id });
}
