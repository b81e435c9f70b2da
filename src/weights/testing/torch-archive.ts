/** Builds small PyTorch archives by hand, so that tests can damage them in ways that torch.save never would. */

/** An archive's entries by name. */
export type ArchiveEntries = Readonly<Record<string, Uint8Array>>;

/** A zip archive of stored entries; with `zip64` every size and offset is in the zip64 fields, as past 4 GB. */
export function encodeZip(entries: ArchiveEntries, options: { readonly zip64?: boolean } = {}): Buffer {
  const isZip64 = options.zip64 === true;
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(entries)) {
    const nameBytes = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(nameBytes.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt32LE(isZip64 ? 0xffffffff : data.length, 20);
    central.writeUInt32LE(isZip64 ? 0xffffffff : data.length, 24);
    central.writeUInt16LE(nameBytes.length, 28);
    central.writeUInt32LE(isZip64 ? 0xffffffff : offset, 42);
    const extra = isZip64 ? encodeZip64Extra(data.length, offset) : Buffer.alloc(0);
    central.writeUInt16LE(extra.length, 30);
    directory.push(central, nameBytes, extra);
    parts.push(local, nameBytes, Buffer.from(data));
    offset += local.length + nameBytes.length + data.length;
  }
  const directoryBytes = Buffer.concat(directory);
  const count = Object.keys(entries).length;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(isZip64 ? 0xffff : count, 10);
  end.writeUInt32LE(isZip64 ? 0xffffffff : directoryBytes.length, 12);
  end.writeUInt32LE(isZip64 ? 0xffffffff : offset, 16);
  const zip64End = isZip64 ? encodeZip64End(count, directoryBytes.length, offset) : Buffer.alloc(0);
  return Buffer.concat([...parts, directoryBytes, zip64End, end]);
}

function encodeZip64Extra(sizeBytes: number, offset: number): Buffer {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const [i, value] of [sizeBytes, sizeBytes, offset].entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  return extra;
}

/** The zip64 record and the locator that points at it. */
function encodeZip64End(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  for (const [i, value] of [count, count, directoryBytes, directoryOffset].entries()) {
    record.writeBigUInt64LE(BigInt(value), 24 + 8 * i);
  }
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 64);
  return record;
}

/** What a tensor's description in a pickle consists of. */
export interface PickledTensor {
  readonly key?: string;
  readonly storageType?: string;
  readonly count?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
}

/** Pickle of `{"w": tensor}`, by default a float32 vector of two elements. */
export function pickleTensor(tensor: PickledTensor = {}): Buffer {
  const { key = '0', storageType = 'FloatStorage', count = 2, offset = 0, shape = [2], strides = [1] } = tensor;
  const storage = [
    '(',
    text('storage'),
    global('torch', storageType),
    text(key),
    text('cpu'),
    integer(count),
    't',
    'Q',
  ];
  const layout = [integer(offset), tuple(shape), tuple(strides), '\x89', global('collections', 'OrderedDict'), ')R'];
  const rebuilt = [global('torch._utils', '_rebuild_tensor_v2'), '(', ...storage, ...layout, 't', 'R'];
  return Buffer.concat(['\x80\x02', '}', text('w'), ...rebuilt, 's', '.'].map(toBytes));
}

/** A whole archive around a pickle. */
export function encodeTorchArchive(
  pickle: Uint8Array,
  storages: ArchiveEntries,
  options?: { zip64?: boolean },
): Buffer {
  const named = Object.entries(storages).map(([key, data]) => [`archive/data/${key}`, data] as const);
  return encodeZip({ 'archive/data.pkl': pickle, ...Object.fromEntries(named) }, options);
}

/** Pickle bytes from opcodes written as text and parts made by the functions below. */
export function pickle(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map(toBytes));
}

/** BINUNICODE */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([toBytes('X'), length, bytes]);
}

/** GLOBAL */
export function global(module: string, name: string): Buffer {
  return toBytes(`c${module}\n${name}\n`);
}

/** LONG1 of eight bytes */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt16LE(0x088a, 0);
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

function tuple(values: readonly number[]): Buffer {
  return Buffer.concat([toBytes('('), ...values.map(integer), toBytes('t')]);
}

function toBytes(part: string | Buffer): Buffer {
  return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
}
