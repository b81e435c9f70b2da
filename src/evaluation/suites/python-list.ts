/** Lists of texts as Python writes them: `['$6', "it's", '24%']`. Tables keep options and answers so. */

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** A quoted text, a number or a word, and where it ends. */
const item = /\s*(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"|([\w.+-]+))\s*/y;

/**
 * The texts of a list; undefined for anything that is not a whole list of texts and numbers.
 * @example parsePythonList("['a', \"b's\", 3]"); // ['a', "b's", '3']
 */
export function parsePythonList(text: string): string[] | undefined {
  const inner = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const found: string[] = [];
  if (inner.trim() === '') return found;
  let at = 0;
  for (;;) {
    item.lastIndex = at;
    const match = item.exec(inner);
    if (match === null) return undefined;
    const [whole, single, double, bare] = match;
    found.push(bare ?? unescaped(single ?? double));
    at += whole.length;
    if (at === inner.length) return found;
    if (inner[at] !== ',') return undefined;
    at++;
    // Python allows a comma after the last one.
    if (inner.slice(at).trim() === '') return found;
  }
}

/** Escapes that Python does not know stay as they are. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g,
    (whole, x, u, long, mark) => {
      const code = x ?? u ?? long;
      if (code !== undefined) {
        const point = Number.parseInt(code, 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
      }
      return escapes[mark] ?? whole;
    },
  );
}
