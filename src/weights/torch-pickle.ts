/**
 * The Python globals that a PyTorch checkpoint of tensors names, and what each stands for here. Agrees with the
 * functions of the same names in torch/_utils.py and with the persistent ids of torch/serialization.py.
 */

import { ChatRexError } from '../errors.ts';
import { elementCount, itemSizeBytes, type WeightDtype } from './dtype.ts';
import {
  type PickleFunction,
  type PickleHost,
  PickleObject,
  PickleTuple,
  PickleUnknown,
  type PickleValue,
} from './pickle.ts';

/** A block of memory that tensors share; `data/<key>` in the archive. */
export class TorchStorage extends PickleObject {
  readonly key: string;
  readonly byteLength: number;
  /** Undefined for untyped storages, whose tensors say what they are. */
  readonly dtype: WeightDtype | undefined;

  constructor(key: string, byteLength: number, dtype: WeightDtype | undefined) {
    super();
    this.key = key;
    this.byteLength = byteLength;
    this.dtype = dtype;
  }
}

/** A view of a storage; offset and strides count elements. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly dtype: WeightDtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(
    storage: TorchStorage,
    dtype: WeightDtype,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    super();
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A class of storages, such as torch.FloatStorage. */
class TorchStorageType extends PickleObject {
  readonly dtype: WeightDtype | undefined;

  constructor(dtype: WeightDtype | undefined) {
    super();
    this.dtype = dtype;
  }
}

/** An element type, such as torch.float32. */
class TorchDtype extends PickleObject {
  readonly dtype: WeightDtype;

  constructor(dtype: WeightDtype) {
    super();
    this.dtype = dtype;
  }
}

const storageTypes: Readonly<Record<string, WeightDtype>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

const dtypes: readonly WeightDtype[] = [...Object.values(storageTypes), 'uint16', 'uint32', 'uint64'];

/** What reads the pickle of a PyTorch checkpoint. @param label names the file in messages */
export function createTorchHost(label: string): PickleHost {
  const refuse = (problem: string): never => {
    throw new ChatRexError('invalid-file', `${label} is not a readable PyTorch checkpoint: ${problem}; save it again`);
  };
  const globals = createGlobals(refuse);
  return {
    label,
    findGlobal: (qualifiedName) => globals.get(qualifiedName),
    loadPersistent: (id) => loadStorage(id, refuse),
  };
}

function createGlobals(refuse: (problem: string) => never): ReadonlyMap<string, PickleValue> {
  const rebuildTensor: PickleFunction = (args) => createTensor(args, refuse);
  const rebuildTypedTensor: PickleFunction = (args) => createTensor(args, refuse, args[6]);
  // (tensor, requires_grad, hooks): a parameter is its tensor.
  const rebuildParameter: PickleFunction = ([tensor]) =>
    tensor instanceof TorchTensor || tensor instanceof PickleUnknown ? tensor : refuse('a parameter without a tensor');
  return new Map<string, PickleValue>([
    ['collections.OrderedDict', ([pairs]) => createOrderedDict(pairs, refuse)],
    ['collections.defaultdict', () => new Map()],
    ['torch.Size', ([sizes]) => (sizes instanceof PickleTuple ? sizes : refuse('a torch.Size without sizes'))],
    ['torch._utils._rebuild_tensor', rebuildTensor],
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_tensor_v3', rebuildTypedTensor],
    ['torch._utils._rebuild_parameter', rebuildParameter],
    ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
    ['torch.storage.UntypedStorage', new TorchStorageType(undefined)],
    ...Object.entries(storageTypes).map(([name, dtype]) => [`torch.${name}`, new TorchStorageType(dtype)] as const),
    ...dtypes.map((dtype) => [`torch.${dtype}`, new TorchDtype(dtype)] as const),
  ]);
}

/** `OrderedDict()` or `OrderedDict([[key, value], ...])`. */
function createOrderedDict(pairs: PickleValue | undefined, refuse: (problem: string) => never): PickleValue {
  const dict = new Map<PickleValue, PickleValue>();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) return refuse('an OrderedDict of something that is not a list');
  for (const pair of pairs) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) return refuse('an OrderedDict with an item that is not a pair');
    dict.set(items[0], items[1]);
  }
  return dict;
}

/** `('storage', type, key, device, element count)`; an untyped storage counts bytes. */
function loadStorage(id: PickleValue, refuse: (problem: string) => never): TorchStorage | PickleUnknown {
  const [kind, type, key, , count] = id instanceof PickleTuple ? id.items : [];
  if (type instanceof PickleUnknown) return type;
  if (kind !== 'storage' || !(type instanceof TorchStorageType) || typeof key !== 'string' || !isSize(count)) {
    return refuse('a storage that is not described as torch.save does');
  }
  const byteLength = count * (type.dtype === undefined ? 1 : itemSizeBytes(type.dtype));
  return new TorchStorage(key, byteLength, type.dtype);
}

/** `(storage, offset, sizes, strides, ...)`. */
function createTensor(
  [storage, offset, sizes, steps]: readonly PickleValue[],
  refuse: (problem: string) => never,
  type?: PickleValue,
): TorchTensor | PickleUnknown {
  if (storage instanceof PickleUnknown) return storage;
  if (type instanceof PickleUnknown) return type;
  if (!(storage instanceof TorchStorage) || !isSize(offset)) return refuse('a tensor without a storage');
  const dtype = type instanceof TorchDtype ? type.dtype : storage.dtype;
  if (dtype === undefined) return refuse('a tensor without an element type');
  const shape = sizes instanceof PickleTuple ? sizes.items : [];
  const strides = steps instanceof PickleTuple ? steps.items : [];
  const areSizes = sizes instanceof PickleTuple && shape.every(isSize) && strides.every(isSize);
  if (!areSizes || shape.length !== strides.length) return refuse('a tensor without sizes and strides');
  const tensor = new TorchTensor(storage, dtype, offset, shape as number[], strides as number[]);
  if (elementCount(tensor.shape) > 0 && !isInside(tensor)) refuse('a tensor that reaches past the end of its storage');
  return tensor;
}

function isInside({ storage, dtype, offset, shape, strides }: TorchTensor): boolean {
  const last = shape.reduce((index, size, axis) => index + (size - 1) * strides[axis], offset);
  return (last + 1) * itemSizeBytes(dtype) <= storage.byteLength;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
