import type { Node, SelectStmt } from 'libpg-query';
import type { Schema, Table } from '../sql/schema.ts';
import type { RowLock } from './workload.ts';

/** A value that a statement compares a column with: a parameter, a constant, or a column of another row. */
export type Term = string;

/** What one statement does with one table. */
export interface Touch {
  readonly kind: 'read' | 'lock' | 'update' | 'delete' | 'insert' | 'upsert' | 'insert if absent';
  readonly table: Table;
  readonly alias: string;
  /** Columns that are equal to a known value in every row that is touched. */
  readonly equal: ReadonlyMap<string, Term>;
  /** Columns of WHERE and of joins, and columns that are read otherwise. */
  readonly filter: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly lock?: RowLock;
  /** WHERE has more conditions than equalities with known values. */
  readonly guarded: boolean;
}

/** A construct that cannot be read. */
export class NotRead extends Error {
  override name = 'NotRead';
}

const FUNCTIONS = new Set(
  `count sum min max avg bool_and bool_or every array_agg string_agg json_agg jsonb_agg json_build_object
  jsonb_build_object jsonb_set to_jsonb to_json row_to_json array_length cardinality array_append array_remove unnest
  generate_series now clock_timestamp statement_timestamp transaction_timestamp date_trunc date_part extract age
  make_interval to_char to_date to_timestamp lower upper length char_length substr substring trim btrim ltrim rtrim
  replace concat concat_ws left right md5 split_part position format abs round floor ceil ceiling mod power sign
  random gen_random_uuid uuid_generate_v4 uuidv7 row_number rank dense_rank lag lead first_value last_value nextval
  currval lastval last_insert_id overlaps int4range tsrange tstzrange daterange lower_inf upper_inf isempty hashtext
  hashtextextended pg_advisory_xact_lock pg_advisory_lock pg_advisory_unlock pg_try_advisory_xact_lock
  pg_try_advisory_lock get_lock release_lock pg_notify pg_sleep if ifnull nullif isnull timezone like_escape`.split(
    /\s+/,
  ),
);

const LOCKS: Readonly<Record<string, RowLock>> = {
  LCS_FORUPDATE: 'update',
  LCS_FORNOKEYUPDATE: 'no key update',
  LCS_FORSHARE: 'share',
  LCS_FORKEYSHARE: 'key share',
};

interface Source {
  readonly alias: string;
  /** Undefined for a sub-query or a common table expression, whose tables are touched on their own. */
  readonly table?: Table;
  readonly equal: Map<string, Term>;
  readonly filter: Set<string>;
  readonly reads: Set<string>;
  guarded: boolean;
}

/**
 * Reads and writes of a statement: groups of touches that nothing can come between, in order. What PostgreSQL evaluates
 * on the statement's snapshot and does not evaluate again after a wait (sub-selects, joined rows) comes before the rows
 * that are written.
 *
 * @param parameter the term of the n-th parameter.
 * @throws NotRead for what cannot be read.
 */
export function touchesOf(tree: Node, schema: Schema, parameter: (n: number) => Term): Touch[][] {
  return new Reader(schema, parameter).statement(tree);
}

class Reader {
  readonly #ctes = new Set<string>();
  readonly #schema: Schema;
  readonly #parameter: (n: number) => Term;
  #fresh = 0;

  constructor(schema: Schema, parameter: (n: number) => Term) {
    this.#schema = schema;
    this.#parameter = parameter;
  }

  statement(tree: Node): Touch[][] {
    if ('SelectStmt' in tree) return this.#select(tree.SelectStmt, []);
    const before: Touch[][] = [];
    if ('InsertStmt' in tree) {
      const insert = tree.InsertStmt;
      before.push(...this.#with(insert.withClause));
      const source = this.#source(insert.relation?.relname, insert.relation?.alias?.aliasname);
      const table = source.table as Table;
      const columns = (insert.cols ?? []).flatMap((node) => ('ResTarget' in node ? [node.ResTarget.name ?? ''] : []));
      const into = columns.length > 0 ? columns : table.columns.map((column) => column.name);
      const select = insert.selectStmt && 'SelectStmt' in insert.selectStmt ? insert.selectStmt.SelectStmt : undefined;
      const rows: (readonly Node[])[] = (select?.valuesLists ?? []).flatMap((node) =>
        'List' in node ? [node.List.items ?? []] : [],
      );
      if (select && rows.length === 0) {
        before.push(...this.#select(select, []));
        rows.push(
          (select.targetList ?? []).flatMap((n) => ('ResTarget' in n && n.ResTarget.val ? [n.ResTarget.val] : [])),
        );
      }
      const conflict = insert.onConflictClause;
      const kind = !conflict ? 'insert' : conflict.action === 'ONCONFLICT_NOTHING' ? 'insert if absent' : 'upsert';
      if (conflict?.targetList) {
        const target: Source[] = [source, { ...this.#source(table.name, 'excluded') }];
        before.push(...this.#expressions([conflict.targetList, conflict.whereClause], target));
      }
      this.#returning(insert.returningClause, source);
      const written = (conflict?.targetList ?? []).flatMap((n) => ('ResTarget' in n ? [n.ResTarget.name ?? ''] : []));
      const updated = [...written, ...generated(table)];
      const groups = (rows.length > 0 ? rows : [[]]).map((row): Touch[] => {
        if (select?.valuesLists) before.push(...this.#expressions(row, []));
        const equal = new Map<string, Term>();
        into.forEach((column, i) => {
          const term = row[i] && this.#term(row[i] as Node, []);
          if (term) equal.set(column, term);
        });
        return [{ ...source, kind, table, equal, writes: new Set(kind === 'upsert' ? updated : []), guarded: false }];
      });
      return [...before, ...groups];
    }
    if ('UpdateStmt' in tree || 'DeleteStmt' in tree) {
      const update = 'UpdateStmt' in tree ? tree.UpdateStmt : undefined;
      const statement = update ?? ('DeleteStmt' in tree ? tree.DeleteStmt : {});
      before.push(...this.#with(statement.withClause));
      const target = this.#source(statement.relation?.relname, statement.relation?.alias?.aliasname);
      const sources = [target];
      const others = update ? update.fromClause : 'DeleteStmt' in tree ? tree.DeleteStmt.usingClause : [];
      for (const node of others ?? []) before.push(...this.#from(node, sources));
      before.push(...this.#where(statement.whereClause, sources));
      before.push(...this.#expressions(update?.targetList ?? [], sources));
      this.#returning(statement.returningClause, target);
      const table = target.table as Table;
      const set = (update?.targetList ?? []).flatMap((n) => ('ResTarget' in n ? [n.ResTarget.name ?? ''] : []));
      const joined = sources.slice(1).flatMap((source) => this.#read(source));
      const touch: Touch = {
        ...target,
        kind: update ? 'update' : 'delete',
        table,
        writes: new Set([...set, ...generated(table)]),
        guarded: target.guarded || joined.length > 0,
      };
      return [...before, ...(joined.length > 0 ? [joined] : []), [touch]];
    }
    throw new NotRead(Object.keys(tree)[0]?.replace(/Stmt$/, '') ?? 'statement');
  }

  #source(name: string | undefined, alias: string | undefined): Source {
    const table = this.#schema.get(name ?? '');
    if (!table) throw new NotRead(`table ${name} is not in the schema`);
    return {
      alias: alias ?? table.name,
      table,
      equal: new Map(),
      filter: new Set(),
      reads: new Set(),
      guarded: false,
    };
  }

  #read(source: Source): Touch[] {
    return source.table ? [{ ...source, kind: 'read', table: source.table, writes: new Set() }] : [];
  }

  #with(clause: { readonly ctes?: readonly Node[] } | undefined): Touch[][] {
    return (clause?.ctes ?? []).flatMap((node) => {
      if (!('CommonTableExpr' in node)) return [];
      const groups = node.CommonTableExpr.ctequery ? this.statement(node.CommonTableExpr.ctequery) : [];
      this.#ctes.add(node.CommonTableExpr.ctename ?? '');
      return groups;
    });
  }

  /** A SELECT reads everything from one snapshot: one group, unless it locks rows. */
  #select(select: SelectStmt, outer: readonly Source[]): Touch[][] {
    const before = this.#with(select.withClause);
    if (select.larg && select.rarg) {
      const both = [...this.#select(select.larg, outer), ...this.#select(select.rarg, outer)];
      return merge([...before, ...both]);
    }
    const own: Source[] = [];
    for (const node of select.fromClause ?? []) before.push(...this.#from(node, own, outer));
    before.push(...this.#where(select.whereClause, own, outer));
    const { targetList, groupClause, havingClause, sortClause, limitCount, limitOffset, valuesLists, windowClause } =
      select;
    const rest = [
      targetList,
      groupClause,
      havingClause,
      sortClause,
      limitCount,
      limitOffset,
      valuesLists,
      windowClause,
    ];
    before.push(...this.#expressions(rest, [...own, ...outer]));
    const locks = (select.lockingClause ?? []).flatMap((n) => ('LockingClause' in n ? [n.LockingClause] : []));
    if (locks.length === 0) return merge([...before, own.flatMap((source) => this.#read(source))]);
    const read: Touch[] = [];
    const locked: Touch[][] = [];
    for (const source of own) {
      const clause = locks.find(
        (lock) =>
          !lock.lockedRels?.length ||
          lock.lockedRels.some((n) => 'RangeVar' in n && n.RangeVar.relname === source.alias),
      );
      if (!clause || !source.table) {
        read.push(...this.#read(source));
        continue;
      }
      if (clause.waitPolicy === 'LockWaitSkip') throw new NotRead('SKIP LOCKED');
      const lock = LOCKS[clause.strength ?? ''] ?? 'update';
      const guarded = source.guarded || own.length > 1;
      locked.push([{ ...source, kind: 'lock', table: source.table, writes: new Set(), lock, guarded }]);
    }
    return [...merge([...before, read]), ...locked];
  }

  #from(node: Node, sources: Source[], outer: readonly Source[] = []): Touch[][] {
    if ('RangeVar' in node) {
      const { relname = '', alias } = node.RangeVar;
      if (this.#ctes.has(relname)) sources.push(derived(alias?.aliasname ?? relname));
      else sources.push(this.#source(relname, alias?.aliasname));
      return [];
    }
    if ('RangeSubselect' in node) {
      const { subquery, alias } = node.RangeSubselect;
      sources.push(derived(alias?.aliasname ?? ''));
      return subquery && 'SelectStmt' in subquery ? this.#select(subquery.SelectStmt, [...sources, ...outer]) : [];
    }
    if ('RangeFunction' in node) {
      sources.push(derived(node.RangeFunction.alias?.aliasname ?? ''));
      return this.#expressions([node.RangeFunction.functions], [...sources, ...outer]);
    }
    if ('JoinExpr' in node) {
      const { larg, rarg, quals, usingClause, jointype, isNatural } = node.JoinExpr;
      if (isNatural) throw new NotRead('NATURAL JOIN');
      const groups = [larg, rarg].flatMap((side) => (side ? this.#from(side, sources, outer) : []));
      for (const column of names(usingClause)) {
        for (const source of sources) if (hasColumn(source, column)) source.filter.add(column);
        for (const source of sources) source.guarded = true;
      }
      // What ON says about an outer join's optional side still decides which of its rows are read.
      return [...groups, ...this.#where(quals, sources, outer, jointype === 'JOIN_INNER' || jointype === undefined)];
    }
    throw new NotRead(Object.keys(node)[0] ?? 'FROM');
  }

  /** Notes the columns of a condition, and those that it makes equal to a known value. */
  #where(node: Node | undefined, sources: Source[], outer: readonly Source[] = [], binding = true): Touch[][] {
    if (!node) return [];
    const scope = [...sources, ...outer];
    const groups: Touch[][] = [];
    for (const part of conjuncts(node)) {
      const equality = 'A_Expr' in part && part.A_Expr.kind === 'AEXPR_OP' && names(part.A_Expr.name)[0] === '=';
      const { lexpr, rexpr } = 'A_Expr' in part ? part.A_Expr : {};
      let known = false;
      if (equality && lexpr && rexpr) {
        for (const [column, value] of [
          [lexpr, rexpr],
          [rexpr, lexpr],
        ] as const) {
          const at = this.#column(column, scope);
          if (!at || !sources.includes(at.source)) continue;
          const term = this.#term(
            value,
            scope.filter((source) => source !== at.source),
          );
          if (term && binding && !at.source.equal.has(at.column)) {
            at.source.equal.set(at.column, term);
            known = true;
          }
        }
      }
      const touched = new Map<Source, Set<string>>();
      groups.push(
        ...this.#walk(part, scope, (source, column) =>
          touched.set(source, new Set([...(touched.get(source) ?? []), column])),
        ),
      );
      for (const [source, columns] of touched) {
        for (const column of columns) source.filter.add(column);
        if (!known) source.guarded = true;
      }
      if (touched.size === 0 && !known) for (const source of sources) source.guarded = true;
    }
    return groups;
  }

  #expressions(nodes: unknown, scope: readonly Source[]): Touch[][] {
    return this.#walk(nodes, scope, (source, column) => source.reads.add(column));
  }

  #returning(clause: unknown, source: Source): void {
    this.#walk(clause, [source, derived('old'), derived('new')], (at, column) => at.reads.add(column));
  }

  /** Visits columns; sub-selects become groups of their own. */
  #walk(node: unknown, scope: readonly Source[], column: (source: Source, name: string) => void): Touch[][] {
    if (node === null || typeof node !== 'object') return [];
    if (Array.isArray(node)) return node.flatMap((item) => this.#walk(item, scope, column));
    const tree = node as Record<string, unknown>;
    if ('ColumnRef' in tree) {
      const fields = (tree.ColumnRef as { fields?: Node[] }).fields ?? [];
      if (fields.some((field) => 'A_Star' in field)) {
        const [qualifier] = names(fields.slice(0, -1));
        for (const source of scope) {
          if (qualifier !== undefined && source.alias !== qualifier) continue;
          for (const { name } of source.table?.columns ?? []) column(source, name);
        }
        return [];
      }
      const at = this.#column(tree as Node, scope);
      if (at) column(at.source, at.column);
      return [];
    }
    if ('SubLink' in tree) {
      const { subselect, testexpr } = tree.SubLink as { subselect?: Node; testexpr?: Node };
      const inner = subselect && 'SelectStmt' in subselect ? this.#select(subselect.SelectStmt, scope) : [];
      return [...inner, ...this.#walk(testexpr, scope, column)];
    }
    if ('FuncCall' in tree) {
      const name = names((tree.FuncCall as { funcname?: Node[] }).funcname).at(-1) ?? '';
      if (!FUNCTIONS.has(name.toLowerCase())) throw new NotRead(`function ${name}`);
    }
    return Object.values(tree).flatMap((part) => this.#walk(part, scope, column));
  }

  #column(node: Node, scope: readonly Source[]): { source: Source; column: string } | undefined {
    if (!('ColumnRef' in node)) return undefined;
    const path = names(node.ColumnRef.fields);
    const column = path.at(-1) ?? '';
    const source =
      path.length > 1
        ? scope.find((one) => one.alias === path.at(-2))
        : (scope.find((one) => hasColumn(one, column)) ?? scope.find((one) => !one.table));
    if (!source) throw new NotRead(`column ${path.join('.')}`);
    if (source.table && !hasColumn(source, column)) throw new NotRead(`column ${path.join('.')}`);
    return { source, column };
  }

  /** A value that is one and the same for the statement; a column of another row is `alias.column`. */
  #term(node: Node, others: readonly Source[]): Term | undefined {
    if ('TypeCast' in node) return node.TypeCast.arg && this.#term(node.TypeCast.arg, others);
    if ('ParamRef' in node) return this.#parameter(node.ParamRef.number ?? 0);
    if ('A_Const' in node) {
      const { location: _, ...value } = node.A_Const as Record<string, unknown>;
      return value.isnull ? undefined : `=${JSON.stringify(value)}`;
    }
    if ('ColumnRef' in node) {
      const at = others.length > 0 ? this.#column(node, others) : undefined;
      return at?.source.table ? `@${at.source.alias}.${at.column}` : undefined;
    }
    // One row at most, whichever it is.
    if ('SubLink' in node && node.SubLink.subLinkType === 'EXPR_SUBLINK') return `?${++this.#fresh}`;
    if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_OP')
      return this.#computed(node) ? `?${++this.#fresh}` : undefined;
    return undefined;
  }

  #computed(node: unknown): boolean {
    if (node === null || typeof node !== 'object') return true;
    if ('ColumnRef' in node || 'SubLink' in node || 'FuncCall' in node) return false;
    return Object.values(node).every((part) => this.#computed(part));
  }
}

const names = (nodes: readonly Node[] | undefined): string[] =>
  (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));

const derived = (alias: string): Source => ({
  alias,
  equal: new Map(),
  filter: new Set(),
  reads: new Set(),
  guarded: false,
});

const hasColumn = (source: Source, name: string) =>
  source.table?.columns.some((column) => column.name === name) ?? false;

const generated = (table: Table) => table.columns.filter((column) => column.generated).map((column) => column.name);

const merge = (groups: readonly Touch[][]): Touch[][] => {
  const all = groups.flat();
  if (all.some((touch) => touch.kind !== 'read')) return groups.filter((group) => group.length > 0);
  return all.length > 0 ? [all] : [];
};

function conjuncts(node: Node): Node[] {
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') return (node.BoolExpr.args ?? []).flatMap(conjuncts);
  return [node];
}
