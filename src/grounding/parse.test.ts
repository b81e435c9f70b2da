import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DialectName, dialects, objectToken } from './dialect.ts';
import type { GroundedText } from './grounded-text.ts';
import { type AnswerEvent, createAnswerParser, parseAnswer } from './parse.ts';
import { plainText, renderAnswer } from './render.ts';

const paper = { dialect: dialects.paper, boxCount: 10 };
const release = { dialect: dialects.release, boxCount: 100 };
const phrase = (text: string, ...objects: number[]) => ({ kind: 'phrase' as const, text, objects });
const text = (words: string) => ({ kind: 'text' as const, text: words });
const kinds = (source: string) => parseAnswer(source, paper).issues.map(({ kind }) => kind);

describe('well-formed answers', () => {
  it('of the released model, as its documentation shows them', () => {
    const source =
      'a <ground>plaid couch,</ground><objects><obj2></objects> a <ground>couple.</ground><objects><obj9><obj11></objects>';
    const answer = parseAnswer(source, release);
    expect(answer.spans).toEqual([text('a '), phrase('plaid couch,', 2), text(' a '), phrase('couple.', 9, 11)]);
    expect(answer.issues).toEqual([]);
    expect(renderAnswer(answer.spans, release.dialect)).toBe(source);
    expect(plainText(answer.spans)).toBe('a plaid couch, a couple.');
  });

  it('keep the boxes of a phrase that comes twice', () => {
    const source = '<g>person</g><o><obj1></o> and <g>person</g><o><obj1><obj2></o>';
    const { spans, issues } = parseAnswer(source, paper);
    expect(spans).toEqual([phrase('person', 1), text(' and '), phrase('person', 1, 2)]);
    expect(issues).toEqual([]);
  });

  it.each(['None', '', ' ', ' None '])('say that nothing fits by "%s"', (objects) => {
    const answer = parseAnswer(`<g>cat</g><o>${objects}</o>`, paper);
    expect(answer.spans).toEqual([phrase('cat')]);
    expect(answer.issues).toEqual([]);
  });

  it('mean the other dialect as text', () => {
    expect(parseAnswer('<ground>cat</ground>', paper).spans).toEqual([text('<ground>cat</ground>')]);
  });
});

describe('malformed answers', () => {
  it.each<[string, GroundedText, string[]]>([
    ['<g>cat', [phrase('cat')], ['truncated']],
    ['<g>cat</g>', [phrase('cat')], ['truncated']],
    ['<g>cat</g> ', [phrase('cat'), text(' ')], ['truncated']],
    ['<g>cat</g><o><obj1>', [phrase('cat', 1)], ['truncated']],
    ['<g>cat</g><o><obj1><obj', [phrase('cat', 1)], ['unexpected-text', 'truncated']],
    ['a </g', [text('a </g')], []],
    ['<g>cat</g> is', [phrase('cat'), text(' is')], ['missing-objects']],
    ['<g>cat</g> <o><obj1></o>', [phrase('cat', 1)], ['unexpected-text']],
    ['<g>cat<o><obj1></o>', [phrase('cat', 1)], ['missing-phrase-end']],
    ['<g>cat<g>dog</g><o><obj1></o>', [phrase('cat'), phrase('dog', 1)], ['missing-phrase-end']],
    ['<o><obj1></o>', [phrase('', 1)], ['objects-without-phrase']],
    ['the <obj1> there', [text('the <obj1> there')], ['object-outside-list']],
    ['a</o>b</g>', [text('ab')], ['unexpected-tag', 'unexpected-tag']],
    ['</g>', [text('')], ['unexpected-tag']],
    ['<g>cat</g><o><obj10><obj999><obj1></o>', [phrase('cat', 1)], ['object-out-of-range', 'object-out-of-range']],
    ['<g>cat</g><o><obj1><obj1></o>', [phrase('cat', 1)], ['repeated-object']],
    ['<g>cat</g><o><obj1>, <obj2></o>', [phrase('cat', 1, 2)], ['unexpected-text']],
    ['<g>cat</g><o>None<obj2></o>', [phrase('cat', 2)], ['unexpected-text']],
    ['<g>cat</g><o><obj1><g>dog</g><o><obj2></o>', [phrase('cat', 1), phrase('dog', 2)], ['missing-objects-end']],
    ['<g>cat</g><o><obj01><obj1></o>', [phrase('cat', 1)], ['unexpected-text']],
  ])('%s', (source, spans, issues) => {
    const answer = parseAnswer(source, paper);
    expect(answer.spans).toEqual(spans);
    expect(answer.issues.map(({ kind }) => kind)).toEqual(issues);
    expect(answer.sources.join('')).toBe(source);
    for (const { position, found } of answer.issues) expect(source.slice(position)).toMatch(found);
  });

  it('without any box report every index', () => {
    const answer = parseAnswer('<g>cat</g><o><obj0></o>', { ...paper, boxCount: 0 });
    expect(answer.spans).toEqual([phrase('cat')]);
    expect(answer.issues).toEqual([{ kind: 'object-out-of-range', position: 13, found: '<obj0>' }]);
  });
});

/** Neighbouring texts joined, as cutting an answer differently cuts only its text differently. */
function joinText(events: AnswerEvent[]): AnswerEvent[] {
  const joined: AnswerEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (event.kind === 'text' && last?.kind === 'text') joined[joined.length - 1] = text(last.text + event.text);
    else joined.push(event);
  }
  return joined;
}

function stream(chunks: string[], options: typeof paper) {
  const parser = createAnswerParser(options);
  const events = chunks.flatMap((chunk) => parser.push(chunk));
  return { events: joinText([...events, ...parser.end()]), answer: parser.answer };
}

describe('streaming', () => {
  it('tells text at once and holds back only what may become a tag', () => {
    const parser = createAnswerParser(paper);
    expect(parser.push('a <')).toEqual([text('a ')]);
    expect(parser.push('b')).toEqual([text('<b')]);
    expect(parser.push('<g>ca')).toEqual([{ kind: 'phrase-start' }, text('ca')]);
    expect(parser.push('t</g><o><ob')).toEqual([text('t')]);
    expect(parser.push('j1')).toEqual([]);
    expect(parser.push('></o>')).toEqual([{ kind: 'phrase-end', objects: [1] }]);
    expect(parser.push('<obj1234567')).toEqual([text('<obj1234567')]);
  });

  const tags = (name: DialectName) => Object.values(dialects[name]);
  const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array).toString('latin1'));
  const fragments = fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...tags('paper'), '<obj1>', '<obj7>', '<obj12>', '<obj') },
        { weight: 2, arbitrary: fc.constantFrom('cat', ' ', 'None', '<', '>', '\n', 'g>', 'bj3>') },
        { weight: 1, arbitrary: bytes },
      ),
      { maxLength: 7 },
    )
    .map((parts) => parts.join(''));

  it('gives the same as whole, split at every position, for 10,000 random answers', () => {
    const anyAnswer = fc.oneof(bytes, fragments);
    fc.assert(
      fc.property(anyAnswer, (source) => {
        const whole = stream([source], paper);
        const isLossless =
          whole.answer.sources.join('') === source && whole.answer.sources.length === whole.answer.spans.length;
        const expected = JSON.stringify(whole);
        const cuts = Array.from({ length: source.length }, (_, cut) => [source.slice(0, cut), source.slice(cut)]);
        // Compared as strings: an `expect` each would take most of the time.
        const odd = [...cuts, source.split('')].find((chunks) => JSON.stringify(stream(chunks, paper)) !== expected);
        return isLossless && odd === undefined;
      }),
      { numRuns: 10_000 },
    );
  });

  it('tells by its events what the spans say', () => {
    fc.assert(
      fc.property(fragments, (source) => {
        const { events, answer } = stream([source], paper);
        const boxes = events.flatMap((event) => (event.kind === 'phrase-end' ? [event.objects] : []));
        expect(boxes).toEqual(answer.spans.flatMap((span) => (span.kind === 'phrase' ? [span.objects] : [])));
        expect(events.map((event) => (event.kind === 'text' ? event.text : '')).join('')).toBe(plainText(answer.spans));
        expect(events.flatMap((event) => (event.kind === 'issue' ? [event.issue] : []))).toEqual(answer.issues);
      }),
    );
  });
});

describe('rendering', () => {
  const words = fc
    .array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('<', 'obj3>', '<g', 'None', '</', '\n')))
    .map((parts) => parts.join(''));
  const isPlain = (source: string) => !/<obj\d+>|<\/?[go]>|<\/?ground>|<\/?objects>/.test(source);
  const span = fc.oneof(
    words.map((words) => text(words)),
    fc.tuple(words, fc.uniqueArray(fc.nat(99), { maxLength: 5 })).map(([words, objects]) => phrase(words, ...objects)),
  );
  const isCanonical = (spans: GroundedText) =>
    spans.every((span, i) => span.kind === 'phrase' || (span.text !== '' && spans[i + 1]?.kind !== 'text'));

  it.each(Object.entries(dialects))('and parsing give the spans back (%s)', (_, dialect) => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 6 }), (spans) => {
        fc.pre(isCanonical(spans) && spans.every(({ text }) => isPlain(text)));
        const source = renderAnswer(spans, dialect);
        const answer = parseAnswer(source, { dialect, boxCount: 100 });
        expect(answer).toEqual({ spans, sources: answer.sources, issues: [] });
        expect(renderAnswer(answer.spans, dialect)).toBe(source);
      }),
    );
  });

  it('takes any list of a hundred boxes', () => {
    const all = Array.from({ length: 100 }, (_, index) => index);
    const source = renderAnswer([phrase('things', ...all)], dialects.paper);
    expect(source).toBe(`<g>things</g><o>${all.map(objectToken).join('')}</o>`);
    expect(parseAnswer(source, { ...paper, boxCount: 100 }).spans).toEqual([phrase('things', ...all)]);
    expect(kinds(source)).toHaveLength(90);
  });
});

describe('where things are wrong', () => {
  const issuesOf = (source: string) =>
    parseAnswer(source, { dialect: dialects.paper, boxCount: 3 }).issues.map(({ kind, position }) => [kind, position]);

  it('"None" behind an index is text that does not belong there', () => {
    expect(issuesOf('<g>cup</g><o><obj0>None</o>').map(([kind]) => kind)).toEqual(['unexpected-text']);
    expect(issuesOf('<g>cup</g><o>None</o>')).toEqual([]);
  });

  it('an answer that is cut off is so where it ends, not behind its spaces', () => {
    expect(issuesOf('<g>cup</g>  ')).toEqual([['truncated', 10]]);
  });
});
