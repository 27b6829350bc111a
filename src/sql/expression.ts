import type { A_Expr, Node } from 'libpg-query';
import { arithmetic } from './arithmetic.ts';
import { compileCall } from './calls.ts';
import { NotAnalysed } from './errors.ts';
import { AGGREGATES } from './functions/aggregates.ts';
import { jsonAt, listItems, toJson } from './json.ts';
import { apply, binary, compareRows, foldsCase, likePattern, quantify } from './operators.ts';
import type { Expression } from './plan.ts';
import { column, of, type Scope } from './scope.ts';
import { subLink } from './subquery.ts';
import { castOf, names } from './types.ts';
import { cast, compare, isObject, type SqlType, same, toText, type Value } from './values.ts';

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
  if ('BoolExpr' in node) return logic(node.BoolExpr.boolop ?? '', (node.BoolExpr.args ?? []).map(sub));
  if ('NullTest' in node) {
    const arg = sub(node.NullTest.arg as Node);
    const wanted = node.NullTest.nulltesttype === 'IS_NULL';
    if ('RowExpr' in (node.NullTest.arg as Node)) {
      return of('bool', (env, run) => listItems(arg.evaluate(env, run)).every((item) => (item === null) === wanted));
    }
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
    const { type, convert } = castOf(node.TypeCast.typeName);
    return of(type, (env, run) => convert(arg.evaluate(env, run)));
  }
  if ('FuncCall' in node) return compileCall(node.FuncCall, scope);
  if ('CoalesceExpr' in node) {
    const args = (node.CoalesceExpr.args ?? []).map(sub);
    return of(commonType(args), (env, run) => {
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
    const strict = scope.dialect === 'mysql' || scope.dialect === 'oracle';
    return of(commonType(args), (env, run) => {
      let best: Value = null;
      for (const arg of args) {
        const value = arg.evaluate(env, run);
        if (value === null && strict) return null;
        if (value !== null && (best === null || sign * compare(value, best) > 0)) best = value;
      }
      return best;
    });
  }
  if ('CaseExpr' in node) {
    const { arg, args = [], defresult } = node.CaseExpr;
    const subject = arg && sub(arg);
    const branches = args.flatMap((when) =>
      'CaseWhen' in when ? [{ test: sub(when.CaseWhen.expr as Node), result: sub(when.CaseWhen.result as Node) }] : [],
    );
    const fallback = defresult && sub(defresult);
    const test = subject
      ? branches.map((branch) => binary('=', subject, branch.test, scope.dialect))
      : branches.map((branch) => branch.test);
    const type = commonType([...branches.map((branch) => branch.result), ...(fallback ? [fallback] : [])]);
    return of(type, (env, run) => {
      const hit = test.findIndex((condition) => truth(condition.evaluate(env, run)) === true);
      return (hit >= 0 ? branches[hit]?.result : fallback)?.evaluate(env, run) ?? null;
    });
  }
  if ('SubLink' in node) return subLink(node.SubLink, scope);
  if ('A_ArrayExpr' in node || 'RowExpr' in node) {
    const elements = (('A_ArrayExpr' in node ? node.A_ArrayExpr.elements : node.RowExpr.args) ?? []).map(sub);
    return of('list', (env, run) => ({ list: elements.map((element) => element.evaluate(env, run)) }));
  }
  if ('SQLValueFunction' in node) return sqlValue(node.SQLValueFunction.op ?? '');
  if ('A_Indirection' in node) return subscript(node.A_Indirection, scope);
  if ('MergeSupportFunc' in node) return column(['(merge)', 'action'], scope);
  if ('CollateClause' in node) return sub(node.CollateClause.arg as Node);
  if ('NamedArgExpr' in node) return sub(node.NamedArgExpr.arg as Node);
  if ('SetToDefault' in node) throw new NotAnalysed('DEFAULT inside an expression');
  throw new NotAnalysed(`expression ${Object.keys(node)[0]}`);
}

/** Three-valued truth of a value. */
export function truth(value: Value | undefined): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === null || value === undefined) return null;
  return cast(value, 'bool') as boolean;
}

const not = (value: boolean | null) => (value === null ? null : !value);

/** The type of a list of expressions, of which some may be untyped literals. */
const commonType = (args: readonly Expression[]): SqlType =>
  args.some((arg) => arg.type === 'numeric') && args.every((arg) => ['numeric', 'int', 'unknown'].includes(arg.type))
    ? 'numeric'
    : (args.find((arg) => arg.type !== 'unknown')?.type ?? 'unknown');

function logic(kind: string, args: readonly Expression[]): Expression {
  if (kind === 'NOT_EXPR') return of('bool', (env, run) => not(truth(args[0]?.evaluate(env, run))));
  const decisive = kind === 'OR_EXPR';
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

interface Constant {
  ival?: { ival?: number };
  fval?: { fval?: string };
  boolval?: { boolval?: boolean };
  sval?: { sval?: string };
  isnull?: boolean;
}

function constant(node: Constant): Expression {
  const literal = (value: Value, type: SqlType) => of(type, () => value);
  if (node.ival) return literal(node.ival.ival ?? 0, 'int');
  if (node.fval) {
    const text = node.fval.fval ?? '0';
    return literal(Number(text), /^\d+$/.test(text) ? 'int' : 'numeric');
  }
  if (node.boolval) return literal(node.boolval.boolval ?? false, 'bool');
  if (node.sval) return literal(node.sval.sval ?? '', 'unknown');
  if (node.isnull) return literal(null, 'unknown');
  throw new NotAnalysed('bit string constant');
}

function sqlValue(kind: string): Expression {
  if (/TIMESTAMP|LOCALTIME/.test(kind)) return of('timestamp', (_, run) => ({ time: run.now }));
  if (/DATE/.test(kind)) return of('date', (_, run) => cast({ time: run.now }, 'date'));
  if (/USER|ROLE/.test(kind)) return of('text', () => 'app');
  throw new NotAnalysed(kind.replace('SVFOP_', ''));
}

/** `list[i]`, `json[key]`. */
function subscript(node: { arg?: Node; indirection?: Node[] }, scope: Scope): Expression {
  let value = compileExpression(node.arg as Node, scope);
  for (const step of node.indirection ?? []) {
    if (!('A_Indices' in step) || step.A_Indices.is_slice || !step.A_Indices.uidx) {
      throw new NotAnalysed('field selection or array slice');
    }
    const index = compileExpression(step.A_Indices.uidx, scope);
    const inner = value;
    value = of(inner.type === 'json' ? 'json' : 'unknown', (env, run) => {
      const [from, at] = [inner.evaluate(env, run), index.evaluate(env, run)];
      if (from === null || at === null) return null;
      if (isObject(from) && 'json' in from) return toJson(jsonAt(from, at));
      return listItems(from)[Number(at) - 1] ?? null;
    });
  }
  return value;
}

function operator(node: A_Expr, scope: Scope): Expression {
  const name = names(node.name).at(-1) ?? '';
  const list = (side: Node | undefined) =>
    side && 'List' in side ? (side.List.items ?? []).map((item) => compileExpression(item, scope)) : [];
  const right = node.rexpr && !('List' in node.rexpr) ? compileExpression(node.rexpr, scope) : undefined;
  const left = node.lexpr ? compileExpression(node.lexpr, scope) : undefined;
  const rows = node.lexpr !== undefined && 'RowExpr' in node.lexpr;
  const compared = (symbol: string, a: Expression, b: Expression): Expression =>
    rows ? rowComparison(symbol, a, b) : binary(symbol, a, b, scope.dialect);
  switch (node.kind) {
    case 'AEXPR_OP':
      if (!left && right) return unary(name, right);
      if (left && right) return compared(name, left, right);
      break;
    case 'AEXPR_IN': {
      if (!left) break;
      const tests = list(node.rexpr).map((item) => compared('=', left, item));
      return of('bool', (env, run) => {
        const hit = quantify(
          tests.map((test) => test.evaluate(env, run)),
          false,
        );
        return name === '=' ? hit : not(hit);
      });
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL': {
      const all = node.kind === 'AEXPR_OP_ALL';
      return of('bool', (env, run) => {
        const value = left?.evaluate(env, run) ?? null;
        const items = right?.evaluate(env, run) ?? null;
        if (items === null) return null;
        return quantify(
          listItems(items).map((item) => apply(name, value, item)),
          all,
        );
      });
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM': {
      const [low, high] = list(node.rexpr);
      if (!left || !low || !high) break;
      const within = (a: Expression, b: Expression) =>
        logic('AND_EXPR', [binary('>=', left, a, scope.dialect), binary('<=', left, b, scope.dialect)]);
      const inside = node.kind.endsWith('SYM')
        ? logic('OR_EXPR', [within(low, high), within(high, low)])
        : within(low, high);
      return node.kind.includes('NOT') ? logic('NOT_EXPR', [inside]) : inside;
    }
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const wanted = node.kind === 'AEXPR_NOT_DISTINCT';
      return of(
        'bool',
        (env, run) => same(left?.evaluate(env, run) ?? null, right?.evaluate(env, run) ?? null) === wanted,
      );
    }
    case 'AEXPR_NULLIF': {
      if (!left || !right) break;
      const test = binary('=', left, right, scope.dialect);
      return of(left.type, (env, run) => (test.evaluate(env, run) === true ? null : left.evaluate(env, run)));
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE': {
      const ignoreCase = node.kind === 'AEXPR_ILIKE' || foldsCase(scope.dialect);
      return of('bool', (env, run) => {
        const [value, pattern] = [left?.evaluate(env, run) ?? null, right?.evaluate(env, run) ?? null];
        if (value === null || pattern === null) return null;
        return likePattern(toText(pattern), ignoreCase).test(toText(value)) !== name.startsWith('!');
      });
    }
  }
  throw new NotAnalysed(`operator ${name} (${node.kind})`);
}

function unary(name: string, arg: Expression): Expression {
  if (name === '+') return arg;
  if (name !== '-') throw new NotAnalysed(`operator ${name} before its operand`);
  return of(arg.type, (env, run) => arithmetic('*', arg.evaluate(env, run), -1, false));
}

function rowComparison(name: string, left: Expression, right: Expression): Expression {
  return of('bool', (env, run) =>
    compareRows(name, listItems(left.evaluate(env, run)), listItems(right.evaluate(env, run))),
  );
}

/** Whether an expression contains an aggregate of its own query. */
export function hasAggregate(node: Node | undefined): boolean {
  if (node === undefined || node === null || typeof node !== 'object' || 'SubLink' in node) return false;
  if ('FuncCall' in node && !node.FuncCall.over && (names(node.FuncCall.funcname).at(-1) ?? '') in AGGREGATES)
    return true;
  return Object.values(node).some((part) =>
    Array.isArray(part) ? part.some((item) => hasAggregate(item)) : hasAggregate(part as Node),
  );
}
