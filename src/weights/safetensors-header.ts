/**
 * Parses and checks a safetensors header. Agrees with the format's reference implementation (huggingface/safetensors):
 * the tensors must fill the data section exactly, without gap or overlap, and no key may occur twice.
 */

import { ChatRexError } from '../errors.ts';
import { describeTensor, tensorBytes, type WeightDtype } from './dtype.ts';
import type { StoredTensor } from './weight-file.ts';

/** Bytes before the header: its length as an unsigned 64-bit integer. */
export const lengthPrefixBytes = 8;

/** The reference's own limit on the header, which keeps a lying length from filling the memory. */
export const maxHeaderBytes = 100_000_000;

/** Key of the free text map, not a tensor. */
export const metadataKey = '__metadata__';

/** Our element types by the format's names. */
const dtypeByFormatName: ReadonlyMap<string, WeightDtype> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U64', 'uint64'],
  ['U32', 'uint32'],
  ['U16', 'uint16'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/** The format's names by our element types. */
export const formatNameByDtype: ReadonlyMap<WeightDtype, string> = new Map(
  [...dtypeByFormatName].map(([formatName, dtype]) => [dtype, formatName]),
);

/** Element types of the format that nothing here can use. */
const unusableFormatName = /^(F8_|F6_|F4$|C64$)/;

/** Where the header lies: its file, and the file's size. */
interface HeaderPlace {
  readonly path: string;
  readonly fileBytes: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their offsets. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * The header's length from the first eight bytes of the file.
 *
 * @throws ChatRexError 'invalid-file' when the file cannot hold it, 'limit-exceeded' past `maxHeaderBytes`
 */
export function parseHeaderLength(prefix: Uint8Array, place: HeaderPlace): number {
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  const room = place.fileBytes - lengthPrefixBytes;
  if (length > room) {
    refuse(place, `its header claims ${length} bytes but only ${room} follow: truncated, or not a safetensors file`);
  }
  if (length > maxHeaderBytes) {
    throw new ChatRexError(
      'limit-exceeded',
      `${place.path}: header of ${length} bytes, at most ${maxHeaderBytes} allowed`,
    );
  }
  return length;
}

/**
 * The header's tensors, with absolute offsets.
 *
 * @throws ChatRexError 'invalid-file' for anything malformed, 'unsupported' for element types such as F8_E4M3
 */
export function parseHeader(bytes: Uint8Array, place: HeaderPlace): SafetensorsHeader {
  const json = parseJson(bytes, place);
  let metadata: Readonly<Record<string, string>> = {};
  const tensors: StoredTensor[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === metadataKey) metadata = checkMetadata(value, place);
    else tensors.push(checkTensor(name, value, lengthPrefixBytes + bytes.byteLength, place));
  }
  tensors.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  checkCoverage(tensors, lengthPrefixBytes + bytes.byteLength, place);
  return { metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function parseJson(bytes: Uint8Array, place: HeaderPlace): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    return refuse(place, 'its header is not UTF-8', cause);
  }
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return refuse(place, 'its header is not JSON', cause);
  }
  // The reference demands the brace at the very first byte: it serves as the format's magic number.
  if (!text.startsWith('{') || !isRecord(value)) return refuse(place, 'its header is not a JSON object');
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) refuse(place, `its header has the key ${quote(duplicate)} twice`);
  return value;
}

/** JSON.parse keeps the last of two equal keys without a word; this finds the first repeated one in valid JSON. */
function findDuplicateKey(text: string): string | undefined {
  const keysOfOpenObjects: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') keysOfOpenObjects.push(new Set());
    else if (text[i] === '}') keysOfOpenObjects.pop();
    if (text[i] !== '"') continue;
    const start = i;
    for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
    let next = i + 1;
    while (' \t\n\r'.includes(text[next])) next++;
    if (text[next] !== ':') continue;
    const key = JSON.parse(text.slice(start, i + 1)) as string;
    const keys = keysOfOpenObjects.at(-1)!;
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
}

function checkMetadata(value: unknown, place: HeaderPlace): Record<string, string> {
  if (isRecord(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>;
  }
  return refuse(place, `its ${metadataKey} is not a map of strings`);
}

function checkTensor(name: string, value: unknown, dataOffset: number, place: HeaderPlace): StoredTensor {
  const subject = `its tensor ${quote(name)}`;
  if (!isRecord(value)) return refuse(place, `${subject} is not a JSON object`);
  const { dtype: formatName, shape, data_offsets: offsets } = value;
  const dtype = typeof formatName === 'string' ? dtypeByFormatName.get(formatName) : undefined;
  if (dtype === undefined) return refuseDtype(subject, formatName, place);
  if (!isSizeList(shape)) return refuse(place, `${subject} has no shape of non-negative integers`);
  if (!isSizeList(offsets) || offsets.length !== 2) return refuse(place, `${subject} has no pair of data_offsets`);
  const [begin, end] = offsets;
  const byteLength = end - begin;
  const expectedBytes = tensorBytes({ dtype, shape });
  if (byteLength !== expectedBytes) {
    refuse(place, `${subject} is ${describeTensor({ dtype, shape })} (${expectedBytes} bytes) but spans ${byteLength}`);
  }
  return { name, dtype, shape, path: place.path, byteOffset: dataOffset + begin, byteLength };
}

function refuseDtype(subject: string, formatName: unknown, place: HeaderPlace): never {
  if (typeof formatName === 'string' && unusableFormatName.test(formatName)) {
    const message = `${place.path}: ${subject} has element type ${formatName}, which is not supported: save it as F16 or F32`;
    throw new ChatRexError('unsupported', message);
  }
  return refuse(place, `${subject} has the unknown dtype ${quote(formatName)}`);
}

/** `tensors` sorted by offset. */
function checkCoverage(tensors: readonly StoredTensor[], dataOffset: number, place: HeaderPlace): void {
  let expected = dataOffset;
  for (const { name, byteOffset, byteLength } of tensors) {
    if (byteOffset !== expected) {
      const kind = byteOffset < expected ? 'overlaps the tensor before it' : 'leaves a gap before it';
      refuse(place, `its tensor ${quote(name)} ${kind} (starts at byte ${byteOffset}, expected ${expected})`);
    }
    expected += byteLength;
  }
  if (expected !== place.fileBytes) {
    const kind = expected > place.fileBytes ? 'truncated' : 'has bytes after the last tensor';
    refuse(place, `the file is ${kind} (${place.fileBytes} bytes, its header describes ${expected})`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** A name or value of a file in a message: quoted, and short however long it is. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 100 ? text : `${text.slice(0, 97)}...`;
}

function refuse(place: HeaderPlace, problem: string, cause?: unknown): never {
  const shown = problem.length <= 300 ? problem : `${problem.slice(0, 297)}...`;
  const message = `${place.path} is not a valid safetensors file: ${shown}; download or write it again`;
  throw new ChatRexError('invalid-file', message, { cause });
}
