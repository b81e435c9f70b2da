import type { ImageView } from '../models/roles.ts';
import type { Draft } from '../pipeline.ts';

/** A draft as the models see it. */
export function viewOf({ bytes, item, calls, signal }: Draft): ImageView {
  return { bytes, width: item.width, height: item.height, hash: item.imageHash, calls, signal };
}
