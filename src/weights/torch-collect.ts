/** Finds the tensors in the value of a PyTorch checkpoint and names them by their place in it. */

import { ChatRexError } from '../errors.ts';
import { PickleTuple, PickleUnknown, type PickleValue } from './pickle.ts';
import { TorchTensor } from './torch-pickle.ts';

/** Deeper nesting is a list that contains itself, or no checkpoint. */
const maxDepth = 32;

/** Values that are visited, so that dicts which share dicts cannot multiply without end. */
const maxValues = 1_000_000;

/** Characters of a dotted name; a longer one is no parameter's. */
const maxNameLength = 1000;

/** Keys under which trainers keep the weights. */
const weightKeys = ['model', 'state_dict', 'model_state_dict', 'module', 'net', 'network', 'weights'];

/** Keys under which they keep what only resuming needs. */
const trainerKey = /^(optim|lr_?sched|sched|(grad_?|loss_?)?scaler|amp\b|rng|random|callbacks|loops|best_|hyper_)/i;

/** Python objects that say something about a run and hold no weights. */
const harmless =
  /^(argparse\.Namespace|_codecs\.encode|(builtins|__builtin__)\.(set|frozenset|complex|bytearray|slice|range|object)|numpy\.(\w+\.)*(scalar|dtype|bool_?|generic|(u?int|float)\d+)|torch\.(device|memory_format|layout|torch_version\.TorchVersion)|collections\.(deque|Counter)|copyreg\._reconstructor|pathlib\.\w+|datetime\.\w+|decimal\.Decimal|fractions\.Fraction|uuid\.UUID)$/;

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
 * @throws ChatRexError 'not-found' without the key or without any tensor; 'invalid-file' when two tensors get one name,
 *   and for a Python object that may hold weights; 'limit-exceeded' for runaway nesting
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
    if (value instanceof PickleUnknown && !harmless.test(value.className)) refuseUnknown(path, value, name);
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

function refuseUnknown(path: string, { className }: PickleUnknown, name: string): never {
  const shown = JSON.stringify(className.slice(0, 100));
  const where = name === '' ? 'names' : `names at ${JSON.stringify(name.slice(0, 100))}`;
  const message = `${path} ${where} the Python global ${shown}; only tensors and containers are read, nothing is run`;
  const fix =
    'save the state dict alone with torch.save(model.state_dict(), path), or take one part of the file by its key';
  throw new ChatRexError('invalid-file', `${message}: ${fix}`);
}

/**
 * The key of the outermost dict under which a training checkpoint keeps its weights; undefined for a plain state dict.
 *
 * @throws ChatRexError 'invalid-argument' when several may be meant
 */
export function findWeightsKey(path: string, root: PickleValue): string | undefined {
  if (!(root instanceof Map)) return undefined;
  const entries = [...root].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
  const isFlat = entries.some(([, value]) => value instanceof TorchTensor);
  const holders = entries.filter(([, value]) => holdsTensors(value)).map(([key]) => key);
  const parts = holders.filter((key) => !trainerKey.test(key));
  const isUsual = parts.some((key) => weightKeys.includes(key));
  const isTraining = entries.some(([key]) => trainerKey.test(key)) && !isFlat;
  if (!isTraining && (isFlat || !isUsual)) return undefined;
  if (parts.length === 1) return parts[0];
  const listed = parts
    .map((key) => `'${key.slice(0, 100)}'`)
    .slice(0, 5)
    .join(', ');
  const problem = `${path} is a training checkpoint with ${parts.length === 0 ? 'no weights' : `tensors under ${listed}`}`;
  const example = parts.find((key) => weightKeys.includes(key)) ?? parts[0] ?? 'model';
  throw new ChatRexError('invalid-argument', `${problem}: choose one with --key, for example --key ${example}`);
}

/** Whether a container has a tensor somewhere in it. */
function holdsTensors(root: PickleValue): boolean {
  const open = (listChildren(root) ?? []).map(([, value]) => value);
  for (let visited = 0; open.length > 0 && visited < maxValues; visited++) {
    const value = open.pop() as PickleValue;
    if (value instanceof TorchTensor) return true;
    for (const [, child] of listChildren(value) ?? []) if (open.length < maxValues) open.push(child);
  }
  return false;
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
