/**
 * Ferret: one question for all categories, an answer in prose with `name [x0, y0, x1, y1]`, thousandths of the image.
 */

import { boxesInGroup, bracketedBoxes, toPixels } from './coordinates.ts';
import { pythonList } from './json-style.ts';
import { type BaselineStyle, type NamedBox, spelled, withoutDoubles } from './style.ts';

export const ferret: BaselineStyle = {
  name: 'ferret',
  squashedTo: 336,
  maxTokens: 1024,
  questions: (categories) =>
    categories.length === 0
      ? []
      : [
          {
            prompt: `What is the location of all instances of categories ${pythonList(categories)} in the image? Please answer me respectively.`,
            categories,
          },
        ],
  read: (answer, { categories, size }) => {
    const boxes: NamedBox[] = [];
    let strays = 0;
    let category: string | undefined;
    let end = 0;
    for (const match of answer.matchAll(bracketedBoxes)) {
      // Boxes belong to the name before them; with nothing but commas and "and" between, to the name of the box before.
      const between = answer.slice(end, match.index);
      category =
        lastNamed(between, categories) ?? (/^(?:and)?$/i.test(between.replace(/[\s,;.]+/g, '')) ? category : undefined);
      end = match.index + match[0].length;
      for (const box of boxesInGroup(match[0])) {
        if (category === undefined) strays++;
        else boxes.push({ category, boxXyxy: toPixels(box, 'thousandths', size) });
      }
    }
    const isCut = answer.slice(end).includes('[');
    return { boxes: withoutDoubles(boxes), strays, malformed: isCut ? 1 : 0, isCut };
  },
};

/** The category named last in a text; of those that end at one place the longest. */
function lastNamed(text: string, categories: readonly string[]): string | undefined {
  const lower = spelled(text);
  let best: { category: string; end: number; length: number } | undefined;
  for (const category of categories) {
    const name = spelled(category);
    const at = lastWord(lower, name);
    if (at < 0) continue;
    const end = at + name.length;
    if (!best || end > best.end || (end === best.end && name.length > best.length))
      best = { category, end, length: name.length };
  }
  return best?.category;
}

/** Where a name stands last as whole words, with or without a plural s; -1 where it does not. */
function lastWord(text: string, name: string): number {
  for (let at = text.lastIndexOf(name); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(name, at - 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text.slice(at + name.length, at + name.length + 2);
    if (!/[\p{L}\p{N}]/u.test(before) && /^(?:s?[^\p{L}\p{N}]|s?$)/u.test(after)) return at;
  }
  return -1;
}
