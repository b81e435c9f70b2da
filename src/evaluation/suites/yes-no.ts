/** Reads yes or no from free text as VLMEvalKit does (`YOrN_Extraction` and `process_punctuation`). */

const marks = [
  ...[';', '/', '[', ']', '"', '{', '}', '(', ')', '=', '+', '\\', '_', '-'],
  ...['>', '<', '@', '`', ',', '?', '!'],
];

/**
 * Yes or no if the text has exactly one of the two words; undefined with both or neither.
 * A mark between two letters becomes a space, one beside a space is removed, as is a full stop that is not in a number.
 */
export function readYesNo(text: string): boolean | undefined {
  const words = new Set(withoutMarks(text.toLowerCase()).split(/\s+/u));
  const [isYes, isNo] = [words.has('yes'), words.has('no')];
  return isYes === isNo ? undefined : isYes;
}

function withoutMarks(text: string): string {
  const hasNumberWithComma = /\d,\d/.test(text);
  let out = text;
  for (const mark of marks) {
    const isRemoved = hasNumberWithComma || text.includes(`${mark} `) || text.includes(` ${mark}`);
    out = out.replaceAll(mark, isRemoved ? '' : ' ');
  }
  // That script hands a flag over where the number of replacements belongs: 32 at most.
  let left = 32;
  return out.replace(/(?<!\d)\.(?!\d)/g, (stop) => (left-- > 0 ? '' : stop));
}
