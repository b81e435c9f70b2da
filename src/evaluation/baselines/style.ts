/**
 * Multimodal models that write coordinates: what they are asked in table 7 of the paper (appendix A.1), and what their
 * answers mean. Nothing is guessed silently: what could not be read is counted.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { ImageSize } from '../../image/rgb-image.ts';

export interface BaselineQuestion {
  readonly prompt: string;
  /** The categories that an answer may name. */
  readonly categories: readonly string[];
}

export interface NamedBox {
  /** One of the categories asked for, spelled as asked. */
  readonly category: string;
  /** In pixels of the original image. */
  readonly boxXyxy: BoxXyxy;
}

export interface BaselineReading {
  readonly boxes: readonly NamedBox[];
  /** Boxes of a name that was not asked for: the instruction was not followed. */
  readonly strays: number;
  /** Objects or boxes that could not be read, an unfinished last one included. */
  readonly malformed: number;
  /** Whether the answer ends in the middle of an object or a box. */
  readonly isCut: boolean;
}

export interface ReadContext {
  readonly categories: readonly string[];
  /** The original image. */
  readonly size: ImageSize;
  /** The size that the model saw, where its coordinates are pixels of that. */
  readonly resized?: ImageSize;
  /** Groma answers with numbers of regions, which its detector lists: boxes in pixels of the original image. */
  readonly regionsXyxy?: readonly BoxXyxy[];
}

export interface BaselineStyle {
  readonly name: string;
  /** How the image is given: squashed to a square of this side, or as it is. */
  readonly squashedTo?: number;
  /** Longest answer in tokens that the authors allow. */
  readonly maxTokens: number;
  /** The questions to ask about one image: one for all categories, or one each. Without categories there is none. */
  questions(categories: readonly string[]): readonly BaselineQuestion[];
  read(answer: string, context: ReadContext): BaselineReading;
}

/** One spelling of a category: small letters, no underscores. */
export const spelled = (name: string): string => name.trim().toLowerCase().replaceAll('_', ' ').replace(/\s+/g, ' ');

/** The category of this name, whatever its case and underscores; a plural `s` is forgiven. */
export function categoryNamed(name: string, categories: readonly string[]): string | undefined {
  const wanted = spelled(name);
  return (
    categories.find((category) => spelled(category) === wanted) ??
    categories.find((category) => `${spelled(category)}s` === wanted)
  );
}

/** Leaves out boxes that repeat an earlier one of the same category. */
export function withoutDoubles(boxes: readonly NamedBox[]): NamedBox[] {
  const seen = new Set<string>();
  return boxes.filter(({ category, boxXyxy }) => {
    const key = `${category} ${boxXyxy.join(' ')}`;
    return !seen.has(key) && seen.add(key);
  });
}
