/**
 * Text whose phrases are tied to objects: the value behind every grounded answer, whatever dialect of tokens spells it.
 */

/** A stretch of an answer. `objects` are indices into the object list of the image, in the order they were named. */
export type Span = { kind: 'text'; text: string } | { kind: 'phrase'; text: string; objects: number[] };

/** An answer in order of reading; joining the spans' `text` gives what a person reads. */
export type GroundedText = Span[];
