/** Ways in which figures come about. */

/** Evaluators say -1 where there is nothing to find. */
export function measured(value: number): number | null {
  return value === -1 ? null : value;
}

/** Share of the items for which something holds; null without items. */
export function share<Item>(items: readonly Item[], holds: (item: Item) => boolean): number | null {
  return items.length === 0 ? null : items.filter(holds).length / items.length;
}
