import { type Design, DesignError, parseDesign } from '../../design/design.ts';
import type { Engine } from '../../design/engine.ts';
import { openQuestions } from '../../design/questions.ts';
import { type Exploration, explore } from '../../explorer/explore.ts';
import { compileDesign, GapsError } from '../../explorer/program.ts';
import type { Limits } from '../../explorer/search.ts';
import { HAZARDS } from '../../vocabulary/hazards.ts';

/** Explores the other answer to what the design leaves open, and asks where the verdict differs. */
export async function askWhatMatters(
  design: Design,
  written: Readonly<Record<string, unknown>>,
  engine: Engine,
  exploration: Exploration,
  limits: Limits,
): Promise<string[]> {
  const operations = Array.isArray(written.operations) ? written.operations : [];
  const fields = operations.map((operation: unknown) => new Set(Object.keys(operation ?? {})));
  const asked: string[] = [];
  for (const question of openQuestions(design, fields)) {
    try {
      const other = await explore(await compileDesign(parseDesign(question.design), engine), {
        ...limits,
        milliseconds: limits.milliseconds / 4,
      });
      const differs = other.stopped === undefined && other.broken.length > 0 !== exploration.broken.length > 0;
      if (differs)
        asked.push(
          `${question.ask} Taken: ${question.assumed}, ${verdict(exploration)}. If ${question.otherwise}: ${verdict(other)}.`,
        );
    } catch (error) {
      if (!(error instanceof DesignError) && !(error instanceof GapsError)) throw error;
    }
  }
  return asked;
}

function verdict({ broken }: Exploration): string {
  const [worst] = broken;
  return worst ? `broken (${HAZARDS[worst.hazard].name})` : 'sound';
}
