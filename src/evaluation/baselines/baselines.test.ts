import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxesInText, inferFrame, toPixels } from './coordinates.ts';
import { findObjects } from './lenient-objects.ts';
import { findRepetition, findRuns } from './repetition.ts';
import { baselineStyles } from './styles.ts';

const size = { width: 640, height: 480 };
const read = (style: string, answer: string, categories: string[], more = {}) =>
  baselineStyles[style].read(answer, { categories, size, ...more });
const rounded = (boxes: readonly { category: string; boxXyxy: readonly number[] }[]) =>
  boxes.map(({ category, boxXyxy }) => [category, boxXyxy.map((value) => Math.round(value * 10) / 10)]);

describe('frames', () => {
  it('become pixels, cut off at the borders, corners in order', () => {
    expect(toPixels([0.5, 0.25, 1.2, 0.5], 'shares', size)).toEqual([320, 120, 640, 240]);
    expect(toPixels([500, 250, 100, 500], 'thousandths', size)).toEqual([64, 120, 320, 240]);
    expect(toPixels([10, 20, 30, 40], { resized: { width: 320, height: 240 } }, size)).toEqual([20, 40, 60, 80]);
    // A 640 x 480 image has 80 pixels of padding above and below.
    expect(toPixels([0, 0.125, 1, 0.875], 'paddedShares', size)).toEqual([0, 0, 640, 480]);
    expect(toPixels([0.25, 0, 0.75, 1], 'paddedShares', { width: 100, height: 200 })).toEqual([0, 0, 100, 200]);
  });

  it('are guessed as VLMEvalKit does', () => {
    expect(inferFrame([[0.1, 0.2, 0.3, 1.4]])).toBe('shares');
    expect(inferFrame([[0, 0, 999, 1]])).toBe('thousandths');
    expect(inferFrame([[0, 0, 1001, 1]])).toBe('pixels');
    expect(boxesInText('x [1, 2 3,4] and [.5,1e-1, -2, 3.]')).toEqual([
      [1, 2, 3, 4],
      [0.5, 0.1, -2, 3],
    ]);
    expect(boxesInText('from (1, 2) to (3, 4)')).toEqual([[1, 2, 3, 4]]);
    expect(boxesInText('3 dogs')).toEqual([]);
  });
});

describe('objects in text that was meant to be JSON', () => {
  it.each([
    [
      'two lists',
      '[{"class": "dog", "rect": [1, 2, 3, 4]}], [{"class": "cat", "rect": [5, 6, 7, 8]}]',
      ['dog', 'cat'],
      0,
      false,
    ],
    ['single quotes', "[{'class': 'dog', 'rect': [1, 2, 3, 4]}]", ['dog'], 0, false],
    [
      'no quotes',
      '[ {class: car, rect: [234, 186, 370, 283]},\n{class: car, rect: [568, 214, 622, 283]}',
      ['car', 'car'],
      0,
      false,
    ],
    ['a quote in a name', `[{'class': 'child's chair', 'rect': [1, 2, 3, 4]}]`, ["child's chair"], 0, false],
    ['a cut end', '[{"class": "dog", "rect": [1, 2, 3, 4]}, {"class": "dog", "rect": [1, 2', ['dog'], 1, true],
    [
      'three numbers',
      '[{"class": "dog", "rect": [1, 2, 3]}, {"class": "cat", "rect": [1, 2, 3, 4]}]',
      ['cat'],
      1,
      false,
    ],
    ['a fence and other keys', '```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "dog"}]\n```', ['dog'], 0, false],
  ])('%s', (_, text, names, malformed, isCut) => {
    const found = findObjects(text);
    expect(found.objects.map(({ name }) => name)).toEqual(names);
    expect([found.malformed, found.isCut]).toEqual([malformed, isCut]);
  });
});

describe('baselines', () => {
  it('are asked the prompts of table 7', () => {
    const ask = (style: string) =>
      baselineStyles[style].questions(['dog', "child's chair"]).map(({ prompt }) => prompt);
    expect(ask('qwen2-vl')[0]).toMatch(/^In this picture, you are required.*Category: \['dog', "child's chair"\]$/);
    expect(ask('internvl2')).toEqual(ask('qwen2-vl'));
    expect(ask('ferret')[0]).toBe(
      `What is the location of all instances of categories ['dog', "child's chair"] in the image? Please answer me respectively.`,
    );
    expect(ask('shikra')).toEqual([
      'Help me locate dog in <image>and give its coordinates, please.',
      "Help me locate child's chair in <image>and give its coordinates, please.",
    ]);
    expect(ask('groma')[0]).toMatch(/only including <p>dog<\/p> <p>child's chair<p>\. Give me/);
    for (const style of Object.values(baselineStyles)) expect(style.questions([])).toEqual([]);
  });

  it('Qwen2-VL: thousandths in JSON or its own marks; other names are strays', () => {
    const answer = '[{"class": "Dog", "rect": [0, 500, 500, 1000]}, {"class": "sofa", "rect": [1, 2, 3, 4]}]';
    const { boxes, strays } = read('qwen2-vl', answer, ['dog']);
    expect([rounded(boxes), strays]).toEqual([[['dog', [0, 240, 320, 480]]], 1]);
    const marked =
      '<|object_ref_start|>dog<|object_ref_end|><|box_start|>(100,0),(200,500)<|box_end|><|box_start|>(0,0),(1000,1000)<|box_end|>';
    expect(rounded(read('qwen2-vl', marked, ['dog']).boxes)).toEqual([
      ['dog', [64, 0, 128, 240]],
      ['dog', [0, 0, 640, 480]],
    ]);
    const pixels = { resized: { width: 1280, height: 960 } };
    expect(rounded(read('qwen2-vl', '[{"label": "dog", "bbox_2d": [2, 4, 6, 8]}]', ['dog'], pixels).boxes)).toEqual([
      ['dog', [1, 2, 3, 4]],
    ]);
  });

  it('InternVL2: its own marks', () => {
    const { boxes } = read(
      'internvl2',
      '<ref>traffic_light</ref><box>[[0, 0, 500, 500], [500, 500, 1000, 1000]]</box>',
      ['traffic light'],
    );
    expect(rounded(boxes)).toEqual([
      ['traffic light', [0, 0, 320, 240]],
      ['traffic light', [320, 240, 640, 480]],
    ]);
  });

  it('Shikra: shares of the padded square, several with semicolons, a cut end', () => {
    const { boxes, isCut } = read('shikra', 'Answer: [0.000,0.125,0.500,0.500;0.5,0.5,1,0.875] and [0.1,', ['dog']);
    expect(rounded(boxes)).toEqual([
      ['dog', [0, 0, 320, 240]],
      ['dog', [320, 240, 640, 480]],
    ]);
    expect(isCut).toBe(true);
  });

  it('Ferret: names before boxes, each with all that follow it, doubles left out', () => {
    const answer =
      'There are dogs [0, 0, 500, 500], [500, 500, 1000, 1000] and [0, 0, 500, 500]. A hot dog [0, 0, 100, 100] is on the sofa [1, 1, 2, 2].';
    const { boxes, strays } = read('ferret', answer, ['dog', 'hot dog']);
    expect(rounded(boxes)).toEqual([
      ['dog', [0, 0, 320, 240]],
      ['dog', [320, 240, 640, 480]],
      ['hot dog', [0, 0, 64, 48]],
    ]);
    expect(strays).toBe(1);
  });

  it('Groma: numbers of its regions, or coordinates', () => {
    const regionsXyxy = [
      [0, 0, 10, 10],
      [5, 5, 20, 20],
    ] as const;
    const answer =
      'A <p>dog</p> <roi><r1><r7></roi> beside a <p>cat</p> [[0, 0, 0.5, 0.5]] and a <p>hat</p> <roi><r0></roi>.';
    const { boxes, strays, malformed } = read('groma', answer, ['dog', 'cat'], { regionsXyxy });
    expect(rounded(boxes)).toEqual([
      ['dog', [5, 5, 20, 20]],
      ['cat', [0, 0, 320, 240]],
    ]);
    expect([strays, malformed]).toEqual([1, 1]);
  });
});

describe('answers that nobody could have meant', () => {
  /** What the readers look for, and what may come in the place of it. */
  const pieces = [
    ...['{', '}', '[', ']', '"class"', "'rect'", ':', ',', ';', '\n', '"', "'", 'dog', 'cat', 'and', '```json', 'null'],
    ...['1', '-3', '0.5', '1e3', '1e999', '999999', 'NaN', '<p>', '</p>', '<roi>', '</roi>', '<r1>', '<r99>', '<ref>'],
    ...['</ref>', '<box>', '</box>', '<|object_ref_start|>', '<|box_start|>', '(1,2),(3,4)', '[1, 2, 3, 4]', '[[]]'],
    ...['{"class": "dog", "rect": [5, 6, 7, 8]}', '\ud800', '狗', ' '],
  ];

  it.each(Object.keys(baselineStyles))('%s: are boxes inside of the image under names that were asked for', (style) => {
    const answer = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''));
    const regionsXyxy = [[0, 0, 1, 1] as const, [5, 5, 9, 9] as const];
    fc.assert(
      fc.property(answer, (text) => {
        const { boxes, strays, malformed } = read(style, text, ['dog', 'cat'], { regionsXyxy });
        for (const { category, boxXyxy } of boxes) {
          expect(['dog', 'cat']).toContain(category);
          const [left, top, right, bottom] = boxXyxy;
          expect(0 <= left && left <= right && right <= size.width, `${boxXyxy}`).toBe(true);
          expect(0 <= top && top <= bottom && bottom <= size.height, `${boxXyxy}`).toBe(true);
        }
        expect(Number.isInteger(strays) && Number.isInteger(malformed)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  // A reader that tries again from each place would take hours for these.
  it.each([
    ['digits without end', `[1, 1, 1, ${'1'.repeat(200_000)}`],
    ['names without end', '<p>'.repeat(70_000)],
    ['marks without end', '<|object_ref_start|>'.repeat(10_000)],
    ['boxes without end', `<ref>${'</ref><box>'.repeat(20_000)}`],
    ['regions without end', '<roi>'.repeat(40_000)],
    ['brackets', `${'['.repeat(200_000)}]`],
    ['commas', `dog [1, 2, 3, 4]${' ,'.repeat(100_000)}x [1, 2, 3, 4]`],
  ])('%s take no longer than other answers', (_, answer) => {
    const start = performance.now();
    for (const style of Object.keys(baselineStyles)) read(style, answer, ['dog']);
    findRepetition(answer);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('repetition', () => {
  /** The sample of appendix A.2. */
  const qwen = [
    '[ {class: car, rect: [234, 186, 370, 283]},',
    '{class: car, rect: [568, 214, 622, 283]},',
    '{class: car, rect: [743, 186, 822, 300]},',
    ...[110, 134, 158, 182, 206].map((x, i) => `{class: car, rect: [${x}, ${i === 0 ? 199 : 200}, ${x + 18}, 240]},`),
  ].join('\n');

  it('finds the even steps of the paper’s sample', () => {
    const { runs, boxes } = findRepetition(qwen);
    expect(boxes).toHaveLength(8);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toEqual({ kind: 'stepping', from: 3, to: 8, step: [24, 0] });
  });

  it('finds the same box again and again, in shares too, and no run in things that lie about', () => {
    const same = Array.from({ length: 5 }, () => [0.1, 0.2, 0.3, 0.4] as const);
    expect(findRuns(same)).toEqual([{ kind: 'same', from: 0, to: 5, step: [0, 0] }]);
    const steps = Array.from({ length: 6 }, (_, i) => [0.05 * i, 0.2, 0.05 * i + 0.1, 0.4] as const);
    expect(findRuns(steps)).toMatchObject([{ kind: 'stepping', from: 0, to: 6 }]);
    expect(
      findRuns([
        [1, 2, 30, 40],
        [20, 20, 50, 60],
        [100, 7, 300, 40],
        [9, 9, 99, 99],
      ]),
    ).toEqual([]);
    expect(findRuns(same.slice(0, 3))).toEqual([]);
    expect(findRuns([])).toEqual([]);
  });

  it('tells loops of text and cut ends', () => {
    expect(findRepetition('The cat sat on the mat. '.repeat(200)).isTextLoop).toBe(true);
    expect(findRepetition('The cat sat on the mat. '.repeat(20)).isTextLoop).toBe(false);
    expect(findRepetition(`${qwen}\n{class: car, rect: [23`).isCut).toBe(true);
    expect(findRepetition('cat [1, 2, 3, 4]').isCut).toBe(false);
    expect(findRepetition('cat [1, 2, 3, 4], [5, 6').isCut).toBe(true);
  });
});
