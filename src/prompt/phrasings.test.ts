import { expect, it } from 'vitest';
import { PHRASINGS, withRegions } from './phrasings.ts';
import { QUESTIONS } from './questions.ts';
import { questionFor, type Task, wordingCount } from './templates.ts';

it('holds out wordings that no training wording equals, made of words that training hears', () => {
  const heard = new Set<string>();
  const groups = [...Object.values(PHRASINGS), ...Object.values(QUESTIONS)];
  for (const group of groups) {
    const official = 'official' in group ? (group.official as Task | undefined) : undefined;
    const wordings = official
      ? Array.from({ length: wordingCount(official) }, (_, at) => questionFor(official, ['[OBJ]'], at))
      : [];
    const seen: string[] = [...group.seen, ...wordings];
    for (const wording of seen) for (const word of wording.toLowerCase().match(/[a-z]+/g)!) heard.add(word);
    for (const wording of group.unseen) expect(seen).not.toContain(wording);
    expect(group.unseen.length).toBeGreaterThanOrEqual(2);
  }
  const unheard = groups.flatMap(({ unseen }) => unseen.flatMap((wording) => wording.toLowerCase().match(/[a-z]+/g)!));
  expect([...new Set(unheard)].filter((word) => !heard.has(word))).toEqual([]);
});

it('puts regions where a wording names them', () => {
  expect(withRegions('Is [OBJ] above [OBJ]?', [4, 2])).toEqual([
    { kind: 'text', text: 'Is ' },
    { kind: 'phrase', text: '', objects: [4] },
    { kind: 'text', text: ' above ' },
    { kind: 'phrase', text: '', objects: [2] },
    { kind: 'text', text: '?' },
  ]);
});
