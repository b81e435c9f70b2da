/** Finds the tensors in the value of a PyTorch checkpoint and names them by their place in it. */

import { ChatRexError } from '../errors.ts';
import { PickleTuple, type PickleValue } from './pickle.ts';
import { TorchTensor } from './torch-pickle.ts';

/** Deeper nesting is a list that contains itself, or no checkpoint. */
const maxDepth = 32;

/** Values that are visited, so that dicts which share dicts cannot multiply without end. */
const maxValues = 1_000_000;

/** Characters of a dotted name; a longer one is no parameter's. */
const maxNameLength = 1000;

/** What a checkpoint's value consists of. */
interface Collected {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly otherValues: readonly string[];
}

/**
 * The tensors of a checkpoint by dotted name, in its own order.
 *
 * @param path names the file in messages
 * @param key looks only under this key of the outermost dict
 * @throws ChatRexError 'not-found' without the key or without any tensor, 'invalid-file' when two tensors get one name,
 *   'limit-exceeded' for runaway nesting
 */
export function collectTensors(path: string, root: PickleValue, key: string | undefined): Collected {
  const tensors = new Map<string, TorchTensor>();
  const otherValues: string[] = [];
  let visited = 0;
  const visit = (value: PickleValue, name: string, depth: number): void => {
    if (depth > maxDepth || ++visited > maxValues || name.length > maxNameLength) {
      const limits = `at most ${maxDepth} levels, ${maxValues} values and names of ${maxNameLength} characters allowed`;
      throw new ChatRexError('limit-exceeded', `${path} is nested too deeply or too widely: ${limits}`);
    }
    if (value instanceof TorchTensor) {
      if (tensors.has(name)) {
        const problem = `two of its tensors are called ${name} once names are joined by dots`;
        throw new ChatRexError('invalid-file', `${path}: ${problem}; save one flat state dict`);
      }
      tensors.set(name, value);
      return;
    }
    const children = listChildren(value);
    if (children === undefined) otherValues.push(name);
    else for (const [child, item] of children) visit(item, name === '' ? child : `${name}.${child}`, depth + 1);
  };
  visit(select(path, root, key), '', 0);
  if (tensors.size > 0) return { tensors, otherValues };
  throw new ChatRexError(
    'not-found',
    `${path} holds no tensors${key === undefined ? '' : ` under ${JSON.stringify(key)}`}`,
  );
}

function select(path: string, root: PickleValue, key: string | undefined): PickleValue {
  if (key === undefined) return root;
  const value = root instanceof Map ? root.get(key) : undefined;
  if (value !== undefined) return value;
  const keys = root instanceof Map ? [...root.keys()].slice(0, 5).map((name) => nameKey(name).slice(0, 100)) : [];
  const came = keys.length > 0 ? `its keys start with ${keys.join(', ')}` : 'it is not a dict';
  throw new ChatRexError('not-found', `${path} has nothing under the key ${JSON.stringify(key)}: ${came}`);
}

/** A container's items by name; undefined for anything else. */
function listChildren(value: PickleValue): [string, PickleValue][] | undefined {
  if (value instanceof Map) return [...value].map(([key, item]) => [nameKey(key), item]);
  const items = value instanceof PickleTuple ? value.items : value;
  return Array.isArray(items) ? items.map((item, i) => [String(i), item]) : undefined;
}

function nameKey(key: PickleValue): string {
  return typeof key === 'object' || typeof key === 'function' ? '(key)' : String(key);
}
