import type { JoinExpr, LockingClause, Node, RangeVar, SelectStmt, SortBy } from 'libpg-query';
import { DatabaseError, NotAnalysed, SqlInputError } from './errors.ts';
import { compareNullable, compileExpression, hasAggregate, type Scope, type Source, truth } from './expression.ts';
import type { Dialect } from './parse.ts';
import type { Env, Expression, Query, RowLock, Run, Scan, Tuple } from './plan.ts';
import { names, type Schema, type Table } from './schema.ts';
import { type SqlType, same, type Value } from './values.ts';

/** What compiling a design's statements shares: the tables, and the scans that were compiled so far. */
export interface Compiler {
  readonly schema: Schema;
  readonly dialect: Dialect;
  /** All scans of the design; a state names a condition by its index here. */
  readonly scans: Scan[];
}

/** WITH queries by name. */
export type CommonColumns = ReadonlyMap<string, Query['columns']>;

/** Extends each prefix of tuples by the rows of a FROM item. */
type Join = (prefix: readonly Tuple[], outer: Env | undefined, run: Run) => readonly (readonly Tuple[])[];

const EMPTY: Tuple = { values: [] };

/** Compiles a SELECT, VALUES or set operation. */
export function compileQuery(tree: Node, compiler: Compiler, common: CommonColumns, outer?: Scope): Query {
  if (!('SelectStmt' in tree)) throw new NotAnalysed(`query ${Object.keys(tree)[0]}`);
  const statement = tree.SelectStmt;
  if (statement.withClause) throw new NotAnalysed('WITH inside a sub-select');
  if (statement.valuesLists) return compileValues(statement.valuesLists, compiler, common, outer);
  if (statement.op !== undefined && statement.op !== 'SETOP_NONE')
    return compileSetOperation(statement, compiler, common, outer);
  return new SelectCompiler(compiler, common, outer).compile(statement);
}

/** Collects FROM items in the order in which they appear, and the scans behind them. */
export class FromCompiler {
  readonly sources: Source[] = [];
  readonly scope: Scope;
  readonly #compiler: Compiler;
  readonly #common: CommonColumns;
  /** Base tables by index of their source; `nullable` on the outer side of an outer join. */
  readonly #bases: { index: number; table: Table; nullable: boolean; join: Node[]; lock?: RowLock; scan?: Scan }[] = [];

  constructor(compiler: Compiler, common: CommonColumns, outer: Scope | undefined) {
    this.#compiler = compiler;
    this.#common = common;
    this.scope = {
      sources: this.sources,
      outer,
      subquery: (tree, scope) => compileQuery(tree, compiler, common, scope),
    };
  }

  /** Compiles a FROM list to one join. */
  list(items: readonly Node[]): Join {
    const joins = items.map((item) => this.item(item, false, []));
    return (prefix, outer, run) =>
      joins.reduce<readonly (readonly Tuple[])[]>(
        (rows, join) => rows.flatMap((row) => join(row, outer, run)),
        [prefix],
      );
  }

  item(node: Node, nullable: boolean, conditions: Node[]): Join {
    if ('RangeVar' in node) return this.#range(node.RangeVar, nullable, conditions);
    if ('JoinExpr' in node) return this.#join(node.JoinExpr, nullable, conditions);
    if ('RangeSubselect' in node) {
      const { subquery, alias, lateral } = node.RangeSubselect;
      const inner = compileQuery(
        subquery as Node,
        this.#compiler,
        this.#common,
        lateral ? this.scope : (this.scope.outer ?? undefined),
      );
      const renamed = names(alias?.colnames);
      this.sources.push({
        alias: alias?.aliasname ?? '',
        columns: inner.columns.map((column, i) => ({ ...column, name: renamed[i] ?? column.name })),
      });
      return (prefix, outer, run) =>
        inner.rows(lateral ? { tuples: prefix, outer } : outer, run).map((tuple) => [...prefix, tuple]);
    }
    if ('RangeFunction' in node) return this.#function(node.RangeFunction);
    throw new NotAnalysed(`FROM ${Object.keys(node)[0]}`);
  }

  /** Marks the base tables that a locking clause names (all of them where it names none). */
  lock(clause: LockingClause): void {
    const strength = (
      {
        LCS_FORKEYSHARE: 'key share',
        LCS_FORSHARE: 'share',
        LCS_FORNOKEYUPDATE: 'no key update',
        LCS_FORUPDATE: 'update',
      } as const
    )[clause.strength as 'LCS_FORUPDATE'];
    const wait =
      clause.waitPolicy === 'LockWaitSkip' ? 'skip' : clause.waitPolicy === 'LockWaitError' ? 'error' : 'wait';
    const only = (clause.lockedRels ?? []).flatMap((node) => ('RangeVar' in node ? [node.RangeVar.relname] : []));
    for (const base of this.#bases) {
      if (only.length === 0 || only.includes(this.sources[base.index]?.alias)) base.lock = { strength, wait };
    }
  }

  /** Compiles the conditions of each scan; called once, when all FROM items and WHERE are known. */
  finish(where: Node | undefined): { locked: { index: number; scan: Scan; lock: RowLock }[] } {
    const locked: { index: number; scan: Scan; lock: RowLock }[] = [];
    for (const base of this.#bases) {
      const source = this.sources[base.index] as Source;
      const usable = [...base.join, ...(base.nullable ? [] : conjuncts(where))];
      const own: Scope = { sources: [source], subquery: this.scope.subquery };
      const filters = usable.flatMap((node) => tryCompile(node, own));
      const scan: Scan = {
        id: this.#compiler.scans.length,
        table: base.table,
        matches: (values, run) => {
          const env: Env = { tuples: [{ values }] };
          return filters.every((filter) => truth(filter.evaluate(env, run as Run)) === true);
        },
        ...(base.lock && { lock: base.lock }),
        ...this.#key(base.table, base.index, source, usable),
      };
      this.#compiler.scans.push(scan);
      base.scan = scan;
      if (base.lock) locked.push({ index: base.index, scan, lock: base.lock });
    }
    return { locked };
  }

  /** The scan of the base table at `index`, after `finish`. */
  scanOf(index: number): Scan {
    return this.#bases.find((base) => base.index === index)?.scan as Scan;
  }

  /** A unique key whose columns the conditions fix by equality with something known before this item is read. */
  #key(table: Table, index: number, source: Source, conditions: readonly Node[]): Pick<Scan, 'key'> {
    const earlier: Scope = {
      ...this.scope,
      sources: this.sources.map((other, i) => (i < index ? other : { alias: '', columns: [] })),
    };
    const fixed = new Map<string, Expression>();
    for (const node of conditions) {
      if (!('A_Expr' in node) || node.A_Expr.kind !== 'AEXPR_OP' || names(node.A_Expr.name)[0] !== '=') continue;
      const { lexpr, rexpr } = node.A_Expr;
      for (const [side, other] of [
        [lexpr, rexpr],
        [rexpr, lexpr],
      ]) {
        if (!side || !other || !('ColumnRef' in side)) continue;
        const path = names(side.ColumnRef.fields);
        const column = path.at(-1) ?? '';
        if (path.length > 1 && path.at(-2) !== source.alias) continue;
        if (!source.columns.some((candidate) => candidate.name === column)) continue;
        const value = tryCompile(other, earlier)[0];
        if (value) fixed.set(column, value);
      }
    }
    const key = table.keys.find(
      (candidate) => !candidate.where && candidate.columns.every((column) => column !== undefined && fixed.has(column)),
    );
    if (!key) return {};
    const values = key.columns.map((column) => fixed.get(column as string) as Expression);
    return {
      key: {
        columns: key.columns.map((column) => table.columns.findIndex((candidate) => candidate.name === column)),
        values: (env, run) => values.map((value) => value.evaluate(env, run)),
      },
    };
  }

  #range(range: RangeVar, nullable: boolean, join: Node[]): Join {
    const name = range.relname ?? '';
    const alias = range.alias?.aliasname ?? name;
    const shared = this.#common.get(name);
    if (shared) {
      const renamed = names(range.alias?.colnames);
      this.sources.push({
        alias,
        columns: shared.map((column, i) => ({ ...column, name: renamed[i] ?? column.name })),
      });
      return (prefix, _, run) => (run.common.get(name) ?? []).map((tuple) => [...prefix, tuple]);
    }
    const table = this.#compiler.schema.get(name);
    if (!table)
      throw new SqlInputError(
        `there is no table "${name}"; the schema has: ${[...this.#compiler.schema.keys()].join(', ') || 'none'}`,
      );
    const base: { index: number; table: Table; nullable: boolean; join: Node[]; scan?: Scan } = {
      index: this.sources.length,
      table,
      nullable,
      join,
    };
    this.#bases.push(base);
    this.sources.push({ alias, columns: table.columns });
    return (prefix, outer, run) =>
      run.scan(base.scan as Scan, { tuples: prefix, outer }).map((tuple) => [...prefix, tuple]);
  }

  #join(join: JoinExpr, nullable: boolean, conditions: Node[]): Join {
    const kind = join.jointype;
    if (kind === 'JOIN_RIGHT') {
      throw new NotAnalysed('RIGHT JOIN (write it as LEFT JOIN)');
    }
    if (kind !== 'JOIN_INNER' && kind !== 'JOIN_LEFT') throw new NotAnalysed('FULL JOIN');
    const inner = kind === 'JOIN_INNER';
    const start = this.sources.length;
    const quals = conjuncts(join.quals);
    const left = this.item(join.larg as Node, nullable, inner ? [...conditions, ...quals] : conditions);
    const middle = this.sources.length;
    const right = this.item(join.rarg as Node, nullable || !inner, [...(inner ? conditions : []), ...quals]);
    const end = this.sources.length;
    const using = join.isNatural ? this.#shared(start, middle, end) : names(join.usingClause);
    const tests = [
      ...(join.quals ? [compileExpression(join.quals, this.scope)] : []),
      ...using.map((column) => this.#equal(column, start, middle, end)),
    ];
    return (prefix, outer, run) =>
      left(prefix, outer, run).flatMap((row) => {
        const matches = right(row, outer, run).filter((tuples) =>
          tests.every((test) => truth(test.evaluate({ tuples, outer }, run)) === true),
        );
        return matches.length === 0 && !inner
          ? [[...row, ...Array.from({ length: end - middle }, () => EMPTY)]]
          : matches;
      });
  }

  #shared(start: number, middle: number, end: number): string[] {
    const columns = (from: number, to: number) =>
      this.sources.slice(from, to).flatMap((source) => source.columns.map((column) => column.name));
    const right = columns(middle, end);
    return columns(start, middle).filter((name) => right.includes(name));
  }

  /** USING (column): equal on both sides; afterwards the name means the left one. */
  #equal(column: string, start: number, middle: number, end: number): Expression {
    const find = (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        const position = this.sources[index]?.columns.findIndex((candidate) => candidate.name === column) ?? -1;
        if (position >= 0) return { index, position };
      }
      throw new SqlInputError(`USING: there is no column "${column}" on both sides`);
    };
    const [left, right] = [find(start, middle), find(middle, end)];
    const hidden = this.sources[right.index] as Source;
    this.sources[right.index] = {
      ...hidden,
      columns: hidden.columns.map((candidate, i) =>
        i === right.position ? { ...candidate, name: `${column} (right)` } : candidate,
      ),
    };
    return {
      type: 'bool',
      evaluate: (env) => {
        const a = env.tuples[left.index]?.values[left.position] ?? null;
        const b = env.tuples[right.index]?.values[right.position] ?? null;
        return a !== null && b !== null && same(a, b);
      },
    };
  }

  #function(range: { functions?: Node[]; alias?: { aliasname?: string; colnames?: Node[] } }): Join {
    const first = range.functions?.[0];
    const item = first && 'List' in first ? first.List.items?.[0] : first;
    if (!item || !('FuncCall' in item)) throw new NotAnalysed('table function');
    const name = names(item.FuncCall.funcname).at(-1) ?? '';
    const args = (item.FuncCall.args ?? []).map((arg) => compileExpression(arg, this.scope));
    const alias = range.alias?.aliasname ?? name;
    this.sources.push({ alias, columns: [{ name: names(range.alias?.colnames)[0] ?? alias, type: 'unknown' }] });
    if (name !== 'generate_series' && name !== 'unnest') throw new NotAnalysed(`table function ${name}()`);
    return (prefix, outer, run) => {
      const given = args.map((arg) => arg.evaluate({ tuples: prefix, outer }, run));
      return series(name, given).map((value) => [...prefix, { values: [value] }]);
    };
  }
}

function series(name: string, given: readonly Value[]): readonly Value[] {
  if (name === 'unnest') {
    const list = given[0] ?? null;
    return list !== null && typeof list === 'object' && 'list' in list ? list.list : [];
  }
  const [from, to, step] = [given[0], given[1], given[2] ?? 1];
  if (typeof from !== 'number' || typeof to !== 'number' || typeof step !== 'number')
    throw new NotAnalysed('generate_series over times');
  if (step === 0 || (to - from) / step > 10_000)
    throw new DatabaseError('22023', 'generate_series: step is zero or the series is too long');
  return Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, i) => from + i * step);
}

/** The parts of a condition that are joined by AND. */
export function conjuncts(node: Node | undefined): Node[] {
  if (!node) return [];
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') return (node.BoolExpr.args ?? []).flatMap(conjuncts);
  return [node];
}

/** Compiles an expression when it needs nothing beyond `scope` and has no sub-select. */
function tryCompile(node: Node, scope: Scope): Expression[] {
  if (
    JSON.stringify(node).includes('"SubLink"') ||
    /"sval":"(pg_|nextval|get_lock|gen_random)/.test(JSON.stringify(node))
  )
    return [];
  try {
    return [compileExpression(node, scope)];
  } catch (error) {
    if (error instanceof SqlInputError) return [];
    throw error;
  }
}

class SelectCompiler {
  readonly #from: FromCompiler;
  readonly #compiler: Compiler;

  constructor(compiler: Compiler, common: CommonColumns, outer: Scope | undefined) {
    this.#compiler = compiler;
    this.#from = new FromCompiler(compiler, common, outer);
  }

  compile(statement: SelectStmt): Query {
    const from = this.#from;
    const join = from.list(statement.fromClause ?? []);
    for (const node of statement.lockingClause ?? []) if ('LockingClause' in node) from.lock(node.LockingClause);
    const { locked } = from.finish(statement.whereClause);
    const where = statement.whereClause && compileExpression(statement.whereClause, from.scope);
    const output = this.#targets(statement.targetList ?? []);
    const aliases = new Map(output.map((target) => [target.name, target.expression]));
    const scope: Scope = { ...from.scope, aliases };
    const grouped =
      (statement.groupClause?.length ?? 0) > 0 ||
      statement.havingClause !== undefined ||
      (statement.targetList ?? []).some(hasAggregate);
    const reference = (node: Node): Expression => {
      if ('A_Const' in node && 'ival' in node.A_Const) {
        const target = output[((node.A_Const as { ival?: { ival?: number } }).ival?.ival ?? 0) - 1];
        if (!target) throw new SqlInputError('GROUP BY or ORDER BY position is not in the select list');
        return target.expression;
      }
      return compileExpression(node, scope);
    };
    const keys = (statement.groupClause ?? []).map(reference);
    const having = statement.havingClause && compileExpression(statement.havingClause, scope);
    const order = compileOrder(statement.sortClause, reference);
    const limit = statement.limitCount && compileExpression(statement.limitCount, from.scope);
    const offset = statement.limitOffset && compileExpression(statement.limitOffset, from.scope);
    const distinct = statement.distinctClause !== undefined;
    if (distinct && Object.keys(statement.distinctClause?.[0] ?? {}).length > 0) throw new NotAnalysed('DISTINCT ON');
    if (statement.windowClause) throw new NotAnalysed('WINDOW');
    if (grouped && locked.length > 0 && this.#compiler.dialect === 'postgresql') {
      throw new SqlInputError(
        'FOR UPDATE is not allowed with aggregate functions or GROUP BY (PostgreSQL error 0A000): lock the rows in a statement of their own',
      );
    }

    const lockRow = (env: Env, run: Run): Env | undefined => {
      let current = env;
      for (const { index, scan, lock } of locked) {
        const tuple = current.tuples[index];
        if (!tuple || tuple.id === undefined) continue;
        const replaced = (newest: Tuple): Env => ({
          ...current,
          tuples: current.tuples.map((old, i) => (i === index ? newest : old)),
        });
        const got = run.lock(
          scan,
          tuple,
          lock,
          (newest) => !where || truth(where.evaluate(replaced(newest), run)) === true,
        );
        if (!got) return undefined;
        if (got !== tuple) current = replaced(got);
      }
      return current;
    };

    const rows = (outerEnv: Env | undefined, run: Run): Tuple[] => {
      const bound = (expression: Expression | undefined) => {
        const value = expression?.evaluate({ tuples: [], outer: outerEnv }, run) ?? null;
        return value === null ? undefined : Number(value);
      };
      let envs: Env[] = join([], outerEnv, run).map((tuples) => ({ tuples, outer: outerEnv }));
      if (where) envs = envs.filter((env) => truth(where.evaluate(env, run)) === true);
      const [skip, count] = [bound(offset) ?? 0, bound(limit)];
      if (grouped) {
        if (locked.length > 0) envs = envs.flatMap((env) => lockRow(env, run) ?? []);
        envs = group(envs, keys, outerEnv, run);
        if (having) envs = envs.filter((env) => truth(having.evaluate(env, run)) === true);
      }
      sortRows(envs, order, run);
      if (locked.length > 0 && !grouped) {
        const kept: Env[] = [];
        for (const env of envs) {
          if (count !== undefined && kept.length >= skip + count) break;
          const got = lockRow(env, run);
          if (got) kept.push(got);
        }
        envs = kept;
      }
      let tuples: Tuple[] = envs.map((env) => ({
        values: output.map((target) => target.expression.evaluate(env, run)),
      }));
      if (distinct) tuples = unique(tuples);
      return tuples.slice(skip, count === undefined ? undefined : skip + count);
    };
    return {
      columns: output.map(({ name, expression }) => ({ name, type: expression.type })),
      rows,
    };
  }

  #targets(list: readonly Node[]): { name: string; expression: Expression }[] {
    return compileTargets(list, this.#from.scope);
  }
}

/** Compiles a select list or RETURNING list, with `*` written out. */
export function compileTargets(list: readonly Node[], scope: Scope): { name: string; expression: Expression }[] {
  return list.flatMap((node) => {
    if (!('ResTarget' in node) || !node.ResTarget.val) return [];
    const { name, val } = node.ResTarget;
    const fields = 'ColumnRef' in val ? (val.ColumnRef.fields ?? []) : [];
    const last = fields.at(-1);
    if (last && 'A_Star' in last) {
      const only = fields.length > 1 ? names(fields)[0] : undefined;
      return scope.sources.flatMap((source, index) =>
        only !== undefined && source.alias !== only
          ? []
          : source.columns.map((column, position) => ({
              name: column.name,
              expression: { type: column.type, evaluate: (env: Env) => env.tuples[index]?.values[position] ?? null },
            })),
      );
    }
    return [{ name: name ?? outputName(val), expression: compileExpression(val, scope) }];
  });
}

function outputName(node: Node): string {
  if ('ColumnRef' in node) return names(node.ColumnRef.fields).at(-1) ?? '?column?';
  if ('FuncCall' in node) return names(node.FuncCall.funcname).at(-1) ?? '?column?';
  if ('TypeCast' in node && node.TypeCast.arg) return outputName(node.TypeCast.arg);
  if ('CoalesceExpr' in node) return 'coalesce';
  if ('SubLink' in node && node.SubLink.subLinkType === 'EXISTS_SUBLINK') return 'exists';
  return '?column?';
}

interface Order {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

function compileOrder(clause: readonly Node[] | undefined, reference: (node: Node) => Expression): Order[] {
  return (clause ?? []).flatMap((node) => {
    if (!('SortBy' in node)) return [];
    const sort: SortBy = node.SortBy;
    const descending = sort.sortby_dir === 'SORTBY_DESC';
    const nullsFirst =
      sort.sortby_nulls === 'SORTBY_NULLS_FIRST' || (descending && sort.sortby_nulls !== 'SORTBY_NULLS_LAST');
    return [{ expression: reference(sort.node as Node), descending, nullsFirst }];
  });
}

function sortRows(envs: Env[], order: readonly Order[], run: Run): void {
  if (order.length === 0) return;
  envs.sort((a, b) => {
    for (const { expression, descending, nullsFirst } of order) {
      const [x, y] = [expression.evaluate(a, run), expression.evaluate(b, run)];
      if (x === null || y === null) {
        if (x === y) continue;
        return (x === null) === nullsFirst ? -1 : 1;
      }
      const sign = compareNullable(x, y);
      if (sign !== 0) return descending ? -sign : sign;
    }
    return 0;
  });
}

function group(envs: readonly Env[], keys: readonly Expression[], outer: Env | undefined, run: Run): Env[] {
  if (keys.length === 0) return [{ tuples: envs[0]?.tuples ?? [], outer, group: envs }];
  const groups = new Map<string, Env[]>();
  for (const env of envs) {
    const key = JSON.stringify(keys.map((expression) => expression.evaluate(env, run)));
    const members = groups.get(key);
    if (members) members.push(env);
    else groups.set(key, [env]);
  }
  return [...groups.values()].map((members) => ({ tuples: members[0]?.tuples ?? [], outer, group: members }));
}

function unique(tuples: readonly Tuple[]): Tuple[] {
  const seen = new Set<string>();
  return tuples.filter((tuple) => {
    const key = JSON.stringify(tuple.values);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function compileValues(
  lists: readonly Node[],
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  const scope: Scope = { sources: [], outer, subquery: (tree, inner) => compileQuery(tree, compiler, common, inner) };
  const rows = lists.map((node) =>
    ('List' in node ? (node.List.items ?? []) : []).map((item) => compileExpression(item, scope)),
  );
  const columns = (rows[0] ?? []).map((expression, i) => ({
    name: `column${i + 1}`,
    type: expression.type as SqlType,
  }));
  return {
    columns,
    rows: (env, run) =>
      rows.map((row) => ({ values: row.map((expression) => expression.evaluate({ tuples: [], outer: env }, run)) })),
  };
}

function compileSetOperation(
  statement: SelectStmt,
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  const side = (part: SelectStmt | undefined) =>
    compileQuery({ SelectStmt: part ?? {} } as Node, compiler, common, outer);
  const [left, right] = [side(statement.larg), side(statement.rarg)];
  const scope: Scope = {
    sources: [{ alias: '', columns: left.columns }],
    outer,
    subquery: () => {
      throw new NotAnalysed('sub-select in ORDER BY of a set operation');
    },
  };
  const order = compileOrder(statement.sortClause, (node) => {
    if ('A_Const' in node) {
      const index = ((node.A_Const as { ival?: { ival?: number } }).ival?.ival ?? 1) - 1;
      return { type: left.columns[index]?.type ?? 'unknown', evaluate: (env) => env.tuples[0]?.values[index] ?? null };
    }
    return compileExpression(node, scope);
  });
  const limit = statement.limitCount && compileExpression(statement.limitCount, scope);
  return {
    columns: left.columns,
    rows: (env, run) => {
      const [a, b] = [left.rows(env, run), right.rows(env, run)];
      const inside = (tuple: Tuple, list: readonly Tuple[]) =>
        list.some((other) => tuple.values.every((value, i) => same(value, other.values[i] ?? null)));
      let tuples =
        statement.op === 'SETOP_UNION'
          ? [...a, ...b]
          : a.filter((tuple) => inside(tuple, b) === (statement.op === 'SETOP_INTERSECT'));
      if (!statement.all) tuples = unique(tuples);
      const envs: Env[] = tuples.map((tuple) => ({ tuples: [tuple], outer: env }));
      sortRows(envs, order, run);
      const count = limit?.evaluate({ tuples: [] }, run);
      return envs
        .slice(0, count === null || count === undefined ? undefined : Number(count))
        .map((item) => item.tuples[0] as Tuple);
    },
  };
}
