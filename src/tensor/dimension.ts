/**
 * Sizes of axes: a number, or a symbol such as `batch`, or sums and products of symbols such as `past+sequence`.
 *
 * A symbolic size is kept as the text of a polynomial in canonical form, so that two sizes are equal exactly when
 * their texts are. That is all the algebra that shapes need here: concatenation adds, reshaping multiplies and divides.
 */

export type Dim = number | string;
export type Shape = readonly Dim[];

/** Monomial (sorted symbols joined by `*`, empty for the constant) -> coefficient. */
type Polynomial = Map<string, number>;

function parse(dim: Dim): Polynomial {
  if (typeof dim === 'number') return new Map(dim === 0 ? [] : [['', dim]]);
  const terms: Polynomial = new Map();
  for (const term of dim.replaceAll('-', '+-').split('+')) {
    if (term === '') continue;
    const sign = term.startsWith('-') ? -1 : 1;
    let coefficient = sign;
    const symbols: string[] = [];
    for (const factor of term.replace(/^-/, '').split('*')) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else symbols.push(factor);
    }
    const key = symbols.sort().join('*');
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
  }
  return terms;
}

function format(terms: Polynomial): Dim {
  const kept = [...terms].filter(([, coefficient]) => coefficient !== 0).sort(([a], [b]) => (a < b ? 1 : -1));
  if (kept.length === 0) return 0;
  if (kept.length === 1 && kept[0][0] === '') return kept[0][1];
  const text = kept.map(([key, c]) => (key === '' ? `${c}` : c === 1 ? key : c === -1 ? `-${key}` : `${c}*${key}`));
  return text.join('+').replaceAll('+-', '-');
}

export const isStatic = (dim: Dim): dim is number => typeof dim === 'number';

export function addDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b)) return a + b;
  const sum = parse(a);
  for (const [key, coefficient] of parse(b)) sum.set(key, (sum.get(key) ?? 0) + coefficient);
  return format(sum);
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b)) return a * b;
  const product: Polynomial = new Map();
  for (const [keyA, ca] of parse(a)) {
    for (const [keyB, cb] of parse(b)) {
      const key = [...keyA.split('*'), ...keyB.split('*')].filter(Boolean).sort().join('*');
      product.set(key, (product.get(key) ?? 0) + ca * cb);
    }
  }
  return format(product);
}

export const subtractDims = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

/** a / b where b is one monomial that divides every term of a; undefined where it does not. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const divisor = [...parse(b)];
  if (divisor.length !== 1) return a === b ? 1 : undefined;
  const [divisorKey, divisorCoefficient] = divisor[0];
  const quotient: Polynomial = new Map();
  for (const [key, coefficient] of parse(a)) {
    const symbols = key.split('*').filter(Boolean);
    for (const symbol of divisorKey.split('*').filter(Boolean)) {
      const at = symbols.indexOf(symbol);
      if (at < 0) return undefined;
      symbols.splice(at, 1);
    }
    if (coefficient % divisorCoefficient !== 0) return undefined;
    quotient.set(symbols.join('*'), coefficient / divisorCoefficient);
  }
  return format(quotient);
}

/** floor(a / b) for a positive integer b, where b divides every term of a but the constant; undefined elsewhere. */
export function floorDivideDim(a: Dim, b: number): Dim | undefined {
  const quotient: Polynomial = new Map();
  for (const [key, coefficient] of parse(a)) {
    if (key !== '' && coefficient % b !== 0) return undefined;
    quotient.set(key, Math.floor(coefficient / b));
  }
  return format(quotient);
}

/** Number of elements of a shape. */
export const sizeOf = (shape: Shape): Dim => shape.reduce<Dim>(multiplyDims, 1);

/** Terms of a size as [coefficient, symbols], for whoever has to compute it at run time. */
export function termsOf(dim: Dim): { coefficient: number; symbols: string[] }[] {
  return [...parse(dim)].map(([key, coefficient]) => ({ coefficient, symbols: key.split('*').filter(Boolean) }));
}

/** The size with every symbol given its value. Undefined where a symbol has none. */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number | undefined {
  let total = 0;
  for (const { coefficient, symbols } of termsOf(dim)) {
    let product = coefficient;
    for (const symbol of symbols) {
      const value = values.get(symbol);
      if (value === undefined) return undefined;
      product *= value;
    }
    total += product;
  }
  return total;
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;
