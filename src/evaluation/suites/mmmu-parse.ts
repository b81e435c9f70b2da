/**
 * Reads MMMU's answers from free text as its scorer does (MMMU-Benchmark/MMMU mmmu/utils/eval_utils.py): the letter of
 * a multiple-choice question, and the candidates of an open one. Matching by containment is generous; it is what they
 * publish.
 */

/** Letters by their option's text. */
export type Options = Readonly<Record<string, string>>;

/** Removes one mark after the other from both ends, in the order of the script. */
function stripMarks(text: string): string {
  let out = text;
  for (const mark of [',', '.', '!', '?', ';', ':', "'"]) {
    let [from, to] = [0, out.length];
    while (from < to && out[from] === mark) from++;
    while (to > from && out[to - 1] === mark) to--;
    out = out.slice(from, to);
  }
  return out;
}

/**
 * The letter that a text names: `(B)`, else a lone `B`, else the option whose words are in a text of more than five
 * words. Of several the one named last. Undefined without any; the script then guesses.
 */
export function readChoice(response: string, options: Options): string | undefined {
  const text = ` ${stripMarks(response)} `;
  const letters = Object.keys(options);
  const lastOf = (found: readonly string[], place: (letter: string) => number): string | undefined =>
    found.reduce<string | undefined>(
      (best, letter) => (best === undefined || place(letter) > place(best) ? letter : best),
      undefined,
    );
  for (const spelled of [(letter: string) => `(${letter})`, (letter: string) => ` ${letter} `]) {
    const found = letters.filter((letter) => text.includes(spelled(letter)));
    if (found.length > 0) return lastOf(found, (letter) => text.lastIndexOf(spelled(letter)));
  }
  if (text.split(/\s+/u).filter(Boolean).length <= 5) return undefined;
  const lower = text.toLowerCase();
  const named = letters.filter((letter) => lower.includes(options[letter].toLowerCase()));
  return lastOf(named, (letter) => lower.lastIndexOf(options[letter].toLowerCase()));
}

const indicators = ['could be ', 'so ', 'is ', 'thus ', 'therefore ', 'final ', 'answer ', 'result '];

/**
 * The parts of an open answer that may be the answer itself: the shortest tail after a telling word, of each sentence.
 */
function keyParts(response: string): string[] {
  const text = stripEnds(response.trim(), '.').toLowerCase();
  // The script looks for a capital after the full stop, and has just made all letters small: only lines are parted.
  const sentences = text.split('\n');
  const parts: string[] = [];
  sentences.forEach((sentence, i) => {
    const words = i === sentences.length - 1 ? [...indicators, '='] : indicators;
    const tails = words
      .filter((word) => sentence.includes(word))
      .map((word) => sentence.slice(sentence.lastIndexOf(word) + word.length).trim());
    // An empty tail gives way to the next one, whatever its length; otherwise the first of the shortest stays.
    const shortest = tails.reduce((best, tail) => (best === '' || tail.length < best.length ? tail : best), '');
    if (shortest !== '' && ![':', ',', '.', '!', '?', ';', "'"].includes(shortest)) parts.push(shortest);
  });
  return parts.length === 0 ? [text] : parts;
}

function stripEnds(text: string, mark: string): string {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === mark) from++;
  while (to > from && text[to - 1] === mark) to--;
  return text.slice(from, to);
}

/**
 * Numbers with thousands' commas, in scientific notation, and plain. A number is looked for where its digits begin
 * alone: from the middle of them nothing else could be found, and answers that loop have pages of digits.
 */
function numbersIn(text: string): string[] {
  return [
    ...(text.match(/-?\b\d{1,3}(?:,\d{3})+\b/g) ?? []),
    ...(text.match(/-?(?<!\d)\d+(?:\.\d+)?[eE][+-]?\d+/g) ?? []),
    ...(text.match(/-?(?:(?<!\d)\d+\.\d+|\.\d+|(?<!\d)\d+\b)(?![eE][+-]?\d+)(?![,\d])/g) ?? []),
  ];
}

/** A number rounded to two places, or a text in small letters; a single letter comes with a space on either side. */
export function normalized(text: string): (string | number)[] {
  const trimmed = text.trim();
  const number = pythonFloat(trimmed.replaceAll(',', ''));
  if (number !== undefined) return [roundHalfEven(number)];
  const lower = trimmed.toLowerCase();
  return [...lower].length === 1 ? [` ${lower}`, `${lower} `] : [lower];
}

/** What Python's `float` accepts of the texts that occur here. */
function pythonFloat(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (/^[+-]?(?:inf|infinity)$/.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/.test(word)) return undefined;
  return Number(word.replaceAll('_', ''));
}

/** As Python rounds to two places: by the exact value of the double, which `toFixed` also goes by. */
function roundHalfEven(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) return value;
  const scaled = Math.abs(value) * 8;
  // Only eighths can lie exactly between two hundredths; there the even one wins.
  if (Number.isInteger(scaled) && scaled % 2 === 1) {
    const hundredths = Math.floor(Math.abs(value) * 100);
    return (Math.sign(value) * (hundredths % 2 === 0 ? hundredths : hundredths + 1)) / 100;
  }
  return Number(value.toFixed(2));
}

/** Everything in an open answer that counts as an answer. */
export function readOpen(response: string): Set<string | number> {
  const parts = keyParts(response);
  return new Set([...parts, ...parts.flatMap(numbersIn)].flatMap(normalized));
}

/** Whether a candidate equals a right number or contains a right text. */
export function isOpenRight(candidates: Iterable<string | number>, truths: readonly string[]): boolean {
  const right = truths.flatMap(normalized);
  for (const candidate of candidates) {
    const isHit =
      typeof candidate === 'number'
        ? right.includes(candidate)
        : right.some((truth) => typeof truth === 'string' && candidate.includes(truth));
    if (isHit) return true;
  }
  return false;
}
