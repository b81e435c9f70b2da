/**
 * What a model whose objects carry their index reads beside `packTexts`: which places and which answers are about
 * objects.
 */

import { objectsByIndexToken } from '../prompt/conversation.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { ImageTexts, PackSizes, TextFeeds } from './pack-texts.ts';

export interface ObjectFeeds {
  /** int64 [B, S]: the row among `words` of the index token at an object's place, W at any other. */
  readonly indices: HostTensor<'int64'>;
  /** int64 [B, S]: a row of all object tokens [B * K] where a text mentions an object, B * K at any other place. */
  readonly mentions: HostTensor<'int64'>;
  /** float32 [N, B, K]: 1 where the place's own image has the object. */
  readonly 'own objects': HostTensor<'float32'>;
  /** int64 [K]: the index token of each object. */
  readonly 'object ids': HostTensor<'int64'>;
}

/**
 * @param images as `packTexts` was given them
 * @param feeds what it made of them
 */
export function packObjects(
  images: readonly ImageTexts[],
  { imageTokens, boxes }: PackSizes,
  { words, slots, targets }: TextFeeds,
): ObjectFeeds {
  const [batch, sequence] = slots.shape;
  const rowOf = new Map(Array.from(words.data, (id, row) => [Number(id), row]));
  const indices = hostTensor('int64', [batch, sequence]);
  indices.data.fill(BigInt(rowOf.size));
  const mentions = hostTensor('int64', [batch, sequence]);
  mentions.data.fill(BigInt(batch * boxes));
  const ownObjects = hostTensor('float32', [targets.shape[0], batch, boxes]);
  const objectIds = hostTensor('int64', [boxes]);
  let target = 0;
  images.forEach(({ prefix, texts }, b) => {
    let place = b * sequence;
    for (const segment of prefix) {
      if (segment.kind === 'object') {
        objectIds.data[segment.index] = BigInt(segment.id);
        indices.data[place + 1] = BigInt(rowOf.get(segment.id) as number);
      }
      place += segment.kind === 'image' ? imageTokens : segment.kind === 'object' ? 2 : segment.ids.length;
    }
    const objectOf = objectsByIndexToken(prefix);
    for (const { ids, isTarget } of texts) {
      ids.forEach((id, i) => {
        const object = objectOf.get(id);
        if (object !== undefined) mentions.data[place] = BigInt(b * boxes + object);
        place++;
        if (!isTarget[i]) return;
        for (const own of objectOf.values()) ownObjects.data[(target * batch + b) * boxes + own] = 1;
        target++;
      });
    }
  });
  return { indices, mentions, 'own objects': ownObjects, 'object ids': objectIds };
}
