import type { Phenomenon } from '../vocabulary/phenomena.ts';
import { type EngineFacts, GUESSED, type Laboratory } from './engine.ts';
import { judge, type Outcome } from './judge.ts';
import { Runner } from './run.ts';
import type { LaboratorySchedule } from './schedule.ts';

/** What one schedule showed at one level. */
export interface EvidenceCell extends Outcome {
  readonly schedule: string;
  readonly level: string;
  readonly phenomenon: Phenomenon;
  readonly kind: NonNullable<LaboratorySchedule['kind']>;
  /** Index of a transcript with this outcome. */
  readonly transcript: number;
}

/** Everything that was executed on one engine under one set of settings: the content of a file in databases/evidence/. */
export interface Evidence extends Omit<EngineFacts, 'dialect'> {
  /** Day of the run. */
  readonly date: string;
  readonly cells: readonly EvidenceCell[];
  /** One for each distinct outcome of a schedule. */
  readonly transcripts: readonly (readonly string[])[];
}

/** Runs all schedules that the engine can run, at each of its levels. */
export async function collectEvidence(
  laboratory: Laboratory,
  schedules: readonly LaboratorySchedule[],
  date: string,
  signal?: AbortSignal,
): Promise<Evidence> {
  const { dialect, ...facts } = laboratory.facts;
  await checkLevels(laboratory);
  const runner = new Runner(laboratory);
  const cells: EvidenceCell[] = [];
  const transcripts: string[][] = [];
  for (const schedule of schedules) {
    if (schedule.dialects?.includes(dialect) === false) continue;
    const seen = new Map<string, number>();
    for (const { id: level } of facts.levels) {
      if (schedule.levels?.includes(level) === false) continue;
      const run = await runner.run(schedule, level, signal);
      const outcome = judge(schedule, run, laboratory.conflict);
      const key = describeOutcome(outcome);
      let transcript = seen.get(key);
      if (transcript === undefined) {
        transcript = transcripts.push([...run.transcript]) - 1;
        seen.set(key, transcript);
      }
      const { id, phenomenon, kind = 'phenomenon' } = schedule;
      cells.push({ schedule: id, level, phenomenon, kind, ...outcome, transcript });
    }
  }
  return { ...facts, date, cells, transcripts };
}

/** A level that silently becomes another would look like prevention, or like an anomaly. */
async function checkLevels(laboratory: Laboratory): Promise<void> {
  const session = await laboratory.session();
  for (const { id } of laboratory.facts.levels) {
    const begun = await session.begin({ level: id });
    const actual = await laboratory.actualLevel(session);
    await session.run('ROLLBACK');
    if (begun.kind === 'failure') throw new Error(`${id} cannot be begun: ${begun.code} ${begun.message}`);
    if (actual !== undefined && actual !== id) throw new Error(`a transaction begun at ${id} runs at ${actual}`);
  }
}

/** An outcome in words, e.g. `prevented (wait, abort 40001)`. */
export function describeOutcome({ outcome, how, codes, note }: Outcome): string {
  const way = [how.join(', '), codes.join(' ')].filter(Boolean).join(' ');
  return `${outcome}${way ? ` (${way})` : ''}${note ? `: ${note}` : ''}`;
}

/**
 * Cells in which two runs differ, in words; for a schedule that only one of them has, too. Where waits are guessed from
 * the time that passes, a busy machine may see one more, so they do not count there.
 */
export function differences(recorded: Evidence, fresh: Evidence): string[] {
  const guessed = fresh.waits.startsWith(GUESSED);
  const show = (cell: EvidenceCell) =>
    describeOutcome(guessed ? { ...cell, how: cell.how.filter((way) => way !== 'wait') } : cell);
  const index = (evidence: Evidence) =>
    new Map(evidence.cells.map((cell) => [`${cell.schedule} at ${cell.level}`, show(cell)]));
  const before = index(recorded);
  const now = index(fresh);
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((key) => before.get(key) !== now.get(key))
    .map((key) => `${fresh.id}: ${key}: recorded ${before.get(key) ?? 'nothing'}, now ${now.get(key) ?? 'nothing'}`);
}

/** What the plain forms of a phenomenon showed at a level; undefined if none was run. */
export function summarise(
  evidence: Evidence,
  level: string,
  phenomenon: Phenomenon,
): { readonly is: 'prevented' | 'possible' | 'depends' | 'unknown'; readonly forms: readonly string[] } | undefined {
  const forms = evidence.cells.filter(
    (cell) => cell.level === level && cell.phenomenon === phenomenon && cell.kind === 'phenomenon',
  );
  if (forms.length === 0) return undefined;
  const occurred = forms.filter((cell) => cell.outcome === 'occurred').map((cell) => cell.schedule);
  if (forms.some((cell) => cell.outcome === 'error')) return { is: 'unknown', forms: occurred };
  if (occurred.length === 0) return { is: 'prevented', forms: [] };
  return { is: occurred.length === forms.length ? 'possible' : 'depends', forms: occurred };
}
