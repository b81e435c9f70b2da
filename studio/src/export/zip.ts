/** A ZIP archive of a few small files, stored as they are (APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16). */

const utf8Flag = 0x0800;

export function zip(files: ReadonlyMap<string, string>): Blob {
  const encoder = new TextEncoder();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const [nameBytes, bytes] = [encoder.encode(name), encoder.encode(text)];
    // Version 2.0, flags, method 0, time, date (1 January 1980), checksum, sizes, lengths.
    const common = [20, 2, utf8Flag, 2, 0, 2, 0, 2, 0x21, 2, crc32(bytes), 4, bytes.length, 4, bytes.length, 4];
    const shared = [...common, nameBytes.length, 2, 0, 2];
    const head = fields([0x04034b50, 4, ...shared]);
    directory.push(fields([0x02014b50, 4, 20, 2, ...shared, 0, 2, 0, 2, 0, 2, 0, 4, offset, 4]), nameBytes);
    parts.push(head, nameBytes, bytes);
    offset += head.length + nameBytes.length + bytes.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = fields([0x06054b50, 4, 0, 2, 0, 2, files.size, 2, files.size, 2, size, 4, offset, 4, 0, 2]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

/** Little-endian numbers: value, bytes, value, bytes, ... */
function fields(pairs: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    for (let byte = 0; byte < pairs[i + 1]; byte++) bytes.push((pairs[i] >>> (8 * byte)) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** CRC-32 with the polynomial of IEEE 802.3, bit by bit. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
