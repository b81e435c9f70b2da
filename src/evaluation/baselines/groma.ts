/**
 * Groma: one question for all categories, an answer in prose in which `<p>name</p> <roi><r3><r7></roi>` names regions
 * of its own detector, or coordinates in brackets. The misspelled word of the authors' script is not in table 7.
 */

import { boxesInGroup, bracketedBoxes, toPixels } from './coordinates.ts';
import { markedNames } from './marked-names.ts';
import { type BaselineReading, type BaselineStyle, categoryNamed, type NamedBox, type ReadContext } from './style.ts';

export const groma: BaselineStyle = {
  name: 'groma',
  squashedTo: 448,
  maxTokens: 1024,
  questions: (categories) =>
    categories.length === 0
      ? []
      : [
          {
            prompt: `[grounding] There are categories you need to describe with positions, only including <p>${categories.join('</p> <p>')}<p>. Give me a short description of the image and include the coordinates [[x0,y0,x1,y1]] for each instance of categories.`,
            categories,
          },
        ],
  read: readGroma,
};

function readGroma(answer: string, context: ReadContext): BaselineReading {
  const boxes: NamedBox[] = [];
  let strays = 0;
  let malformed = 0;
  for (const [name, rest] of markedNames(answer, '<p>', '</p>')) {
    const category = categoryNamed(name, context.categories);
    const found = [
      ...[...rest.matchAll(bracketedBoxes)]
        .flatMap(([group]) => boxesInGroup(group))
        .map((box) => toPixels(box, box.every((value) => value <= 1) ? 'shares' : 'thousandths', context.size)),
      ...[...rest.matchAll(/<r(\d+)>/g)].flatMap(([, index]) => {
        const region = context.regionsXyxy?.[Number(index)];
        if (!region) malformed++;
        return region ? [region] : [];
      }),
    ];
    if (category === undefined) strays += found.length;
    else boxes.push(...found.map((boxXyxy) => ({ category, boxXyxy })));
  }
  const endsWithin = (start: string, end: string) => answer.lastIndexOf(start) > answer.lastIndexOf(end);
  const isCut = endsWithin('<roi>', '</roi>') || endsWithin('[', ']');
  return { boxes, strays, malformed: malformed + (isCut ? 1 : 0), isCut };
}
