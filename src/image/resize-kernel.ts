/**
 * The inner loops of resizing as WebAssembly with SIMD, written down instruction by instruction: JavaScript has no way
 * to say that four sums go side by side, and this runs three to five times as fast.
 *
 * A weight w of 23 bits is taken apart as w = 2048 * high + low, both of 16 bits. Then one instruction
 * (`i32x4.dot_i16x8_s`) multiplies the pixels under two taps by two weights and adds them, for all colours at once.
 * Sums are those of the plain loops to the last bit.
 */

/** Bits of a weight's lower half. */
const LOW_BITS = 11;
/** Sums of lower halves stay below 2^31 up to 4112 taps. */
export const MOST_TAPS = 4096;
/** Reads and writes may reach this many bytes behind a row. */
export const SLACK = 16;

export interface ResizeKernel {
  /** Memory that both functions work on, at least so many bytes. */
  memory(bytes: number): Uint8Array;
  /**
   * One row of pixels to `(dstEnd - dst) / 3` pixels. All are addresses: of the row, of the result and its end, of
   * byte offsets of the first taps (int32), of byte lengths of weights (int32), of the weights; and the bytes from one
   * output's weights to the next.
   */
  row(src: number, dst: number, dstEnd: number, starts: number, lengths: number, weights: number, stride: number): void;
  /** Rows of `rowLength` bytes from `src` on to one row, with the weights between two addresses. */
  column(src: number, rowLength: number, weights: number, weightsEnd: number, dst: number, dstEnd: number): void;
}

/** Weights of one output as the kernel reads them, 8 bytes for two taps; an odd last one gets a partner of 0. */
export function packWeights(weights: Int32Array, into: Int32Array, at: number): void {
  const halves = (high: number, low: number) => (high & 0xffff) | (low << 16);
  for (let tap = 0; tap < weights.length; tap += 2) {
    const [one, two] = [weights[tap], tap + 1 < weights.length ? weights[tap + 1] : 0];
    into[at + tap] = halves(one >> LOW_BITS, two >> LOW_BITS);
    into[at + tap + 1] = halves(one & (2 ** LOW_BITS - 1), two & (2 ** LOW_BITS - 1));
  }
}

type Code = readonly number[];

/** Signed LEB128, which serves for the small unsigned numbers here too. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const isLast = (rest >> 7 === 0 && (rest & 64) === 0) || (rest >> 7 === -1 && (rest & 64) !== 0);
    bytes.push((rest & 127) | (isLast ? 0 : 128));
    if (isLast) return bytes;
  }
}
/** Unsigned LEB128. */
function uleb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...uleb(value >> 7)];
}

const [I32, V128] = [0x7f, 0x7b];
const get = (local: number): Code => [0x20, local];
const set = (local: number, ...value: Code[]): Code => [...value.flat(), 0x21, local];
const i32 = (value: number): Code => [0x41, ...leb(value)];
const simd = (opcode: number, ...immediates: number[]): Code => [0xfd, ...uleb(opcode), ...immediates];
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const advance = (local: number, by: Code): Code => set(local, add(get(local), by));
/** Alignment is only a hint; 0 promises nothing. */
const at = (offset = 0): [number, number] => [0, offset];
const load = (address: Code): Code => [...address, 0x28, ...at()];
/** Repeats until `local` has reached `end`. */
const until = (local: number, end: number, ...body: Code[]): Code => [
  ...[0x03, 0x40, ...body.flat()],
  ...[...get(local), ...get(end), 0x49, 0x0d, 0, 0x0b],
];
const zero: Code = simd(12, ...new Array<number>(16).fill(0));
const vectorConst = (bytes: readonly number[]): Code => simd(12, ...bytes);
const splat32 = (address: Code, offset: number): Code => [...address, ...simd(9, ...at(offset))];
const addVectors = (a: Code, b: Code): Code => [...a, ...b, ...simd(174)];
const dot = (a: Code, b: Code): Code => [...a, ...b, ...simd(186)];
const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [...a, ...b, ...simd(13, ...lanes)];

/** (2048 * high + low + half) >> 22: a byte, before it is cut to 0..255. */
const rounded = (high: number, low: number): Code => [
  ...addVectors(addVectors([...get(high), ...i32(LOW_BITS), ...simd(171)], get(low)), [...i32(1 << 21), ...simd(17)]),
  ...[...i32(22), ...simd(172)],
];
/** Eight sums to bytes, too large and too small ones cut. */
const toBytes = (a: Code, b: Code): Code => [...a, ...b, ...simd(133), ...zero, ...simd(102)];

/** Red, green and blue of two pixels side by side: R R G G B B, as 16-bit numbers. */
const pairsOfColours = [0, 255, 3, 255, 1, 255, 4, 255, 2, 255, 5, 255, 255, 255, 255, 255];

function rowCode(): Code {
  const [src, dst, dstEnd, starts, lengths, weights, stride, from, weight, end, high, low, pixels] = Array(13).keys();
  return until(
    dst,
    dstEnd,
    set(from, add(get(src), load(get(starts)))),
    set(weight, get(weights)),
    set(end, add(get(weights), load(get(lengths)))),
    set(high, zero),
    set(low, zero),
    until(
      weight,
      end,
      set(pixels, get(from), simd(93, ...at()), vectorConst(pairsOfColours), simd(14)),
      set(high, addVectors(get(high), dot(get(pixels), splat32(get(weight), 0)))),
      set(low, addVectors(get(low), dot(get(pixels), splat32(get(weight), 4)))),
      advance(from, i32(6)),
      advance(weight, i32(8)),
    ),
    // Four bytes are written; the next pixel replaces the last of them.
    [...get(dst), ...toBytes(rounded(high, low), zero), ...simd(27, 0), 0x36, ...at()],
    advance(starts, i32(4)),
    advance(lengths, i32(4)),
    advance(weights, get(stride)),
    advance(dst, i32(3)),
  );
}

function columnCode(): Code {
  const [src, rowLength, weights, weightsEnd, dst, dstEnd, from, weight, ...vectors] = Array(17).keys();
  const [high0, high1, low0, low1, first, second, pixels, high, low] = vectors;
  const nextRow = (local: number) => [...set(local, get(from), simd(2, ...at())), ...advance(from, get(rowLength))];
  const addPairs = (lanes: readonly number[], highSum: number, lowSum: number) => [
    ...set(pixels, shuffle(get(first), get(second), lanes)),
    ...set(highSum, addVectors(get(highSum), dot(get(pixels), get(high)))),
    ...set(lowSum, addVectors(get(lowSum), dot(get(pixels), get(low)))),
  ];
  return until(
    dst,
    dstEnd,
    set(from, get(src)),
    set(weight, get(weights)),
    ...[high0, high1, low0, low1].map((sum) => set(sum, zero)),
    until(
      weight,
      weightsEnd,
      nextRow(first),
      nextRow(second),
      set(high, splat32(get(weight), 0)),
      set(low, splat32(get(weight), 4)),
      addPairs([0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23], high0, low0),
      addPairs([8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31], high1, low1),
      advance(weight, i32(8)),
    ),
    [...get(dst), ...toBytes(rounded(high0, low0), rounded(high1, low1)), ...simd(29, 0), 0x37, ...at()],
    advance(src, i32(8)),
    advance(dst, i32(8)),
  );
}

const section = (id: number, content: Code): Code => [id, ...uleb(content.length), ...content];
const list = (items: readonly Code[]): Code => [...uleb(items.length), ...items.flat()];
const name = (text: string): Code => [text.length, ...new TextEncoder().encode(text)];

/** The module: two functions of int32 parameters without results, and their memory. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const functions = [
    { name: 'row', parameters: 7, integers: 3, vectors: 3, code: rowCode() },
    { name: 'column', parameters: 6, integers: 2, vectors: 9, code: columnCode() },
  ];
  const types = functions.map(({ parameters }) => [0x60, ...list(new Array<Code>(parameters).fill([I32])), 0]);
  const bodies = functions.map(({ integers, vectors, code }) => {
    const body = [
      ...list([
        [integers, I32],
        [vectors, V128],
      ]),
      ...code,
      0x0b,
    ];
    return [...uleb(body.length), ...body];
  });
  const exported = [...functions.map((one, i) => [...name(one.name), 0, i]), [...name('memory'), 2, 0]];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(3, list(functions.map((_, i) => [i]))),
    ...section(5, list([[0, 1]])),
    ...section(7, list(exported)),
    ...section(10, list(bodies)),
  ]);
}

let kernel: ResizeKernel | undefined;

/** Made when it is first needed, once for each thread; a resize is one call that nothing interrupts. */
export function resizeKernel(): ResizeKernel {
  kernel ??= (() => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()));
    const { memory, row, column } = exports as unknown as ResizeKernel & { memory: WebAssembly.Memory };
    return {
      row,
      column,
      memory: (bytes: number) => {
        const missing = bytes - memory.buffer.byteLength;
        if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
        return new Uint8Array(memory.buffer);
      },
    };
  })();
  return kernel;
}
