/** Figures of a step, by name. */
export type Metrics = Readonly<Record<string, number>>;
