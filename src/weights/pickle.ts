/**
 * Reads pickles that hold plain data: a small stack machine for the opcodes of protocols 0 to 5 that build numbers,
 * strings, lists, tuples, sets and dicts. Nothing is imported or executed: a global is looked up in the caller's own
 * table, and whatever is not there is kept as a name. Agrees with CPython's pickletools on the opcodes it knows.
 */

import { ChatRexError } from '../errors.ts';

/** A Python function or class that the caller implements. */
export type PickleFunction = (args: readonly PickleValue[]) => PickleValue;

/** What a pickle can hold here: lists are arrays, dicts are maps, everything that the caller adds is an object. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | Map<PickleValue, PickleValue>
  | PickleFunction
  | PickleObject;

/** A Python tuple, told apart from a list. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** Base of the objects that a caller's functions put into the result. */
export abstract class PickleObject {
  readonly isPickleObject = true;
}

/**
 * An object of a Python class that the host does not know. It is never built: its name is all that is kept, so that
 * what lies beside it can be read, and whoever wants the object itself can be told what it is.
 */
export class PickleUnknown extends PickleObject {
  readonly className: string;

  constructor(className: string) {
    super();
    this.className = className;
  }
}

/** What stands outside the pickle itself. */
export interface PickleHost {
  /** Names the pickle in messages. */
  readonly label: string;
  /** The object under a Python global such as `torch.FloatStorage`; undefined makes it a `PickleUnknown`. */
  findGlobal(qualifiedName: string): PickleValue | undefined;
  /** The object under a persistent id. */
  loadPersistent(id: PickleValue): PickleValue;
  /** More operations than the default, for files that hold data and not tensors. */
  readonly maxOperations?: number;
}

/** Room for a 2,048-bit integer; random number generators keep 128-bit ones. */
const maxIntegerBytes = 256;

/**
 * Bounds memory and time: an operation is one byte of pickle and up to some 200 bytes of objects. A tensor of a state
 * dict takes about 30, so this is room for 33,000 tensors.
 */
const maxOperations = 1_000_000;

/**
 * The one value that a pickle holds.
 *
 * @throws ChatRexError 'invalid-file' for a malformed pickle; 'limit-exceeded' past a million operations
 */
export function unpickle(bytes: Uint8Array, host: PickleHost): PickleValue {
  const machine = new Machine(bytes, host);
  const limit = host.maxOperations ?? maxOperations;
  for (let operations = 0; operations < limit; operations++) {
    const opcode = machine.byte();
    if (opcode === stopOpcode) return machine.finish();
    const run = opcodes.get(opcode);
    if (run === undefined) machine.refuse(`unknown opcode 0x${opcode.toString(16).padStart(2, '0')}`);
    else run(machine);
  }
  throw new ChatRexError('limit-exceeded', `${host.label} has more than the ${limit} pickle operations allowed`);
}

/** The stack machine: bytes in, a stack of values, and a memo of values met before. */
class Machine {
  readonly host: PickleHost;
  readonly memo = new Map<number, PickleValue>();
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private position = 0;
  private stack: PickleValue[] = [];
  /** The stacks below open marks. */
  private readonly suspended: PickleValue[][] = [];

  constructor(bytes: Uint8Array, host: PickleHost) {
    this.bytes = bytes;
    this.host = host;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  refuse(problem: string): never {
    const place = `${problem} at byte ${this.position}`;
    throw new ChatRexError('invalid-file', `${this.host.label} is not a readable pickle: ${place}; save it again`);
  }

  private advance(count: number): number {
    const start = this.position;
    if (count > this.bytes.byteLength - start) this.refuse('it ends too early');
    this.position += count;
    return start;
  }

  byte(): number {
    return this.bytes[this.advance(1)];
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  /** Big-endian, the one number that is. */
  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  take(count: number): Uint8Array {
    const start = this.advance(count);
    return this.bytes.subarray(start, start + count);
  }

  text(count: number): string {
    return this.decode(this.take(count));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) this.refuse('a line without end');
    const line = this.decode(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return line;
  }

  private decode(bytes: Uint8Array): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return this.refuse('text that is not UTF-8');
    }
  }

  /** A `str` of Python 2: bytes, mostly UTF-8. */
  byteText(count: number): string {
    return this.#lenient(this.take(count));
  }

  #lenient(bytes: Uint8Array): string {
    try {
      return this.decode(bytes);
    } catch {
      return Buffer.from(bytes).toString('latin1');
    }
  }

  /** A `str` of Python 2 as a literal between quotes, with escapes. */
  quotedText(): string {
    const literal = this.line();
    const quote = literal[0];
    if (literal.length < 2 || (quote !== "'" && quote !== '"') || literal.at(-1) !== quote) {
      this.refuse('a text that is not between quotes');
    }
    const escaped = literal.slice(1, -1);
    const bytes = escaped.replace(/\\(x[0-9a-fA-F]{2}|[\s\S])/g, (_, code: string) => {
      if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return plainEscapes[code] ?? `\\${code}`;
    });
    // Escapes are bytes; a literal with other characters is text already.
    return /^[\0-\xff]*$/.test(bytes) ? this.#lenient(Buffer.from(bytes, 'latin1')) : bytes;
  }

  /** Text in which characters beyond ASCII are escaped by `\u` and four digits. */
  escapedText(): string {
    const character = (_: string, code: string) => String.fromCharCode(Number.parseInt(code, 16));
    return this.line().replace(/\\u([0-9a-fA-F]{4})/g, character);
  }

  /** A number in digits; `L` ends a long, and 00 and 01 are truth values. */
  digits(): number | boolean {
    const text = this.line();
    if (text === '00' || text === '01') return text === '01';
    const value = Number(text.replace(/L$/, ''));
    if (text.trim() === '' || Number.isNaN(value)) this.refuse('a number that is not one');
    return value;
  }

  pairs(items: readonly PickleValue[]): Map<PickleValue, PickleValue> {
    if (items.length % 2 !== 0) this.refuse('a dict with a key without value');
    const dict = new Map<PickleValue, PickleValue>();
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
    return dict;
  }

  /** A little-endian two's complement integer; a number where that is exact. */
  integer(count: number): number | bigint {
    if (count > maxIntegerBytes) this.refuse(`an integer of ${count} bytes, at most ${maxIntegerBytes} allowed`);
    const bytes = this.take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    value = BigInt.asIntN(8 * count, value);
    const isExact = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    return isExact ? Number(value) : value;
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    return value === undefined ? this.refuse('a value is missing on the stack') : value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    return value === undefined ? this.refuse('a value is missing on the stack') : value;
  }

  popMany(count: number): PickleValue[] {
    if (count > this.stack.length) this.refuse('a value is missing on the stack');
    return this.stack.splice(this.stack.length - count, count);
  }

  mark(): void {
    this.suspended.push(this.stack);
    this.stack = [];
  }

  popToMark(): PickleValue[] {
    const items = this.stack;
    this.stack = this.suspended.pop() ?? this.refuse('a mark is missing on the stack');
    return items;
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    this.push(value === undefined ? this.refuse(`nothing was remembered as ${index}`) : value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list instanceof PickleUnknown) return;
    if (!Array.isArray(list)) this.refuse('items for something that is not a list');
    else for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (dict instanceof PickleUnknown) return;
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.refuse('items for something that is not a dict');
    else for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  stackGlobal(): void {
    const [module, name] = this.popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') this.refuse('a global whose name is not text');
    else this.pushGlobal(`${module}.${name}`);
  }

  pushGlobal(qualifiedName: string): void {
    this.push(this.host.findGlobal(qualifiedName) ?? new PickleUnknown(qualifiedName));
  }

  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (callee instanceof PickleUnknown && args instanceof PickleTuple) this.push(callee);
    else if (typeof callee !== 'function') this.refuse('a call of something that is not a function');
    else if (!(args instanceof PickleTuple)) this.refuse('a call without a tuple of arguments');
    else this.push(callee(args.items));
  }

  callWithKeywords(): void {
    if (!(this.pop() instanceof Map)) this.refuse('a call without a dict of keywords');
    this.call();
  }

  /** Attributes of an object; not kept. A checkpoint's OrderedDict has some (`_metadata`: versions of modules). */
  dropState(): void {
    this.pop();
    const object = this.top();
    if (!(object instanceof Map || object instanceof PickleUnknown))
      this.refuse('attributes for something that is not a dict');
  }

  finish(): PickleValue {
    const value = this.pop();
    if (this.stack.length > 0 || this.suspended.length > 0) this.refuse('values are left on the stack');
    return value;
  }
}

const stopOpcode = 0x2e;

const plainEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** What each opcode does, named as in CPython's pickle.py. */
const opcodes: ReadonlyMap<number, (m: Machine) => void> = new Map([
  // Frame of the stream
  [0x80, (m) => void m.byte()], // PROTO
  [0x95, (m) => void m.uint64()], // FRAME
  // Constants
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  // Numbers
  [0x4b, (m) => m.push(m.byte())], // BININT1
  [0x4d, (m) => m.push(m.uint16())], // BININT2
  [0x4a, (m) => m.push(m.int32())], // BININT
  [0x8a, (m) => m.push(m.integer(m.byte()))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.uint32()))], // LONG4
  [0x47, (m) => m.push(m.float64())], // BINFLOAT
  // Python 2, protocols 0 and 1
  [0x49, (m) => m.push(m.digits())], // INT
  [0x4c, (m) => m.push(m.digits())], // LONG
  [0x46, (m) => m.push(m.digits())], // FLOAT
  [0x53, (m) => m.push(m.quotedText())], // STRING
  [0x54, (m) => m.push(m.byteText(m.uint32()))], // BINSTRING
  [0x55, (m) => m.push(m.byteText(m.byte()))], // SHORT_BINSTRING
  [0x56, (m) => m.push(m.escapedText())], // UNICODE
  [0x6c, (m) => m.push(m.popToMark())], // LIST
  [0x64, (m) => m.push(m.pairs(m.popToMark()))], // DICT
  [0x70, (m) => m.remember(Number(m.digits()))], // PUT
  [0x67, (m) => m.recall(Number(m.digits()))], // GET
  // Text and bytes
  [0x8c, (m) => m.push(m.text(m.byte()))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.text(m.uint32()))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.uint64()))], // BINUNICODE8
  [0x43, (m) => m.push(m.take(m.byte()))], // SHORT_BINBYTES
  [0x42, (m) => m.push(m.take(m.uint32()))], // BINBYTES
  [0x8e, (m) => m.push(m.take(m.uint64()))], // BINBYTES8
  [0x96, (m) => m.push(m.take(m.uint64()))], // BYTEARRAY8
  // Tuples
  [0x29, (m) => m.push(new PickleTuple([]))], // EMPTY_TUPLE
  [0x85, (m) => m.push(new PickleTuple(m.popMany(1)))], // TUPLE1
  [0x86, (m) => m.push(new PickleTuple(m.popMany(2)))], // TUPLE2
  [0x87, (m) => m.push(new PickleTuple(m.popMany(3)))], // TUPLE3
  [0x74, (m) => m.push(new PickleTuple(m.popToMark()))], // TUPLE
  // Lists and dicts
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  // Sets: their items are no tensors with a name, so a set is a list here
  [0x8f, (m) => m.push([])], // EMPTY_SET
  [0x90, (m) => m.append(m.popToMark())], // ADDITEMS
  [0x91, (m) => m.push(m.popToMark())], // FROZENSET
  // Stack and memo
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => void m.pop()], // POP
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x71, (m) => m.remember(m.byte())], // BINPUT
  [0x72, (m) => m.remember(m.uint32())], // LONG_BINPUT
  [0x94, (m) => m.remember(m.memo.size)], // MEMOIZE
  [0x68, (m) => m.recall(m.byte())], // BINGET
  [0x6a, (m) => m.recall(m.uint32())], // LONG_BINGET
  // Objects
  [0x63, (m) => m.pushGlobal(`${m.line()}.${m.line()}`)], // GLOBAL
  [0x93, (m) => m.stackGlobal()], // STACK_GLOBAL
  [0x52, (m) => m.call()], // REDUCE
  [0x81, (m) => m.call()], // NEWOBJ
  [0x92, (m) => m.callWithKeywords()], // NEWOBJ_EX
  [0x51, (m) => m.push(m.host.loadPersistent(m.pop()))], // BINPERSID
  [0x62, (m) => m.dropState()], // BUILD
]);
