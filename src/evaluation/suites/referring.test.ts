import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { humanrefAnswers, humanrefPhrases, scoreHumanref } from './humanref.ts';
import { parseTable } from './parse-table.ts';
import { scoreRefcoco } from './refcoco.ts';
import { refcocoAnswers, refcocoSamples } from './refcoco-files.ts';

describe('HumanRef', () => {
  const fixture = JSON.parse(
    readFileSync(new URL('../../../fixtures/evaluation/humanref.json', import.meta.url), 'utf8'),
  );

  it('as RexSeek’s script, over all phrases and by domain', () => {
    const phrases = humanrefPhrases({ path: 'annotations.jsonl', records: fixture.phrases });
    const { figures, byKind, counts } = scoreHumanref(
      phrases,
      humanrefAnswers({ path: 'a', records: fixture.answers }),
    );
    for (const [name, value] of Object.entries(fixture.expected))
      expect(figures[name], name).toBeCloseTo(value as number, 12);
    for (const [domain, expected] of Object.entries(fixture.byDomain)) {
      for (const [name, value] of Object.entries(expected as object))
        expect(byKind[domain][name], name).toBeCloseTo(value, 12);
    }
    expect(counts.missing).toBe(fixture.phrases.length - fixture.answers.length);
  });

  it('takes empty lists as nobody, and refuses points', () => {
    const answer = (extracted_predictions: unknown) => ({ path: 'a', records: [{ id: 1, extracted_predictions }] });
    expect(humanrefAnswers(answer([[]]))[0].boxesXyxy).toEqual([]);
    expect(() => humanrefAnswers(answer([[1, 2]]))).toThrow(/lists of four numbers/);
  });
});

describe('RefCOCO', () => {
  const shikra = refcocoSamples({
    path: 'REC_refcoco_unc_testA.jsonl',
    records: [
      { img_path: 'a.jpg', expression: 'left', bbox: [0, 0, 100, 100], width: 200, height: 100 },
      { img_path: 'a.jpg', expression: 'right', bbox: [100, 0, 200, 100], width: 200, height: 100 },
      { img_path: 'b.jpg', expression: 'top', bbox: [0, 0, 100, 100], width: 200, height: 100 },
    ],
  });

  it('counts overlaps above a half, and those of exactly a half apart', () => {
    const answers = refcocoAnswers(
      {
        path: 'a',
        records: [
          [[0, 0, 100, 50]],
          [
            [100, 0, 200, 60],
            [0, 0, 1, 1],
          ],
          [],
        ].map((boxes) => ({ boxes })),
      },
      shikra,
    );
    const { figures, notes, byKind } = scoreRefcoco(shikra, answers);
    expect(figures.accuracy50).toBeCloseTo(1 / 3, 12);
    expect(figures.accuracy50Inclusive).toBeCloseTo(2 / 3, 12);
    expect(figures.meanIou).toBeCloseTo((0.5 + 0.6) / 3, 12);
    expect(byKind).toEqual({});
    expect(notes).toEqual(['1 answer without a box counted as wrong', '1 answer with several boxes: the first counts']);
    expect(scoreRefcoco(shikra, answers, { isExactlyOne: true }).figures.accuracy50).toBe(0);
  });

  it('reads boxes out of texts, by frame', () => {
    const said = ['It is [0.0, 0.0, 0.5, 1.0].', '<box>[[500, 0, 1000, 1000]]</box>', 'there'];
    const records = said.map((response, id) => ({ id, response }));
    const { figures } = scoreRefcoco(shikra, refcocoAnswers({ path: 'a', records }, shikra));
    expect(figures.accuracy50).toBeCloseTo(2 / 3, 12);
    // On the square around it the image's 100 rows lie between .25 and .75.
    const padded = [{ id: 0, response: '[0.0, 0.25, 0.5, 0.75]' }];
    expect(refcocoAnswers({ path: 'a', records: padded }, shikra, 'paddedShares')[0].boxesXyxy).toEqual([
      [0, 0, 100, 100],
    ]);
  });

  it('knows the splits and averages over them', () => {
    const tsv =
      'index\tquestion\tcategory\tbbox_x1\tbbox_y1\tbbox_x2\tbbox_y2\n1\tq\tRefCOCO+ test A\t0\t0\t10\t10\n2\tq\tRefCOCOg val\t0\t0\t10\t10\n';
    const table = refcocoSamples({ path: 'RefCOCO.tsv', records: parseTable(tsv, '\t', 'x') });
    expect(table.map(({ split }) => split)).toEqual(['RefCOCO+_testA', 'RefCOCOg_val']);
    expect(shikra[0].split).toBe('RefCOCO_testA');
    const one = refcocoSamples({
      path: 'finetune_refcocog_val.json',
      records: [
        { id: 'images', value: [{ id: 5, caption: 'dog', width: 20, height: 20 }] },
        { id: 'annotations', value: [{ image_id: 5, bbox: [1, 2, 3, 4] }] },
      ],
    });
    expect(one).toEqual([
      { id: '5', split: 'RefCOCOg_val', sentence: 'dog', boxXyxy: [1, 2, 4, 6], width: 20, height: 20 },
    ]);
    const lmms = refcocoSamples({ path: 'x', records: [{ question_id: 9, answer: ['a', 'b'], bbox: [1, 2, 3, 4] }] });
    expect(lmms.map(({ id, boxXyxy }) => [id, boxXyxy])).toEqual([
      ['9_0', [1, 2, 4, 6]],
      ['9_1', [1, 2, 4, 6]],
    ]);
    const answers = refcocoAnswers({ path: 'a', records: [{ id: 1, boxes: [[0, 0, 10, 10]] }] }, table);
    const { figures, byKind } = scoreRefcoco(table, answers);
    expect(figures.accuracy50).toBe(0.5);
    expect(byKind['RefCOCO+_testA'].accuracy50).toBe(1);
  });

  it('refuses what has no boxes', () => {
    expect(() => refcocoSamples({ path: 'x', records: [{ question_id: 1, label: 'yes', image: 'a' }] })).toThrow(
      /file of pope/,
    );
    expect(() => refcocoAnswers({ path: 'x', records: [{ id: 1 }] }, shikra)).toThrow(
      /boxes, extracted_predictions or a text/,
    );
  });
});

describe('tables', () => {
  it('are read as pandas writes them', () => {
    const text = 'a,b,c\r\n1,"x, ""y""\nz",\r\n\r\n2,,3';
    expect(parseTable(text, ',', 'x')).toEqual([
      { a: '1', b: 'x, "y"\nz' },
      { a: '2', c: '3' },
    ]);
    expect(() => parseTable('a,b\n1,"x', ',', 'x.csv')).toThrow(/x\.csv: line 2: expected a closing quote/);
    expect(() => parseTable('a\n1,2', ',', 'x.csv')).toThrow(/expected 1 fields/);
  });
});
