/** Boxes as JSON files hold them. */

import type { BoxXyxy } from '../../boxes/box.ts';

/** A list of boxes of four numbers; empty ones are left out. Undefined for anything else. */
export function boxList(value: unknown): BoxXyxy[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const boxes: BoxXyxy[] = [];
  for (const entry of value) {
    if (Array.isArray(entry) && entry.length === 0) continue;
    const box = boxOf(entry);
    if (!box) return undefined;
    boxes.push(box);
  }
  return boxes;
}

/** Four finite numbers, or undefined. */
export function boxOf(value: unknown): BoxXyxy | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  return value.every((part) => typeof part === 'number' && Number.isFinite(part))
    ? (value as unknown as BoxXyxy)
    : undefined;
}
