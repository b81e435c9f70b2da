/** Every case of fixtures/ops/torch-ops.json: operations as torch 1.13 and torchvision 0.14 compute them, to 1e-4. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../src/autodiff/gradients.ts';
import { nms } from '../src/boxes/nms.ts';
import { generalizedIou as generalizedIouMatrix, iou } from '../src/boxes/overlap.ts';
import { multiHeadAttention } from '../src/nn/attention.ts';
import { multiScaleDeformableAttention } from '../src/nn/deformable-attention.ts';
import { roiAlign, roiAlignMean } from '../src/nn/roi-align.ts';
import { createScope } from '../src/nn/scope.ts';
import { type HostTensor, hostTensor } from '../src/runtime/host-tensor.ts';
import { Session } from '../src/runtime/session.ts';
import { add } from '../src/tensor/ops/add.ts';
import { constant, filled } from '../src/tensor/ops/constant.ts';
import { conv } from '../src/tensor/ops/conv.ts';
import { gelu } from '../src/tensor/ops/gelu.ts';
import { gridSample } from '../src/tensor/ops/grid-sample.ts';
import { groupNorm } from '../src/tensor/ops/group-norm.ts';
import { layerNorm } from '../src/tensor/ops/layer-norm.ts';
import { multiply } from '../src/tensor/ops/multiply.ts';
import { power } from '../src/tensor/ops/power.ts';
import { quickGelu } from '../src/tensor/ops/quick-gelu.ts';
import { reduceMean } from '../src/tensor/ops/reduce-mean.ts';
import { reduceSum } from '../src/tensor/ops/reduce-sum.ts';
import { reshape } from '../src/tensor/ops/reshape.ts';
import { resize } from '../src/tensor/ops/resize.ts';
import { silu } from '../src/tensor/ops/silu.ts';
import { tanh } from '../src/tensor/ops/tanh.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { adamwStep, createAdamwState } from '../src/training/adamw.ts';
import { crossEntropy, generalizedIou, sigmoidFocalLoss } from '../src/training/losses.ts';

interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
/** What cases may hold; each has some of it. */
interface Case {
  readonly [tensors: string]: Values;
}
interface Settings {
  readonly groups: number;
  readonly size: readonly [number, number];
  readonly output_size: readonly [number, number];
  readonly spatial_scale: number;
  readonly spatial_shapes: readonly [number, number][];
  readonly thr: number;
  readonly labels: readonly number[] | undefined;
  readonly keep: readonly number[];
  readonly target: readonly number[];
  readonly out: number;
  readonly mean: number;
  readonly lr: number;
  readonly weight_decay: number;
  readonly init: readonly number[];
  readonly trace: readonly (readonly number[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/ops/torch-ops.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
};

/** The fields of a case that are no tensors. */
const settingsOf = (name: string): Settings => cases[name] as unknown as Settings;

const tensorOf = ({ shape, data }: Values): Tensor => constant('float32', shape, data);

/** What the graph should give: outputs by name, and the values that torch gave. */
const graph: Record<string, Tensor> = {};
const expected: Record<string, Values> = {};
const weights = new Map<string, { dtype: 'float32'; data: Float32Array }>();

function expectOutput(name: string, output: Tensor, values: Values | number): void {
  graph[name] = output;
  expected[name] = typeof values === 'number' ? { shape: [], data: [values] } : values;
}

/** Cases of one input named `input` and one output. */
const simple: Record<string, (x: Tensor, fields: Case, settings: Settings) => Tensor> = {
  grid_sample_bilinear_zeros_ac_false: (x, { grid }) => gridSample(x, tensorOf(grid)),
  conv2d_s2_p1: (x, { weight, bias }) =>
    conv(x, tensorOf(weight), tensorOf(bias), { strides: [2, 2], pads: [1, 1, 1, 1] }),
  depthwise7_p3: (x, { weight }) => conv(x, tensorOf(weight), null, { pads: [3, 3, 3, 3], groups: 3 }),
  'layer_norm_1e-6': (x, { gamma, beta }) => layerNorm(x, tensorOf(gamma), tensorOf(beta), { epsilon: 1e-6 }),
  group_norm_3: (x, _, { groups }) => groupNorm(x, filled('float32', [6], 1), filled('float32', [6], 0), { groups }),
  gelu_erf: (x) => gelu(x),
  gelu_tanh: (x) => {
    const inner = multiply(add(x, multiply(power(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
    return multiply(multiply(x, 0.5), add(tanh(inner), 1));
  },
  quick_gelu: (x) => quickGelu(x),
  silu,
  mha_8_2: (x, fields) => {
    const scope = createScope();
    for (const [field, name] of [
      ['in_proj_weight', 'in_proj_weight'],
      ['in_proj_bias', 'in_proj_bias'],
      ['out_proj_weight', 'out_proj.weight'],
      ['out_proj_bias', 'out_proj.bias'],
    ]) {
      weights.set(name, { dtype: 'float32', data: Float32Array.from(fields[field].data) });
    }
    return multiHeadAttention(scope, { channels: 8, heads: 2 })(x, x, x);
  },
  interp_bilinear_acFalse: (x, _, { size: [height, width] }) => resize(x, { height, width, mode: 'bilinear' }),
  interp_bilinear_acTrue: (x, _, { size: [height, width] }) =>
    resize(x, { height, width, mode: 'bilinear', alignCorners: true }),
  interp_bicubic: (x, _, { size: [height, width] }) => resize(x, { height, width, mode: 'bicubic' }),
};
for (const [name, build] of Object.entries(simple)) {
  expectOutput(name, build(tensorOf(cases[name].input), cases[name], settingsOf(name)), cases[name].out);
}

for (const aligned of [true, false]) {
  for (const samplingRatio of [-1, 2]) {
    const name = `roi_align_aligned${aligned ? 'True' : 'False'}_sr${samplingRatio}`;
    const { input, rois_batch_xyxy: rois, out } = cases[name];
    const { spatial_scale: spatialScale, output_size } = settingsOf(name);
    // Boxes 0, 1 and 4 are of image 0, the others of image 1; a repetition fills its row.
    const order = [0, 1, 4, 2, 3, 3];
    const pick = ({ shape, data }: Values, from = 0): number[] => {
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      return order.flatMap((k) => data.slice(k * size + from, (k + 1) * size));
    };
    const options = { outputSize: output_size[0], samplingRatio, spatialScale, aligned };
    const [x, boxes] = [tensorOf(input), constant('float32', [2, 3, 4], pick(rois, 1))];
    const regions = roiAlign(x, boxes, options);
    expectOutput(name, regions, { shape: [2, 3, 3, 3, 3], data: pick(out) });
    expectOutput(`${name} mean`, subtractMean(regions, roiAlignMean(x, boxes, options)), {
      shape: [2, 3, 3],
      data: new Array(18).fill(0),
    });
  }
}

/** Mean over the bins minus what is said to be it. */
function subtractMean(regions: Tensor, mean: Tensor): Tensor {
  return add(reduceMean(regions, { axes: [3, 4] }), multiply(mean, -1));
}

{
  const fields = cases.ms_deform_attn_core;
  const inputs = [fields.value, fields.sampling_locations, fields.attention_weights].map(tensorOf);
  const [value, locations, attention] = inputs;
  const y = multiScaleDeformableAttention(
    value,
    settingsOf('ms_deform_attn_core').spatial_shapes,
    locations,
    attention,
  );
  expectOutput('ms_deform_attn_core', y, fields.out);
  const [dValue, dLocations, dWeights] = gradients(reduceSum(multiply(y, tensorOf(fields.grad_out))), inputs);
  expectOutput('gradient by value', dValue, fields.grad_value);
  expectOutput('gradient by locations', dLocations, fields.grad_locations);
  expectOutput('gradient by weights', dWeights, fields.grad_weights);
}
{
  const { a, b, giou } = cases.box_iou;
  const row = (boxes: Values, shape: number[]) => reshape(tensorOf(boxes), shape);
  expectOutput('box_iou', generalizedIou(row(a, [8, 1, 4]), row(b, [1, 9, 4])), giou);
}
{
  const { logits, targets, out } = cases['sigmoid_focal_a.25_g2'];
  const loss = sigmoidFocalLoss(tensorOf(logits), tensorOf(targets));
  expectOutput('sigmoid_focal_a.25_g2', loss, out);
  expectOutput('sigmoid_focal_a.25_g2 mean', reduceMean(loss), settingsOf('sigmoid_focal_a.25_g2').mean);
}
{
  const { target, out } = settingsOf('cross_entropy');
  expectOutput(
    'cross_entropy',
    crossEntropy(tensorOf(cases.cross_entropy.logits), constant('int64', [6], target)),
    out,
  );
}

describe('against torch', () => {
  let results: Record<string, HostTensor>;

  beforeAll(async () => {
    const session = await Session.create(graph, weights);
    results = await session.run({});
    await session.dispose();
  });

  test.each(Object.keys(graph))('%s', (name) => {
    expect(results[name].shape).toEqual(expected[name].shape);
    expectClose(results[name].data as Float32Array, expected[name].data);
  });

  const nmsCases = Object.keys(cases).filter((name) => name.includes('nms'));
  test.each(nmsCases)('%s', (name) => {
    const { boxes, scores } = cases[name];
    const { labels, thr, keep } = settingsOf(name);
    // Boxes of different labels are moved out of each other's reach, as torchvision does it.
    const moved = boxes.data.map((value, i) => value + (labels ? labels[Math.floor(i / 4)] * 1000 : 0));
    expect([...nms(Float32Array.from(moved), scores.data, thr)]).toEqual(keep);
  });

  test('box_iou of arrays', () => {
    const { a, b, iou: expectedIou, giou } = cases.box_iou;
    expectClose(iou(Float64Array.from(a.data), Float64Array.from(b.data)), expectedIou.data);
    expectClose(generalizedIouMatrix(Float64Array.from(a.data), Float64Array.from(b.data)), giou.data);
  });

  test('adamw_3steps_sumsq', () => {
    const { init, lr, weight_decay: weightDecay, trace } = settingsOf('adamw_3steps_sumsq');
    const parameters = new Map([['x', hostTensor('float32', [3], init)]]);
    const state = createAdamwState(['x'], parameters);
    for (const expectedValues of trace) {
      const { data } = parameters.get('x') as HostTensor<'float32'>;
      // The loss is the sum of squares.
      adamwStep(parameters, new Map([['x', data.map((value) => 2 * value)]]), state, lr, {
        group: () => ({ weightDecay }),
      });
      expectClose(data, expectedValues);
    }
  });

  test('no case is left out', () => {
    const elsewhere = [...nmsCases, 'adamw_3steps_sumsq'];
    expect(Object.keys(cases).filter((name) => !(name in graph) && !elsewhere.includes(name))).toEqual([]);
  });
});

function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(actual.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i])));
  }
  expect(worst).toBeLessThan(1e-4);
}
