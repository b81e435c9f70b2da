/** Cases of ops that work element by element. */

import type { DType } from '../dtype.ts';
import { abs } from '../ops/abs.ts';
import { add } from '../ops/add.ts';
import { and } from '../ops/and.ts';
import { cast } from '../ops/cast.ts';
import { ceil } from '../ops/ceil.ts';
import { clip } from '../ops/clip.ts';
import { cos } from '../ops/cos.ts';
import { divide } from '../ops/divide.ts';
import type { Operand } from '../ops/elementwise.ts';
import { equal } from '../ops/equal.ts';
import { erf } from '../ops/erf.ts';
import { exp } from '../ops/exp.ts';
import { floor } from '../ops/floor.ts';
import { gelu } from '../ops/gelu.ts';
import { greater } from '../ops/greater.ts';
import { greaterOrEqual } from '../ops/greater-or-equal.ts';
import { leakyRelu } from '../ops/leaky-relu.ts';
import { less } from '../ops/less.ts';
import { lessOrEqual } from '../ops/less-or-equal.ts';
import { log } from '../ops/log.ts';
import { maximum } from '../ops/maximum.ts';
import { minimum } from '../ops/minimum.ts';
import { multiply } from '../ops/multiply.ts';
import { negate } from '../ops/negate.ts';
import { not } from '../ops/not.ts';
import { or } from '../ops/or.ts';
import { power } from '../ops/power.ts';
import { quickGelu } from '../ops/quick-gelu.ts';
import { relu } from '../ops/relu.ts';
import { round } from '../ops/round.ts';
import { sigmoid } from '../ops/sigmoid.ts';
import { sign } from '../ops/sign.ts';
import { silu } from '../ops/silu.ts';
import { sin } from '../ops/sin.ts';
import { softplus } from '../ops/softplus.ts';
import { sqrt } from '../ops/sqrt.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { subtract } from '../ops/subtract.ts';
import { tanh } from '../ops/tanh.ts';
import { where } from '../ops/where.ts';
import type { Tensor } from '../tensor.ts';
import { between, booleans, type CaseInput, floats, given, integers, type OpCase, opCase } from './op-case.ts';

const unary = (f: (x: Tensor) => Tensor, draw: (...shape: CaseInput['shape']) => CaseInput = floats): OpCase[] => [
  opCase([draw(2, 3)], f),
  opCase([draw()], f),
  opCase([draw(2, 0)], f),
  opCase([draw('batch', 1, 4)], f),
  opCase([draw('none', 4)], f),
];

const positive = (...shape: CaseInput['shape']): CaseInput => between(0.2, 3, ...shape);

const binary = (f: (a: Operand, b: Operand) => Tensor, drawB = floats): OpCase[] => [
  opCase([floats(2, 3), drawB(2, 3)], f),
  opCase([floats(2, 3), drawB(3)], f),
  opCase([floats(3, 1), drawB(2, 1, 4)], f),
  opCase([floats(), drawB(1, 2)], f),
  opCase([floats(2, 0), drawB(2, 1)], f),
  opCase([floats('batch', 1, 3), drawB('length', 1)], f),
  opCase([floats('none', 2), drawB(2)], f),
  opCase([floats(4)], (x) => f(x, 0.7)),
  opCase([drawB(4)], (x) => f(0.7, x)),
];

/** As binary, and where both sides are equal, and on integers. */
const comparison = (f: (a: Operand, b: Operand) => Tensor): OpCase[] => [
  ...binary(f),
  opCase([given('float32', [4], [1, 2, -1, 0]), given('float32', [4], [1, 1, 1, 0])], f),
  opCase([integers(3, 2, 4), integers(3, 4)], f),
];

const logical = (f: (a: Tensor, b: Tensor) => Tensor): OpCase[] => [
  opCase([booleans(4, 4), booleans(4, 4)], f),
  opCase([booleans('batch', 1), booleans(3)], f),
  opCase([booleans(0, 2), booleans(2)], f),
];

/** Halves among them. */
const rounding = (f: (x: Tensor) => Tensor): OpCase[] => [
  ...unary(f),
  opCase([given('float32', [8], [-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 7])], f),
];

const casts = (to: DType): OpCase[] => [
  opCase([floats(2, 3)], (x) => cast(x, to)),
  opCase([integers(3, 'batch', 3)], (x) => cast(x, to)),
  opCase([booleans(4)], (x) => cast(x, to)),
];

export const elementwiseCases = {
  abs: unary(abs),
  add: [...binary(add), opCase([integers(9, 2), integers(9, 2)], add)],
  and: logical(and),
  cast: [
    ...casts('float32'),
    ...casts('int64'),
    ...casts('int32'),
    ...casts('bool'),
    opCase([floats(0)], (x) => cast(x, 'int64')),
    opCase([given('float32', [3], [0.5, -1.25, 3])], (x) => cast(cast(x, 'float16'), 'float32')),
  ],
  ceil: rounding(ceil),
  clip: [
    ...unary((x) => clip(x, { min: -0.5, max: 0.75 })),
    opCase([floats(9)], (x) => clip(x, { min: 0 })),
    opCase([floats(9)], (x) => clip(x, { max: 0 })),
    opCase([integers(9, 9)], (x) => clip(x, { min: 2, max: 5 })),
  ],
  cos: unary(cos),
  divide: binary(divide, positive),
  equal: comparison(equal),
  erf: unary(erf),
  exp: unary(exp),
  floor: rounding(floor),
  gelu: unary(gelu),
  greater: comparison(greater),
  greaterOrEqual: comparison(greaterOrEqual),
  leakyRelu: unary((x) => leakyRelu(x, 0.1)),
  less: comparison(less),
  lessOrEqual: comparison(lessOrEqual),
  log: unary(log, positive),
  maximum: binary(maximum),
  minimum: binary(minimum),
  multiply: [...binary(multiply), opCase([integers(9, 2), integers(9, 2)], multiply)],
  negate: unary(negate),
  not: [opCase([booleans(4)], not), opCase([booleans('batch', 0)], not)],
  or: logical(or),
  power: [
    ...unary((x) => power(x, 3)),
    ...unary((x) => power(x, 2)),
    ...unary((x) => power(x, -1.5), positive),
    opCase([floats(3)], (x) => power(x, 0)),
  ],
  quickGelu: [...unary((x) => quickGelu(x)), ...unary(silu)],
  relu: unary(relu),
  round: rounding(round),
  sigmoid: [...unary(sigmoid), opCase([given('float32', [2], [-100, 100])], sigmoid)],
  sign: unary(sign),
  sin: unary(sin),
  softplus: [...unary(softplus), opCase([given('float32', [2], [-100, 100])], softplus)],
  sqrt: unary(sqrt, positive),
  stopGradient: unary(stopGradient),
  subtract: binary(subtract),
  tanh: unary(tanh),
  where: [
    opCase([booleans(2, 3), floats(2, 3), floats(2, 3)], where),
    opCase([booleans(3, 1), floats(2, 1, 4), floats(4)], where),
    opCase([booleans('batch', 1), floats(), floats(3)], where),
    opCase([booleans(0, 2), floats(2), floats(1)], where),
    opCase([booleans(4)], (condition) => where(condition, 1, 0)),
  ],
};
