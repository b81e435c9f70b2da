/** InternVL2: JSON as asked for, or `<ref>name</ref><box>[[x0, y0, x1, y1], ...]</box>`. */

import { boxesInGroup } from './coordinates.ts';
import { jsonStyle } from './json-style.ts';
import { markedNames } from './marked-names.ts';

export const internVl2 = jsonStyle('internvl2', (answer) =>
  markedNames(answer, '<ref>', '</ref>').flatMap(([name, rest]) => {
    const marked = rest.trimStart();
    const end = marked.startsWith('<box>') ? marked.indexOf('</box>') : -1;
    if (end < 0) return [];
    const groups = marked.slice(0, end).match(/\[[^[\]]*\]/g) ?? [];
    return groups.flatMap(boxesInGroup).map((box) => ({ name, box }));
  }),
);
