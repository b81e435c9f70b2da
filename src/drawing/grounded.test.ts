import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { createRgbImage, type Rgb } from '../image/rgb-image.ts';
import { colourAt } from './colours.ts';
import { drawBoxes } from './draw-boxes.ts';
import { groundedAnswerAnsi } from './grounded-ansi.ts';
import { drawGroundedAnswer } from './grounded-answer.ts';
import { groundedAnswerHtml } from './grounded-html.ts';

const wide = createRgbImage(900, 500, [90, 90, 90]);
const tall = createRgbImage(500, 900, [90, 90, 90]);
const boxes = Float32Array.of(50, 100, 200, 300, 300, 100, 450, 300, 320, 350, 440, 450);
const answer: GroundedText = [
  { kind: 'text', text: 'I see ' },
  { kind: 'phrase', text: 'two dogs', objects: [0, 1] },
  { kind: 'text', text: ' and ' },
  { kind: 'phrase', text: 'a man', objects: [2] },
  { kind: 'text', text: ', but no ' },
  { kind: 'phrase', text: 'cat', objects: [] },
  { kind: 'text', text: '; ' },
  { kind: 'phrase', text: 'Two dogs', objects: [1, 77] },
  { kind: 'text', text: '.' },
];

async function decode(file: Uint8Array) {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3).subarray(0, 3)];
  const count = ([red, green, blue]: Rgb, fromX: number, fromY: number) => {
    let found = 0;
    for (let y = fromY; y < info.height; y++) {
      for (let x = fromX; x < info.width; x++) {
        const place = (y * info.width + x) * 3;
        if (data[place] === red && data[place + 1] === green && data[place + 2] === blue) found++;
      }
    }
    return found;
  };
  return { width: info.width, height: info.height, at, count };
}

describe('drawGroundedAnswer', () => {
  it('writes the answer under a wide image, phrases in the colours of their boxes', async () => {
    const image = await decode(await drawGroundedAnswer(wide, answer, boxes, { question: 'What is there?' }));
    expect(image.width).toBe(900);
    expect(image.height).toBeGreaterThan(560);
    expect([image.at(50, 200), image.at(300, 200), image.at(320, 400)]).toEqual(
      [0, 0, 1].map((index) => [...colourAt(index)]),
    );
    expect(image.count(colourAt(0), 0, 500)).toBeGreaterThan(2000);
    expect(image.count(colourAt(1), 0, 500)).toBeGreaterThan(800);
    expect(image.count(colourAt(2), 0, 500)).toBe(0);
  });

  it('writes it beside a tall image', async () => {
    const image = await decode(await drawGroundedAnswer(tall, answer, boxes));
    expect(image.height).toBe(900);
    expect(image.width).toBeGreaterThan(850);
    expect(image.count(colourAt(0), 500, 0)).toBeGreaterThan(1000);
    expect(image.at(image.width - 1, 899)).toEqual([255, 255, 255]);
  });

  it('draws a box of two phrases in both colours', async () => {
    const twice: GroundedText = [
      { kind: 'phrase', text: 'a dog', objects: [0] },
      { kind: 'phrase', text: 'an animal', objects: [0] },
    ];
    const image = await decode(await drawGroundedAnswer(wide, twice, boxes));
    const row = Array.from({ length: 20 }, (_, x) => image.at(45 + x, 200).join());
    expect(row).toContain(colourAt(0).join());
    expect(row).toContain(colourAt(1).join());
  });

  it.each<[string, GroundedText]>([
    ['nothing', []],
    ['one endless word', [{ kind: 'text', text: 'x'.repeat(20_000) }]],
    ['control characters', [{ kind: 'phrase', text: '\u0000\u001b[2J\n\r', objects: [0] }]],
    ['only boxes that do not exist', [{ kind: 'phrase', text: 'ghost', objects: [5, -1] }]],
  ])('survives an answer of %s', async (_, text) => {
    const image = await decode(await drawGroundedAnswer(wide, text, boxes));
    expect(image.width).toBe(900);
    expect(image.height).toBeLessThan(4000);
  });
});

describe('groundedAnswerHtml', () => {
  it('ties phrases and boxes by class and colour, in one file', async () => {
    const html = await groundedAnswerHtml(wide, answer, boxes, { question: 'What?' });
    expect(html).toContain('<span class="phrase p0" tabindex="0" title="boxes 0, 1">two dogs</span>');
    expect(html).toContain('<span class="phrase p0" tabindex="0" title="boxes 1, 77">Two dogs</span>');
    expect(html.match(/<g class="box p0">/g)).toHaveLength(2);
    expect(html.match(/<g class="box p1">/g)).toHaveLength(1);
    expect(html).toContain('<rect x="50" y="100" width="150" height="200"/>');
    expect(html).toContain('.phrase.p1 { background: #fd8073; }');
    expect(html).toContain(', but no cat; ');
    expect(html.replaceAll('http-equiv', '').replace(/src="data:[^"]+"/, '')).not.toMatch(/https?:|src=|href=|<script/);
  });

  it('turns hostile text into text', async () => {
    const hostile = `</style></svg><script>alert(1)</script>"' onload=x \u0000`;
    const text: GroundedText = [
      { kind: 'text', text: hostile },
      { kind: 'phrase', text: hostile, objects: [0] },
    ];
    const html = await groundedAnswerHtml(wide, text, boxes, { question: hostile });
    expect(html).not.toContain('<script');
    expect(html.match(/<\/style>/g)).toHaveLength(1);
    expect(html.match(/<\/svg>/g)).toHaveLength(1);
    expect(html).not.toContain('\u0000');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x');
  });
});

describe('characters that the font lacks', () => {
  it('are told in one sentence, by drawings of answers and of boxes', async () => {
    const image = createRgbImage(40, 30);
    const told: string[] = [];
    const onWarning = (message: string) => told.push(message);
    const box = Float32Array.of(1, 1, 20, 20);
    await drawGroundedAnswer(image, [{ kind: 'phrase', text: '猫 and cat', objects: [0] }], box, { onWarning });
    await drawBoxes(image, box, { labels: ['猫'], onWarning });
    await drawBoxes(image, box, { labels: ['chat – кот, γάτα'], onWarning });
    expect(told).toEqual(Array(2).fill('The drawing shows boxes for 猫, which its font lacks; HTML shows them.'));
  });
});

describe('groundedAnswerAnsi', () => {
  it('says of things in a list that there are none', () => {
    const list: GroundedText = [
      { kind: 'phrase', text: 'cup', objects: [] },
      { kind: 'text', text: '\n' },
      { kind: 'phrase', text: 'cat', objects: [2] },
      { kind: 'text', text: '\n' },
      { kind: 'phrase', text: 'dog', objects: [] },
    ];
    expect(groundedAnswerAnsi(list, { colour: false })).toBe('cup (none)\ncat [2]\ndog (none)');
  });

  it('names the boxes in plain text', () => {
    expect(groundedAnswerAnsi(answer, { colour: false })).toBe(
      'I see two dogs [0, 1] and a man [2], but no cat; Two dogs [1, 77].',
    );
  });

  it('puts phrases on the colours of their boxes', () => {
    const [red, green, blue] = colourAt(0);
    const coloured = groundedAnswerAnsi(answer, { colour: true });
    expect(coloured).toContain(
      `\u001b[48;2;${red};${green};${blue};38;2;0;0;0mtwo dogs\u001b[0m \u001b[2m[0, 1]\u001b[0m`,
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes are what is tested
    expect(coloured.replace(/\u001b\[[\d;]*m/g, '')).toBe(groundedAnswerAnsi(answer, { colour: false }));
  });

  it('lets no control character of the answer through', () => {
    const text: GroundedText = [
      { kind: 'text', text: 'a\u001b]0;owned\u0007b\r\nc\td\u009b2J\u202E' },
      { kind: 'phrase', text: '\u001b[31mx', objects: [0] },
    ];
    expect(groundedAnswerAnsi(text, { colour: false })).toBe('a]0;ownedb\nc\td2J[31mx [0]');
  });
});
