/** Uncompressed TIFF files of samples that no encoder at hand writes. */

const [shortType, longType] = [3, 4];

/** A greyscale (1 channel) or colour (3) image of 32-bit samples: IEEE floats, or integers without sign. */
export function tiffOf(
  width: number,
  height: number,
  channels: 1 | 3,
  samples: Float32Array | Uint32Array,
): Uint8Array {
  const sampleFormat = samples instanceof Float32Array ? 3 : 1;
  const entryCount = 10;
  const lists = 8 + 2 + 12 * entryCount + 4;
  const pixels = lists + 12;
  const file = Buffer.alloc(pixels + samples.byteLength);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(entryCount, 8);
  const perChannel = (value: number, at: number): [number, number] => {
    if (channels === 1) return [1, value];
    for (let channel = 0; channel < 3; channel++) file.writeUInt16LE(value, at + 2 * channel);
    return [3, at];
  };
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, longType, 1, width],
    [257, longType, 1, height],
    [258, shortType, ...perChannel(32, lists)],
    [259, shortType, 1, 1],
    [262, shortType, 1, channels === 3 ? 2 : 1],
    [273, longType, 1, pixels],
    [277, shortType, 1, channels],
    [278, longType, 1, height],
    [279, longType, 1, samples.byteLength],
    [339, shortType, ...perChannel(sampleFormat, lists + 6)],
  ];
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const at = 10 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  file.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), pixels);
  return file;
}
