/**
 * Text whose phrases are tied to objects: the value behind every grounded answer, whatever dialect of tokens spells it.
 */

/** A stretch of an answer. `objects` are indices into the object list of the image, in the order they were named. */
export type Span = { kind: 'text'; text: string } | { kind: 'phrase'; text: string; objects: number[] };

/** An answer in order of reading; joining the spans' `text` gives what a person reads. */
export type GroundedText = Span[];

/** One question with its answer. In a question, a phrase span without text stands for its objects: `<obj3>`. */
export interface Turn {
  readonly question: GroundedText;
  readonly answer: GroundedText;
  /** Short right answers, for exact scoring: a category, a number word, a color, yes or no. */
  readonly accepted?: readonly string[];
  /** What is asked, where figures are also reported by kind. */
  readonly kind?: string;
}
