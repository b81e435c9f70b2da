/**
 * How the linear layers of a language model are stored, and which of them read and write.
 *
 * In int4 every weight is a nibble, which is what writing wants: a token reads all weights, and memory is slow. Reading
 * hundreds of tokens is a matter of products, and those of int8 are more than twice as fast. `int4+int8` stores layers
 * in both: three times the memory of int4.
 */

import { createScope, type LinearFormat, type Scope } from '../nn/scope.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { constant } from '../tensor/ops/constant.ts';
import { dynamicQuantizedMatmul } from '../tensor/ops/dynamic-quantized-matmul.ts';
import { input } from '../tensor/ops/input.ts';
import { int4BlockSize, matmulInt4 } from '../tensor/ops/matmul-nbits.ts';
import type { Tensor } from '../tensor/tensor.ts';

export const quantizedLanguageFormats = ['int4', 'int8', 'int4+int8'] as const;

export type QuantizedLanguageFormat = (typeof quantizedLanguageFormats)[number];

export type LanguageFormat = 'float' | QuantizedLanguageFormat;

/** How layers are stored that write, and that read where there is one form for both. */
export const writingFormat = (format: LanguageFormat): LinearFormat => (format === 'int4+int8' ? 'int4' : format);

export const writingScope = (format: LanguageFormat): Scope => createScope().withLinearFormat(writingFormat(format));

/** The output layer reads one token, so it has no second form. */
export const readingScope = (): Scope =>
  createScope(undefined, (layer) => (layer === 'lm_head' ? 'int4' : undefined)).withLinearFormat('int8');

/** Where a file that has int4 as well holds a part of an int8 weight: scales of both would have one name. */
export const readingName = (name: string): string => name.replace(/\.weight_scales$/, '.weight_q8_scales');

/** A file's weights under the names that the parameters of `readingScope` have. */
export function readingWeights<Weight>(weights: ReadonlyMap<string, Weight>): Map<string, Weight> {
  const renamed = new Map(weights);
  for (const [name, weight] of weights) {
    if (name.endsWith('.weight_q8_scales')) renamed.set(name.replace('weight_q8_scales', 'weight_scales'), weight);
  }
  return renamed;
}

/** From this many tokens on the int8 form reads faster; below, fetching twice the bytes costs more. */
export const fewestTokensInInt8 = 16;

/** By how much int8 has to be faster to be worth its memory. */
const leastGain = 1.1;

/**
 * Whether this processor multiplies many rows faster in int8 than in int4: both are timed once per process, in turns,
 * on a small matrix. Without instructions for bytes the two are close.
 */
export function readsFasterInInt8(): Promise<boolean> {
  gain ??= measureGain();
  return gain.then((times) => times > leastGain);
}

let gain: Promise<number> | undefined;

async function measureGain(): Promise<number> {
  const [rows, width] = [256, 512];
  const x = input('x', 'float32', [rows, width]);
  const blocks = width / int4BlockSize;
  const int4 = matmulInt4(
    x,
    constant('uint8', [width, blocks, int4BlockSize / 2], new Uint8Array((width * width) / 2).fill(0x79)),
    constant('float32', [width, blocks], new Float32Array(width * blocks).fill(1)),
  );
  const int8 = dynamicQuantizedMatmul(
    x,
    constant('int8', [width, width], new Int8Array(width * width).fill(1)),
    constant('float32', [width], new Float32Array(width).fill(1)),
  );
  const feeds = { x: hostTensor('float32', [rows, width], new Float32Array(rows * width).fill(1)) };
  const sessions = await Promise.all([int4, int8].map((y: Tensor) => Session.create({ y }, new Map(), { threads: 1 })));
  const times: number[][] = [[], []];
  for (let round = 0; round < 7; round++) {
    for (const [i, session] of sessions.entries()) {
      const start = performance.now();
      await session.run(feeds);
      times[i].push(performance.now() - start);
    }
  }
  await Promise.all(sessions.map((session) => session.dispose()));
  const [slow, fast] = times.map((list) => list.toSorted((a, b) => a - b)[list.length >> 1]);
  return slow / fast;
}
