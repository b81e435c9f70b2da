/** Figures by name, and the few ways in which they come about. */

/** 0 to 1 unless the name says otherwise; null where nothing was there to measure. */
export type Figures = Readonly<Record<string, number | null>>;

/** Evaluators say -1 where there is nothing to find. */
export function measured(value: number): number | null {
  return value === -1 ? null : value;
}

/** Share of the items for which something holds; null without items. */
export function share<Item>(items: readonly Item[], holds: (item: Item) => boolean): number | null {
  return items.length === 0 ? null : items.filter(holds).length / items.length;
}

/** The mean, or null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
