import type { Review } from '../../render/review.ts';
import type { Certified } from '../../repairs/certify.ts';
import { HAZARDS } from '../../vocabulary/hazards.ts';
import { many } from './summary.ts';

/** Repairs that hold, cheapest first, and the popular ones that do not. */
export function describeRepairs(tried: readonly Certified[], full: boolean): Review['repairs'] {
  const show = (result: Certified) => ({
    repair: result.title,
    holds: result.holds,
    change: result.holds || full ? unprefixed(result.change) : [],
    note: result.holds ? cost(result) : why(result),
  });
  const holding = tried.filter((result) => result.holds);
  // Of several levels that do not help, the strongest says it for all.
  const failing = tried.filter((result) => !result.holds);
  const last = failing.filter((result, i) => failing.findLastIndex((other) => other.repair === result.repair) === i);
  return [...holding.slice(0, full ? undefined : 5), ...(full ? failing : last.slice(0, 4))].map(show);
}

/** The same change in several operations is shown once. */
function unprefixed(change: readonly string[]): string[] {
  const bare = change.map((line) => line.replace(/^[\w# ]+: (?=[\s\S])/, ''));
  return new Set(bare).size < bare.length ? [...new Set(bare)] : [...change];
}

function cost(result: Certified): string {
  const { errors } = result.exploration;
  const codes = Object.keys(errors);
  if (codes.length === 0) return 'no aborts; may wait';
  return codes
    .map((code) => OUTCOMES[code] ?? `the loser gets ${code}${RETRY.has(code) ? ' and must run again' : ''}`)
    .join('; ');
}

const OUTCOMES: Readonly<Record<string, string>> = {
  'rolled back': 'the loser rolls back and tries again',
  rejected: 'the stale one is rejected',
  'time-out': 'a caller may be left without an answer',
};
const RETRY = new Set(['40001', '40P01', '1213', '1020']);

function why({ counterexample, exploration }: Certified): string {
  if (counterexample) {
    const { hazard, path, faults } = counterexample;
    return `still ${HAZARDS[hazard].name} in ${many(path.length, 'step')}${faults > 0 ? ` and ${many(faults, 'fault')}` : ''}`;
  }
  if (exploration.stopped !== undefined) return 'not decided in the time given';
  return 'the operations no longer succeed even one after the other';
}
