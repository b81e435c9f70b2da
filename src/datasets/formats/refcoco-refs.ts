/** The authors' own files: a pickle (or JSON) of references, and COCO's instances of the same images. */

import { readFile, stat } from 'node:fs/promises';
import { ChatRexError } from '../../errors.ts';
import { PickleTuple, type PickleValue, unpickle } from '../../weights/pickle.ts';
import { jsonRecords } from '../json/lines.ts';
import { type DraftSample, openCoverage, type ReaderContext } from '../reader.ts';
import type { Phrase } from '../sample.ts';
import { type CocoGroup, cocoGroups, detectionRegions, idOf, isRecord } from './coco-like.ts';
import type { RefcocoOptions } from './refcoco-options.ts';

/** RefCOCOg, the largest, has 50,000 references and 100,000 sentences: 30 MB and some ten million operations. */
const maxPickleBytes = 2 ** 28;
const maxOperations = 100_000_000;

interface Reference {
  readonly imageId: string;
  readonly annotationIds: readonly string[];
  readonly texts: readonly string[];
}

/** All instances of an image are regions: those that no expression means make expressions hard. */
export async function* pickledSamples(
  { path, instances, split }: RefcocoOptions,
  context: ReaderContext,
): AsyncGenerator<DraftSample> {
  if (instances === undefined) {
    throw new ChatRexError('invalid-argument', `refcoco: ${path} has no boxes; give instances=instances.json too`);
  }
  const references = await readReferences(path, split, context);
  for await (const group of cocoGroups(instances, context)) {
    const ofImage = references.get(group.image.id);
    if (ofImage === undefined) continue;
    references.delete(group.image.id);
    const draft = referenceSample(group, ofImage, context);
    if (draft !== undefined) yield draft;
  }
  for (const [imageId, lost] of references) {
    context.report({ kind: 'unknown-image', value: `image_id ${imageId}, ${lost.length} references` });
  }
}

function referenceSample(
  group: CocoGroup,
  references: readonly Reference[],
  context: ReaderContext,
): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const file = fields.file_name;
  if (typeof file !== 'string' || file === '') {
    return void context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name' });
  }
  const places = new Map(group.annotations.map((annotation, at) => [annotation.id, at]));
  const phrases = references.flatMap(({ annotationIds, texts }): Phrase[] => {
    const found = annotationIds.map((annotation) => places.get(annotation));
    const lost = found.indexOf(undefined);
    if (lost >= 0) {
      context.report({ kind: 'lost-reference', sample: id, source: annotationIds[lost], value: texts.join(' | ') });
      return [];
    }
    return texts.map((text) => ({ text, regions: found as number[], kind: 'referring' }));
  });
  return {
    id,
    image: { file, ...(size && { size }) },
    otherFiles: [`train2014/${file}`],
    regions: detectionRegions(group, context).regions,
    phrases,
    conversations: [],
    coverage: openCoverage,
  };
}

async function readReferences(
  path: string,
  split: readonly string[] | undefined,
  context: ReaderContext,
): Promise<Map<string, Reference[]>> {
  const references = new Map<string, Reference[]>();
  for await (const { value, place } of records(path, context)) {
    if (!isRecord(value)) {
      context.report({ kind: 'bad-record', source: place, value: 'expected a reference' });
      continue;
    }
    if (split !== undefined && !split.includes(String(value.split))) continue;
    const reference = referenceOf(value);
    if (typeof reference === 'string') context.report({ kind: 'bad-record', source: place, value: reference });
    else references.set(reference.imageId, [...(references.get(reference.imageId) ?? []), reference]);
  }
  return references;
}

/** gRefCOCO has lists of annotations, empty (or [-1]) where nothing is meant. */
function referenceOf({ image_id: image, ann_id: annotations, sentences }: Record<string, unknown>): Reference | string {
  const imageId = idOf(image);
  if (imageId === undefined) return 'expected image_id';
  const given = Array.isArray(annotations) ? annotations : [annotations];
  const ids = given.flatMap((id) => (id === -1 ? [] : [idOf(id)]));
  if (ids.includes(undefined)) return 'expected ann_id';
  if (!Array.isArray(sentences)) return 'expected sentences';
  const texts = sentences.flatMap((sentence) => {
    const text = isRecord(sentence) ? (sentence.sent ?? sentence.raw) : undefined;
    return typeof text === 'string' && text.trim() !== '' ? [text.trim()] : [];
  });
  return texts.length === 0 ? 'no sentence with text' : { imageId, annotationIds: ids as string[], texts };
}

async function* records(path: string, context: ReaderContext): AsyncGenerator<{ value: unknown; place: string }> {
  if (path.endsWith('.json')) {
    yield* jsonRecords(path, context);
    return;
  }
  const file = context.resolve(path);
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) throw new ChatRexError('not-found', `${file} does not exist: check the path`);
  if (size > maxPickleBytes)
    throw new ChatRexError('limit-exceeded', `${file} has ${size} bytes: not a file of references`);
  const bytes = await readFile(file);
  context.onBytes(size);
  const pickle = unpickle(bytes, {
    label: file,
    maxOperations,
    findGlobal: () => undefined,
    loadPersistent: () => {
      throw new ChatRexError('invalid-file', `${file} points outside itself: expected plain data`);
    },
  });
  if (!Array.isArray(pickle)) throw new ChatRexError('invalid-file', `${file}: expected a list of references`);
  for (const [index, value] of pickle.entries()) yield { value: plain(value, 0), place: `reference ${index}` };
}

/** A reference has some hundred values; a pickle of a few bytes can name the same list over and over. */
const maxValues = 100_000;

/** Python's values as JSON's; what has no equal becomes null, and so does what is nested too deep or in a circle. */
function plain(value: PickleValue, depth: number, budget = { left: maxValues }): unknown {
  if (depth > 20 || budget.left-- <= 0) return null;
  const inside = (item: PickleValue) => plain(item, depth + 1, budget);
  if (value instanceof PickleTuple) return value.items.map(inside);
  if (Array.isArray(value)) return value.map(inside);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), inside(item)]));
  if (typeof value === 'bigint') return Number(value);
  return value === null || ['number', 'string', 'boolean'].includes(typeof value) ? value : null;
}
