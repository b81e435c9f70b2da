/**
 * Lists the entries of a zip archive and where their bytes lie. Only what PyTorch writes: stored (uncompressed)
 * entries, with zip64 fields past 4 GB. Agrees with PKWARE's APPNOTE 6.3; check sums are not verified, as that would
 * read every byte.
 */

import type { FileHandle } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';
import { readFrom } from '../file-range.ts';

/** Where a stored entry's bytes lie in the archive. */
export interface ZipEntry {
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** A 700-tensor checkpoint needs about 50 kB; this leaves room for 200,000 entries. */
const maxDirectoryBytes = 16 * 2 ** 20;

const endRecordBytes = 22;
const maxCommentBytes = 0xffff;
const zip64LocatorBytes = 20;
const zip64EndRecordBytes = 56;
const centralHeaderBytes = 46;
const localHeaderBytes = 30;

/** In a 32-bit field: the value is in the zip64 field instead. */
const elsewhere32 = 0xffffffff;
const zip64FieldId = 1;

interface Archive {
  readonly file: FileHandle;
  readonly path: string;
  readonly fileBytes: number;
}

interface Directory {
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly entryCount: number;
}

interface CentralEntry {
  readonly name: string;
  readonly byteLength: number;
  readonly headerOffset: number;
  /** Of the entry's record in the directory, to find the next. */
  readonly recordBytes: number;
}

/**
 * The archive's entries by name.
 *
 * @throws ChatRexError 'invalid-file' for anything but a well-formed zip archive, 'unsupported' for compressed or
 *   encrypted entries, 'limit-exceeded' for a directory past 16 MiB
 */
export async function readZipEntries(
  file: FileHandle,
  path: string,
  fileBytes: number,
): Promise<ReadonlyMap<string, ZipEntry>> {
  const archive = { file, path, fileBytes };
  const directory = await findDirectory(archive);
  const bytes = await readPart(archive, directory.byteOffset, directory.byteLength);
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  for (let i = 0; i < directory.entryCount; i++) {
    const { name, byteLength, headerOffset, recordBytes } = parseCentralEntry(archive, bytes, position);
    if (entries.has(name)) refuse(path, `two entries are called ${JSON.stringify(name)}`);
    entries.set(name, { byteOffset: await findData(archive, directory, headerOffset, byteLength), byteLength });
    position += recordBytes;
  }
  return entries;
}

async function findDirectory(archive: Archive): Promise<Directory> {
  const { path, fileBytes } = archive;
  const tailBytes = Math.min(fileBytes, endRecordBytes + maxCommentBytes);
  const tail = await readPart(archive, fileBytes - tailBytes, tailBytes);
  let end = tailBytes - endRecordBytes;
  // The record is the last one whose comment reaches exactly to the end of the file.
  while (
    end >= 0 &&
    !(hasSignature(tail, end, 5, 6) && end + endRecordBytes + tail.getUint16(end + 20, true) === tailBytes)
  ) {
    end--;
  }
  if (end < 0) return refuse(path, 'no end of central directory: truncated, or not a zip archive');
  const directory =
    (await findZip64Directory(archive, fileBytes - tailBytes + end)) ??
    ({
      entryCount: tail.getUint16(end + 10, true),
      byteLength: tail.getUint32(end + 12, true),
      byteOffset: tail.getUint32(end + 16, true),
    } satisfies Directory);
  if (directory.byteOffset + directory.byteLength > fileBytes) refuse(path, 'its directory lies outside the file');
  if (directory.byteLength > maxDirectoryBytes) {
    const message = `${path}: zip directory of ${directory.byteLength} bytes, at most ${maxDirectoryBytes} allowed`;
    throw new ChatRexError('limit-exceeded', message);
  }
  return directory;
}

/** The zip64 record, when a locator stands right before the end record. */
async function findZip64Directory(archive: Archive, endOffset: number): Promise<Directory | undefined> {
  if (endOffset < zip64LocatorBytes) return undefined;
  const locator = await readPart(archive, endOffset - zip64LocatorBytes, zip64LocatorBytes);
  if (!hasSignature(locator, 0, 6, 7)) return undefined;
  const record = await readPart(archive, getUint64(locator, 8), zip64EndRecordBytes);
  if (!hasSignature(record, 0, 6, 6)) refuse(archive.path, 'its zip64 locator points at no zip64 record');
  return { entryCount: getUint64(record, 32), byteLength: getUint64(record, 40), byteOffset: getUint64(record, 48) };
}

function parseCentralEntry(archive: Archive, directory: DataView, position: number): CentralEntry {
  const { path } = archive;
  if (position + centralHeaderBytes > directory.byteLength || !hasSignature(directory, position, 1, 2)) {
    refuse(path, 'its directory is shorter than its count of entries');
  }
  const nameBytes = directory.getUint16(position + 28, true);
  const extraBytes = directory.getUint16(position + 30, true);
  const recordBytes = centralHeaderBytes + nameBytes + extraBytes + directory.getUint16(position + 32, true);
  if (position + recordBytes > directory.byteLength) refuse(path, 'an entry reaches past the end of its directory');
  const nameStart = directory.byteOffset + position + centralHeaderBytes;
  const name = new TextDecoder().decode(new Uint8Array(directory.buffer, nameStart, nameBytes));
  const isEncrypted = (directory.getUint16(position + 8, true) & 1) !== 0;
  if (isEncrypted || directory.getUint16(position + 10, true) !== 0) {
    const message = `${path}: entry ${JSON.stringify(name)} is compressed or encrypted; save it again with torch.save`;
    throw new ChatRexError('unsupported', message);
  }
  const extra = new DataView(directory.buffer, nameStart + nameBytes, extraBytes);
  // The zip64 field holds, in this order, only the values that did not fit their 32-bit places.
  const zip64 = findZip64Values(path, extra);
  const originalBytes = directory.getUint32(position + 24, true);
  const storedBytes = directory.getUint32(position + 20, true);
  const headerOffset = directory.getUint32(position + 42, true);
  const take = (value: number) => (value === elsewhere32 ? (zip64.shift() ?? value) : value);
  const byteLength = take(originalBytes);
  if (take(storedBytes) !== byteLength) refuse(path, `entry ${JSON.stringify(name)} has two different sizes`);
  return { name, byteLength, headerOffset: take(headerOffset), recordBytes };
}

function findZip64Values(path: string, extra: DataView): number[] {
  for (let position = 0; position + 4 <= extra.byteLength; ) {
    const fieldBytes = extra.getUint16(position + 2, true);
    const start = position + 4;
    if (start + fieldBytes > extra.byteLength) refuse(path, 'an entry has a malformed extra field');
    if (extra.getUint16(position, true) === zip64FieldId) {
      const count = Math.min(3, Math.floor(fieldBytes / 8));
      return Array.from({ length: count }, (_, i) => getUint64(extra, start + 8 * i));
    }
    position = start + fieldBytes;
  }
  return [];
}

/**
 * An entry's bytes follow its own header, whose extra field differs from the directory's (PyTorch pads it to align).
 */
async function findData(archive: Archive, directory: Directory, headerOffset: number, byteLength: number) {
  const header = await readPart(archive, headerOffset, localHeaderBytes);
  if (!hasSignature(header, 0, 3, 4)) refuse(archive.path, 'an entry of its directory points at no entry');
  const byteOffset = headerOffset + localHeaderBytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (byteOffset + byteLength > directory.byteOffset) refuse(archive.path, 'an entry reaches into its directory');
  return byteOffset;
}

async function readPart({ file, path, fileBytes }: Archive, byteOffset: number, byteLength: number): Promise<DataView> {
  if (byteOffset < 0 || byteOffset + byteLength > fileBytes) refuse(path, 'a part of it lies outside the file');
  return new DataView((await readFrom(file, path, byteOffset, byteLength)).buffer);
}

/** Every zip record starts with "PK" and two bytes that tell its kind. */
function hasSignature(view: DataView, position: number, third: number, fourth: number): boolean {
  return view.getUint32(position, true) === 0x4b50 + (third << 16) + (fourth << 24);
}

function getUint64(view: DataView, position: number): number {
  return Number(view.getBigUint64(position, true));
}

function refuse(path: string, problem: string): never {
  const message = `${path} is not a valid PyTorch checkpoint: ${problem}; download or save it again`;
  throw new ChatRexError('invalid-file', message);
}
