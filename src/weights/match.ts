/** Compares the parameters that a model declares with the tensors that a file holds; any difference is an error. */

import { ChatRexError } from '../errors.ts';
import { suggestPrefixes } from './suggest-prefixes.ts';

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

  constructor(
    missing: readonly string[],
    unexpected: readonly string[],
    misshaped: readonly MisshapedTensor[],
    fix = 'Check that preset and file belong together',
  ) {
    const shapes = misshaped.map(({ name, expected, found }) => `${name} [${found}], expected [${expected}]`);
    const parts = [
      summarise('missing', missing),
      summarise('unexpected', unexpected),
      summarise('of another shape', shapes),
    ];
    const differences = parts.filter((part) => part !== '').join('; ');
    super('weights-mismatch', `the weights do not fit the model: ${differences}. ${fix}`);
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
 * @param options.storedName the name in the file of a tensor of `found`, where a configuration can say how names begin:
 *   then the message says the line that mends other beginnings
 * @throws WeightsMismatchError 'weights-mismatch' with every missing, unexpected and mis-shaped tensor
 */
export function matchParameters(
  expected: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
  found: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  options: { readonly ignore?: readonly RegExp[]; readonly storedName?: (name: string) => string } = {},
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
    const { storedName } = options;
    const right = [...found.keys()].filter((name) => declared.has(name));
    const prefixes = storedName && suggestPrefixes(missing, unexpected.map(storedName), right.map(storedName));
    const line = prefixes && `"prefixes": ${JSON.stringify(prefixes)}`;
    const fix = line && `Other names begin the file's; write ${line} into config.json`;
    throw new WeightsMismatchError(missing, unexpected, misshaped, fix);
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
