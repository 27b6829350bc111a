import { HAZARDS, type Hazard } from '../vocabulary/hazards.ts';
import type { Signal } from '../vocabulary/signals.ts';
import type { Pattern } from './pattern.ts';
import { openHazards, type Reading } from './reading.ts';

/** Weights of the parts of a score; test/recommend-pattern.test.ts reports what they give. */
export interface Weights {
  readonly text: number;
  readonly fits: number;
  readonly unless: number;
  readonly symptom: number;
  readonly hazard: number;
}

export const WEIGHTS: Weights = { text: 1, fits: 1, unless: 0.6, symptom: 0.8, hazard: 0.4 };

/** A pattern with what speaks for and against it. */
export interface Ranked {
  readonly pattern: Pattern;
  /** Only the order of scores means something. */
  readonly score: number;
  readonly fits: readonly Signal[];
  readonly against: readonly Signal[];
  /** Hazards to rule out that the pattern removes. */
  readonly removes: readonly Hazard[];
}

/**
 * Orders patterns by what their words have in common with the problem, by the facts that speak for and against each,
 * and by the hazards they remove. A fact or hazard that fewer patterns name weighs more.
 *
 * @param text relevance of each pattern's words, by id.
 */
export function rank(
  patterns: readonly Pattern[],
  reading: Reading,
  text: ReadonlyMap<string, number>,
  weights: Weights = WEIGHTS,
): Ranked[] {
  const open = openHazards(reading);
  const most = Math.max(1e-9, ...text.values());
  const rarity = rarities(patterns);
  const is = (signal: Signal) => reading.signals.get(signal)?.is;
  return patterns
    .map((pattern) => {
      const fits = pattern.fits.filter((signal) => is(signal) === true);
      const misses = pattern.fits.filter((signal) => is(signal) === false);
      const against = pattern.unless.filter((signal) => is(signal) === true);
      const removes = pattern.removes.filter((hazard) => open.includes(hazard));
      const share = (some: readonly string[], all: readonly string[]) =>
        some.reduce((sum, one) => sum + (rarity.get(one) ?? 0), 0) / Math.sqrt(all.length || 1);
      const symptoms = removes.filter((hazard) => reading.symptoms.has(hazard));
      const score =
        (weights.text * (text.get(pattern.id) ?? 0)) / most +
        weights.fits * share(fits, pattern.fits) -
        weights.fits * share(misses, pattern.fits) -
        weights.unless * share(against, pattern.unless) +
        weights.symptom * share(symptoms, pattern.removes) +
        weights.hazard * share(removes, pattern.removes);
      return { pattern, score, fits, against, removes };
    })
    .sort((a, b) => b.score - a.score || (a.pattern.id < b.pattern.id ? -1 : 1));
}

const known = new WeakMap<readonly Pattern[], Map<string, number>>();

/** How much a signal or hazard says: between 0 (every pattern names it) and 1 (only one does). */
function rarities(patterns: readonly Pattern[]): ReadonlyMap<string, number> {
  const cached = known.get(patterns);
  if (cached !== undefined) return cached;
  const counts = new Map<string, number>();
  for (const pattern of patterns)
    for (const one of [...pattern.fits, ...pattern.removes]) counts.set(one, (counts.get(one) ?? 0) + 1);
  const top = Math.log(1 + patterns.length);
  const result = new Map([...counts].map(([one, count]) => [one, Math.log(1 + patterns.length / count) / top]));
  known.set(patterns, result);
  return result;
}

/** Severity of hazards as a number, for ordering. */
export const severityOf = (hazard: Hazard) => ({ critical: 3, high: 2, medium: 1, low: 0 })[HAZARDS[hazard].severity];
