/** How many channels this processor's convolutions take at once, found by asking ONNX Runtime. */

import { blockedDomain } from '../tensor/ops/depthwise-conv.ts';
import { input } from '../tensor/ops/input.ts';
import { apply, type Op, type Tensor } from '../tensor/tensor.ts';
import { type HostTensor, hostTensor } from './host-tensor.ts';

/** Computes one graph on one feed. */
export type Probe = (outputs: { y: Tensor }, feeds: { x: HostTensor }) => Promise<HostTensor>;

/** More than any processor takes, and a multiple of what each does. */
const channels = 64;

/** [1, 64, 1, 2] in blocks, though told as if it lay plainly. */
const inBlocks: Op<null> = {
  name: 'ReorderInput',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }],
  emit: ({ onnx, inputs, outputs }) => onnx.node('ReorderInput', inputs, outputs, { domain: blockedDomain }),
  gradient: { whyNot: 'it only shows how memory is laid out' },
  reference: ([x]) => [x],
};

/**
 * Two pixels of 64 channels, of which the first holds 1 and the second 2, are put into blocks: as many values as are 1
 * before the first 2 are a block. Undefined where ONNX Runtime knows no blocks here (other processors, WebAssembly).
 */
export async function findChannelBlock(probe: Probe): Promise<number | undefined> {
  const x = input('x', 'float32', [1, channels, 1, 2]);
  const values = Float32Array.from({ length: 2 * channels }, (_, i) => 1 + (i % 2));
  try {
    const found = await probe(
      { y: apply(inBlocks, [x], null) },
      { x: hostTensor('float32', x.shape as number[], values) },
    );
    const block = (found.data as Float32Array).indexOf(2);
    const isLaidInBlocks = (found.data as Float32Array).every((value, i) => value === 1 + (Math.floor(i / block) % 2));
    return block > 1 && channels % block === 0 && isLaidInBlocks ? block : undefined;
  } catch {
    return undefined;
  }
}
