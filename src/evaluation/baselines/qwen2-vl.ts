/**
 * Qwen2-VL: JSON as asked for, or `<|object_ref_start|>name<|object_ref_end|><|box_start|>(x0,y0),(x1,y1)<|box_end|>`.
 */

import { jsonStyle } from './json-style.ts';

const marked =
  /<\|object_ref_start\|>(.*?)<\|object_ref_end\|>((?:\s*<\|box_start\|>\(\d+,\s*\d+\),\s*\(\d+,\s*\d+\)<\|box_end\|>)+)/gs;
const corners = /\((\d+),\s*(\d+)\),\s*\((\d+),\s*(\d+)\)/g;

/**
 * Coordinates are thousandths; give `resized` for models that write pixels of the image as they saw it (Qwen2.5-VL).
 */
export const qwen2Vl = jsonStyle('qwen2-vl', (answer) =>
  [...answer.matchAll(marked)].flatMap(([, name, boxes]) =>
    [...boxes.matchAll(corners)].map(([, a, b, c, d]) => ({
      name,
      box: [Number(a), Number(b), Number(c), Number(d)] as const,
    })),
  ),
);
