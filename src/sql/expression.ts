import type { A_Expr, FuncCall, Node, SubLink } from 'libpg-query';
import { DatabaseError, NotAnalysed, SqlInputError } from './errors.ts';
import { AGGREGATES, FUNCTIONS, jsonAt, jsonContains, jsonOf, listItems, STRICT_FUNCTIONS } from './functions.ts';
import type { Env, Expression, Query, Run } from './plan.ts';
import { names, typeOfName } from './schema.ts';
import { arithmetic, cast, compare, overlaps, type SqlType, same, toText, type Value } from './values.ts';

/** A FROM item as expressions see it. */
export interface Source {
  readonly alias: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
}

/** What names mean at one place of a statement. */
export interface Scope {
  readonly sources: readonly Source[];
  readonly outer?: Scope | undefined;
  /** Compiles a sub-select whose enclosing query is `scope`. */
  readonly subquery: (tree: Node, scope: Scope) => Query;
  /** Expressions that an alias of the select list stands for (GROUP BY, ORDER BY). */
  readonly aliases?: ReadonlyMap<string, Expression>;
}

const of = (type: SqlType, evaluate: Expression['evaluate']): Expression => ({ evaluate, type });

/** Compiles an expression. @throws NotAnalysed, SqlInputError */
export function compileExpression(node: Node, scope: Scope): Expression {
  const sub = (inner: Node) => compileExpression(inner, scope);
  if ('A_Const' in node) return constant(node.A_Const);
  if ('ParamRef' in node) {
    const index = (node.ParamRef.number ?? 1) - 1;
    return of('unknown', (_, run) => run.parameters[index] ?? null);
  }
  if ('ColumnRef' in node) return column(names(node.ColumnRef.fields), scope);
  if ('A_Expr' in node) return operator(node.A_Expr, scope);
  if ('BoolExpr' in node) {
    const args = (node.BoolExpr.args ?? []).map(sub);
    if (node.BoolExpr.boolop === 'NOT_EXPR') return of('bool', (env, run) => not(truth(args[0]?.evaluate(env, run))));
    const decisive = node.BoolExpr.boolop === 'OR_EXPR';
    return of('bool', (env, run) => {
      let unknown = false;
      for (const arg of args) {
        const value = truth(arg.evaluate(env, run));
        if (value === decisive) return decisive;
        if (value === null) unknown = true;
      }
      return unknown ? null : !decisive;
    });
  }
  if ('NullTest' in node) {
    const arg = sub(node.NullTest.arg as Node);
    const wanted = node.NullTest.nulltesttype === 'IS_NULL';
    return of('bool', (env, run) => (arg.evaluate(env, run) === null) === wanted);
  }
  if ('BooleanTest' in node) {
    const arg = sub(node.BooleanTest.arg as Node);
    const [, negated, wanted] = /^IS_(NOT_)?(TRUE|FALSE|UNKNOWN)$/.exec(node.BooleanTest.booltesttype ?? '') ?? [];
    const target = wanted === 'TRUE' ? true : wanted === 'FALSE' ? false : null;
    return of('bool', (env, run) => (truth(arg.evaluate(env, run)) === target) !== (negated !== undefined));
  }
  if ('TypeCast' in node) {
    const arg = sub(node.TypeCast.arg as Node);
    const type = typeOfName(node.TypeCast.typeName);
    return of(type, (env, run) => cast(arg.evaluate(env, run), type));
  }
  if ('FuncCall' in node) return call(node.FuncCall, scope);
  if ('CoalesceExpr' in node) {
    const args = (node.CoalesceExpr.args ?? []).map(sub);
    return of(args.find((arg) => arg.type !== 'unknown')?.type ?? 'unknown', (env, run) => {
      for (const arg of args) {
        const value = arg.evaluate(env, run);
        if (value !== null) return value;
      }
      return null;
    });
  }
  if ('MinMaxExpr' in node) {
    const args = (node.MinMaxExpr.args ?? []).map(sub);
    const sign = node.MinMaxExpr.op === 'IS_LEAST' ? -1 : 1;
    return of(args[0]?.type ?? 'unknown', (env, run) => {
      const values = args.map((arg) => arg.evaluate(env, run)).filter((value) => value !== null);
      return values.reduce<Value>(
        (best, value) => (best === null || sign * compare(value, best) > 0 ? value : best),
        null,
      );
    });
  }
  if ('CaseExpr' in node) {
    const { arg, args = [], defresult } = node.CaseExpr;
    const subject = arg && sub(arg);
    const branches = args.flatMap((when) =>
      'CaseWhen' in when ? [{ test: sub(when.CaseWhen.expr as Node), result: sub(when.CaseWhen.result as Node) }] : [],
    );
    const fallback = defresult && sub(defresult);
    return of(branches[0]?.result.type ?? 'unknown', (env, run) => {
      for (const { test, result } of branches) {
        const value = test.evaluate(env, run);
        const hit = subject ? equal(subject.evaluate(env, run), value) : truth(value);
        if (hit === true) return result.evaluate(env, run);
      }
      return fallback?.evaluate(env, run) ?? null;
    });
  }
  if ('SubLink' in node) return subLink(node.SubLink, scope);
  if ('A_ArrayExpr' in node) {
    const elements = (node.A_ArrayExpr.elements ?? []).map(sub);
    return of('list', (env, run) => ({ list: elements.map((element) => element.evaluate(env, run)) }));
  }
  if ('RowExpr' in node) {
    const args = (node.RowExpr.args ?? []).map(sub);
    return of('list', (env, run) => ({ list: args.map((arg) => arg.evaluate(env, run)) }));
  }
  if ('SQLValueFunction' in node) {
    const kind = node.SQLValueFunction.op ?? '';
    if (/TIMESTAMP|CURRENT_TIME|LOCALTIME/.test(kind)) return of('timestamp', (_, run) => ({ time: run.now }));
    if (/DATE/.test(kind)) return of('date', (_, run) => cast({ time: run.now }, 'date'));
    return of('text', () => 'app');
  }
  if ('A_Indirection' in node) throw new NotAnalysed('field selection or array subscript');
  if ('CollateClause' in node) return sub(node.CollateClause.arg as Node);
  throw new NotAnalysed(`expression ${Object.keys(node)[0]}`);
}

/** Three-valued truth of a value. */
export function truth(value: Value | undefined): boolean | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'boolean' ? value : (cast(value, 'bool') as boolean);
}

const not = (value: boolean | null) => (value === null ? null : !value);
const equal = (a: Value, b: Value) => (a === null || b === null ? null : compare(a, b) === 0);

interface Constant {
  ival?: { ival?: number };
  fval?: { fval?: string };
  boolval?: { boolval?: boolean };
  sval?: { sval?: string };
  isnull?: boolean;
}

function constant(node: Constant): Expression {
  if (node.ival) return literal(node.ival.ival ?? 0, 'int');
  if (node.fval) return literal(Number(node.fval.fval), 'numeric');
  if (node.boolval) return literal(node.boolval.boolval ?? false, 'bool');
  if (node.sval) return literal(node.sval.sval ?? '', 'unknown');
  if (node.isnull) return literal(null, 'unknown');
  throw new NotAnalysed('bit string constant');
}

const literal = (value: Value, type: SqlType) => of(type, () => value);

function column(path: readonly string[], scope: Scope): Expression {
  const name = path.at(-1) ?? '';
  const qualifier = path.length > 1 ? path.at(-2) : undefined;
  let depth = 0;
  for (let at: Scope | undefined = scope; at; at = at.outer, depth++) {
    const hits = at.sources.flatMap((source, index) => {
      if (qualifier !== undefined && source.alias !== qualifier) return [];
      const position = source.columns.findIndex((candidate) => candidate.name === name);
      return position < 0 ? [] : [{ index, position, type: source.columns[position]?.type ?? 'unknown' }];
    });
    if (hits.length > 1) throw new SqlInputError(`column "${path.join('.')}" is ambiguous; qualify it with its table`);
    const hit = hits[0];
    if (hit) {
      const level = depth;
      return of(hit.type, (env) => {
        let from: Env | undefined = env;
        for (let i = 0; i < level; i++) from = from?.outer;
        return from?.tuples[hit.index]?.values[hit.position] ?? null;
      });
    }
    const alias = qualifier === undefined ? at.aliases?.get(name) : undefined;
    if (alias) return alias;
  }
  const known = scope.sources.flatMap((source) =>
    source.columns.map((candidate) => `${source.alias}.${candidate.name}`),
  );
  throw new SqlInputError(`there is no column "${path.join('.')}"; there are: ${known.join(', ') || 'none'}`);
}

function operator(node: A_Expr, scope: Scope): Expression {
  const name = names(node.name).at(-1) ?? '';
  const list = (side: Node | undefined) =>
    side && 'List' in side ? (side.List.items ?? []).map((item) => compileExpression(item, scope)) : [];
  const right = node.rexpr && !('List' in node.rexpr) ? compileExpression(node.rexpr, scope) : undefined;
  const left = node.lexpr ? compileExpression(node.lexpr, scope) : undefined;
  switch (node.kind) {
    case 'AEXPR_OP':
      if (!left && right)
        return of(right.type, (env, run) => arithmetic('*', right.evaluate(env, run), name === '-' ? -1 : 1, false));
      if (left && right) return binary(name, left, right);
      break;
    case 'AEXPR_IN': {
      const items = list(node.rexpr);
      return of('bool', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        const hit = anyEqual(
          value,
          items.map((item) => item.evaluate(env, run)),
        );
        return name === '=' ? hit : not(hit);
      });
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL': {
      const all = node.kind === 'AEXPR_OP_ALL';
      return of('bool', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        const items = listItems(right?.evaluate(env, run));
        return quantify(
          items.map((item) => apply(name, value, item)),
          all,
        );
      });
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = list(node.rexpr);
      const negated = node.kind === 'AEXPR_NOT_BETWEEN';
      return of('bool', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        const above = apply('>=', value, low?.evaluate(env, run) ?? null);
        const below = apply('<=', value, high?.evaluate(env, run) ?? null);
        const inside = above === false || below === false ? false : above === null || below === null ? null : true;
        return negated ? not(inside) : inside;
      });
    }
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const wanted = node.kind === 'AEXPR_NOT_DISTINCT';
      return of(
        'bool',
        (env, run) => same(left?.evaluate(env, run) ?? null, right?.evaluate(env, run) ?? null) === wanted,
      );
    }
    case 'AEXPR_NULLIF':
      return of(left?.type ?? 'unknown', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        return equal(value, right?.evaluate(env, run) ?? null) === true ? null : value;
      });
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return of('bool', (env, run) => {
        const [value, pattern] = [left?.evaluate(env, run) ?? null, right?.evaluate(env, run) ?? null];
        if (value === null || pattern === null) return null;
        const hit = likePattern(toText(pattern), node.kind === 'AEXPR_ILIKE').test(toText(value));
        return name.startsWith('!') ? !hit : hit;
      });
  }
  throw new NotAnalysed(`operator ${name} (${node.kind})`);
}

function binary(name: string, left: Expression, right: Expression): Expression {
  if ('+-*/%'.includes(name) && name.length === 1) {
    const integer = left.type !== 'numeric' && right.type !== 'numeric';
    const type =
      left.type === 'unknown' ? right.type : left.type === 'int' && right.type === 'numeric' ? 'numeric' : left.type;
    return of(type, (env, run) => arithmetic(name, left.evaluate(env, run), right.evaluate(env, run), integer));
  }
  apply(name, null, null);
  return of(name === '||' ? 'text' : name.startsWith('->') ? 'json' : 'bool', (env, run) =>
    apply(name, left.evaluate(env, run), right.evaluate(env, run)),
  );
}

/** Applies a comparison or another operator without types; NULL gives NULL. */
function apply(name: string, a: Value, b: Value): Value {
  const comparison = COMPARISONS[name];
  if (comparison) return a === null || b === null ? null : comparison(compare(a, b));
  const other = OPERATORS[name];
  if (!other) throw new NotAnalysed(`operator ${name}`);
  return a === null || b === null ? null : other(a, b);
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const OPERATORS: Readonly<Record<string, (a: Exclude<Value, null>, b: Exclude<Value, null>) => Value>> = {
  '||': (a, b) => {
    if (typeof a === 'object' && 'list' in a)
      return { list: [...a.list, ...(typeof b === 'object' && 'list' in b ? b.list : [b])] };
    if (typeof a === 'object' && 'json' in a)
      return { json: { ...(a.json as object), ...(jsonOf(cast(b, 'json')) as object) } };
    return toText(a) + toText(b);
  },
  '&&': overlaps,
  '->': (a, b) => {
    const found = jsonAt(a, b);
    return found === null ? null : { json: found };
  },
  '->>': (a, b) => {
    const found = jsonAt(a, b);
    return found === null ? null : toText({ json: found });
  },
  '@>': (a, b) => {
    if (typeof a === 'object' && 'range' in a) {
      return overlaps(a, typeof b === 'object' && 'range' in b ? b : { range: [b, b, '[]'] });
    }
    if (typeof a === 'object' && 'list' in a)
      return listItems(b).every((item) => a.list.some((own) => same(own, item)));
    return jsonContains(jsonOf(cast(a, 'json')), jsonOf(cast(b, 'json')));
  },
  '<@': (a, b) => apply('@>', b, a),
  '?': (a, b) => jsonAt(a, b) !== null,
};

function likePattern(pattern: string, ignoreCase: boolean): RegExp {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
}

function anyEqual(value: Value, items: readonly Value[]): boolean | null {
  return quantify(
    items.map((item) => equal(value, item)),
    false,
  );
}

function quantify(results: readonly Value[], all: boolean): boolean | null {
  if (results.some((result) => result === !all)) return !all;
  return results.some((result) => result === null) ? null : all;
}

function subLink(node: SubLink, scope: Scope): Expression {
  const query = scope.subquery(node.subselect as Node, scope);
  const first = (env: Env, run: Run) => query.rows(env, run).map((tuple) => tuple.values[0] ?? null);
  const left = node.testexpr && compileExpression(node.testexpr, scope);
  const name = names(node.operName).at(-1) ?? '=';
  switch (node.subLinkType) {
    case 'EXISTS_SUBLINK':
      return of('bool', (env, run) => query.rows(env, run).length > 0);
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      const all = node.subLinkType === 'ALL_SUBLINK';
      return of('bool', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        const rows = query.rows(env, run);
        const items =
          value !== null && typeof value === 'object' && 'list' in value
            ? rows.map((tuple): Value => ({ list: tuple.values }))
            : rows.map((tuple) => tuple.values[0] ?? null);
        return quantify(
          items.map((item) => apply(name, value, item)),
          all,
        );
      });
    }
    case 'EXPR_SUBLINK':
      return of(query.columns[0]?.type ?? 'unknown', (env, run) => {
        const values = first(env, run);
        if (values.length > 1)
          throw new DatabaseError('21000', 'more than one row returned by a subquery used as an expression');
        return values[0] ?? null;
      });
    case 'ARRAY_SUBLINK':
      return of('list', (env, run) => ({ list: first(env, run) }));
  }
  throw new NotAnalysed(`sub-select ${node.subLinkType}`);
}

/** Whether an expression contains an aggregate of its own query. */
export function hasAggregate(node: Node | undefined): boolean {
  if (node === undefined || node === null || typeof node !== 'object') return false;
  if ('SubLink' in node) return false;
  if ('FuncCall' in node && (names(node.FuncCall.funcname).at(-1) ?? '') in AGGREGATES && !node.FuncCall.over)
    return true;
  return Object.values(node).some((part) =>
    Array.isArray(part) ? part.some((item) => hasAggregate(item)) : hasAggregate(part as Node),
  );
}

function call(node: FuncCall, scope: Scope): Expression {
  const name = (names(node.funcname).at(-1) ?? '').toLowerCase();
  if (node.over) throw new NotAnalysed(`window function ${name}`);
  const args = (node.args ?? []).map((arg) => compileExpression(arg, scope));
  if (name in AGGREGATES) return aggregate(node, name, args, scope);
  const values = (env: Env, run: Run) => args.map((arg) => arg.evaluate(env, run));
  const strict = Object.hasOwn(STRICT_FUNCTIONS, name) ? STRICT_FUNCTIONS[name] : undefined;
  if (strict) {
    return of(strict.type, (env, run) => {
      const given = values(env, run);
      return given.includes(null) && !name.endsWith('range') ? null : strict.call(given);
    });
  }
  const loose = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (loose) return of(loose.type, (env, run) => loose.call(values(env, run)));
  return effectful(name, values);
}

/** Functions that read or change something besides their arguments. */
function effectful(name: string, values: (env: Env, run: Run) => Value[]): Expression {
  const advisory = /^pg_(try_)?advisory_(xact_)?(un)?lock(_shared)?(_all)?$/.exec(name);
  if (advisory) {
    const [, attempt, transaction, un, shared, all] = advisory;
    const action = un ? (all ? 'unlock all' : 'unlock') : attempt ? 'try' : 'lock';
    return of('bool', (env, run) => {
      const key = values(env, run).map(toText).join(',');
      const granted = run.advisory(action, transaction ? 'transaction' : 'session', key, shared !== undefined);
      return action === 'lock' ? '' : granted;
    });
  }
  switch (name) {
    case 'get_lock':
      return of('int', (env, run) =>
        run.advisory('lock', 'session', toText(values(env, run)[0] ?? null), false) ? 1 : 0,
      );
    case 'release_lock':
      return of('int', (env, run) =>
        run.advisory('unlock', 'session', toText(values(env, run)[0] ?? null), false) ? 1 : 0,
      );
    case 'now':
    case 'transaction_timestamp':
    case 'statement_timestamp':
    case 'clock_timestamp':
      return of('timestamp', (_, run) => ({ time: run.now }));
    case 'curdate':
      return of('date', (_, run) => cast({ time: run.now }, 'date'));
    case 'nextval':
      return of('int', (env, run) => run.nextValue(toText(values(env, run)[0] ?? null)));
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
    case 'uuid_generate_v4':
      return of('text', (_, run) => `uuid-${run.nextValue('uuid')}`);
  }
  throw new NotAnalysed(`function ${name}()`);
}

function aggregate(node: FuncCall, name: string, args: readonly Expression[], scope: Scope): Expression {
  const entry = AGGREGATES[name];
  if (!entry) throw new NotAnalysed(`aggregate ${name}`);
  const filter = node.agg_filter && compileExpression(node.agg_filter, scope);
  const order = (node.agg_order ?? []).flatMap((item) =>
    'SortBy' in item ? [compileExpression(item.SortBy.node as Node, scope)] : [],
  );
  const argument = args[0];
  const type = entry.type === 'argument' ? (argument?.type ?? 'int') : entry.type;
  return of(type, (env, run) => {
    let rows = env.group ?? [env];
    if (filter) rows = rows.filter((row) => truth(filter.evaluate(row, run)) === true);
    if (node.agg_star) return rows.length;
    if (order.length > 0) {
      rows = [...rows].sort((a, b) => {
        for (const key of order) {
          const sign = compareNullable(key.evaluate(a, run), key.evaluate(b, run));
          if (sign !== 0) return sign;
        }
        return 0;
      });
    }
    let values = rows.map((row) => argument?.evaluate(row, run) ?? null);
    if (node.agg_distinct)
      values = values.filter((value, index) => values.findIndex((other) => same(other, value)) === index);
    return entry.call(values);
  });
}

/** Order in which NULL comes last, as PostgreSQL sorts. */
export function compareNullable(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compare(a, b);
}
