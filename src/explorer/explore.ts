import type { DatabaseState } from '../components/database/state.ts';
import { toText } from '../sql/values.ts';
import { HAZARDS, type Hazard, SEVERITIES, type Severity } from '../vocabulary/hazards.ts';
import { fewestRequests } from './fewest-requests.ts';
import { hazardOf, type Step } from './hazard.ts';
import type { Program } from './program.ts';
import type { Check } from './properties/check.ts';
import { compileChecks } from './properties/index.ts';
import { type Limits, Search, type World } from './search.ts';

/** A property that breaks, with the simplest execution in which it does. */
export interface Counterexample {
  readonly check: Check;
  readonly hazard: Hazard;
  readonly severity: Severity;
  /** What is wrong at the end, in the words of the design. */
  readonly says: string;
  readonly path: readonly Step[];
  readonly faults: number;
  /** Whether it breaks when requests run one after the other, without faults. */
  readonly serial: boolean;
}

/** What an exploration found. */
export interface Exploration {
  readonly broken: readonly Counterexample[];
  readonly holds: readonly Check[];
  readonly states: number;
  /** Final situations, and how many of them had a request that ended with which error. */
  readonly finals: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly exhausted: boolean;
  readonly stopped?: 'states' | 'time' | 'cancelled';
  /** Final situations of serial executions in which every request succeeded; 0 means the design does not work at all. */
  readonly serialSuccesses: number;
}

/** Explores a program once and reports every property that breaks. */
export async function explore(program: Program, limits: Limits): Promise<Exploration> {
  const all = await compileChecks(program, limits.milliseconds / 2);
  const found = new Map<Check, Counterexample>();
  const early = all.some((check) => check.early);
  const record = (search: Search, serial: boolean) => (index: number, final: boolean, faults: number) => {
    if (!final && !early) return undefined;
    const world = search.world(index);
    for (const check of all) {
      if (found.has(check)) continue;
      const broken = check.broken(world, final);
      if (broken === undefined) continue;
      const at = { path: search.path(index), faults, serial };
      found.set(check, counterexample(check, broken, world, at, program));
    }
    return world;
  };

  let serialSuccesses = 0;
  const serial = new Search(program, true);
  const visitSerial = record(serial, true);
  await serial.run({ ...limits, faults: 0 }, (index, final, faults) => {
    const world = visitSerial(index, final, faults);
    if (final && world?.locals.every((local) => local.status === 'done')) serialSuccesses++;
  });

  let finals = 0;
  const errors: Record<string, number> = {};
  const search = new Search(program);
  const visit = record(search, false);
  const result = await search.run(limits, (index, final, faults) => {
    const world = visit(index, final, faults);
    if (!final || !world) return;
    finals++;
    const codes = world.locals.flatMap((local) => (local.status === 'aborted' && local.code ? [local.code] : []));
    for (const code of new Set(codes)) errors[code] = (errors[code] ?? 0) + 1;
  });
  for (const [check, known] of found) {
    const involved = new Set(known.path.flatMap(({ label }) => (label.process >= 0 ? [label.process] : []))).size;
    const fewer = await fewestRequests(program, check, known.serial, involved, {
      ...limits,
      milliseconds: limits.milliseconds / 4,
    });
    if (!fewer) continue;
    const { path, faults, broken, index } = fewer;
    const at = { path, faults, serial: known.serial };
    found.set(check, counterexample(check, broken, fewer.search.world(index), at, program));
  }
  return {
    broken: [...found.values()].sort(
      (a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
        a.faults - b.faults ||
        a.path.length - b.path.length,
    ),
    holds: all.filter((check) => !found.has(check)),
    states: result.states,
    finals,
    errors,
    serialSuccesses,
    exhausted: result.exhausted,
    ...(result.stopped !== undefined && { stopped: result.stopped }),
  };
}

function counterexample(
  check: Check,
  broken: string,
  world: World,
  at: Pick<Counterexample, 'path' | 'faults' | 'serial'>,
  program: Program,
): Counterexample {
  const hazard = hazardOf(check, broken, at.path, program, at.serial);
  return { check, hazard, severity: HAZARDS[hazard].severity, says: describe(check, broken, world, program), ...at };
}

function describe(check: Check, broken: string, world: World, program: Program): string {
  if (check.kind !== 'invariant') return broken;
  const state = world.components[0] as DatabaseState;
  const tables = program.context.tables.flatMap((table, i) => {
    if (!new RegExp(`\\b${table.name}\\b`, 'i').test(check.text)) return [];
    const rows = committedRows(state.tables[i] ?? []);
    // With many rows, the ones that were not there at the beginning say what happened.
    const first = new Set(committedRows(program.initial.tables[i] ?? []));
    if (rows.length > 6) rows.sort((x, y) => Number(first.has(x)) - Number(first.has(y)));
    return [`${table.name} = ${rows.slice(0, 6).join(' ') || 'empty'}`];
  });
  const components = program.components.flatMap((component, i) =>
    new RegExp(`\\b${component.name}\\b`).test(check.text)
      ? [`${component.name} = ${JSON.stringify(component.view(world.components[i + 1]))}`]
      : [],
  );
  return `"${check.name}" is false at the end: ${[...tables, ...components].join('; ')}`;
}

/** Committed rows as text. */
function committedRows(rows: DatabaseState['tables'][number]): string[] {
  return rows.flatMap((row) => {
    const values = row.versions.at(-1)?.values;
    return values ? [`(${values.map(toText).join(', ')})`] : [];
  });
}
