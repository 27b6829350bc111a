import type { Outcome } from '../../src/components/database/session.ts';
import type { DatabaseState } from '../../src/components/database/state.ts';
import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';
import { asText, bag, type Model } from '../support/model.ts';
import type { Answer } from '../support/server.ts';
import type { Schedule, Turn } from './observe.ts';

/** Where the interpreter and the server differ. */
export interface Difference {
  readonly turn: number;
  readonly text: string;
}

/** How much two answers must have in common. */
export interface Comparison {
  /** The interpreter may go on where the server gives this error; its transaction is then rolled back. */
  readonly mayAbortMore?: readonly string[];
  /** Row counts of changes are not compared: vendors count rows that stay the same differently. */
  readonly looseCounts?: boolean;
}

const DEADLOCKS = ['40P01', '1213'];

/** What the interpreter's outcome says, in the server's terms. */
function answerOf(outcome: Outcome): Answer | 'waits' {
  if (outcome.kind === 'waits') return 'waits';
  if (outcome.kind === 'error') return { error: outcome.code, message: outcome.message };
  return { rows: outcome.result.rows.map((row) => row.map(asText)), count: outcome.result.count };
}

const show = (answer: Answer | 'waits') =>
  answer === 'waits'
    ? 'waits'
    : 'error' in answer
      ? `${answer.error} ${answer.message}`
      : `${answer.count} ${bag(answer.rows)}`;

/** Takes the interpreter through what a server did, turn by turn. */
export function replay(
  model: Model,
  schedule: Schedule,
  controls: readonly ConcurrencyControl[],
  turns: readonly Turn[],
  comparison: Comparison = {},
): { difference?: Difference; state: DatabaseState } {
  let state = model.initial;
  const current = schedule.sessions.map(() => -1);
  let waiting: number[] = [];
  for (const [index, turn] of turns.entries()) {
    current[turn.session] = turn.statement;
    const everyone = [...new Set([turn.session, ...waiting])];
    const results = permutations(everyone).map((order) =>
      follow(model, state, schedule, controls, current, turn, order, comparison),
    );
    const good = results.find((result) => result.difference === undefined) ?? results[0];
    if (!good) throw new Error('no order');
    if (good.difference !== undefined) return { difference: { turn: index, text: good.difference }, state };
    state = good.state;
    waiting = [...turn.waiting];
  }
  return { state };
}

function follow(
  model: Model,
  from: DatabaseState,
  schedule: Schedule,
  controls: readonly ConcurrencyControl[],
  current: readonly number[],
  turn: Turn,
  order: readonly number[],
  { mayAbortMore = [], looseCounts = false }: Comparison,
): { state: DatabaseState; difference?: string } {
  let state = from;
  const open = new Set(order);
  let deadlocks = 0;
  const expected = new Map(turn.done.map(({ session, answer }) => [session, answer]));
  const rollBack = (session: number) => {
    const outcome = model.run(state, session, controls[session] as ConcurrencyControl, 'rollback');
    if (outcome.kind === 'done') state = outcome.state;
    open.delete(session);
  };
  /** Lets one session go on. Gives what differs. */
  const look = (session: number): string | undefined => {
    if (!open.has(session)) return undefined;
    const sql = schedule.sessions[session]?.[current[session] as number] as string;
    const outcome = model.run(state, session, controls[session] as ConcurrencyControl, sql);
    const got = answerOf(outcome);
    const wanted = expected.get(session);
    if (wanted && 'error' in wanted && DEADLOCKS.includes(wanted.error)) {
      if ('error' in Object(got)) deadlocks++;
      // A server may abort a second session before it sees that the first abort would have been enough.
      else if (deadlocks > 0) {
        rollBack(session);
        return undefined;
      }
    }
    if (got === 'waits') {
      state = outcome.state;
      return undefined;
    }
    if (wanted && 'error' in wanted && mayAbortMore.includes(wanted.error) && !('error' in got)) {
      rollBack(session);
      return undefined;
    }
    if (!wanted || !(agree(got, wanted, looseCounts) || bothAbort(got, wanted, mayAbortMore))) {
      return `${session}: ${sql}: interpreter ${show(got)}, server ${wanted ? show(wanted) : 'waits'}`;
    }
    state = outcome.state;
    open.delete(session);
    return undefined;
  };
  // What was sent runs; then those that wait look again, in some order, until nothing changes.
  let difference = look(turn.session);
  for (let round = 0; round < 3 && open.size > 0 && difference === undefined; round++) {
    for (const session of order) difference ??= look(session);
  }
  if (difference !== undefined) return { state, difference };
  for (const session of open) {
    const wanted = expected.get(session);
    if (!wanted) continue;
    if ('error' in wanted && mayAbortMore.includes(wanted.error)) {
      rollBack(session);
      continue;
    }
    const sql = schedule.sessions[session]?.[current[session] as number];
    return { state, difference: `${session}: ${sql}: interpreter waits, server ${show(wanted)}` };
  }
  return { state };
}

/** Two errors of which one is a serialization failure: which comes first is not promised. */
function bothAbort(got: Answer, wanted: Answer, codes: readonly string[]): boolean {
  return 'error' in got && 'error' in wanted && (codes.includes(got.error) || codes.includes(wanted.error));
}

function agree(got: Answer, wanted: Answer, looseCounts: boolean): boolean {
  if ('error' in got || 'error' in wanted) return 'error' in got && 'error' in wanted && got.error === wanted.error;
  return (looseCounts || got.count === wanted.count) && bag(got.rows) === bag(wanted.rows);
}

/** All orders of a few things. */
export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}
