/** Several questions about each image of a batch as one sequence per image: what the training graph reads. */

import { ChatRexError } from '../errors.ts';
import { objectsByIndexToken, type PromptSegment } from '../prompt/conversation.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';

/** What follows a prefix: a question and its answer, or several turns of them. */
export interface PackedText {
  readonly ids: readonly number[];
  /** Same length: true where the token itself is to be predicted. */
  readonly isTarget: readonly boolean[];
}

/** Everything about one image. The texts do not see each other. */
export interface ImageTexts {
  readonly prefix: readonly PromptSegment[];
  readonly texts: readonly PackedText[];
}

export interface TextFeeds {
  /**
   * int64 [B, S]: a token's id, or vocabSize + a row of all image tokens [B * T], or, after those, a row of all object tokens
   * [B * K].
   */
  readonly slots: HostTensor<'int64'>;
  /** int64 [B, S]: the id of the index token at an object's place, vocabSize at any other. */
  readonly indices: HostTensor<'int64'>;
  /** int64 [B, S]: a row of all object tokens [B * K] where a text mentions an object, B * K at any other place. */
  readonly mentions: HostTensor<'int64'>;
  /** int64 [B, S] */
  readonly positions: HostTensor<'int64'>;
  /** float32 [B, 1, S, S]: 0 where a place (row) sees another, very negative where not. */
  readonly mask: HostTensor<'float32'>;
  /** int64 [N]: the places, of all B * S, after which an answer's token is due. */
  readonly targets: HostTensor<'int64'>;
  /** int64 [N]: that token. */
  readonly labels: HostTensor<'int64'>;
  /** float32 [N, B * K]: 1 where the object is of the place's image. */
  readonly 'own objects': HostTensor<'float32'>;
  /** float32 [B * K, vocabSize]: 1 at the index token of each object. */
  readonly 'object tokens': HostTensor<'float32'>;
}

export interface PackSizes {
  readonly vocabSize: number;
  /** Image tokens per image (T). */
  readonly imageTokens: number;
  /** Object tokens per image (K), as `boxFeeds` of the batch has them. */
  readonly boxes: number;
  /** Places per sequence (S); as many as the longest image needs by default. */
  readonly sequence?: number;
}

const hidden = -1e9;

/** @throws ChatRexError 'limit-exceeded' when an image's texts do not fit the sequence */
export function packTexts(images: readonly ImageTexts[], sizes: PackSizes): TextFeeds {
  const prefixes = images.map(({ prefix }, b) => prefixSlots(prefix, b, images.length, sizes));
  const lengths = images.map(({ texts }, b) => texts.reduce((sum, { ids }) => sum + ids.length, prefixes[b].length));
  const longest = Math.max(...lengths);
  const { sequence = longest } = sizes;
  if (longest > sequence) {
    throw new ChatRexError(
      'limit-exceeded',
      `the texts of an image take ${longest} places of ${sequence}; leave some out`,
    );
  }
  const batch = images.length;
  const slots = hostTensor('int64', [batch, sequence]);
  const indices = hostTensor('int64', [batch, sequence]);
  indices.data.fill(BigInt(sizes.vocabSize));
  const mentions = hostTensor('int64', [batch, sequence]);
  mentions.data.fill(BigInt(batch * sizes.boxes));
  const positions = hostTensor('int64', [batch, sequence]);
  const mask = hostTensor('float32', [batch, 1, sequence, sequence]);
  mask.data.fill(hidden);
  const targets: number[] = [];
  const labels: number[] = [];
  const imageOf: number[] = [];
  const objectTokens = hostTensor('float32', [batch * sizes.boxes, sizes.vocabSize]);
  images.forEach(({ prefix, texts }, b) => {
    const objectOf = objectsByIndexToken(prefix);
    for (const [id, object] of objectOf) objectTokens.data[(b * sizes.boxes + object) * sizes.vocabSize + id] = 1;
    const start = b * sequence;
    const show = (place: number, from: number, to: number) =>
      mask.data.fill(0, (start + place) * sequence + from, (start + place) * sequence + to);
    let next = 0;
    const put = (slot: number, position: number, index = sizes.vocabSize) => {
      slots.data[start + next] = BigInt(slot);
      indices.data[start + next] = BigInt(index);
      positions.data[start + next] = BigInt(position);
      return next++;
    };
    for (const { slot, index } of prefixes[b]) {
      const place = put(slot, next, index);
      show(place, 0, place + 1);
    }
    const prefixLength = next;
    for (const { ids, isTarget } of texts) {
      const first = next;
      ids.forEach((id, i) => {
        const place = put(id, prefixLength + i);
        const object = objectOf.get(id);
        if (object !== undefined) mentions.data[start + place] = BigInt(b * sizes.boxes + object);
        show(place, 0, prefixLength);
        show(place, first, place + 1);
        if (!isTarget[i]) return;
        targets.push(start + (i === 0 ? prefixLength : place) - 1);
        labels.push(id);
        imageOf.push(b);
      });
    }
    // Padding sees itself: a row that sees nothing has no softmax.
    for (let place = next; place < sequence; place++) show(place, place, place + 1);
  });
  const ownObjects = hostTensor('float32', [targets.length, batch * sizes.boxes]);
  imageOf.forEach((b, n) => {
    const row = n * batch * sizes.boxes;
    ownObjects.data.fill(1, row + b * sizes.boxes, row + (b + 1) * sizes.boxes);
  });
  const list = (values: number[]) => hostTensor('int64', [values.length], values);
  return {
    ...{ slots, indices, mentions, positions, mask },
    ...{ targets: list(targets), labels: list(labels) },
    ...{ 'own objects': ownObjects, 'object tokens': objectTokens },
  };
}

/** The places of a prefix, in order; `index` at objects. */
function prefixSlots(
  prefix: readonly PromptSegment[],
  image: number,
  batch: number,
  sizes: PackSizes,
): { slot: number; index?: number }[] {
  const { vocabSize, imageTokens, boxes } = sizes;
  const objectsStart = vocabSize + batch * imageTokens;
  return prefix.flatMap((segment) => {
    if (segment.kind === 'tokens') return segment.ids.map((slot) => ({ slot }));
    if (segment.kind === 'object') {
      return [{ slot: segment.id }, { slot: objectsStart + image * boxes + segment.index, index: segment.id }];
    }
    return Array.from({ length: imageTokens }, (_, i) => ({ slot: vocabSize + image * imageTokens + i }));
  });
}
