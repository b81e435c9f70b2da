/** GGUF files for tests, byte by byte. */

import type { GgufValue } from '../gguf-header.ts';

/** ggml's numbers of what tests store. */
export const ggufTypeNumbers = { F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 8 } as const;

export interface GgufTensorToEncode {
  readonly name: string;
  readonly type: keyof typeof ggufTypeNumbers | number;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A whole file; strings are text, whole numbers uint32, others float32, lists by their first item. */
export function encodeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensorToEncode[],
  { version = 3, alignment = 32 } = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const push = (size: number, write: (view: DataView) => void) => {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    parts.push(bytes);
  };
  const u32 = (value: number) => push(4, (view) => view.setUint32(0, value, true));
  const u64 = (value: number) => push(8, (view) => view.setBigUint64(0, BigInt(value), true));
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    u64(bytes.length);
    parts.push(bytes);
  };
  const typeOf = (value: GgufValue): number =>
    typeof value === 'string'
      ? 8
      : typeof value === 'boolean'
        ? 7
        : Array.isArray(value)
          ? 9
          : Number.isInteger(value)
            ? 4
            : 6;
  const write = (value: GgufValue): void => {
    if (typeof value === 'string') text(value);
    else if (typeof value === 'boolean') push(1, (view) => view.setUint8(0, Number(value)));
    else if (typeof value === 'number' && Number.isInteger(value)) u32(value);
    else if (typeof value === 'number') push(4, (view) => view.setFloat32(0, value, true));
    else {
      u32(value.length > 0 ? typeOf(value[0]) : 4);
      u64(value.length);
      for (const item of value) write(item);
    }
  };
  u32(0x46554747);
  u32(version);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    u32(typeOf(value));
    write(value);
  }
  const padded = (size: number) => Math.ceil(size / alignment) * alignment;
  let offset = 0;
  for (const { name, type, shape, bytes } of tensors) {
    text(name);
    u32(shape.length);
    for (const size of [...shape].reverse()) u64(size);
    u32(typeof type === 'number' ? type : ggufTypeNumbers[type]);
    u64(offset);
    offset += padded(bytes.length);
  }
  const header = parts.reduce((sum, { length }) => sum + length, 0);
  const result = new Uint8Array(padded(header) + offset);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  at = padded(header);
  for (const { bytes } of tensors) {
    result.set(bytes, at);
    at += padded(bytes.length);
  }
  return result;
}
