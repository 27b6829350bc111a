import type { Design } from '../../design/design.ts';
import type { Engine } from '../../design/engine.ts';
import type { Exploration } from '../../explorer/explore.ts';
import type { GapsError, Program } from '../../explorer/program.ts';
import type { Review } from '../../render/review.ts';
import type { Certified } from '../../repairs/certify.ts';
import { HAZARDS } from '../../vocabulary/hazards.ts';

/** Whether everything within the bounds was seen and every property could be judged. */
export const decided = ({ exhausted, holds }: Exploration) => exhausted && !holds.some((check) => check.undecided);

/** The answer where SQL could not be analysed. */
export function notAnalysed(error: GapsError, engine: Engine): Review {
  return {
    verdict: 'not analysed',
    summary: `Not analysed: ${error.gaps.length} construct(s) that the SQL interpreter for ${engine.name} lacks. Rewrite or leave them out, and call again.`,
    findings: [],
    repairs: [],
    notes: {
      'not analysed': error.gaps.map((gap) => `${gap.where}: ${gap.construct}`),
      bounds: ['Nothing was explored.'],
    },
  };
}

/** The verdict in a sentence or two. */
export function summarise(program: Program, exploration: Exploration, tried: readonly Certified[]): string {
  const levels = [
    ...new Set(program.processes.filter((process) => process.usesDatabase).map((process) => process.level.name)),
  ].join(', ');
  const where = levels === '' ? '' : ` on ${program.engine.name} at ${levels}`;
  const [worst] = exploration.broken;
  if (!worst) {
    return decided(exploration)
      ? `No property breaks${where}: every interleaving within the bounds was explored.`
      : `No counterexample found${where}, but not everything could be explored: give fewer runs or steps, or more seconds.`;
  }
  const best = tried.find((result) => result.holds);
  const alone = worst.serial
    ? ' even without concurrency'
    : worst.faults > 0
      ? ` with ${many(worst.faults, 'fault')}`
      : '';
  return `${HAZARDS[worst.hazard].name}${where}${alone}: ${worst.says}.${best ? ` Cheapest repair that held: ${best.title}.` : ' No repair that was tried holds.'}`;
}

/** Within which bounds the verdict holds. */
export function bounds(
  program: Program,
  { states, exhausted, stopped, finals }: Exploration,
  design: Design,
  cut: boolean,
): string {
  const space = exhausted ? 'space exhausted' : `stopped by the limit on ${stopped === 'time' ? 'time' : 'states'}`;
  const requests = many(program.processes.length, 'concurrent request');
  const rest = cut ? '; not all repairs were tried in the time given' : '';
  return `${many(states, 'state')}, ${finals} final, ${space}; ${requests} on the given rows, at most ${many(design.faults, 'fault')} in one execution${rest}. Other data or more requests are not covered.`;
}

/** `1 step`, `2 steps`. */
export const many = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Properties that were checked because none was given. */
export function assumedProperties({ broken, holds }: Exploration): string[] {
  const names = [...broken.map((one) => one.check), ...holds]
    .filter((check) => check.assumed)
    .map((check) => check.name);
  return names.length > 0 ? [`No property was given; checked: ${names.join(', ')}.`] : [];
}
