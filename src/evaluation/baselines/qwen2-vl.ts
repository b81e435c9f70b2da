/**
 * Qwen2-VL: JSON as asked for, or `<|object_ref_start|>name<|object_ref_end|><|box_start|>(x0,y0),(x1,y1)<|box_end|>`.
 */

import { jsonStyle } from './json-style.ts';
import { markedNames } from './marked-names.ts';

const marked = /^(?:\s*<\|box_start\|>\(\d+,\s*\d+\),\s*\(\d+,\s*\d+\)<\|box_end\|>)+/;
const corners = /\((\d+),\s*(\d+)\),\s*\((\d+),\s*(\d+)\)/g;

/**
 * Coordinates are thousandths; give `resized` for models that write pixels of the image as they saw it (Qwen2.5-VL).
 */
export const qwen2Vl = jsonStyle('qwen2-vl', (answer) =>
  markedNames(answer, '<|object_ref_start|>', '<|object_ref_end|>').flatMap(([name, rest]) => {
    const [boxes = ''] = marked.exec(rest) ?? [];
    return [...boxes.matchAll(corners)].map(([, a, b, c, d]) => ({
      name,
      box: [Number(a), Number(b), Number(c), Number(d)] as const,
    }));
  }),
);
