/** What the commands of the data engine read from their options. */

import { InvalidArgumentError } from 'commander';
import type { Budget, Price } from '../rexverse/work/limiter.ts';

export { between, whole as wholeFrom } from './option-types.ts';

/** `500000 tokens`, `2M tokens` or an amount of money: `5.00`, `$5`. */
export function budget(text: string): Budget {
  const [, amount, unit, tokens] = /^\$?\s*(\d+(?:\.\d+)?)\s*([kKmM])?\s*(tokens?)?$/.exec(text.trim()) ?? [];
  if (amount === undefined || (unit && !tokens)) {
    throw new InvalidArgumentError('expected an amount of money (5.00) or of tokens (500000tokens, 2Mtokens).');
  }
  const value = Number(amount) * ({ k: 1e3, m: 1e6 }[unit?.toLowerCase() ?? ''] ?? 1);
  return tokens ? { tokens: value } : { money: value };
}

/** `MODEL=INPUT/OUTPUT`, the price of a million tokens of each; may be given for several models. */
export function price(text: string, before: Record<string, Price> = {}): Record<string, Price> {
  const [, model, input, output] = /^(.+)=(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (model === undefined) {
    throw new InvalidArgumentError('expected MODEL=INPUT/OUTPUT per million tokens, for example InternVL2-8B=0.2/0.6.');
  }
  return { ...before, [model]: { input: Number(input), output: Number(output) } };
}
