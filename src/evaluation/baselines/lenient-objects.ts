/**
 * Objects with a name and a box, out of text that was meant to be JSON: several lists side by side, single quotes,
 * names without quotes, keys without quotes, an end that was cut off. Whole objects before the cut are kept.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxesInGroup, bracketedBoxes } from './coordinates.ts';

export interface FoundObject {
  readonly name: string;
  readonly boxes: readonly BoxXyxy[];
}

export interface FoundObjects {
  readonly objects: readonly FoundObject[];
  readonly malformed: number;
  readonly isCut: boolean;
}

const nameKeys = /["']?\b(?:class|label|name|category|object)\b["']?\s*:\s*/i;
const boxKeys = /["']?\b(?:rect|bbox_2d|bbox|box_2d|box|coordinates)\b["']?\s*:\s*/i;

/** Objects without inner objects, in order. */
export function findObjects(text: string): FoundObjects {
  const objects: FoundObject[] = [];
  let malformed = 0;
  let end = 0;
  for (const match of text.matchAll(/\{[^{}]*\}/g)) {
    end = match.index + match[0].length;
    const object = readObject(match[0]);
    if (object) objects.push(object);
    else malformed++;
  }
  const rest = text.slice(end);
  const isCut = rest.includes('{');
  return { objects, malformed: malformed + (isCut ? 1 : 0), isCut };
}

function readObject(text: string): FoundObject | undefined {
  const name = valueAfter(text, nameKeys);
  const box = boxKeys.exec(text);
  if (name === undefined || !box) return undefined;
  const boxes = [...text.slice(box.index + box[0].length).matchAll(bracketedBoxes)].flatMap(([group]) =>
    boxesInGroup(group),
  );
  return boxes.length === 0 ? undefined : { name, boxes };
}

function valueAfter(text: string, key: RegExp): string | undefined {
  const match = key.exec(text);
  if (!match) return undefined;
  const rest = text.slice(match.index + match[0].length);
  const quote = rest[0];
  if (quote === '"' || quote === "'") {
    // A quote inside a name (child's chair) is not its end: the end is followed by a comma or the object's end.
    const quoted = new RegExp(`^${quote}(.*?)${quote}\\s*(?=[,}])`, 's').exec(rest);
    return quoted?.[1].trim();
  }
  const bare = /^[^,}[\]]+/.exec(rest)?.[0].trim();
  return bare === '' ? undefined : bare;
}
