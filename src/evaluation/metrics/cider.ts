/**
 * CIDEr-D: how much a caption says in the words of several people, rare ones counting more.
 *
 * Vedantam et al., "CIDEr: Consensus-based Image Description Evaluation" (2015). Agrees with pycocoevalcap on the same
 * tokens. How common words are is counted on the captions given, so that figures of few images are not those of many.
 */

/** Longest run of words that is compared. */
const longest = 4;
/** How fast a caption that is longer or shorter than the others loses. */
const deviation = 6;
const scale = 10;

/** Signs that the official tokeniser leaves out. */
const signs = /[^\p{L}\p{N}\s'-]+|(?<![\p{L}\p{N}])-+|-+(?![\p{L}\p{N}])|'(?!(?:s|t|re|ve|ll|d|m)(?!\p{L}))/gu;

/**
 * A caption as words: lower case, signs left out.
 * @example captionWords('A dog, on grass.'); // ['a', 'dog', 'on', 'grass']
 */
export const captionWords = (caption: string): string[] =>
  caption
    .toLowerCase()
    .replace(/(?<=\p{L})('s|n't|'re|'ve|'ll|'d|'m)(?!\p{L})/gu, ' $1')
    .replace(signs, ' ')
    .split(/\s+/)
    .filter(Boolean);

type Vector = ReadonlyMap<string, number>;

interface Described {
  /** Weighted runs of one, two, three and four words. */
  readonly vectors: readonly Vector[];
  readonly norms: readonly number[];
  readonly length: number;
}

export interface CaptionedImage {
  readonly candidate: string;
  /** What people said of the same image. */
  readonly references: readonly string[];
}

/**
 * @returns per image, 0 to 10; usually given as the mean, 1 being what people reach against each other
 * @example ciderScores([{ candidate: 'a dog on grass', references: ['a dog lies on grass', 'a dog outside'] }]);
 */
export function ciderScores(images: readonly CaptionedImage[]): number[] {
  const counted = images.map(({ references }) => references.map((text) => runsOf(captionWords(text))));
  const frequencies = new Map<string, number>();
  for (const ofImage of counted) {
    for (const run of new Set(ofImage.flatMap((counts) => [...counts.keys()]))) {
      frequencies.set(run, (frequencies.get(run) ?? 0) + 1);
    }
  }
  const logImages = Math.log(images.length);
  const describe = (counts: ReadonlyMap<string, number>) => described(counts, frequencies, logImages);
  return images.map(({ candidate, references }, i) => {
    if (references.length === 0) return 0;
    const said = describe(runsOf(captionWords(candidate)));
    const sum = counted[i].reduce((total, reference) => total + similarity(said, describe(reference)), 0);
    return (scale * sum) / references.length;
  });
}

/** Runs of words, spaces between them, and how often each is there. */
function runsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let size = 1; size <= longest; size++) {
    for (let at = 0; at + size <= words.length; at++) {
      const run = words.slice(at, at + size).join(' ');
      counts.set(run, (counts.get(run) ?? 0) + 1);
    }
  }
  return counts;
}

const sizeOf = (run: string): number => run.split(' ').length;

function described(
  counts: ReadonlyMap<string, number>,
  frequencies: ReadonlyMap<string, number>,
  logImages: number,
): Described {
  const vectors = Array.from({ length: longest }, () => new Map<string, number>());
  const squares = new Array<number>(longest).fill(0);
  let length = 0;
  for (const [run, count] of counts) {
    const size = sizeOf(run);
    const weight = count * (logImages - Math.log(Math.max(1, frequencies.get(run) ?? 0)));
    vectors[size - 1].set(run, weight);
    squares[size - 1] += weight ** 2;
    // The official length counts pairs of words.
    if (size === 2) length += count;
  }
  return { vectors, norms: squares.map(Math.sqrt), length };
}

function similarity(said: Described, reference: Described): number {
  const penalty = Math.exp(-((said.length - reference.length) ** 2) / (2 * deviation ** 2));
  let sum = 0;
  said.vectors.forEach((vector, n) => {
    let product = 0;
    for (const [run, weight] of vector) {
      const other = reference.vectors[n].get(run) ?? 0;
      // Saying a word oftener than people do gains nothing.
      product += Math.min(weight, other) * other;
    }
    const norms = said.norms[n] * reference.norms[n];
    sum += (norms === 0 ? product : product / norms) * penalty;
  });
  return sum / longest;
}
