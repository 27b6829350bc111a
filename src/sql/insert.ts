import type { InsertStmt, Node, OnConflictClause } from 'libpg-query';
import { compileAssignments, compileCommon, compileReturning, defaultsOf, usesOf } from './common.ts';
import { DatabaseError, SqlInputError } from './errors.ts';
import { compileExpression } from './expression.ts';
import type { Change, Expression, Insert, Merge, Run } from './plan.ts';
import { type CommonColumns, type Compiler, compileQuery, scopeOver } from './query.ts';
import { position, type Table, tableOf } from './schema.ts';
import type { Scope, Source } from './scope.ts';
import type { Value } from './values.ts';

/** Name under which the MySQL dialect hands over REPLACE: an ON CONFLICT on a constraint that cannot exist. */
export const REPLACE = '(replace)';

/** Compiles INSERT. */
export function compileInsert(
  statement: InsertStmt,
  compiler: Compiler,
  compileChange: (tree: Node) => Insert | Change | Merge,
): Insert {
  const firstScan = compiler.scans.length;
  const table = tableOf(compiler.schema, statement.relation?.relname);
  const { common, columns: commonColumns } = compileCommon(statement.withClause, compiler, compileChange);
  const given = (statement.cols ?? []).flatMap((node) => ('ResTarget' in node ? [node.ResTarget.name ?? ''] : []));
  const columns = given.length > 0 ? given.map((name) => position(table, name)) : table.columns.map((_, i) => i);
  if (new Set(columns).size < columns.length)
    throw new SqlInputError(`INSERT into "${table.name}" names a column twice`);
  const source = insertSource(statement.selectStmt, columns.length, given.length > 0, table, compiler, commonColumns);
  const alias = statement.relation?.alias?.aliasname ?? table.name;
  const target: Source = { alias, columns: table.columns };
  const conflict =
    statement.onConflictClause && compileConflict(statement.onConflictClause, table, target, compiler, commonColumns);
  const overriding = { OVERRIDING_USER_VALUE: 'user', OVERRIDING_SYSTEM_VALUE: 'system' }[
    statement.override as string
  ] as Insert['overriding'];
  return {
    kind: 'insert',
    table,
    common,
    columns,
    source,
    defaults: defaultsOf(table, compiler),
    ...(overriding && { overriding }),
    ...(conflict && { conflict }),
    ...compileReturning(statement.returningClause?.exprs, [target], table, compiler, commonColumns),
    uses: usesOf(compiler, firstScan, table),
  };
}

function compileConflict(
  clause: OnConflictClause,
  table: Table,
  target: Source,
  compiler: Compiler,
  common: CommonColumns,
): NonNullable<Insert['conflict']> {
  const every = table.keys.map((_, i) => i);
  if (clause.infer?.conname === REPLACE) return { keys: every, any: true, replace: true };
  const updates = clause.action === 'ONCONFLICT_UPDATE';
  const elements = (clause.infer?.indexElems ?? []).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []));
  const any = elements.length === 0 && clause.infer?.conname === undefined;
  const keys = any ? every : arbiters(clause, table);
  if (updates && any && compiler.dialect === 'postgresql') {
    throw new SqlInputError(
      'ON CONFLICT DO UPDATE requires a conflict target (PostgreSQL error 42601): name the columns of a unique key',
    );
  }
  if (keys.length === 0 && !any) {
    const wanted = elements.map((element) => element.name ?? '(expression)').join(', ') || clause.infer?.conname;
    throw new SqlInputError(
      `ON CONFLICT on "${table.name}" names no unique constraint (PostgreSQL error 42P10); add a PRIMARY KEY or UNIQUE on (${wanted})`,
    );
  }
  if (keys.some((key) => table.keys[key]?.deferrable) && compiler.dialect === 'postgresql' && !any) {
    throw new SqlInputError(
      'ON CONFLICT does not support deferrable unique constraints as arbiters (PostgreSQL error 55000)',
    );
  }
  if (!updates) return { keys, any };
  const scope = withTarget(
    scopeOver([target, { alias: 'excluded', columns: table.columns, qualified: true }], compiler, common),
  );
  return {
    keys,
    any,
    update: {
      set: compileAssignments(clause.targetList ?? [], table, scope),
      ...(clause.whereClause && { where: compileExpression(clause.whereClause, scope) }),
    },
  };
}

/** Unique keys that a conflict target stands for. A partial index only where its condition is given too. */
function arbiters(clause: OnConflictClause, table: Table): number[] {
  const plain = (node: Node) => JSON.stringify(node, (key, value) => (key === 'location' ? undefined : value));
  const wanted = (clause.infer?.indexElems ?? []).flatMap((node) =>
    'IndexElem' in node ? [node.IndexElem.name ?? (node.IndexElem.expr ? plain(node.IndexElem.expr) : '')] : [],
  );
  const where = clause.infer?.whereClause;
  return table.keys.flatMap((key, i) => {
    if (clause.infer?.conname) return key.name === clause.infer.conname ? [i] : [];
    if (key.where && (!where || plain(where) !== plain(key.where))) return [];
    const own = key.columns.map((column, at) => column ?? plain(key.expressions[at] as Node));
    return own.length === wanted.length && own.every((column) => wanted.includes(column)) ? [i] : [];
  });
}

/** In DO UPDATE the row is one scope further in than `excluded`, so that plain names mean the row. */
function withTarget(scope: Scope): Scope {
  const [target, excluded] = scope.sources as [Source, Source];
  return {
    ...scope,
    sources: [target],
    outer: { ...scope, uses: { reached: 0 }, sources: [{ alias: '', columns: [] }, excluded] },
  };
}

function insertSource(
  tree: Node | undefined,
  width: number,
  listed: boolean,
  table: Table,
  compiler: Compiler,
  common: CommonColumns,
): Insert['source'] {
  const fits = (count: number) => {
    if (count > width)
      throw new SqlInputError(`INSERT into "${table.name}" has more values (${count}) than columns (${width})`);
    if (listed && count < width) {
      throw new SqlInputError(`INSERT into "${table.name}" has fewer values (${count}) than columns (${width})`);
    }
  };
  if (!tree) return () => [[]];
  if ('SelectStmt' in tree && tree.SelectStmt.valuesLists && !tree.SelectStmt.withClause) {
    const scope = scopeOver([], compiler, common);
    const rows = tree.SelectStmt.valuesLists.map((node) =>
      ('List' in node ? (node.List.items ?? []) : []).map((item): Expression | undefined =>
        'SetToDefault' in item ? undefined : compileExpression(item, scope),
      ),
    );
    for (const row of rows) fits(row.length);
    return (run) => rows.map((row) => row.map((expression) => expression?.evaluate({ tuples: [] }, run)));
  }
  const query = compileQuery(tree, compiler, common);
  fits(query.columns.length);
  return (run) => query.rows(undefined, run).map((tuple) => tuple.values);
}

/** The values of a new row: given ones, defaults for the rest, each in its column's type. */
export function newRow(
  plan: Pick<Insert, 'table' | 'columns' | 'defaults' | 'overriding'>,
  given: readonly (Value | undefined)[],
  run: Run,
  mysql = false,
): Value[] {
  return plan.table.columns.map((column, index) => {
    const at = plan.columns.indexOf(index);
    let value = at >= 0 && at < given.length ? given[at] : undefined;
    if (value !== undefined && column.generated) {
      throw new DatabaseError('428C9', `cannot insert a non-DEFAULT value into column "${column.name}"`);
    }
    if (value !== undefined && column.counter) {
      if (plan.overriding === 'user') value = undefined;
      else if (column.always && plan.overriding !== 'system') {
        throw new DatabaseError('428C9', `cannot insert a non-DEFAULT value into column "${column.name}"`);
      }
      // AUTO_INCREMENT goes on after the largest value that was given (MySQL manual, 17.6.1.6); NULL and 0 draw one.
      if (mysql && (value === null || value === 0)) value = undefined;
    }
    return column.convert(value === undefined ? (plan.defaults[index]?.evaluate({ tuples: [] }, run) ?? null) : value);
  });
}
