/**
 * What COCO's instances file and its many relatives share (cocodataset.org/#format-data): `images`, `annotations` and
 * `categories`, in any order, of any size. Annotations are joined to their images on disk; see `GroupSpool`.
 */

import { ChatRexError } from '../../errors.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import type { VocabularyEntry } from '../dataset.ts';
import { shownValue } from '../faults.ts';
import { isFourNumbers } from '../finish-sample.ts';
import { GroupSpool } from '../group-spool.ts';
import { type JsonElement, jsonElements } from '../json/elements.ts';
import { maskBounds } from '../mask-bounds.ts';
import type { DraftRegion, ReaderContext } from '../reader.ts';

/** An image of the file, with the fields of the format that were asked for. */
export interface CocoImage {
  readonly id: string;
  readonly size?: ImageSize;
  /** All fields of the record. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An annotation of an image. */
export interface CocoAnnotation {
  /** Its id as text, or its place (`#7`) where it has none. */
  readonly id: string;
  readonly categoryId?: string;
  /** Four numbers; where the file has something else, a text that shows it. */
  readonly boxXywh: readonly number[] | string;
  readonly areaPixels?: number;
  readonly isCrowd: boolean;
  /** The fields that the format asked for. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface CocoCategory {
  readonly id: string;
  readonly name: string;
  readonly alternatives: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface CocoGroup {
  readonly image: CocoImage;
  readonly annotations: readonly CocoAnnotation[];
  readonly categories: ReadonlyMap<string, CocoCategory>;
}

export interface CocoLikeFormat {
  /** Fields of images and annotations to keep beside those that every file has. */
  readonly imageFields?: readonly string[];
  readonly annotationFields?: readonly string[];
  /** The name of a category and its alternatives; as the file has it by default. */
  namesOf?(name: string): readonly string[];
  /** Categories of another file, where this one has none. */
  readonly categories?: ReadonlyMap<string, CocoCategory>;
  /** Takes entries of other lists of the file. */
  readonly others?: Readonly<Record<string, (value: unknown) => void>>;
}

/** Fields of images that are always kept. */
const imageFields = ['file_name', 'coco_url'];

/**
 * The images of a file with their annotations, in the order of the file. Categories are complete from the first on.
 * @throws ChatRexError 'invalid-file' where the file is not JSON, or has no images
 */
export async function* cocoGroups(
  path: string,
  context: ReaderContext,
  format: CocoLikeFormat = {},
): AsyncGenerator<CocoGroup> {
  const file = context.resolve(path);
  const categories = new Map<string, CocoCategory>(format.categories);
  const spool = new GroupSpool<CocoImage, CocoAnnotation>(context.scratch);
  const taker = new ElementTaker(spool, categories, context, format);
  const sections = new Set<string>();
  const { onBytes, signal } = context;
  const onArray = (section: string) => void sections.add(section);
  const isWanted = (section: string) => taker.isWanted(section);
  try {
    for await (const batch of jsonElements(file, { onBytes, signal, isWanted, onArray })) {
      for (const element of batch) {
        if (element.index < 0 || element.section === '') throw notCoco(file, element.section);
        const flushed = taker.take(element);
        if (flushed !== undefined) await flushed;
      }
    }
    if (!sections.has('images')) throw notCoco(file, '');
    context.setVocabulary([...categories.values()].map((category) => vocabularyEntry(category, taker.namesOf)));
    for await (const { key, head, rows } of spool.groups()) {
      if (head !== undefined) yield { image: head, annotations: rows, categories };
      else {
        for (const { id } of rows) context.report({ kind: 'unknown-image', source: id, value: `image_id ${key}` });
      }
    }
  } finally {
    await spool.close();
  }
}

/** Puts each element of a file where it belongs. */
class ElementTaker {
  readonly #spool: GroupSpool<CocoImage, CocoAnnotation>;
  readonly #categories: Map<string, CocoCategory>;
  readonly #context: ReaderContext;
  readonly #imageFields: readonly string[];
  readonly #annotationFields: readonly string[];
  readonly #others: Readonly<Record<string, (value: unknown) => void>>;
  readonly namesOf: (name: string) => readonly string[];

  constructor(
    spool: GroupSpool<CocoImage, CocoAnnotation>,
    categories: Map<string, CocoCategory>,
    context: ReaderContext,
    format: CocoLikeFormat,
  ) {
    this.#spool = spool;
    this.#categories = categories;
    this.#context = context;
    this.#imageFields = [...imageFields, ...(format.imageFields ?? [])];
    this.#annotationFields = format.annotationFields ?? [];
    this.#others = format.others ?? {};
    this.namesOf = format.namesOf ?? ((name) => [name]);
  }

  isWanted(section: string): boolean {
    return ['images', 'annotations', 'categories'].includes(section) || Object.hasOwn(this.#others, section);
  }

  /** A promise where rows are being written to disk. */
  take({ section, index, value }: JsonElement): Promise<void> | undefined {
    const place = `${section} ${index}`;
    if (Object.hasOwn(this.#others, section)) this.#others[section](value);
    else if (!isRecord(value)) this.#context.report({ kind: 'bad-record', source: place, value: shownValue(value) });
    else if (section === 'images') return this.#takeImage(value, place);
    else if (section === 'annotations') return this.#takeAnnotation(value, index);
    else addCategory(this.#categories, value, place, this.#context, this.namesOf);
    return undefined;
  }

  #takeImage(value: Record<string, unknown>, place: string): Promise<void> | undefined {
    const image = readImage(value, this.#imageFields);
    if (image !== undefined) return this.#spool.addHead(image.id, image);
    this.#context.report({ kind: 'bad-record', source: place, value: 'an image without id' });
    return undefined;
  }

  #takeAnnotation(value: Record<string, unknown>, index: number): Promise<void> | undefined {
    const annotation = readAnnotation(value, index, this.#annotationFields);
    const imageId = idOf(value.image_id);
    if (imageId !== undefined) return this.#spool.addRow(imageId, annotation);
    const shown = `image_id ${shownValue(value.image_id)}`;
    this.#context.report({ kind: 'unknown-image', source: annotation.id, value: shown });
    return undefined;
  }
}

function notCoco(file: string, section: string): ChatRexError {
  const found = section === '' ? 'no list "images"' : `"${section}" that is not a list`;
  const message = `${file}: expected lists "images", "annotations" and "categories" as in COCO, got ${found}`;
  return new ChatRexError('invalid-file', `${message}: check the format of the spec`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ids are numbers in COCO, and texts elsewhere; 7 and "7" are the same. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** A size of two whole numbers of at least 1. */
export function sizeOf(width: unknown, height: unknown): ImageSize | undefined {
  const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0;
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

function readImage(value: Record<string, unknown>, kept: readonly string[]): CocoImage | undefined {
  const id = idOf(value.id);
  if (id === undefined) return undefined;
  const size = sizeOf(value.width, value.height);
  return { id, ...(size && { size }), fields: pick(value, kept) };
}

function readAnnotation(value: Record<string, unknown>, index: number, kept: readonly string[]): CocoAnnotation {
  const { id, category_id: category, bbox, area, iscrowd, segmentation } = value;
  const boxXywh = bbox === undefined || bbox === null ? boxOfMask(segmentation) : bbox;
  const categoryId = idOf(category);
  return {
    id: idOf(id) ?? `#${index}`,
    ...(categoryId !== undefined && { categoryId }),
    boxXywh: isFourNumbers(boxXywh) ? boxXywh : shownValue(boxXywh),
    ...(typeof area === 'number' && area >= 0 && Number.isFinite(area) && { areaPixels: area }),
    isCrowd: iscrowd === 1 || iscrowd === true || iscrowd === '1',
    fields: pick(value, kept),
  };
}

/** A file without boxes may have masks. */
function boxOfMask(segmentation: unknown): unknown {
  const bounds = maskBounds(segmentation);
  if (bounds === undefined) return undefined;
  const [left, top, right, bottom] = bounds;
  return [left, top, right - left, bottom - top];
}

function pick(value: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])));
}

function addCategory(
  categories: Map<string, CocoCategory>,
  value: Record<string, unknown>,
  place: string,
  context: ReaderContext,
  namesOf: (name: string) => readonly string[],
): void {
  const id = idOf(value.id);
  if (id === undefined || typeof value.name !== 'string') {
    context.report({ kind: 'bad-record', source: place, value: shownValue(value) });
    return;
  }
  const [name, ...alternatives] = namesOf(value.name);
  if (categories.has(id)) context.report({ kind: 'duplicate-category', source: place, value: `id ${id}` });
  else categories.set(id, { id, name, alternatives, fields: value });
}

function vocabularyEntry(
  { id, name, alternatives, fields }: CocoCategory,
  namesOf: (name: string) => readonly string[],
): VocabularyEntry {
  const { frequency, synonyms } = fields;
  const texts = Array.isArray(synonyms) ? synonyms.filter((synonym) => typeof synonym === 'string') : [];
  const names = [...new Set([...alternatives, ...texts.flatMap(namesOf)])].filter((synonym) => synonym !== name);
  return {
    name,
    ...(names.length > 0 && { synonyms: names }),
    ...((frequency === 'r' || frequency === 'c' || frequency === 'f') && { frequency }),
    ...(/^\d+$/.test(id) && { sourceId: Number(id) }),
  };
}

/**
 * The regions of a detection set, one for each annotation, and whether each has a category that the file lists.
 * @param mayLackCategory whether a missing category is no fault
 */
export function detectionRegions(
  { image, annotations, categories }: CocoGroup,
  context: ReaderContext,
  mayLackCategory = false,
): { regions: DraftRegion[]; areKnown: boolean } {
  let areKnown = true;
  const regions = annotations.map((annotation): DraftRegion => {
    const { id, categoryId, boxXywh, areaPixels, isCrowd } = annotation;
    const category = categoryId === undefined ? undefined : categories.get(categoryId)?.name;
    if (category === undefined) {
      areKnown = false;
    }
    if (category === undefined && !(mayLackCategory && categoryId === undefined)) {
      context.report({
        kind: 'unknown-category',
        sample: image.id,
        source: id,
        value: `category_id ${categoryId ?? 'is missing'}`,
      });
    }
    return {
      boxXywh,
      ...(category !== undefined && { category }),
      granularities: ['coarse'],
      ...(isCrowd && { isIgnored: true }),
      ...(areaPixels !== undefined && { areaPixels }),
      sourceId: id,
    };
  });
  return { regions, areKnown };
}
