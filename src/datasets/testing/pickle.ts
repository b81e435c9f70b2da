/** Writes plain data as Python 2's pickle does: protocol 0 (text) and protocol 2, in which `str` is bytes. */

type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** @param protocol 0 writes texts of ASCII as `str` and others as `unicode`; 2 writes `str` alone */
export function python2Pickle(value: object, protocol: 0 | 2): Uint8Array {
  const parts: Buffer[] = protocol === 2 ? [Buffer.from([0x80, 2])] : [];
  const write = (text: string) => parts.push(Buffer.from(text, 'latin1'));
  const item = protocol === 0 ? writeText : writeBinary;
  function writeText(inner: Plain): void {
    if (inner === null) write('N');
    else if (typeof inner === 'boolean') write(`I0${inner ? 1 : 0}\n`);
    else if (typeof inner === 'number') write(Number.isInteger(inner) ? `I${inner}\n` : `F${inner}\n`);
    else if (typeof inner === 'string') writeString(inner);
    else if (Array.isArray(inner)) {
      write('(lp1\n');
      for (const entry of inner) {
        writeText(entry);
        write('a');
      }
    } else {
      write('(dp2\n');
      for (const [key, entry] of Object.entries(inner)) {
        writeString(key);
        writeText(entry);
        write('s');
      }
    }
  }
  function writeString(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
    if (/^[\x00-\x7f]*$/.test(text)) write(`S'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'\np0\n`);
    else write(`V${text.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\np0\n`);
  }
  function writeBinary(inner: Plain): void {
    if (inner === null) write('N');
    else if (typeof inner === 'boolean') parts.push(Buffer.from([inner ? 0x88 : 0x89]));
    else if (typeof inner === 'number') {
      const bytes = Buffer.alloc(9);
      bytes[0] = 0x47;
      bytes.writeDoubleBE(inner, 1);
      parts.push(bytes);
    } else if (typeof inner === 'string') {
      const bytes = Buffer.from(inner);
      parts.push(Buffer.from([0x55, bytes.length]), bytes);
    } else if (Array.isArray(inner)) {
      write('](');
      inner.forEach(writeBinary);
      write('e');
    } else {
      write('}(');
      for (const [key, entry] of Object.entries(inner)) {
        writeBinary(key);
        writeBinary(entry);
      }
      write('u');
    }
  }
  item(value as Plain);
  write('.');
  return Buffer.concat(parts);
}
