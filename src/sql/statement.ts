import type { Node, TransactionStmt, VariableSetStmt } from 'libpg-query';
import { compileChange } from './change.ts';
import { compileCommon, usesOf } from './common.ts';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileInsert } from './insert.ts';
import { compileMerge } from './merge.ts';
import type { Change, Control, Insert, Merge, Plan, TableLock } from './plan.ts';
import { type Compiler, compileQuery } from './query.ts';
import { type Table, tableOf } from './schema.ts';

/** Compiles a statement. @throws NotAnalysed, SqlInputError */
export function compileStatement(tree: Node, compiler: Compiler): Plan {
  if ('TransactionStmt' in tree) return control(tree.TransactionStmt);
  if ('SelectStmt' in tree) {
    const { withClause, ...rest } = tree.SelectStmt;
    const firstScan = compiler.scans.length;
    const { common, columns } = compileCommon(withClause, compiler, (nested) => change(nested, compiler));
    const query = compileQuery({ SelectStmt: rest }, compiler, columns);
    return { kind: 'select', common, query, uses: usesOf(compiler, firstScan) };
  }
  if ('InsertStmt' in tree || 'UpdateStmt' in tree || 'DeleteStmt' in tree || 'MergeStmt' in tree) {
    return change(tree, compiler);
  }
  if ('TruncateStmt' in tree) {
    const tables = relations(tree.TruncateStmt.relations, compiler);
    const { behavior, restart_seqs: restart = false } = tree.TruncateStmt;
    return { kind: 'truncate', tables, cascade: behavior === 'DROP_CASCADE', restart };
  }
  if ('LockStmt' in tree) {
    const mode = LOCK_MODES[tree.LockStmt.mode ?? 0] ?? 'access exclusive';
    const uses = relations(tree.LockStmt.relations, compiler).map((table) => ({ table, mode }));
    return { kind: 'lock tables', uses, nowait: tree.LockStmt.nowait ?? false };
  }
  if ('ConstraintsSetStmt' in tree) {
    const { constraints = [], deferred = false } = tree.ConstraintsSetStmt;
    const given = constraints.flatMap((node) => ('RangeVar' in node ? [node.RangeVar.relname ?? ''] : []));
    checkConstraints(given, compiler);
    return { kind: 'set constraints', names: given, deferred };
  }
  if ('VariableSetStmt' in tree) return setting(tree.VariableSetStmt);
  if ('ExplainStmt' in tree) throw new NotAnalysed('EXPLAIN');
  throw new NotAnalysed(Object.keys(tree)[0]?.replace(/Stmt$/, '').toUpperCase() ?? 'statement');
}

/** Compiles a statement that changes rows, on its own or inside WITH. */
function change(tree: Node, compiler: Compiler): Insert | Change | Merge {
  const nested = (inner: Node) => change(inner, compiler);
  if ('InsertStmt' in tree) return compileInsert(tree.InsertStmt, compiler, nested);
  if ('UpdateStmt' in tree) return compileChange('update', tree.UpdateStmt, compiler, nested);
  if ('DeleteStmt' in tree) return compileChange('delete', tree.DeleteStmt, compiler, nested);
  if ('MergeStmt' in tree) return compileMerge(tree.MergeStmt, compiler, nested);
  throw new NotAnalysed(`WITH ${Object.keys(tree)[0]}`);
}

/** Numbers of lock modes in PostgreSQL's syntax tree. */
const LOCK_MODES: readonly (TableLock | undefined)[] = [
  undefined,
  'access share',
  'row share',
  'row exclusive',
  'share update exclusive',
  'share',
  'share row exclusive',
  'exclusive',
  'access exclusive',
];

/** Tables that a statement locks as a whole; from now on every statement on them asks for a table lock. */
function relations(list: readonly Node[] | undefined, compiler: Compiler): Table[] {
  return (list ?? []).flatMap((node) => {
    if (!('RangeVar' in node)) return [];
    const table = tableOf(compiler.schema, node.RangeVar.relname);
    table.lockedAsWhole = true;
    return [table];
  });
}

function checkConstraints(given: readonly string[], compiler: Compiler): void {
  const all = [...compiler.schema.values()].flatMap((table) => [...table.keys, ...table.foreignKeys]);
  for (const name of given) {
    const found = all.find((constraint) => constraint.name === name);
    if (!found)
      throw new SqlInputError(`there is no constraint "${name}"; there are: ${all.map((one) => one.name).join(', ')}`);
    if (!found.deferrable) throw new SqlInputError(`constraint "${name}" is not deferrable (PostgreSQL error 42809)`);
  }
}

function control(statement: TransactionStmt): Control {
  const kind = (statement.kind ?? '').replace('TRANS_STMT_', '');
  const level = levelIn(statement.options);
  switch (kind) {
    case 'BEGIN':
    case 'START':
      return { kind: 'begin', ...(level !== undefined && { argument: level }) };
    case 'COMMIT':
      return { kind: 'commit' };
    case 'ROLLBACK':
      return { kind: 'rollback' };
    case 'SAVEPOINT':
      return { kind: 'savepoint', argument: statement.savepoint_name ?? '' };
    case 'ROLLBACK_TO':
      return { kind: 'rollback to', argument: statement.savepoint_name ?? '' };
    case 'RELEASE':
      return { kind: 'release', argument: statement.savepoint_name ?? '' };
  }
  throw new NotAnalysed(`transaction statement ${kind}`);
}

/** Settings that decide nothing here: how long to wait, how to plan, what to call the session. */
const HARMLESS =
  /^(lock_timeout|statement_timeout|idle_|deadlock_timeout|application_name|search_path|work_mem|enable_|jit|timezone|client_|log_|synchronous_commit|innodb_lock_wait_timeout|names$)/i;

function setting(statement: VariableSetStmt): Control {
  const name = statement.name ?? '';
  if (statement.kind === 'VAR_SET_MULTI' && /TRANSACTION/.test(name)) {
    const level = levelIn(statement.args);
    // READ ONLY and DEFERRABLE change no result.
    return level === undefined ? { kind: 'nothing' } : { kind: 'set level', argument: level };
  }
  if (/^(default_)?transaction_isolation$/i.test(name)) {
    return { kind: 'set level', argument: constantText(statement.args?.[0]).toLowerCase() };
  }
  if (HARMLESS.test(name) || statement.kind === 'VAR_RESET' || statement.kind === 'VAR_SET_DEFAULT')
    return { kind: 'nothing' };
  throw new NotAnalysed(`SET ${name}`);
}

function levelIn(options: readonly Node[] | undefined): string | undefined {
  for (const node of options ?? []) {
    if ('DefElem' in node && node.DefElem.defname === 'transaction_isolation')
      return constantText(node.DefElem.arg).toLowerCase();
  }
  return undefined;
}

const constantText = (node: Node | undefined) =>
  node && 'A_Const' in node ? ((node.A_Const as { sval?: { sval?: string } }).sval?.sval ?? '') : '';
