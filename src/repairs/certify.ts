import { type Design, DesignError } from '../design/design.ts';
import type { Engine } from '../design/engine.ts';
import { type Counterexample, type Exploration, explore } from '../explorer/explore.ts';
import { compileDesign, GapsError } from '../explorer/program.ts';
import type { Limits } from '../explorer/search.ts';
import { REPAIRS } from './index.ts';
import type { Candidate, Repair } from './repair.ts';

/** A repair after it was applied and explored again. */
export interface Certified {
  readonly repair: Repair;
  readonly title: string;
  readonly change: readonly string[];
  /** The repaired design. */
  readonly design: Design;
  /** Whether every property holds in the repaired design. */
  readonly holds: boolean;
  /** The execution that still breaks it. */
  readonly counterexample?: Counterexample;
  readonly exploration: Exploration;
}

/** What a set of repairs came to. */
export interface Certification {
  readonly tried: readonly Certified[];
  /** Whether time ran out before all were tried. */
  readonly cut: boolean;
}

/**
 * Applies every repair that fits, alone and then in pairs where none alone is enough, and explores each result.
 * A repair holds when nothing breaks and requests that succeeded one after the other still do.
 */
export async function certify(
  design: Design,
  engine: Engine,
  before: Exploration,
  limits: Limits,
): Promise<Certification> {
  const deadline = performance.now() + limits.milliseconds;
  const tried: Certified[] = [];
  const attempt = async (repair: Repair, candidate: Candidate): Promise<Certified | undefined> => {
    const left = deadline - performance.now();
    if (left <= 0 || limits.signal?.aborted) return undefined;
    try {
      const program = await compileDesign(candidate.design, engine);
      const exploration = await explore(program, { ...limits, milliseconds: left });
      const works = exploration.serialSuccesses > 0 || before.serialSuccesses === 0;
      const [counterexample] = exploration.broken;
      const holds = !counterexample && works && exploration.stopped === undefined;
      return {
        repair,
        title: candidate.title,
        change: candidate.change,
        design: candidate.design,
        holds,
        exploration,
        ...(counterexample && { counterexample }),
      };
    } catch (error) {
      // A rewrite that the parser or interpreter refuses is no repair.
      if (error instanceof DesignError || error instanceof GapsError) return undefined;
      throw error;
    }
  };

  const fitting = REPAIRS.flatMap((repair) => repair.apply(design, engine).map((candidate) => ({ repair, candidate })));
  for (const { repair, candidate } of fitting) {
    const result = await attempt(repair, candidate);
    if (result) tried.push(result);
  }
  if (!tried.some((result) => result.holds)) {
    for (const [i, first] of fitting.entries()) {
      for (const second of REPAIRS) {
        if (second === first.repair || fitting.findIndex((other) => other.repair === second) < i) continue;
        const [candidate] = second.apply(first.candidate.design, engine);
        if (!candidate) continue;
        const both = {
          title: `${first.candidate.title}; and ${lower(candidate.title)}`,
          change: [...first.candidate.change, ...candidate.change],
          design: candidate.design,
        };
        const result = await attempt(first.repair, both);
        if (result?.holds) tried.push(result);
      }
      if (tried.filter((result) => result.holds).length >= 2) break;
    }
  }
  const sorted = tried.sort((a, b) => Number(b.holds) - Number(a.holds) || price(a) - price(b));
  return { tried: sorted, cut: performance.now() > deadline };
}

/** Cost of the protocol, then aborts that callers must retry. */
const price = (result: Certified) => result.repair.cost + (Object.keys(result.exploration.errors).length > 0 ? 0.5 : 0);

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
