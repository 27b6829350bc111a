import type { DeleteStmt, InsertStmt, MergeStmt, Node, UpdateStmt, WithClause } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression, type Scope, type Source, truth } from './expression.ts';
import type {
  Assignment,
  Change,
  Common,
  Control,
  Env,
  Expression,
  Insert,
  Plan,
  Query,
  Returning,
  Tuple,
} from './plan.ts';
import { type CommonColumns, type Compiler, compileQuery, compileTargets, FromCompiler } from './query.ts';
import { names, type Table, tableOf } from './schema.ts';
import { cast } from './values.ts';

/** Compiles a statement. @throws NotAnalysed, SqlInputError */
export function compileStatement(tree: Node, compiler: Compiler): Plan {
  if ('TransactionStmt' in tree) return control(tree.TransactionStmt);
  if ('SelectStmt' in tree) {
    const { withClause, ...rest } = tree.SelectStmt;
    const { common, columns } = compileCommon(withClause, compiler);
    if (rest.intoClause) throw new NotAnalysed('SELECT INTO');
    return { kind: 'select', common, query: compileQuery({ SelectStmt: rest }, compiler, columns) };
  }
  if ('InsertStmt' in tree) return compileInsert(tree.InsertStmt, compiler);
  if ('UpdateStmt' in tree) return compileChange('update', tree.UpdateStmt, compiler);
  if ('DeleteStmt' in tree) return compileChange('delete', tree.DeleteStmt, compiler);
  if ('MergeStmt' in tree) throw new NotAnalysed(`MERGE INTO ${(tree.MergeStmt as MergeStmt).relation?.relname}`);
  if ('VariableSetStmt' in tree) {
    const { kind, name, args } = tree.VariableSetStmt;
    const option = args?.find((arg) => 'DefElem' in arg && arg.DefElem.defname === 'transaction_isolation');
    if (kind === 'VAR_SET_MULTI' && name === 'TRANSACTION' && option && 'DefElem' in option) {
      return { kind: 'set level', argument: levelOf(option.DefElem.arg) };
    }
  }
  throw new NotAnalysed(Object.keys(tree)[0]?.replace(/Stmt$/, '').toUpperCase() ?? 'statement');
}

function control(statement: { kind?: string; savepoint_name?: string; options?: Node[] }): Control {
  const kind = (statement.kind ?? '').replace('TRANS_STMT_', '');
  const level = statement.options?.find(
    (node) => 'DefElem' in node && node.DefElem.defname === 'transaction_isolation',
  );
  const argument = level && 'DefElem' in level ? levelOf(level.DefElem.arg) : undefined;
  switch (kind) {
    case 'BEGIN':
    case 'START':
      return { kind: 'begin', ...(argument !== undefined && { argument }) };
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

const levelOf = (node: Node | undefined) =>
  (node && 'A_Const' in node ? ((node.A_Const as { sval?: { sval?: string } }).sval?.sval ?? '') : '').toLowerCase();

/** Compiles WITH queries in order; each sees the ones before it. */
function compileCommon(
  clause: WithClause | undefined,
  compiler: Compiler,
): { common: Common[]; columns: CommonColumns } {
  const common: Common[] = [];
  const columns = new Map<string, Query['columns']>();
  if (clause?.recursive) throw new NotAnalysed('WITH RECURSIVE');
  for (const node of clause?.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', ctequery, aliascolnames } = node.CommonTableExpr;
    const tree = ctequery as Node;
    const plan =
      'SelectStmt' in tree
        ? compileQuery(tree, compiler, columns)
        : (compileStatement(tree, compiler) as Insert | Change);
    const renamed = names(aliascolnames);
    const own =
      'rows' in plan
        ? plan.columns
        : (plan.returning?.columns ?? []).map((name) => ({ name, type: 'unknown' as const }));
    columns.set(
      ctename,
      own.map((column, i) => ({ ...column, name: renamed[i] ?? column.name })),
    );
    common.push({ name: ctename, plan });
  }
  return { common, columns };
}

function scopeOver(sources: readonly Source[], compiler: Compiler, common: CommonColumns): Scope {
  return { sources, subquery: (tree, scope) => compileQuery(tree, compiler, common, scope) };
}

function position(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name);
  if (index < 0)
    throw new SqlInputError(
      `table "${table.name}" has no column "${name}"; it has: ${table.columns.map((column) => column.name).join(', ')}`,
    );
  return index;
}

function defaultsOf(table: Table, compiler: Compiler): (Expression | undefined)[] {
  const scope = scopeOver([], compiler, new Map());
  return table.columns.map((column) => {
    if (column.counter) {
      const counter = `${table.name}.${column.name}`;
      return { type: 'int', evaluate: (_, run) => run.nextValue(counter) };
    }
    return column.default && compileExpression(column.default, scope);
  });
}

function compileReturning(
  list: readonly Node[] | undefined,
  sources: readonly Source[],
  compiler: Compiler,
  common: CommonColumns,
): { returning?: Returning } {
  if (!list || list.length === 0) return {};
  const targets = compileTargets(list, scopeOver(sources, compiler, common));
  return {
    returning: {
      columns: targets.map((target) => target.name),
      row: (env, run) => targets.map((target) => target.expression.evaluate(env, run)),
    },
  };
}

function compileAssignments(list: readonly Node[], table: Table, scope: Scope): Assignment[] {
  return list.flatMap((node): Assignment[] => {
    if (!('ResTarget' in node) || !node.ResTarget.val) return [];
    const column = position(table, node.ResTarget.name ?? '');
    let value: Node = node.ResTarget.val;
    if ('MultiAssignRef' in value) {
      const { source, colno = 1 } = value.MultiAssignRef;
      if (!source || !('RowExpr' in source)) throw new NotAnalysed('SET (...) = (SELECT ...)');
      value = source.RowExpr.args?.[colno - 1] as Node;
    }
    if ('SetToDefault' in value) return [{ column, value: undefined }];
    return [{ column, value: compileExpression(value, scope) }];
  });
}

function compileInsert(statement: InsertStmt, compiler: Compiler): Insert {
  const table = tableOf(compiler.schema, statement.relation?.relname);
  const { common, columns: commonColumns } = compileCommon(statement.withClause, compiler);
  const given = (statement.cols ?? []).flatMap((node) => ('ResTarget' in node ? [node.ResTarget.name ?? ''] : []));
  const columns = given.length > 0 ? given.map((name) => position(table, name)) : table.columns.map((_, i) => i);
  const source = insertSource(statement.selectStmt, compiler, commonColumns);
  const alias = statement.relation?.alias?.aliasname ?? table.name;
  const target: Source = { alias, columns: table.columns };
  const clause = statement.onConflictClause;
  let conflict: Insert['conflict'];
  if (clause) {
    const wanted = (clause.infer?.indexElems ?? []).map((node) =>
      'IndexElem' in node ? node.IndexElem.name : undefined,
    );
    const keys = table.keys.flatMap((key, i) => {
      if (clause.infer?.conname) return key.name === clause.infer.conname ? [i] : [];
      if (wanted.length === 0) return [i];
      return key.columns.length === wanted.length && key.columns.every((column) => wanted.includes(column)) ? [i] : [];
    });
    if (keys.length === 0 && (wanted.length > 0 || clause.action === 'ONCONFLICT_UPDATE')) {
      throw new SqlInputError(
        `ON CONFLICT on "${table.name}" names no unique constraint; add a PRIMARY KEY or UNIQUE on (${wanted.join(', ')})`,
      );
    }
    const scope = scopeOver([target, { alias: 'excluded', columns: table.columns }], compiler, commonColumns);
    // MySQL writes plain column names in ON DUPLICATE KEY UPDATE and means the row that is there.
    const qualified = withTarget(scope);
    conflict = {
      keys,
      ...(clause.action === 'ONCONFLICT_UPDATE' && {
        update: {
          set: compileAssignments(clause.targetList ?? [], table, qualified),
          ...(clause.whereClause && { where: compileExpression(clause.whereClause, qualified) }),
        },
      }),
    };
  }
  return {
    kind: 'insert',
    table,
    common,
    columns,
    source,
    defaults: defaultsOf(table, compiler),
    ...(conflict && { conflict }),
    ...compileReturning(statement.returningClause?.exprs, [target], compiler, commonColumns),
  };
}

/** In DO UPDATE an unqualified column means the target's, though `excluded` has it too. */
function withTarget(scope: Scope): Scope {
  const [target, excluded] = scope.sources as [Source, Source];
  const hidden = { alias: 'excluded', columns: excluded.columns };
  return { ...scope, sources: [target], outer: { ...scope, sources: [{ alias: '', columns: [] }, hidden] } };
}

function insertSource(tree: Node | undefined, compiler: Compiler, common: CommonColumns): Insert['source'] {
  if (!tree) return () => [[]];
  if ('SelectStmt' in tree && tree.SelectStmt.valuesLists) {
    const scope = scopeOver([], compiler, common);
    const rows = tree.SelectStmt.valuesLists.map((node) =>
      ('List' in node ? (node.List.items ?? []) : []).map((item) =>
        'SetToDefault' in item ? undefined : compileExpression(item, scope),
      ),
    );
    return (run) => rows.map((row) => row.map((expression) => expression?.evaluate({ tuples: [] }, run)));
  }
  const query = compileQuery(tree, compiler, common);
  return (run) => query.rows(undefined, run).map((tuple) => tuple.values);
}

function compileChange(kind: 'update' | 'delete', statement: UpdateStmt & DeleteStmt, compiler: Compiler): Change {
  const table = tableOf(compiler.schema, statement.relation?.relname);
  const { common, columns: commonColumns } = compileCommon(statement.withClause, compiler);
  for (const { plan } of common)
    if ('kind' in plan && plan.table === table) throw new NotAnalysed('two changes of one table in one statement');
  const from = new FromCompiler(compiler, commonColumns, undefined);
  const join = from.list([
    { RangeVar: statement.relation ?? {} },
    ...(statement.fromClause ?? statement.usingClause ?? []),
  ]);
  from.finish(statement.whereClause);
  const where = statement.whereClause && compileExpression(statement.whereClause, from.scope);
  const matches: Change['matches'] = (env, run) => !where || truth(where.evaluate(env, run)) === true;
  return {
    kind,
    table,
    common,
    scan: from.scanOf(0),
    candidates: (run) => {
      const found = new Map<number, Env>();
      for (const tuples of join([], undefined, run)) {
        const env: Env = { tuples };
        const target = tuples[0] as Tuple;
        if (target.id !== undefined && !found.has(target.id) && matches(env, run)) found.set(target.id, env);
      }
      return [...found.values()];
    },
    matches,
    set: kind === 'update' ? compileAssignments(statement.targetList ?? [], table, from.scope) : [],
    defaults: defaultsOf(table, compiler),
    ...compileReturning(statement.returningClause?.exprs, from.sources, compiler, commonColumns),
  };
}

/** The values of a new row: given ones, defaults for the rest, each in its column's type. */
export function newRow(
  plan: Insert,
  given: readonly ReturnType<Insert['source']>[number][number][],
  run: Parameters<Insert['source']>[0],
): ReturnType<typeof cast>[] {
  if (given.length > plan.columns.length)
    throw new SqlInputError(`INSERT into "${plan.table.name}" has more values than columns`);
  return plan.table.columns.map((column, index) => {
    const at = plan.columns.indexOf(index);
    const value = at >= 0 && at < given.length ? given[at] : undefined;
    const filled = value === undefined ? (plan.defaults[index]?.evaluate({ tuples: [] }, run) ?? null) : value;
    return cast(filled, column.type);
  });
}
