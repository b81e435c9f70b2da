/**
 * Cuts a graph in two that run one after the other: what some early outputs need, and the rest, which reads what the
 * first part has computed. Set-prediction losses need this: between predictions and loss, objects are matched on the
 * host.
 */

import { ChatRexError } from '../errors.ts';
import { topologicalOrder } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import { applyAll, type Node, type Tensor } from '../tensor/tensor.ts';

export interface CutGraph {
  /** Outputs of the first part: the early outputs under their names, and the values that the second part reads. */
  readonly first: Readonly<Record<string, Tensor>>;
  /** The later outputs, with inputs in place of what the first part has computed. */
  readonly second: Readonly<Record<string, Tensor>>;
  /** Names of the outputs of `first` that are inputs of `second`. */
  readonly passed: readonly string[];
}

/** Cheap views, computed again on the other side rather than handed over as copies. */
const isView = ({ op }: Node): boolean => op.name === 'Reshape' || op.name === 'StopGradient';

const isLeaf = ({ inputs }: Node): boolean => inputs.length === 0;

/**
 * @throws ChatRexError when a handed-over value has a symbolic shape that no input of the second part could declare.
 */
export function cutGraph(early: Readonly<Record<string, Tensor>>, late: Readonly<Record<string, Tensor>>): CutGraph {
  const before = new Set(topologicalOrder(Object.values(early)));
  const first: Record<string, Tensor> = { ...early };
  const replaced = new Map<Tensor, Tensor>();
  const passed: string[] = [];
  const standIn = (tensor: Tensor): Tensor => {
    const known = replaced.get(tensor);
    if (known) return known;
    if (isLeaf(tensor.node)) return tensor;
    const name = `passed ${passed.length}`;
    if (tensor.shape.some((dim) => typeof dim === 'string' && !/^\w+$/.test(dim))) {
      throw new ChatRexError(
        'unsupported',
        `cannot hand over a tensor of shape [${tensor.shape}] between two sessions`,
      );
    }
    const created = isView(tensor.node)
      ? rebuilt(tensor.node, standIn)[tensor.index]
      : input(name, tensor.dtype, tensor.shape);
    if (!isView(tensor.node)) {
      passed.push(name);
      first[name] = tensor;
    }
    replaced.set(tensor, created);
    return created;
  };
  const resolve = (tensor: Tensor): Tensor =>
    before.has(tensor.node) ? standIn(tensor) : (replaced.get(tensor) ?? tensor);
  for (const node of topologicalOrder(Object.values(late))) {
    if (before.has(node) || isLeaf(node)) continue;
    if (node.inputs.every((tensor) => !tensor || resolve(tensor) === tensor)) continue;
    rebuilt(node, resolve).forEach((tensor, i) => {
      replaced.set(node.outputs[i], tensor);
    });
  }
  const second = Object.fromEntries(Object.entries(late).map(([name, tensor]) => [name, resolve(tensor)]));
  return { first, second, passed };
}

const rebuilt = (node: Node, resolve: (tensor: Tensor) => Tensor): readonly Tensor[] =>
  applyAll(
    node.op,
    node.inputs.map((tensor) => tensor && resolve(tensor)),
    node.attributes as never,
  );
