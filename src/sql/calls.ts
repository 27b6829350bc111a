import type { FuncCall, Node } from 'libpg-query';
import { NotAnalysed } from './errors.ts';
import { compileExpression, truth } from './expression.ts';
import { AGGREGATES, type Aggregate } from './functions/aggregates.ts';
import { scalarFunction } from './functions/index.ts';
import { compileOrder, sortRows } from './order.ts';
import type { Env, Expression, Run } from './plan.ts';
import { of, type Scope } from './scope.ts';
import { names } from './types.ts';
import { cast, keyText, same, toText, type Value } from './values.ts';
import { compileWindow } from './windows.ts';

/** Compiles a function call: a window function, an aggregate, or a function of its arguments. */
export function compileCall(node: FuncCall, scope: Scope): Expression {
  const name = (names(node.funcname).at(-1) ?? '').toLowerCase();
  if (node.over) return compileWindow(node, name, scope);
  if (Object.hasOwn(AGGREGATES, name)) return aggregate(node, name, scope);
  if (node.agg_within_group) throw new NotAnalysed(`${name}() WITHIN GROUP`);
  if (node.func_variadic) throw new NotAnalysed(`VARIADIC argument of ${name}()`);
  const scalar = scalarFunction(name);
  const args = scalar?.names
    ? byName(node.args ?? [], scalar.names, scope)
    : (node.args ?? []).map((arg) => compileExpression(arg, scope));
  const values = (env: Env, run: Run) => args.map((arg) => arg.evaluate(env, run));
  if (!scalar) return effectful(name, args.length, values, scope);
  const type = scalar.type === 'argument' ? (args[0]?.type ?? 'unknown') : scalar.type;
  if (scalar.loose) return of(type, (env, run) => scalar.call(values(env, run)));
  return of(type, (env, run) => {
    const given = values(env, run);
    return given.includes(null) ? null : scalar.call(given);
  });
}

function byName(args: readonly Node[], order: readonly string[], scope: Scope): Expression[] {
  const zero = of('int', () => 0);
  const found = order.map(() => zero);
  args.forEach((arg, i) => {
    const at = 'NamedArgExpr' in arg ? order.indexOf(arg.NamedArgExpr.name ?? '') : i;
    if (at < 0 || at >= order.length)
      throw new NotAnalysed(`argument ${'NamedArgExpr' in arg ? arg.NamedArgExpr.name : i + 1}`);
    found[at] = compileExpression(arg, scope);
  });
  return found;
}

/** The value of an aggregate over rows, by its FILTER, DISTINCT and ORDER BY. */
export function overRows(
  node: FuncCall,
  name: string,
  scope: Scope,
): { type: Expression['type']; value: (rows: readonly Env[], run: Run) => Value } {
  const entry = AGGREGATES[name] as Aggregate;
  const args = (node.args ?? []).map((arg) => compileExpression(arg, scope));
  const filter = node.agg_filter && compileExpression(node.agg_filter, scope);
  const order = compileOrder(node.agg_order, (inner) => compileExpression(inner, scope));
  const argument = args[0];
  const value = (given: readonly Env[], run: Run): Value => {
    let rows = filter ? given.filter((row) => truth(filter.evaluate(row, run)) === true) : given;
    if (node.agg_star) return rows.length;
    if (order.length > 0) {
      const sorted = [...rows];
      sortRows(sorted, order, run);
      rows = sorted;
    }
    if (entry.rows) return entry.rows(rows.map((row) => args.map((arg) => arg.evaluate(row, run))));
    let values = rows.map((row) => argument?.evaluate(row, run) ?? null);
    if (node.agg_distinct) values = values.filter((item, i) => values.findIndex((other) => same(other, item)) === i);
    const first = rows[0];
    return entry.call(values, first ? args.slice(1).map((arg) => arg.evaluate(first, run)) : []);
  };
  return { type: entry.type === 'argument' ? (argument?.type ?? 'int') : entry.type, value };
}

function aggregate(node: FuncCall, name: string, scope: Scope): Expression {
  const { type, value } = overRows(node, name, scope);
  return of(type, (env, run) => value(env.group ?? [env], run));
}

/** Functions that read or change something besides their arguments. */
function effectful(name: string, count: number, values: (env: Env, run: Run) => Value[], scope: Scope): Expression {
  const advisory = /^pg_(try_)?advisory_(xact_)?(un)?lock(_shared)?(_all)?$/.exec(name);
  if (advisory) {
    const [, attempt, transaction, un, shared, all] = advisory;
    const action = un ? (all ? 'unlock all' : 'unlock') : attempt ? 'try' : 'lock';
    return of('bool', (env, run) => {
      const granted = run.advisory(
        action,
        transaction ? 'transaction' : 'session',
        values(env, run).map(toText).join(','),
        shared !== undefined,
      );
      return action === 'lock' || action === 'unlock all' ? '' : granted;
    });
  }
  const first = (env: Env, run: Run) => toText(values(env, run)[0] ?? null);
  const { sequences } = scope;
  const draw = (run: Run, sequence: string) => {
    const { start = 1, increment = 1 } = sequences.starts.get(sequence) ?? {};
    if (increment !== 1) throw new NotAnalysed('sequence with INCREMENT');
    return run.counter(sequences.remember ? 'draw' : 'next', sequence, start);
  };
  switch (name) {
    case 'get_lock':
      // A time-out of zero asks without waiting; any other is taken to be long enough.
      return of('int', (env, run) => {
        const [key = null, wait = null] = values(env, run);
        const action = count > 1 && wait === 0 ? 'try' : 'lock';
        return run.advisory(action, 'session', keyText([key]).toLowerCase(), false) ? 1 : 0;
      });
    case 'release_lock':
      return of('int', (env, run) =>
        run.advisory('unlock', 'session', keyText(values(env, run).slice(0, 1)).toLowerCase(), false) ? 1 : 0,
      );
    case 'now':
    case 'transaction_timestamp':
    case 'statement_timestamp':
    case 'clock_timestamp':
    case 'getdate':
    case 'sysdatetime':
    case 'sysutcdatetime':
    case 'getutcdate':
    case 'utc_timestamp':
      return of('timestamp', (_, run) => ({ time: run.now }));
    case 'unix_timestamp':
      return of('int', (_, run) => Math.floor(run.now / 1000));
    case 'age':
      throw new NotAnalysed('age of one argument');
    case 'curdate':
      return of('date', (_, run) => cast({ time: run.now }, 'date'));
    case 'nextval':
      return of('int', (env, run) => draw(run, first(env, run)));
    case 'currval':
      sequences.remember = true;
      return of('int', (env, run) => run.counter('current', first(env, run)));
    case 'lastval':
    case 'last_insert_id':
    case 'scope_identity':
      sequences.remember = true;
      return of('int', (_, run) => run.counter('current', ''));
    case 'setval':
      return of('int', (env, run) => {
        const [sequence = null, to = null, called] = values(env, run);
        run.counter('set', toText(sequence), Number(to) - (called === false ? 1 : 0));
        return to;
      });
    case 'pg_current_xact_id':
    case 'txid_current':
      return of('int', (_, run) => run.transactionId());
    case 'pg_current_snapshot':
    case 'txid_current_snapshot':
      return of('int', (_, run) => run.oldestTransactionId());
    case 'pg_snapshot_xmin':
    case 'txid_snapshot_xmin':
      return of('int', (env, run) => values(env, run)[0] ?? null);
    case 'gen_random_uuid':
    case 'uuid':
    case 'newid':
    case 'uuid_generate_v4':
      return of('text', (_, run) => `uuid-${run.counter('next', 'uuid')}`);
  }
  throw new NotAnalysed(`function ${name}()`);
}
