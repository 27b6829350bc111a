import { DatabaseError } from '../../sql/errors.ts';
import type { Plan } from '../../sql/plan.ts';
import type { Value } from '../../sql/values.ts';
import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';
import { validate } from './serializable.ts';
import type { DatabaseState, Session } from './state.ts';
import { type Result, StatementRun } from './statement.ts';
import { type DatabaseContext, Wait, Work } from './work.ts';

/** What became of a call on the database. */
export type Outcome =
  | { readonly kind: 'done'; readonly state: DatabaseState; readonly result: Result }
  /** The statement is begun; calling again with the same arguments goes on with it. */
  | { readonly kind: 'waits'; readonly state: DatabaseState; readonly on: readonly Session[] }
  /** The transaction was rolled back. */
  | { readonly kind: 'error'; readonly state: DatabaseState; readonly code: string; readonly message: string };

/** An empty database with the rows of its schema's INSERT statements is made from this. */
export function emptyDatabase(tables: number, sessions: number): DatabaseState {
  return {
    tables: Array.from({ length: tables }, () => []),
    counters: {},
    transactions: Array.from({ length: sessions }, () => null),
    ranges: [],
    advisory: [],
    ended: [],
    now: 0,
  };
}

/** Who calls, and at which level. */
export interface Caller {
  readonly session: Session;
  readonly control: ConcurrencyControl;
  /** Commit right after the statement. */
  readonly autocommit: boolean;
}

const NOTHING: Result = { columns: [], rows: [], count: 0 };

/** Runs one statement of a session, or goes on with one that waited. */
export function execute(
  context: DatabaseContext,
  state: DatabaseState,
  caller: Caller,
  plan: Plan,
  parameters: readonly Value[],
): Outcome {
  switch (plan.kind) {
    case 'begin':
    case 'set level':
    case 'release':
      return { kind: 'done', state, result: NOTHING };
    case 'commit':
      return commit(context, state, caller.session);
    case 'rollback':
      return { kind: 'done', state: rollback(context, state, caller.session), result: NOTHING };
    case 'savepoint':
    case 'rollback to':
      return savepoint(context, state, caller, plan.kind, plan.argument ?? '');
  }
  const work = new Work(state, context, caller.session);
  work.begin(caller.control);
  const waited = work.transaction.wait !== undefined;
  let run: StatementRun | undefined;
  try {
    run = new StatementRun(work, parameters);
    const result = run.run(plan);
    if (!caller.autocommit) return { kind: 'done', state: work.finish(), result };
    const ended = finish(work);
    return ended.kind === 'done' ? { ...ended, result } : ended;
  } catch (error) {
    if (error instanceof DatabaseError) return abort(work, error);
    if (!(error instanceof Wait)) throw error;
    work.transaction.wait = { on: error.on, memory: run?.memory };
    if (waited && work.deadlocked()) return abort(work, work.error('deadlock', 'deadlock detected'));
    return { kind: 'waits', state: work.finish(), on: error.on };
  }
}

/** Commits the session's transaction; an error where its level cannot allow it. */
export function commit(context: DatabaseContext, state: DatabaseState, session: Session): Outcome {
  if (!state.transactions[session]) return { kind: 'done', state, result: NOTHING };
  return finish(new Work(state, context, session));
}

function finish(work: Work): Outcome {
  const after = validate(work);
  if (!after) {
    return abort(
      work,
      work.error('serialization', 'could not serialize access due to read/write dependencies among transactions'),
    );
  }
  work.end('commit');
  after(work.state.now);
  return { kind: 'done', state: work.finish(), result: NOTHING };
}

function abort(work: Work, error: DatabaseError): Outcome {
  work.end('rollback');
  return { kind: 'error', state: work.finish(), code: error.code, message: error.message };
}

/** Rolls the session's transaction back. */
export function rollback(context: DatabaseContext, state: DatabaseState, session: Session): DatabaseState {
  const work = new Work(state, context, session);
  work.end('rollback');
  return work.finish();
}

/** The connection is lost: transaction and session locks go. */
export function disconnect(context: DatabaseContext, state: DatabaseState, session: Session): DatabaseState {
  const work = new Work(state, context, session);
  work.disconnect();
  return work.finish();
}

function savepoint(
  context: DatabaseContext,
  state: DatabaseState,
  caller: Caller,
  kind: 'savepoint' | 'rollback to',
  name: string,
): Outcome {
  const work = new Work(state, context, caller.session);
  const transaction = work.begin(caller.control);
  const own = work.state.tables.flatMap((rows, table) =>
    rows.flatMap((row) => (row.draft?.by === caller.session ? [{ table, row: row.id, values: row.draft.values }] : [])),
  );
  if (kind === 'savepoint') {
    transaction.savepoints.push({ name, drafts: own });
    return { kind: 'done', state: work.finish(), result: NOTHING };
  }
  const saved = transaction.savepoints.findLast((point) => point.name === name);
  if (!saved) return abort(work, new DatabaseError('3B001', `savepoint "${name}" does not exist`));
  for (const { table, row: id } of own) {
    const row = work.rows(table).find((candidate) => candidate.id === id);
    const before = saved.drafts.find((draft) => draft.table === table && draft.row === id);
    if (row && before) row.draft = { by: caller.session, values: before.values };
    else if (row) delete row.draft;
  }
  return { kind: 'done', state: work.finish(), result: NOTHING };
}
