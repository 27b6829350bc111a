import { DatabaseError } from '../../sql/errors.ts';
import type { Control, Plan, SetConstraints } from '../../sql/plan.ts';
import type { Value } from '../../sql/values.ts';
import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';
import { fireEvents, isDeferred } from './integrity.ts';
import { release, rollbackTo, setSavepoint } from './savepoint.ts';
import { validate } from './serializable.ts';
import type { DatabaseState, Session } from './state.ts';
import { type Result, StatementRun } from './statement.ts';
import { type DatabaseContext, Wait, Work } from './work.ts';

/** What became of a call on the database. */
export type Outcome =
  | { readonly kind: 'done'; readonly state: DatabaseState; readonly result: Result }
  /** The statement (or the commit, where it makes deferred checks) is begun; calling again goes on with it. */
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
    case 'nothing':
      return { kind: 'done', state, result: NOTHING };
    case 'commit':
      return commit(context, state, caller.session);
    case 'rollback':
      return { kind: 'done', state: rollback(context, state, caller.session), result: NOTHING };
    case 'set level':
    case 'savepoint':
    case 'rollback to':
    case 'release':
      return control(new Work(state, context, caller.session), caller, plan);
  }
  const work = new Work(state, context, caller.session);
  work.begin(caller.control);
  return attempt(work, parameters, (run) => {
    const result = plan.kind === 'set constraints' ? setConstraints(run, plan) : run.run(plan);
    if (!caller.autocommit) return { kind: 'done', state: work.finish(), result };
    fireDeferred(run);
    const ended = finish(work);
    return ended.kind === 'done' ? { ...ended, result } : ended;
  });
}

/** Commits the session's transaction; an error where its level or a deferred constraint cannot allow it. */
export function commit(context: DatabaseContext, state: DatabaseState, session: Session): Outcome {
  const transaction = state.transactions[session];
  if (!transaction) return { kind: 'done', state, result: NOTHING };
  const work = new Work(state, context, session);
  if (transaction.deferred.length === 0 && !transaction.wait) return finish(work);
  return attempt(work, [], (run) => {
    fireDeferred(run);
    return finish(work);
  });
}

/** Runs something that may wait or fail. */
function attempt(work: Work, parameters: readonly Value[], body: (run: StatementRun) => Outcome): Outcome {
  const waited = work.transaction.wait !== undefined;
  let run: StatementRun | undefined;
  try {
    run = new StatementRun(work, parameters);
    return body(run);
  } catch (error) {
    if (error instanceof DatabaseError) return abort(work, error);
    if (!(error instanceof Wait)) throw error;
    work.transaction.wait = { on: error.on, memory: run?.memory };
    if (waited && work.deadlocked()) return abort(work, work.error('deadlock', 'deadlock detected'));
    return { kind: 'waits', state: work.finish(), on: error.on };
  }
}

function fireDeferred(run: StatementRun): void {
  const { transaction } = run.work;
  run.memory.events.push(...transaction.deferred);
  if (transaction.deferred.length > 0) transaction.deferred = [];
  fireEvents(run);
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

function control(work: Work, caller: Caller, plan: Control): Outcome {
  const running = work.state.transactions[caller.session];
  try {
    if (plan.kind === 'set level') {
      if (running && !running.fresh) {
        throw work.error('lateLevel', 'SET TRANSACTION ISOLATION LEVEL must be called before any query');
      }
      const level = levelOf(work.context, plan.argument ?? '') ?? caller.control;
      const transaction = work.begin(level);
      transaction.control = level;
      transaction.fresh = true;
    } else {
      work.begin(caller.control);
      if (plan.kind === 'savepoint') setSavepoint(work, plan.argument ?? '');
      else if (plan.kind === 'release') release(work, plan.argument ?? '');
      else rollbackTo(work, plan.argument ?? '');
    }
  } catch (error) {
    if (error instanceof DatabaseError) return abort(work, error);
    throw error;
  }
  return { kind: 'done', state: work.finish(), result: NOTHING };
}

/** What a level means where the engine's own list is not given. */
function levelOf(context: DatabaseContext, name: string): ConcurrencyControl | undefined {
  if (context.levelOf) return context.levelOf(name);
  const innodb = context.dialect === 'mysql';
  switch (name) {
    case 'read uncommitted':
      return innodb ? 'read-uncommitted' : 'read-committed-mvcc';
    case 'read committed':
      return innodb ? 'read-committed-innodb' : 'read-committed-mvcc';
    case 'repeatable read':
      return innodb ? 'repeatable-read-innodb' : 'snapshot';
    case 'serializable':
      return innodb ? 'serializable-locking' : 'serializable-ssi';
  }
  return undefined;
}

/** SET CONSTRAINTS; what becomes immediate is checked now (PostgreSQL manual, SET CONSTRAINTS). */
function setConstraints(run: StatementRun, plan: SetConstraints): Result {
  const { transaction, context } = run.work;
  const named = plan.names.length > 0 ? Object.fromEntries(plan.names.map((name) => [name, plan.deferred])) : undefined;
  transaction.constraints = named ? { ...transaction.constraints, ...named } : { '*': plan.deferred };
  const due = transaction.deferred.filter((event) => {
    const rules = context.rules[event.table];
    const rule = event.kind === 'unique' ? rules?.keys[event.rule] : rules?.parents[event.rule];
    return rule && !isDeferred(transaction, rule);
  });
  transaction.deferred = transaction.deferred.filter((event) => !due.includes(event));
  run.memory.events.push(...due);
  fireEvents(run);
  return NOTHING;
}
