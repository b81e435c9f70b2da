/** InternVL2: JSON as asked for, or `<ref>name</ref><box>[[x0, y0, x1, y1], ...]</box>`. */

import { boxesInGroup } from './coordinates.ts';
import { jsonStyle } from './json-style.ts';

export const internVl2 = jsonStyle('internvl2', (answer) =>
  [...answer.matchAll(/<ref>(.*?)<\/ref>\s*<box>(.*?)<\/box>/gs)].flatMap(([, name, boxes]) =>
    [...boxes.matchAll(/\[([^[\]]*)\]/g)].flatMap(([group]) => boxesInGroup(group)).map((box) => ({ name, box })),
  ),
);
