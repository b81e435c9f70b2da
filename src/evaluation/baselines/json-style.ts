/**
 * Qwen2-VL and InternVL2: one prompt, an answer in JSON or in the form each was trained on, thousandths of the image.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { type CoordinateFrame, toPixels } from './coordinates.ts';
import { findObjects } from './lenient-objects.ts';
import { type BaselineReading, type BaselineStyle, categoryNamed, type NamedBox, type ReadContext } from './style.ts';

/** Table 7, letter for letter; its example of an answer is two lists with a comma between, which is no JSON. */
const detectionPrompt =
  'In this picture, you are required to finish object detection for every instance of the category we provide. ' +
  'To complete the above mission, you need to provide me with the answers in the format of a Python list of ' +
  'dictionaries by the category provided above. Attention: No other category shall appear in the detection object ' +
  'attributes, except for the genre we offer. Bounding box format: [108(xmin), 210(ymin), 810(xmax), 640(ymax)], ' +
  'where xmin, ymin, xmax and ymax must be positive integers. If there is no object in the picture, please provide an ' +
  'empty list. Here is an example which you must follow in your responses. Example: If the question is as below: ' +
  "Category: ['person', 'car']. If there is an object of the category, The Answer should be: " +
  '[{"class": "person", "rect": [0, 614, 220, 771]}, {"class": "person", "rect": [638, 468, 784, 941]}], ' +
  '[{"class": "car", "rect": [110, 100, 500, 300]}]. Else if no object of the category in the picture, the Answer ' +
  'should be: []. Here is the question you shall answer: Category: ';

/** A list of names as Python prints it. */
export const pythonList = (names: readonly string[]): string =>
  `[${names.map((name) => (name.includes("'") && !name.includes('"') ? `"${name}"` : `'${name.replaceAll("'", "\\'")}'`)).join(', ')}]`;

/** Boxes in the form that the model was trained on, beside JSON. */
export type NativeForm = (answer: string) => { readonly name: string; readonly box: BoxXyxy }[];

export function jsonStyle(name: string, native: NativeForm): BaselineStyle {
  return {
    name,
    maxTokens: 2048,
    questions: (categories) =>
      categories.length === 0 ? [] : [{ prompt: detectionPrompt + pythonList(categories), categories }],
    read: (answer, context) => readJsonAnswer(answer, context, native),
  };
}

function readJsonAnswer(answer: string, context: ReadContext, native: NativeForm): BaselineReading {
  const { objects, malformed, isCut } = findObjects(answer);
  const found = [
    ...objects.flatMap(({ name, boxes }) => boxes.map((box) => ({ name, box }))),
    ...(objects.length === 0 ? native(answer) : []),
  ];
  const frame: CoordinateFrame = context.resized ? { resized: context.resized } : 'thousandths';
  const boxes: NamedBox[] = [];
  let strays = 0;
  for (const { name, box } of found) {
    const category = categoryNamed(name, context.categories);
    if (category === undefined) strays++;
    else boxes.push({ category, boxXyxy: toPixels(box, frame, context.size) });
  }
  return { boxes, strays, malformed, isCut };
}
