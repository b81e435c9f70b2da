/**
 * Shikra: one question a category, shares of the image padded to a square, `[x0,y0,x1,y1]` or `[...;...]` for several.
 */

import { boxesInGroup, bracketedBoxes, toPixels } from './coordinates.ts';
import type { BaselineStyle } from './style.ts';

export const shikra: BaselineStyle = {
  name: 'shikra',
  maxTokens: 1024,
  questions: (categories) =>
    categories.map((category) => ({
      prompt: `Help me locate ${category} in <image>and give its coordinates, please.`,
      categories: [category],
    })),
  read: (answer, { categories, size }) => {
    const groups = [...answer.matchAll(bracketedBoxes)];
    const boxes = groups.flatMap(([group]) => boxesInGroup(group));
    const end = groups.length === 0 ? 0 : groups[groups.length - 1].index + groups[groups.length - 1][0].length;
    const isCut = answer.slice(end).includes('[');
    const [category] = categories;
    return {
      boxes: boxes.map((box) => ({ category, boxXyxy: toPixels(box, 'paddedShares', size) })),
      strays: 0,
      malformed: isCut ? 1 : 0,
      isCut,
    };
  },
};
