import type { DatabaseState } from '../../src/components/database/state.ts';
import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';
import { asText, bag, type Model } from '../support/model.ts';
import type { Schedule, Turn } from './observe.ts';

/** What is left of an execution: who committed, what those read, and the tables. */
export interface Outcome {
  readonly committed: readonly number[];
  /** Rows that each SELECT of a committed session gave. */
  readonly reads: readonly (readonly string[])[];
  readonly tables: readonly string[];
}

export const outcomeText = ({ committed, reads, tables }: Outcome): string =>
  JSON.stringify([committed, committed.map((by) => reads[by]), tables]);

/** The outcome of what a server did. */
export function observedOutcome(schedule: Schedule, turns: readonly Turn[], tables: readonly string[]): Outcome {
  const committed: number[] = [];
  const reads: string[][] = schedule.sessions.map(() => []);
  for (const { session, statement, answer } of turns.flatMap((turn) => turn.done)) {
    const sql = schedule.sessions[session]?.[statement] as string;
    if ('error' in answer) continue;
    if (sql === 'commit') committed.push(session);
    else if (/^select/i.test(sql)) reads[session]?.push(bag(answer.rows));
  }
  return { committed: committed.sort(), reads, tables };
}

interface Situation {
  readonly state: DatabaseState;
  readonly next: readonly number[];
  readonly reads: readonly (readonly string[])[];
  readonly committed: readonly number[];
}

/**
 * Outcomes of all interleavings in the interpreter, as text. Victims are sessions that may be rolled back at any time:
 * those that the server aborted for a conflict, since who is chosen is not promised.
 */
export function possibleOutcomes(
  model: Model,
  schedule: Schedule,
  control: ConcurrencyControl,
  victims: readonly number[],
): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const open: Situation[] = [
    {
      state: model.initial,
      next: schedule.sessions.map(() => 0),
      reads: schedule.sessions.map(() => []),
      committed: [],
    },
  ];
  for (let at = open.pop(); at; at = open.pop()) {
    const key = JSON.stringify(at);
    if (seen.has(key)) continue;
    seen.add(key);
    let final = true;
    for (const by of schedule.sessions.keys()) {
      const sql = schedule.sessions[by]?.[at.next[by] as number];
      if (sql === undefined) continue;
      final = false;
      if (victims.includes(by)) {
        const { state } = model.run(at.state, by, control, 'rollback');
        open.push({
          ...at,
          state,
          next: at.next.map((index, i) => (i === by ? (schedule.sessions[i]?.length ?? 0) : index)),
        });
      }
      const outcome = model.run(at.state, by, control, sql);
      if (outcome.kind === 'waits') {
        open.push({ ...at, state: outcome.state });
        continue;
      }
      const failed = outcome.kind === 'error';
      open.push({
        state: outcome.state,
        next: at.next.map((index, i) => (i !== by ? index : failed ? (schedule.sessions[i]?.length ?? 0) : index + 1)),
        committed: !failed && sql === 'commit' ? [...at.committed, by].sort() : at.committed,
        reads: at.reads.map((own, i) =>
          i === by && outcome.kind === 'done' && /^select/i.test(sql)
            ? [...own, bag(outcome.result.rows.map((row) => row.map(asText)))]
            : own,
        ),
      });
    }
    if (final) found.add(outcomeText({ committed: at.committed, reads: at.reads, tables: model.tables(at.state) }));
  }
  return found;
}
