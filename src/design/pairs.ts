import type { Design, Property } from './design.ts';

/** Requests that can be explored all at once. */
export const MOST_REQUESTS = 8;

/** How many requests a design runs at the same time. */
export function requestCount(design: Design): number {
  return design.operations.reduce((sum, operation) => sum + (operation.runs?.length ?? 1), 0);
}

/**
 * A large design as designs of two requests each: every operation with every other, and with itself where it has two
 * runs. Most anomalies need two requests (Berenson et al. 1995); what needs three at once is not found.
 */
export function pairsOf(design: Design): Design[] {
  const pairs: Design[] = [];
  design.operations.forEach((first, i) => {
    for (const second of design.operations.slice(i)) {
      const runs = first.runs ?? [{}];
      if (first === second && runs.length < 2) continue;
      const operations =
        first === second
          ? [{ ...first, runs: runs.slice(0, 2) }]
          : [
              { ...first, runs: runs.slice(0, 1) },
              { ...second, runs: (second.runs ?? [{}]).slice(0, 1) },
            ];
      const steps = operations.flatMap((operation) => operation.steps).join('\n');
      const properties = design.properties.filter((property) => speaksOf(property, steps));
      if (properties.length > 0 || design.properties.length === 0) pairs.push({ ...design, operations, properties });
    }
  });
  return pairs;
}

/** Whether a property can be judged with these steps alone. */
function speaksOf(property: Property, steps: string): boolean {
  const effect = property['at-most-once'] ?? property['exactly-once'];
  if (effect !== undefined) return steps.includes(`${effect.split(/\s/)[0]}(`);
  const component = property.linearizable ?? property['mutual-exclusion'];
  if (component !== undefined) return steps.includes(`${component}.`);
  return property.when !== 'all committed';
}
