/** The data of a run: data sets by weight, opened once in every thread, and which sample each position of a step is. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Dataset, DatasetSpec, OpenContext } from '../datasets/dataset.ts';
import type { Mixture, MixturePart } from '../datasets/mixture-spec.ts';
import { createOrder, type Draw, type Order } from '../datasets/order.ts';
import { datasetSpecSchema } from '../datasets/spec.ts';
import { openDataset } from '../open-dataset.ts';

/** Data that figures are taken on while a run trains: the first `count` samples. */
export interface Validation {
  readonly data: DatasetSpec;
  readonly count: number;
}

export const validationSchema = z.strictObject({
  data: datasetSpecSchema,
  count: z.int().positive(),
});

export interface OpenedMixture {
  readonly parts: readonly (MixturePart & { readonly dataset: Dataset })[];
  readonly order: Order;
  /** Of all data sets: a run refuses to resume on other data. */
  readonly fingerprint: string;
  close(): Promise<void>;
}

export async function openMixture(mixture: Mixture, seed: number, context: OpenContext): Promise<OpenedMixture> {
  const parts: (MixturePart & { dataset: Dataset })[] = [];
  const close = async () => {
    await Promise.all(parts.map(({ dataset }) => dataset.close()));
  };
  try {
    for (const part of mixture) parts.push({ ...part, dataset: await openDataset(part.data, context) });
    const order = createOrder(
      seed,
      parts.map(({ dataset: { size }, weight }) => ({ size, weight })),
    );
    const hash = createHash('sha256');
    for (const { dataset, weight } of parts) hash.update(`${dataset.fingerprint} ${weight}\n`);
    return { parts, order, fingerprint: hash.digest('hex').slice(0, 16), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** How a step is divided. */
export interface StepLayout {
  readonly parts: number;
  readonly batchSize: number;
}

/** Positions of one part of a step: no two parts and no two steps share any. */
export function positionsOf(step: number, part: number, { parts, batchSize }: StepLayout): number[] {
  return Array.from({ length: batchSize }, (_, i) => (step * parts + part) * batchSize + i);
}

/** The data set of a draw. */
export const datasetOf = ({ parts }: OpenedMixture, { part }: Draw): Dataset => parts[part].dataset;
