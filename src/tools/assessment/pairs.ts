import { engineOf } from '../../catalogue/engine.ts';
import type { Design } from '../../design/design.ts';
import { pairsOf, requestCount } from '../../design/pairs.ts';
import { type Counterexample, explore } from '../../explorer/explore.ts';
import { compileDesign, GapsError } from '../../explorer/program.ts';
import type { Review } from '../../render/review.ts';
import { HAZARDS, SEVERITIES } from '../../vocabulary/hazards.ts';
import { type ToolContext, ToolError } from '../tool.ts';
import { review, STATES } from './review.ts';
import { many, notAnalysed } from './summary.ts';

/** A design with many operations: every pair of requests is explored, and the worst pair is reviewed. */
export async function reviewPairs(
  design: Design,
  written: Readonly<Record<string, unknown>>,
  milliseconds: number,
  detail: string,
  context: ToolContext,
): Promise<Review> {
  const engine = engineOf(context.catalogue().databases, design.engine, design.settings ?? {});
  const pairs = pairsOf(design);
  const deadline = performance.now() + milliseconds / 2;
  const broken: { pair: Design; worst: Counterexample }[] = [];
  let states = 0;
  let seen = 0;
  for (const pair of pairs) {
    const left = deadline - performance.now();
    if (left <= 0 || context.signal.aborted) break;
    const program = await compileDesign(pair, engine).catch((error: unknown) => {
      if (error instanceof GapsError) return error;
      throw error;
    });
    if (program instanceof GapsError) return notAnalysed(program, engine);
    const exploration = await explore(program, {
      states: STATES,
      milliseconds: left,
      faults: design.faults,
      signal: context.signal,
    });
    states += exploration.states;
    if (exploration.stopped === undefined) seen++;
    const [worst] = exploration.broken;
    if (worst) broken.push({ pair, worst });
    context.progress(seen, pairs.length, `${seen} of ${pairs.length} pairs explored`);
  }
  if (context.signal.aborted) throw new ToolError('The exploration was cancelled.');
  const space = `${many(states, 'state')}; ${seen} of ${pairs.length} pairs of ${requestCount(design)} concurrent requests, at most ${many(design.faults, 'fault')} in one execution. What needs three requests at once is not covered.`;
  const severity = (one: { worst: Counterexample }) => SEVERITIES.indexOf(one.worst.severity);
  const [first, ...others] = broken.sort(
    (a, b) => severity(a) - severity(b) || a.worst.path.length - b.worst.path.length,
  );
  if (!first) {
    const all = seen === pairs.length;
    return {
      verdict: all ? 'sound' : 'not decided',
      summary: all
        ? 'No property breaks in any pair of requests.'
        : 'No counterexample found, but not every pair could be explored in the time given.',
      findings: [],
      repairs: [],
      notes: { bounds: [space] },
    };
  }
  const answer = await review(first.pair, written, milliseconds / 2, detail, context);
  const named = ({ pair, worst }: { pair: Design; worst: Counterexample }) =>
    `${pair.operations.map((operation) => operation.name).join(' and ')}: ${HAZARDS[worst.hazard].name} breaks ${worst.check.name}`;
  return {
    ...answer,
    notes: {
      ...answer.notes,
      'other pairs': others.slice(0, detail === 'concise' ? 8 : undefined).map(named),
      bounds: [space],
    },
  };
}
