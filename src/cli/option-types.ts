/** What the values of options are: each turns the text of a command line into a value, or says what was expected. */

import { InvalidArgumentError } from 'commander';

/** 0, 1, 2, ... */
export const wholeNumber = (text: string): number => whole(0)(text);

/** A whole number in a range. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`expected a whole number ${range}.`);
  };

/** A finite number, as 0.5, -3 or 1e-4. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.');
  return value;
}

/** A number in a range. */
export const between = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`expected ${least} to ${most}.`);
};

export const fraction = between(0, 1);

/** Whole numbers with commas between them. */
export function indices(text: string): number[] {
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(wholeNumber);
  throw new InvalidArgumentError('expected indices such as 0,3,5.');
}

/** For options that may be given several times. */
export function list(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** `3/10`: the fourth of ten parts, counted from 0, as SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX count. */
export function shard(text: string): { index: number; of: number } {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const value = { index: Number(index), of: Number(of) };
  if (of !== undefined && value.of >= 1 && value.index < value.of) return value;
  throw new InvalidArgumentError('expected i/n with i from 0 to n - 1, for example 0/8.');
}
