/**
 * From a piece of a vocabulary to the UTF-8 bytes it stands for, in the two spellings in use.
 *
 * Byte-level (GPT-2, Qwen2.5): every byte is one printable character; printable ASCII and Latin-1 stand for themselves,
 * the other 68 bytes for U+0100 onwards in order. Sentencepiece (Llama): `▁` is a space and `<0x0A>` is one byte.
 */

/** The 256 characters of byte-level vocabularies; index = byte. */
export const byteLevelAlphabet: readonly string[] = (() => {
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

const byteOfCharacter = new Map(byteLevelAlphabet.map((character, byte) => [character, byte]));
const utf8 = new TextEncoder();

/** Bytes of a byte-level piece; a character outside the alphabet stands for its own UTF-8 bytes. */
export function byteLevelBytes(piece: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of piece) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) bytes.push(...utf8.encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Bytes of a sentencepiece piece: `▁` as a space, `<0xNN>` as one byte, otherwise UTF-8. */
export function sentencepieceBytes(piece: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(piece);
  if (byte) return Uint8Array.of(Number.parseInt(byte[1], 16));
  return utf8.encode(piece.replaceAll('▁', ' '));
}
