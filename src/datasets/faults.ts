/** Faults in data: counted, listed up to a bound, and never fatal by themselves. */

/** What can be wrong with a record of a data set. */
export type FaultKind =
  | 'bad-record'
  | 'bad-box'
  | 'no-area'
  | 'box-outside'
  | 'box-clipped'
  | 'duplicate-image'
  | 'duplicate-region'
  | 'duplicate-category'
  | 'unknown-category'
  | 'unknown-image'
  | 'missing-image'
  | 'unreadable-image'
  | 'lost-reference';

/** What each kind means and what the reader does then; shown to users. */
export const faultMeanings: Readonly<Record<FaultKind, string>> = {
  'bad-record': 'a record that cannot be read; left out',
  'bad-box': 'a box that is not four finite numbers, or has a negative side; left out',
  'no-area': 'a box without area; left out',
  'box-outside': 'a box wholly outside its image; left out',
  'box-clipped': 'a box that reaches out of its image by a pixel or more; clipped',
  'duplicate-image': 'an image that comes twice; the first is kept',
  'duplicate-region': 'the same box with the same name twice in an image; both are kept',
  'duplicate-category': 'a category that comes twice; the first is kept',
  'unknown-category': 'a region of a category that is not listed; kept without a name',
  'unknown-image': 'an annotation of an image that is not listed; left out',
  'missing-image': 'an image file that does not exist; its sample is left out',
  'unreadable-image': 'an image that cannot be decoded, or has another shape than its annotation states',
  'lost-reference': 'words whose region was left out; left out with it',
};

/** One thing that is wrong in a data set. */
export interface Fault {
  readonly kind: FaultKind;
  /** The sample's id. */
  readonly sample?: string;
  /** The annotation's id, or the place in the file. */
  readonly source?: string;
  /** What came, as text. */
  readonly value?: string;
}

/** Faults of one kind: how many, and the first of them. */
export interface FaultCount {
  readonly count: number;
  readonly examples: readonly Fault[];
}

export type FaultSummary = Readonly<Partial<Record<FaultKind, FaultCount>>>;

/** How many faults of a kind are listed; all are counted. */
export const maxListedFaults = 20;

/** Longest value that is kept of a fault, in characters. */
const maxValueLength = 200;

/** Collects the faults of one pass over a data set. */
export class FaultLog {
  readonly #kinds = new Map<FaultKind, { count: number; examples: Fault[] }>();

  /** @param before faults of an earlier pass, to which those of this one are added */
  constructor(before: FaultSummary = {}) {
    for (const [kind, { count, examples }] of Object.entries(before)) {
      this.#kinds.set(kind as FaultKind, { count, examples: [...examples] });
    }
  }

  report(fault: Fault): void {
    let entry = this.#kinds.get(fault.kind);
    if (entry === undefined) {
      entry = { count: 0, examples: [] };
      this.#kinds.set(fault.kind, entry);
    }
    entry.count++;
    if (entry.examples.length < maxListedFaults) entry.examples.push({ ...fault, ...shortValue(fault.value) });
  }

  /** The faults so far; kinds without a fault are left out. */
  summary(): FaultSummary {
    return Object.fromEntries(
      [...this.#kinds].map(([kind, { count, examples }]) => [kind, { count, examples: [...examples] }]),
    );
  }
}

function shortValue(value: string | undefined): { value?: string } {
  if (value === undefined || value.length <= maxValueLength) return {};
  return { value: `${value.slice(0, maxValueLength - 1)}…` };
}

/** The number of faults of all kinds. */
export function countFaults(summary: FaultSummary): number {
  return Object.values(summary).reduce((sum, { count }) => sum + count, 0);
}

/**
 * A fault in one line.
 * @example describeFault({ kind: 'no-area', sample: '30', source: '7', value: '[5,5,0,3]' })
 *   // 'no-area: sample 30, annotation 7: [5,5,0,3]'
 */
export function describeFault({ kind, sample, source, value }: Fault): string {
  const place = [sample !== undefined && `sample ${sample}`, source !== undefined && `annotation ${source}`];
  const parts = [kind, place.filter(Boolean).join(', '), value ?? ''];
  return parts.filter((part) => part !== '').join(': ');
}

/** A value of a file as text for a fault; NaN and infinities are written as Python writes them. */
export function shownValue(value: unknown): string {
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'NaN';
    if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  }
  if (Array.isArray(value)) {
    const shown = value.slice(0, 20).map(shownValue);
    return `[${shown.join(',')}${value.length > 20 ? ',…' : ''}]`;
  }
  return JSON.stringify(value) ?? String(value);
}
