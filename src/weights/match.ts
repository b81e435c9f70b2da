/** Compares the parameters that a model declares with the tensors that a file holds; any difference is an error. */

import { ChatRexError } from '../errors.ts';

/** Names shown per kind of difference; the error's fields hold all of them. */
const maxNamesShown = 5;

/** A parameter whose shape in the file is not the model's. */
export interface MisshapedTensor {
  readonly name: string;
  readonly expected: readonly number[];
  readonly found: readonly number[];
}

/** A file's tensors are not a model's parameters; the fields list every difference. */
export class WeightsMismatchError extends ChatRexError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly misshaped: readonly MisshapedTensor[];

  constructor(missing: readonly string[], unexpected: readonly string[], misshaped: readonly MisshapedTensor[]) {
    const shapes = misshaped.map(({ name, expected, found }) => `${name} [${found}], expected [${expected}]`);
    const parts = [
      summarise('missing', missing),
      summarise('unexpected', unexpected),
      summarise('of another shape', shapes),
    ];
    const differences = parts.filter((part) => part !== '').join('; ');
    super(
      'weights-mismatch',
      `the weights do not fit the model: ${differences}. Check that preset and file belong together`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.misshaped = misshaped;
  }
}

/**
 * Makes sure that the file holds exactly the model's parameters.
 *
 * @param expected the model's parameters
 * @param found the file's tensors by name, as in `WeightFile.tensors`
 * @param options.ignore names in the file that are known to be no parameters (counters, masks, cached tables); they are
 *   let pass only when the model does not declare them
 * @throws WeightsMismatchError 'weights-mismatch' with every missing, unexpected and mis-shaped tensor
 */
export function matchParameters(
  expected: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
  found: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  options: { readonly ignore?: readonly RegExp[] } = {},
): void {
  const declared = new Set<string>();
  const missing: string[] = [];
  const misshaped: MisshapedTensor[] = [];
  for (const { name, shape } of expected) {
    declared.add(name);
    const tensor = found.get(name);
    if (tensor === undefined) missing.push(name);
    else if (!isSameShape(shape, tensor.shape)) misshaped.push({ name, expected: shape, found: tensor.shape });
  }
  const isIgnored = (name: string) => options.ignore?.some((pattern) => name.search(pattern) >= 0);
  const unexpected = [...found.keys()].filter((name) => !declared.has(name) && !isIgnored(name));
  if (missing.length + unexpected.length + misshaped.length > 0) {
    throw new WeightsMismatchError(missing, unexpected, misshaped);
  }
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function summarise(kind: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > maxNamesShown ? ` and ${names.length - maxNamesShown} more` : '';
  return `${names.length} ${kind}: ${names.slice(0, maxNamesShown).join(', ')}${more}`;
}
