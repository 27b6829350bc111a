import type { Node, SubLink } from 'libpg-query';
import { DatabaseError, NotAnalysed } from './errors.ts';
import { compileExpression } from './expression.ts';
import { listItems } from './json.ts';
import { apply, compareRows, fold, foldsCase, quantify } from './operators.ts';
import type { Env, Expression, Query, Run, Tuple } from './plan.ts';
import { of, type Scope } from './scope.ts';
import { names } from './types.ts';
import type { Value } from './values.ts';

/** A sub-select inside an expression. */
export interface Subquery {
  readonly query: Query;
  readonly rows: (env: Env, run: Run) => readonly Tuple[];
  /** Whether it uses a column of its surroundings. */
  readonly correlated: boolean;
}

const ONCE = new WeakMap<Node, Subquery>();

/** Compiles a sub-select. One that uses no column of its surroundings runs once, as PostgreSQL's init plans do. */
export function compileSubquery(tree: Node, scope: Scope): Subquery {
  const known = ONCE.get(tree);
  if (known) return known;
  const reached = scope.uses.reached;
  const query = scope.subquery(tree, scope);
  if (scope.uses.reached !== reached) return { query, rows: query.rows, correlated: true };
  const id = scope.fresh();
  const found = { query, rows: (env: Env, run: Run) => run.once(id, () => query.rows(env, run)), correlated: false };
  ONCE.set(tree, found);
  return found;
}

/** Compiles EXISTS, IN, ANY, ALL, ARRAY and a sub-select that stands for one value. */
export function subLink(node: SubLink, scope: Scope): Expression {
  const { query, rows } = compileSubquery(node.subselect as Node, scope);
  const name = names(node.operName).at(-1) ?? '=';
  switch (node.subLinkType) {
    case 'EXISTS_SUBLINK':
      return of('bool', (env, run) => rows(env, run).length > 0);
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      const left = compileExpression(node.testexpr as Node, scope);
      const all = node.subLinkType === 'ALL_SUBLINK';
      const row = 'RowExpr' in (node.testexpr as Node);
      const folded = foldsCase(scope.dialect) ? fold : (value: Value) => value;
      return of('bool', (env, run) => {
        const value = folded(left.evaluate(env, run));
        return quantify(
          rows(env, run).map((tuple) =>
            row
              ? compareRows(name, listItems(value), tuple.values)
              : apply(name, value, folded(tuple.values[0] ?? null)),
          ),
          all,
        );
      });
    }
    case 'EXPR_SUBLINK':
      return of(query.columns[0]?.type ?? 'unknown', (env, run) => single(rows(env, run))?.values[0] ?? null);
    case 'ARRAY_SUBLINK':
      return of('list', (env, run) => ({ list: rows(env, run).map((tuple) => tuple.values[0] ?? null) }));
  }
  throw new NotAnalysed(`sub-select ${node.subLinkType}`);
}

/** The only row of a sub-select. @throws DatabaseError 21000 when there are more. */
export function single(rows: readonly Tuple[]): Tuple | undefined {
  if (rows.length > 1)
    throw new DatabaseError('21000', 'more than one row returned by a subquery used as an expression');
  return rows[0];
}
