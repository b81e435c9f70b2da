/** Several questions about each image of a batch as one sequence per image: what the training graph reads. */

import { ChatRexError } from '../errors.ts';
import type { PromptSegment } from '../prompt/conversation.ts';
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
  /** int64 [W]: the tokens that the batch is made of, each once. A step reads their embeddings and no others. */
  readonly words: HostTensor<'int64'>;
  /**
   * int64 [B, S]: a row of `words`, or W + a row of all image tokens [B * T], or, after those, of all object tokens [B
   * * K].
   */
  readonly slots: HostTensor<'int64'>;
  /** int64 [B, S] */
  readonly positions: HostTensor<'int64'>;
  /** float32 [B, 1, S, S]: 0 where a place (row) sees another, very negative where not. */
  readonly mask: HostTensor<'float32'>;
  /** int64 [N]: the places, of all B * S, after which an answer's token is due. */
  readonly targets: HostTensor<'int64'>;
  /** int64 [N]: that token. */
  readonly labels: HostTensor<'int64'>;
}

export interface PackSizes {
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
  const rowOf = wordRows(images);
  const prefixes = images.map(({ prefix }, b) => prefixSlots(prefix, rowOf, b, images.length, sizes));
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
  const positions = hostTensor('int64', [batch, sequence]);
  const mask = hostTensor('float32', [batch, 1, sequence, sequence]);
  mask.data.fill(hidden);
  const targets: number[] = [];
  const labels: number[] = [];
  images.forEach(({ texts }, b) => {
    const start = b * sequence;
    const show = (place: number, from: number, to: number) =>
      mask.data.fill(0, (start + place) * sequence + from, (start + place) * sequence + to);
    let next = 0;
    const put = (slot: number, position: number) => {
      slots.data[start + next] = BigInt(slot);
      positions.data[start + next] = BigInt(position);
      return next++;
    };
    for (const slot of prefixes[b]) {
      const place = put(slot, next);
      show(place, 0, place + 1);
    }
    const prefixLength = next;
    for (const { ids, isTarget } of texts) {
      const first = next;
      ids.forEach((id, i) => {
        const place = put(rowOf.get(id) as number, prefixLength + i);
        show(place, 0, prefixLength);
        show(place, first, place + 1);
        if (!isTarget[i]) return;
        targets.push(start + (i === 0 ? prefixLength : place) - 1);
        labels.push(id);
      });
    }
    // Padding sees itself: a row that sees nothing has no softmax.
    for (let place = next; place < sequence; place++) show(place, place, place + 1);
  });
  const list = (values: readonly number[]) => hostTensor('int64', [values.length], values);
  return { words: list([...rowOf.keys()]), slots, positions, mask, targets: list(targets), labels: list(labels) };
}

/** Every token of a batch, in the order in which they first come -> its row among the words of the batch. */
function wordRows(images: readonly ImageTexts[]): ReadonlyMap<number, number> {
  const rows = new Map<number, number>();
  const take = (id: number) => {
    if (!rows.has(id)) rows.set(id, rows.size);
  };
  for (const { prefix, texts } of images) {
    for (const segment of prefix) {
      if (segment.kind === 'tokens') segment.ids.forEach(take);
      else if (segment.kind === 'object') take(segment.id);
    }
    for (const { ids } of texts) ids.forEach(take);
  }
  return rows;
}

/** What is at the places of a prefix, in order. */
function prefixSlots(
  prefix: readonly PromptSegment[],
  rowOf: ReadonlyMap<number, number>,
  image: number,
  batch: number,
  { imageTokens, boxes }: PackSizes,
): number[] {
  const imagesStart = rowOf.size;
  const objectsStart = imagesStart + batch * imageTokens;
  const row = (id: number) => rowOf.get(id) as number;
  return prefix.flatMap((segment) => {
    if (segment.kind === 'tokens') return segment.ids.map(row);
    if (segment.kind === 'object') return [row(segment.id), objectsStart + image * boxes + segment.index];
    return Array.from({ length: imageTokens }, (_, i) => imagesStart + image * imageTokens + i);
  });
}
