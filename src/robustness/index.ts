import type { Design } from '../design/design.ts';
import type { Engine } from '../design/engine.ts';
import type { ConcurrencyControl } from '../vocabulary/concurrency-control.ts';
import type { SplitSchedule } from './concrete.ts';
import { type SqlTemplates, type StatementReads, templatesFromSql } from './from-sql.ts';
import { bestPromotion, type Instances, instantiate, type Promotion, TooManyInstances } from './templates.ts';
import type { Isolation } from './workload.ts';

/** What is known about an operation's level. */
export interface OperationLevel {
  readonly operation: string;
  /** As the engine spells it. */
  readonly present: string;
  /** The weakest that keeps all operations serializable; absent where none was found. */
  readonly weakest?: string;
}

/** Whether the operations stay serializable for any data. */
export interface RobustnessReport {
  readonly analysed: boolean;
  /** Why not, or what is not covered. */
  readonly gaps: readonly string[];
  /** Whether every schedule that the present levels allow is serializable; absent when that was not decided. */
  readonly robust?: boolean;
  /** A schedule that is not, and its cycle of dependencies. */
  readonly witness: readonly string[];
  readonly levels: readonly OperationLevel[];
  /** One read to strengthen, with the levels that are then enough. */
  readonly promotion?: {
    readonly operation: string;
    readonly step: string;
    readonly change: string;
    readonly levels: readonly OperationLevel[];
  };
  readonly bounds: string;
  readonly notes: readonly string[];
}

const ISOLATION: Partial<Record<ConcurrencyControl, Isolation>> = {
  'read-committed-mvcc': 'RC',
  'read-committed-innodb': 'RC',
  'read-committed-locking': 'RC',
  snapshot: 'SI',
  'serializable-ssi': 'SSI',
  'serializable-locking': 'S',
  'serializable-optimistic': 'S',
  'serializable-serial': 'S',
};

const READS: Partial<Record<ConcurrencyControl, StatementReads>> = {
  'read-committed-innodb': 'snapshot for plain reads',
  'read-committed-locking': 'row by row',
};

const BOUNDS = 'checked with 2 rows per table (and parent row) and 2 instances of each operation';

class OutOfTime extends Error {}

/**
 * Whether a design's SQL transactions are serializable for any data at their present levels, the weakest level for each
 * that keeps all of them so, and the read that lowers these most if it is strengthened.
 *
 * Method: small instances of templates (see `templates.ts`), tested with the split schedules of Vandevoort, Ketsman and
 * Neven (PODS 2023), at levels where that test is known to apply. Conditions of the application are ignored: each branch
 * may be taken. Unique and foreign keys, waits and deadlocks forbid some schedules that count here.
 *
 * @param milliseconds after which what is known so far is returned.
 */
export async function robustness(design: Design, engine: Engine, milliseconds = 3000): Promise<RobustnessReport> {
  const deadline = performance.now() + milliseconds;
  const tick = () => {
    if (performance.now() > deadline) throw new OutOfTime();
  };
  const reading = engine.levels.map((level) => READS[level.control]).find((one) => one !== undefined);
  const set = await templatesFromSql(design, engine.dialect, reading);
  const empty = { witness: [], levels: [], bounds: BOUNDS };
  if (set.gaps.length > 0 || set.units.length === 0) {
    const gaps = set.gaps.map((gap) => `${gap.where}: ${gap.what}`);
    return { analysed: false, gaps: gaps.length > 0 ? gaps : ['no operation runs SQL'], notes: [], ...empty };
  }
  const present = set.units.map((unit) => engine.level(unit.level ?? engine.defaultLevel));
  const levels = present.map((level) => ISOLATION[level.control]);
  const gaps = [...new Set(present.filter((level) => !ISOLATION[level.control]).map((level) => level.name))].map(
    (name) => `${name} of ${engine.name} follows rules that this test does not cover`,
  );
  const ladder = ladderOf(engine);
  const notes = [...set.notes, ...remarks(design)];
  const named = (kinds: readonly Isolation[] | undefined) => operationLevels(set, present, kinds, ladder);
  let known: Omit<RobustnessReport, 'notes'> = { analysed: false, gaps, ...empty };
  try {
    const instances = instantiate(set, { tick });
    if (levels.every((level) => level !== undefined)) {
      const robust = instances.robustness.robust(levels);
      const witness = robust ? undefined : instances.robustness.witness(levels);
      if (robust && set.sequences.length > 0) known = { ...known, analysed: true, gaps: [...gaps, ...set.sequences] };
      else known = { ...known, analysed: true, robust, witness: witness ? describe(witness, instances, set) : [] };
    }
    const kinds = ladder.map((rung) => rung.isolation);
    const lowest = instances.robustness.lowest(kinds);
    known = { ...known, analysed: known.analysed || ladder.length > 0, levels: named(lowest) };
    if (!lowest) notes.push(`no level of ${engine.name} that is covered makes all of them serializable`);
    const better = lowest && kinds.length > 1 && bestPromotion(set, lowest, kinds, ['lock', 'update'], { tick });
    if (better) known = { ...known, promotion: promotionOf(better, set, named(better.levels)) };
  } catch (error) {
    if (error instanceof OutOfTime) notes.push(`stopped after ${milliseconds} ms: what is missing was not decided`);
    else if (error instanceof TooManyInstances)
      notes.push('too many instances: the operations use too many different keys');
    else throw error;
  }
  return { ...known, notes };
}

interface Rung {
  readonly isolation: Isolation;
  readonly name: string;
}

/** Levels of the engine that the test covers, weakest first. */
function ladderOf(engine: Engine): Rung[] {
  const rungs: Rung[] = [];
  for (const isolation of ['RC', 'SI', 'SSI', 'S'] as const) {
    const same = engine.levels.filter((one) => ISOLATION[one.control] === isolation);
    // Two names for one behaviour: the default one, or the one that promises it.
    const level =
      same.find((one) => one.name === engine.defaultLevel) ??
      same.find((one) => !/uncommitted/i.test(one.name)) ??
      same[0];
    if (level) rungs.push({ isolation, name: level.name });
  }
  return rungs;
}

/** The strongest of an operation's transactions decides. */
function operationLevels(
  set: SqlTemplates,
  present: readonly { readonly name: string }[],
  kinds: readonly Isolation[] | undefined,
  ladder: readonly Rung[],
): OperationLevel[] {
  return [...new Set(set.units.map((unit) => unit.operation))].map((operation) => {
    const units = set.units.flatMap((unit, i) => (unit.operation === operation ? [i] : []));
    const rung = kinds && Math.max(...units.map((i) => ladder.findIndex((one) => one.isolation === kinds[i])));
    const weakest = rung === undefined ? undefined : ladder[rung]?.name;
    const levels = [...new Set(units.map((i) => present[i]?.name ?? ''))];
    return { operation, present: levels.join(', '), ...(weakest !== undefined && { weakest }) };
  });
}

function remarks(design: Design): string[] {
  const parts = design.operations.filter(
    (operation) =>
      operation.transaction === 'none' || operation.steps.filter((step) => /^begin\b/i.test(step)).length > 1,
  );
  const names = parts.map((operation) => operation.name).join(', ');
  const notes = ['rows that are updated or locked by key are assumed to exist, unless the operation inserts them'];
  if (parts.length > 0)
    notes.push(`${names}: several transactions; each is serializable or not, their sequence is not covered`);
  if (design.operations.some((operation) => operation.steps.some((step) => /advisory|get_lock/i.test(step)))) {
    notes.push('advisory locks are left out: schedules that they forbid count here');
  }
  if (design.components.length > 0) notes.push('calls on components are outside the database and not covered');
  return notes;
}

function promotionOf(better: Promotion, set: SqlTemplates, levels: readonly OperationLevel[]) {
  const change =
    better.kind === 'lock'
      ? 'read the row with FOR UPDATE'
      : 'update the row that is read (set a column to itself) instead of only reading it';
  return { operation: set.units[better.group]?.name ?? '', step: better.text, change, levels };
}

/** The schedule as lines, then why it equals no serial order. */
function describe({ split, first, chain, pause }: SplitSchedule, instances: Instances, set: SqlTemplates): string[] {
  const all = [split, ...chain];
  const count = new Map<string, number>();
  const labels = all.map((t) => {
    const name = set.units[set.templates[instances.template[t] ?? 0]?.group ?? 0]?.name ?? '';
    count.set(name, (count.get(name) ?? 0) + 1);
    return `${name} #${count.get(name)}`;
  });
  const texts = (t: number, from: number, to?: number) =>
    [...new Set((instances.transactions[t]?.chunks ?? []).slice(from, to).map((chunk) => chunk.text))].join('; ') ||
    '(nothing)';
  const lines = [`${labels[0]}: ${first === 0 ? 'takes its snapshot' : texts(split, 0, first)}`];
  chain.forEach((t, i) => {
    const waits = pause !== undefined && i === chain.length - 1;
    if (!waits) lines.push(`${labels[i + 1]}: ${texts(t, 0)}; commit`);
    else
      lines.push(`${labels[i + 1]}: ${pause === 0 ? 'takes its snapshot' : texts(t, 0, pause)}; waits for a row lock`);
  });
  lines.push(`${labels[0]}: ${texts(split, first)}; commit`);
  if (pause !== undefined) lines.push(`${labels.at(-1)}: ${texts(chain.at(-1) as number, pause)}; commit`);
  const row = (cell = '') =>
    cell
      .replace(/#(\d+)\.(.*)$/, (_, n, column) => ` row ${Number(n) + 1} ${column === '(row)' ? '' : `(${column})`}`)
      .trim();
  const why = all.map((t, i) => {
    const other = all[(i + 1) % all.length] as number;
    const [a, b] = [labels[i], labels[(i + 1) % all.length]];
    const on = (kind: 'rw' | 'wr' | 'ww') => instances.robustness.conflictsOn(t, other, kind)[0];
    const rw = on('rw');
    if (i === 0 || (rw && on('ww') === undefined && on('wr') === undefined))
      return `${a} read ${row(rw)} before ${b} wrote it`;
    const later = on('wr') ?? on('ww');
    if (i === all.length - 1 && rw) return `${a} read ${row(rw)} before ${b} wrote it`;
    return later
      ? `${a} wrote ${row(later)} before ${b} ${on('wr') ? 'read' : 'wrote'} it`
      : `${a} read ${row(rw)} before ${b} wrote it`;
  });
  return [...lines, `No serial order: ${why.join('; ')}.`];
}
