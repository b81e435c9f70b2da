/** Learning-rate schedules: factors of the base rate by step. */

export type Schedule = (step: number) => number;

/** Rises from nothing to one over `warmupSteps`, then falls along half a cosine to `floor` at `totalSteps`. */
export function warmupCosine({
  warmupSteps,
  totalSteps,
  floor = 0,
}: {
  warmupSteps: number;
  totalSteps: number;
  floor?: number;
}): Schedule {
  return (step) => {
    if (step < warmupSteps) return (step + 1) / warmupSteps;
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}

/** Rises over `warmupSteps`, then is multiplied by `factor` at every milestone passed. */
export function warmupSteps({
  warmupSteps: rise,
  milestones,
  factor = 0.1,
}: {
  warmupSteps: number;
  milestones: readonly number[];
  factor?: number;
}): Schedule {
  return (step) =>
    Math.min(1, (step + 1) / Math.max(1, rise)) * factor ** milestones.filter((milestone) => step >= milestone).length;
}
