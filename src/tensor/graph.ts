/** What a set of outputs depends on: the nodes in order, the inputs to feed and the parameters to load. */

import { ChatRexError } from '../errors.ts';
import { type InputAttributes, inputOp } from './ops/input.ts';
import { type ParameterAttributes, parameterOp } from './ops/parameter.ts';
import type { Node, Tensor } from './tensor.ts';

export interface Graph {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Every node that the outputs need, each after those it depends on. */
  readonly nodes: readonly Node[];
  readonly inputs: ReadonlyMap<string, InputAttributes>;
  readonly parameters: ReadonlyMap<string, ParameterAttributes>;
}

/**
 * @throws ChatRexError when two nodes declare an input or a parameter of one name.
 * @example const { parameters, inputs } = graphOf({ loss });
 */
export function graphOf(outputs: Readonly<Record<string, Tensor>>): Graph {
  const nodes = topologicalOrder(Object.values(outputs));
  const inputs = new Map<string, InputAttributes>();
  const parameters = new Map<string, ParameterAttributes>();
  for (const { op, attributes } of nodes) {
    if (op.name === inputOp.name) claim(inputs, attributes as InputAttributes, 'input');
    if (op.name === parameterOp.name) claim(parameters, attributes as ParameterAttributes, 'parameter');
  }
  return { outputs, nodes, inputs, parameters };
}

function claim<T extends { readonly name: string }>(known: Map<string, T>, one: T, what: string): void {
  if (known.has(one.name)) {
    const fix = what === 'parameter' ? 'take it from one scope' : 'create it once and pass the tensor on';
    throw new ChatRexError('invalid-argument', `two nodes of the graph declare ${what} '${one.name}'; ${fix}`);
  }
  known.set(one.name, one);
}

/** Depth first without recursion: graphs of large models are deeper than the stack. */
export function topologicalOrder(roots: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const visit = (node: Node) => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
  };
  for (const root of roots) {
    visit(root.node);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next === top.node.inputs.length) {
        order.push(top.node);
        stack.pop();
      } else {
        const tensor = top.node.inputs[top.next++];
        if (tensor) visit(tensor.node);
      }
    }
  }
  return order;
}
