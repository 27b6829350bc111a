import { engineOf } from '../../catalogue/engine.ts';
import type { Design } from '../../design/design.ts';
import { type Exploration, explore } from '../../explorer/explore.ts';
import { compileDesign, GapsError, type Program } from '../../explorer/program.ts';
import type { Limits } from '../../explorer/search.ts';
import type { Review } from '../../render/review.ts';
import { filled } from '../../render/text.ts';
import { certify } from '../../repairs/certify.ts';
import { type ToolContext, ToolError } from '../tool.ts';
import { anyData } from './any-data.ts';
import { describeFindings } from './findings.ts';
import { askWhatMatters } from './questions.ts';
import { describeRepairs } from './repairs.ts';
import { assumedProperties, bounds, decided, notAnalysed, summarise } from './summary.ts';

/** Situations after which an exploration ends undecided. */
export const STATES = 2_000_000;

/**
 * Explores a design whose requests fit into one exploration, and its repairs.
 *
 * @param written the design as it came, before defaults were filled in.
 * @param milliseconds for everything together.
 */
export async function review(
  design: Design,
  written: Readonly<Record<string, unknown>>,
  milliseconds: number,
  detail: string,
  context: ToolContext,
): Promise<Review> {
  const deadline = performance.now() + milliseconds;
  const engine = engineOf(context.catalogue().databases, design.engine, design.settings ?? {});
  const limits: Limits = {
    states: STATES,
    milliseconds: milliseconds * 0.4,
    faults: design.faults,
    signal: context.signal,
    progress: (states) => context.progress(states, undefined, `${states} states explored`),
  };
  let program: Program;
  let exploration: Exploration;
  try {
    program = await compileDesign(design, engine);
    exploration = await explore(program, limits);
  } catch (error) {
    if (error instanceof GapsError) return notAnalysed(error, engine);
    throw error;
  }
  if (exploration.stopped === 'cancelled') throw new ToolError('The exploration was cancelled.');
  const broken = exploration.broken.length > 0;
  const logic = exploration.broken.every((one) => one.hazard === 'logic-error');
  const certification =
    broken && !logic ? await certify(design, engine, exploration, limits) : { tried: [], cut: false };
  return {
    verdict: broken ? 'broken' : decided(exploration) ? 'sound' : 'not decided',
    summary: summarise(program, exploration, certification.tried),
    findings: describeFindings(exploration.broken, certification.tried, program, context.catalogue(), detail),
    repairs: describeRepairs(certification.tried, detail !== 'concise'),
    notes: filled({
      questions: await askWhatMatters(design, written, engine, exploration, limits),
      holds: exploration.exhausted
        ? exploration.holds
            .filter((check) => !check.undecided)
            .map((check) => `${check.name}${check.assumed ? ' (assumed property)' : ''}`)
        : [],
      'not decided': exploration.holds.flatMap((check) =>
        check.undecided
          ? [`${check.name}: ${check.undecided}`]
          : exploration.exhausted
            ? []
            : [`${check.name}: no counterexample found within the limits`],
      ),
      'any data': await anyData(design, engine, deadline - performance.now()),
      assumptions: [...program.assumptions, ...assumedProperties(exploration)],
      bounds: [bounds(program, exploration, design, certification.cut)],
    }),
  };
}
