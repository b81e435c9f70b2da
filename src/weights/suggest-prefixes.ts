/**
 * Finds out how a file's names begin where they should begin otherwise, so that a message can say the line that mends
 * it.
 */

/** Beginnings of names in the file -> those of the parameters. */
export type Prefixes = Readonly<Record<string, string>>;

/** The parameter's name of a tensor: the first prefix that fits is replaced. */
export function withPrefixes(name: string, prefixes: Prefixes): string {
  const prefix = Object.keys(prefixes).find((start) => name.startsWith(start));
  return prefix === undefined ? name : prefixes[prefix] + name.slice(prefix.length);
}

/**
 * Prefixes by which more parameters are found in the file; undefined when there are none.
 *
 * A missing parameter `tower.a` may be called `model.tower.a` in the file, or `a`. If one rule serves all, it is the
 * answer; otherwise there is one for each first part of a name.
 *
 * @param missing parameters that the file lacks
 * @param found names in the file that are no parameters
 * @param right names in the file that are: no prefix may change them
 */
export function suggestPrefixes(
  missing: readonly string[],
  found: readonly string[],
  right: readonly string[] = [],
): Prefixes | undefined {
  const names = new Set(found);
  const longer = commonStarts(missing, found);
  const candidates = [
    ...longer.map((start): Prefixes => ({ [start]: '' })),
    Object.assign({}, ...longer.flatMap((start) => firstParts(missing, names, start))) as Prefixes,
    Object.assign(
      {},
      ...commonStarts(found, missing).flatMap((start) => shorterParts(missing, found, start)),
    ) as Prefixes,
  ];
  const wanted = new Set(missing);
  const gain = (prefixes: Prefixes) =>
    new Set(found.map((name) => withPrefixes(name, prefixes)).filter((name) => wanted.has(name))).size;
  const best = candidates
    .filter((one) => right.every((name) => withPrefixes(name, one) === name))
    .reduce((best, one) => (gain(one) > gain(best) ? one : best), {} as Prefixes);
  return gain(best) > 0 ? best : undefined;
}

/** What stands before a whole name of `shorter` in `longer`, most frequent first. */
function commonStarts(shorter: readonly string[], longer: readonly string[]): string[] {
  const names = new Set(shorter);
  const counts = new Map<string, number>();
  for (const name of longer) {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const start = name.slice(0, dot + 1);
      if (names.has(name.slice(dot + 1))) counts.set(start, (counts.get(start) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([start]) => start)
    .slice(0, 8);
}

/** `{ 'model.tower.': 'tower.' }` for each first part whose parameters the file has behind `start`. */
function firstParts(missing: readonly string[], names: ReadonlySet<string>, start: string): Prefixes[] {
  const parts = new Set(missing.filter((name) => names.has(start + name)).map(firstPart));
  return [...parts].map((part) => ({ [start + part]: part }));
}

/** `{ 'layers.': 'model.layers.' }` for each first part in the file whose names lack `start`. */
function shorterParts(missing: readonly string[], found: readonly string[], start: string): Prefixes[] {
  const wanted = new Set(missing);
  const parts = new Set(found.filter((name) => wanted.has(start + name)).map(firstPart));
  return [...parts].map((part) => ({ [part]: start + part }));
}

const firstPart = (name: string): string => name.slice(0, name.indexOf('.') + 1) || name;
