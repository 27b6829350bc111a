import type { Conflict, Scalar } from './engine.ts';
import type { Run, StepRecord } from './run.ts';
import type { LaboratorySchedule } from './schedule.ts';

/** What a judge may look at. Steps are named like `T1.2`. */
export interface RunView {
  /** Whether all the given sessions committed. */
  readonly committed: (...sessions: string[]) => boolean;
  /** Rows that a step returned; none if it was not run or failed. */
  readonly rows: (label: string) => readonly (readonly Scalar[])[];
  /** Values by id that a step returned, for rows (id, value). */
  readonly read: (label: string) => ReadonlyMap<Scalar, Scalar>;
  /** Rows that a step returned or changed; undefined if it was not run or failed. */
  readonly count: (label: string) => number | undefined;
  /** The final state by id. */
  readonly final: ReadonlyMap<Scalar, Scalar>;
  readonly finalRows: readonly (readonly Scalar[])[];
}

/** What a schedule showed on an engine at a level. */
export interface Outcome {
  /** `error`: the schedule did not get far enough to tell. */
  readonly outcome: 'occurred' | 'prevented' | 'error';
  /**
   * What the sessions met on the way; empty if no statement waited or failed. `refused`: a lock was not given, at once
   * or after a time limit.
   */
  readonly how: readonly ('wait' | 'abort' | 'deadlock' | 'refused' | 'duplicate')[];
  /** The engine's codes of the failures, sorted. */
  readonly codes: readonly string[];
  /** Why it is an error. */
  readonly note?: string;
}

const MEANING = {
  serialization: 'abort',
  deadlock: 'deadlock',
  'lock-timeout': 'refused',
  duplicate: 'duplicate',
} as const;

/** Judges a run. */
export function judge(
  schedule: LaboratorySchedule,
  run: Run,
  conflict: (code: string) => Conflict | undefined,
): Outcome {
  const all = [...run.begins, ...run.steps];
  const failures = all.flatMap(({ label, reply }) =>
    reply?.kind === 'failure' ? [{ label, ...reply, meaning: conflict(reply.code) }] : [],
  );
  const how = new Set<Outcome['how'][number]>();
  if (all.some((step) => step.waited)) how.add('wait');
  for (const { meaning } of failures) if (meaning) how.add(MEANING[meaning]);
  const found = { how: [...how], codes: [...new Set(failures.map(({ code }) => code))].sort() };
  const problem = run.problem ?? unexpected(schedule, run, failures);
  if (problem !== undefined) return { outcome: 'error', ...found, note: problem };
  return { outcome: schedule.judge(viewOf(run)) ? 'occurred' : 'prevented', ...found };
}

type Failed = {
  readonly label: string;
  readonly code: string;
  readonly message: string;
  readonly meaning: Conflict | undefined;
};

function unexpected(schedule: LaboratorySchedule, run: Run, failures: readonly Failed[]): string | undefined {
  const strange = failures.find(({ meaning }) => meaning === undefined);
  if (strange) return `${strange.label} failed with ${strange.code}: ${strange.message}`;
  const decisive = run.steps.find(({ label }) => label === schedule.decisive);
  if (!decisive) return `there is no step ${schedule.decisive}`;
  const ended = run.ends.get(decisive.session);
  if (!decisive.sent && ended !== 'aborted') return `the decisive step ${schedule.decisive} was not reached`;
  const open = [...run.begins, ...run.steps].find((step) => step.sent && step.reply === undefined);
  return open && `${open.label} never ended`;
}

function viewOf(run: Run): RunView {
  const answer = (label: string) => {
    const step = run.steps.find((other: StepRecord) => other.label === label);
    if (!step) throw new Error(`there is no step ${label}`);
    return step.reply?.kind === 'answer' ? step.reply : undefined;
  };
  const byId = (rows: readonly (readonly Scalar[])[]) =>
    new Map(rows.map(([id = null, value = null]) => [id, value] as const));
  return {
    committed: (...sessions) => sessions.every((session) => run.ends.get(session) === 'committed'),
    rows: (label) => answer(label)?.rows ?? [],
    read: (label) => byId(answer(label)?.rows ?? []),
    count: (label) => answer(label)?.count,
    final: byId(run.final),
    finalRows: run.final,
  };
}
