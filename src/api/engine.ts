/** `chatrex/engine`: graphs with gradients on ONNX Runtime, layers, weights and the optimizer. */

export { gradients } from '../autodiff/gradients.ts';
export { linear } from '../nn/linear.ts';
export { createScope, type Scope } from '../nn/scope.ts';
export { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
export { type Feeds, Session, type SessionOptions } from '../runtime/session.ts';
export { type Graph, graphOf } from '../tensor/graph.ts';
export * from '../tensor/ops/index.ts';
export type { Tensor } from '../tensor/tensor.ts';
export { adamwStep, createAdamwState } from '../training/adamw.ts';
export { GradientSession } from '../training/gradient-session.ts';
export { initializeParameters, type ParameterSet, storedParameters } from '../training/parameters.ts';
export { openSafetensors } from '../weights/safetensors.ts';
export { writeSafetensors } from '../weights/safetensors-writer.ts';
