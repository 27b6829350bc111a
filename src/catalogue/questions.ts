import { HAZARDS } from '../vocabulary/hazards.ts';
import { SIGNAL_IDS, type Signal } from '../vocabulary/signals.ts';
import type { Pattern } from './pattern.ts';
import { type Ranked, rank, severityOf } from './ranking.ts';
import { assume, openHazards, type Reading } from './reading.ts';

/** A fact that is not known and whose answer would change the ranking. */
export interface Question {
  readonly signal: Signal;
  /** What a yes changes, in terms of patterns. */
  readonly yes: string;
  readonly no: string;
}

const WATCHED = 5;
/** Less than a change of the third place is not worth an answer. */
const LEAST_CHANGE = 1 / 3;

/**
 * The facts whose answers change the first places most, at most `count`. Only facts that speak for or against a
 * pattern near the top are tried: an answer about something unrelated would change much and mean little.
 */
export function decidingQuestions(
  patterns: readonly Pattern[],
  reading: Reading,
  text: ReadonlyMap<string, number>,
  ranked: readonly Ranked[],
  count: number,
): Question[] {
  const near = ranked.slice(0, WATCHED + 1).filter(({ score }) => score > 0);
  const asked = new Set(near.flatMap(({ pattern }) => [...pattern.fits, ...pattern.unless]));
  const before = places(ranked);
  return [...asked]
    .filter((signal) => !reading.signals.has(signal))
    .map((signal) => {
      const [yes, no] = [true, false].map((is) => rank(patterns, assume(reading, signal, is), text)) as [
        Ranked[],
        Ranked[],
      ];
      return { signal, yes: change(before, yes), no: change(before, no), weight: difference(yes, no) };
    })
    .filter(({ yes, no, weight }) => weight >= LEAST_CHANGE && yes !== no)
    .sort((a, b) => b.weight - a.weight || (a.signal < b.signal ? -1 : 1))
    .slice(0, count)
    .map(({ signal, yes, no }) => ({ signal, yes, no }));
}

/**
 * Where nothing was found: facts that alone would raise a hazard for which there is a pattern; first those that many
 * patterns are about, with the worst hazards and the closest words.
 */
export function disprovingQuestions(
  patterns: readonly Pattern[],
  reading: Reading,
  text: ReadonlyMap<string, number>,
  count: number,
): Question[] {
  const most = Math.max(1e-9, ...text.values());
  return SIGNAL_IDS.filter((signal) => !reading.signals.has(signal))
    .map((signal) => {
      const assumed = assume(reading, signal, true);
      const raised = openHazards(assumed);
      const able = rank(patterns, assumed, text).filter(
        ({ pattern, removes }) => removes.length > 0 && pattern.fits.includes(signal),
      );
      const severity = Math.max(0, ...raised.map(severityOf));
      const closeness = Math.max(0, ...able.map(({ pattern }) => (text.get(pattern.id) ?? 0) / most));
      return { signal, raised, first: able[0], weight: able.length + severity + closeness };
    })
    .filter(({ raised, first }) => raised.length > 0 && first !== undefined)
    .sort((a, b) => b.weight - a.weight || (a.signal < b.signal ? -1 : 1))
    .slice(0, count)
    .map(({ signal, raised, first }) => ({
      signal,
      yes: `${raised.map((hazard) => HAZARDS[hazard].name).join(' and ')} must be ruled out, first with ${first?.pattern.id}`,
      no: 'nothing changes',
    }));
}

/** Places (from 1) of the first patterns by id. */
function places(ranked: readonly Ranked[]): Map<string, number> {
  return new Map(ranked.slice(0, WATCHED).map(({ pattern }, i) => [pattern.id, i + 1]));
}

/** How far two rankings differ in the first places; a change at the top counts more. */
function difference(a: readonly Ranked[], b: readonly Ranked[]): number {
  const [one, other] = [places(a), places(b)];
  let sum = 0;
  for (const id of new Set([...one.keys(), ...other.keys()]))
    sum += Math.abs(1 / (one.get(id) ?? Number.POSITIVE_INFINITY) - 1 / (other.get(id) ?? Number.POSITIVE_INFINITY));
  return sum;
}

/** The pattern that gains most places, in words. */
function change(before: ReadonlyMap<string, number>, after: readonly Ranked[]): string {
  const moves = [...places(after)].map(([id, place]) => {
    const was = before.get(id);
    return { id, place, was, gain: 1 / place - (was === undefined ? 0 : 1 / was) };
  });
  const best = moves.sort((a, b) => b.gain - a.gain)[0];
  if (best === undefined || best.gain <= 0) return 'the order stays';
  return `${best.id} comes ${best.place === 1 ? 'first' : `to place ${best.place}`}${best.was === undefined ? '' : ` (now ${best.was})`}`;
}
