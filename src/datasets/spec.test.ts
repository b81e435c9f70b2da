import { describe, expect, it } from 'vitest';
import { reader } from './formats/coco.ts';
import { parseOptions, parseSpec } from './spec.ts';

describe('parseSpec', () => {
  it.each([
    ['coco:instances.json,images=DIR', 'coco', { path: 'instances.json', images: 'DIR' }],
    ['coco:a, b.json,images=c,d,closed=false', 'coco', { path: 'a, b.json', images: 'c,d', closed: 'false' }],
    ['yolo:C:\\data\\data.yaml', 'yolo', { path: 'C:\\data\\data.yaml' }],
    ['world:seed=7,size=10', 'world', { seed: '7', size: '10' }],
    ['refcoco:refs(unc).p,split=a=b', 'refcoco', { path: 'refs(unc).p', split: 'a=b' }],
    ['./mine.ts,path=x', './mine.ts', { path: 'x' }],
    ['{"format": "coco", "options": {"path": "x"}}', 'coco', { path: 'x' }],
    ['photos:', 'photos', {}],
  ])('reads %s', (text, format, options) => {
    expect(parseSpec(text)).toEqual({ format, options });
  });

  it.each([
    ['instances.json', /has no format; expected FORMAT:PATH, for example coco:instances\.json/],
    ['coco:x,a=1,a=2', /the option a twice/],
    ['{"format": 1}', /option format/],
    ['{"format": ', /is not JSON/],
  ])('refuses %s', (text, message) => {
    expect(() => parseSpec(text)).toThrow(message);
  });
});

describe('parseOptions', () => {
  it('guesses at misspelt options and names wrong values', () => {
    const parse = (options: object) => () => parseOptions('coco', reader.options, options);
    expect(parse({ path: 'x', imges: 'y' })).toThrow(
      /^coco: there is no option imges, did you mean images\?; there are path, images/,
    );
    expect(parse({})).toThrow(/^coco: option path: /);
    expect(parse({ path: 'x', closed: 'maybe' })).toThrow(/^coco: option closed: /);
    expect(parse({ path: 2017, closed: 'true' })()).toEqual({ path: '2017', closed: true });
  });
});
