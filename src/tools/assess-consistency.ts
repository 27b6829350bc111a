import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { engineOf } from '../catalogue/engine.ts';
import type { Catalogue } from '../catalogue/load.ts';
import type { Pattern } from '../catalogue/pattern.ts';
import { type Design, DesignError, parseDesign } from '../design/design.ts';
import type { Engine } from '../design/engine.ts';
import { MOST_REQUESTS, pairsOf, requestCount } from '../design/pairs.ts';
import { openQuestions } from '../design/questions.ts';
import { type Counterexample, type Exploration, explore } from '../explorer/explore.ts';
import { compileDesign, GapsError, type Program } from '../explorer/program.ts';
import type { Limits } from '../explorer/search.ts';
import { sequenceDiagram } from '../render/mermaid.ts';
import { type Review, renderReview } from '../render/review.ts';
import { filled } from '../render/text.ts';
import { type Certified, certify } from '../repairs/certify.ts';
import { SqlInputError } from '../sql/errors.ts';
import { HAZARDS } from '../vocabulary/hazards.ts';
import type { Phenomenon } from '../vocabulary/phenomena.ts';
import { anyData } from './any-data.ts';
import { defineTool, type ToolContext, ToolError } from './tool.ts';

const STATES = 2_000_000;

/** The emitted schema is terse, since every conversation pays for it; `parseDesign` checks each field. */
const input = z.strictObject({
  design: z
    .preprocess(readText, z.record(z.string(), z.unknown()))
    .describe(
      '{engine, schema, components:[{name,kind:"service|store|cache|queue|log|lock|clock"}], operations:[{name,steps,runs,isolation?,transaction?:"none",retries?}], properties:[{invariant:"SELECT …"},{"at-most-once":"psp.pay per id"}]}. schema: DDL, few rows. steps: "n := SELECT n FROM t WHERE id = :id", "if n > 1: UPDATE …" (CEL), "r := psp.pay(amount: n)", begin, commit, "return r". runs: parameters of each concurrent request, [{"id":1},{"id":2}]',
    ),
  seconds: z.number().optional(),
  detail: z.enum(['concise', 'full', 'mermaid']).optional(),
});

const loose = z.array(z.record(z.string(), z.unknown()));

const output = z.strictObject({
  verdict: z.string(),
  summary: z.string(),
  findings: loose,
  repairs: loose,
  notes: z.record(z.string(), z.array(z.string())),
});

/** Explores a design: counterexamples, repairs that were explored again, and the bounds of the verdict. */
export const assessConsistency = defineTool({
  name: 'assess-consistency',
  title: 'Assess consistency',
  description:
    'Explores every interleaving, crash and retry of a design: shortest counterexample, repairs explored again, or sound within bounds. Call before approving transactions, payments, bookings.',
  input,
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: async ({ design, seconds = 5, detail = 'concise' }, context) => {
    try {
      const limit = Math.min(Math.max(seconds, 0.1), 60) * 1000;
      const parsed = parseDesign(design);
      const whole = requestCount(parsed) <= MOST_REQUESTS;
      return { ...(await (whole ? review : reviewPairs)(parsed, design, limit, detail, context)) };
    } catch (error) {
      if (error instanceof DesignError || error instanceof SqlInputError) throw new ToolError(error.message);
      throw error;
    }
  },
  render: (answer, style) => renderReview(answer as unknown as Review, style),
});

/** A design may come as YAML or JSON text. */
function readText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseYaml(value, { maxAliasCount: 20, logLevel: 'silent' });
  } catch {
    return value;
  }
}

async function review(
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
  const full = detail !== 'concise';
  const groups = sameExecution(exploration.broken).slice(0, full ? undefined : 3);
  return {
    verdict: broken ? 'broken' : decided(exploration) ? 'sound' : 'not decided',
    summary: summarise(program, exploration, certification.tried),
    findings: groups.map((group, i) => ({
      hazard: HAZARDS[group.hazard].name,
      severity: group.severity,
      property: group.properties.join('; '),
      says: group.says,
      timeline: i === 0 || full ? timeline(group, program) : [],
      evidence: evidence(group, program, context.catalogue()),
      patterns: patternsFor(group, certification.tried, context.catalogue()),
      ...(detail === 'mermaid' && { diagram: sequenceDiagram(timeline(group, program)) }),
    })),
    repairs: certified(certification.tried, full),
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

/** A design with many operations: every pair of requests is explored, and the worst pair is reviewed. */
async function reviewPairs(
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
  const severity = (one: { worst: Counterexample }) =>
    ['critical', 'high', 'medium', 'low'].indexOf(one.worst.severity);
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

/** Whether everything within the bounds was seen and every property could be judged. */
const decided = ({ exhausted, holds }: Exploration) => exhausted && !holds.some((check) => check.undecided);

function notAnalysed(error: GapsError, engine: Engine): Review {
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

interface Group extends Counterexample {
  readonly properties: readonly string[];
}

/** Properties that break in the same execution are one finding. */
function sameExecution(broken: readonly Counterexample[]): Group[] {
  const groups = new Map<string, Group>();
  for (const one of broken) {
    const key = `${one.hazard} ${one.path.map(({ label }) => `${label.process} ${label.text}`).join('\n')}`;
    const known = groups.get(key);
    groups.set(
      key,
      known
        ? { ...known, properties: [...known.properties, one.check.name] }
        : { ...one, properties: [one.check.name] },
    );
  }
  return [...groups.values()];
}

function timeline(found: Counterexample, program: Program): Review['findings'][number]['timeline'] {
  return found.path.map(({ label, fault }) => ({
    by: program.processes[label.process]?.name ?? 'by itself',
    step: label.text.replace(/\s+/g, ' '),
    result: label.effect,
    ...(fault && { fault }),
  }));
}

const PHENOMENON: Readonly<Partial<Record<Counterexample['hazard'], Phenomenon>>> = {
  'lost-update': 'P4',
  'write-skew': 'G2-item',
  phantom: 'G2',
  'read-skew': 'G-single',
  'dirty-read': 'G1a',
};

/** What `databases/` says of the phenomenon at the levels in use. */
function evidence(found: Counterexample, program: Program, catalogue: Catalogue): string[] {
  const phenomenon = PHENOMENON[found.hazard];
  const database = [...catalogue.databases.values()].find((candidate) =>
    program.engine.name.startsWith(candidate.name),
  );
  if (!phenomenon || !database) return [];
  const levels = new Set(found.path.map(({ label }) => program.processes[label.process]?.level.name));
  return database.levels
    .filter((level, i, all) => levels.has(level.name) && all.findIndex((other) => other.name === level.name) === i)
    .flatMap((level) => {
      const cell = level.phenomena[phenomenon];
      const sources = cell.evidence
        .map((id) => database.evidence[id])
        .map((source) => `${source?.grade}${source?.version ? ` ${source.version.split(/[;,]/)[0]}` : ''}`);
      return cell.is === 'unknown'
        ? []
        : [`${database.name} ${level.name}: ${phenomenon} ${cell.is} (${sources.join(', ')})`];
    });
}

function patternsFor(found: Counterexample, tried: readonly Certified[], catalogue: Catalogue): string[] {
  const repairing = tried.filter((result) => result.holds).flatMap((result) => result.repair.patterns);
  // The hazard that a pattern names first is the one it is about.
  const rank = (pattern: Pattern) => pattern.removes.indexOf(found.hazard) * 10 + pattern.removes.length;
  const removing = [...catalogue.patterns.values()]
    .filter((pattern) => pattern.removes.includes(found.hazard))
    .sort((x, y) => rank(x) - rank(y))
    .map((pattern) => pattern.id);
  return [...new Set([...repairing, ...removing])].filter((id) => catalogue.patterns.has(id)).slice(0, 3);
}

function certified(tried: readonly Certified[], full: boolean): Review['repairs'] {
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

function summarise(program: Program, exploration: Exploration, tried: readonly Certified[]): string {
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

function bounds(
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

const many = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

function assumedProperties({ broken, holds }: Exploration): string[] {
  const names = [...broken.map((one) => one.check), ...holds]
    .filter((check) => check.assumed)
    .map((check) => check.name);
  return names.length > 0 ? [`No property was given; checked: ${names.join(', ')}.`] : [];
}

/** Explores the other answer to what the design leaves open, and asks where the verdict differs. */
async function askWhatMatters(
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
