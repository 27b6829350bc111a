import type { Node } from 'libpg-query';
import { SqlInputError } from './errors.ts';
import { compileExpression, type Scope, truth } from './expression.ts';
import type { Env, Run, TableRules } from './plan.ts';
import { type Compiler, compileQuery } from './query.ts';
import { type Table, tableOf } from './schema.ts';
import { cast, overlaps, same, type Value } from './values.ts';

/** Compiles the constraints of a table. They see one row only, so no statement runs. */
export function compileRules(table: Table, compiler: Compiler): TableRules {
  const scope: Scope = {
    sources: [{ alias: table.name, columns: table.columns }],
    subquery: (tree, outer) => compileQuery(tree, compiler, new Map(), outer),
  };
  const onRow = (node: Node) => {
    const expression = compileExpression(node, scope);
    return (values: readonly Value[]) => expression.evaluate({ tuples: [{ values }] } satisfies Env, NO_RUN);
  };
  const condition = (node: Node | undefined) => {
    if (!node) return () => true;
    const test = onRow(node);
    return (values: readonly Value[]) => truth(test(values)) === true;
  };
  return {
    keys: table.keys.map((key) => {
      const parts = key.expressions.map(onRow);
      const inside = condition(key.where);
      const plainColumns = key.columns.map((name) => table.columns.findIndex((column) => column.name === name));
      return {
        name: key.name,
        primary: key.primary,
        columns: plainColumns.includes(-1) ? undefined : plainColumns,
        value: (values) => (inside(values) ? parts.map((part) => part(values)) : undefined),
        nullsNotDistinct: key.nullsNotDistinct,
      };
    }),
    checks: table.checks.map(({ name, expression }) => {
      const test = onRow(expression);
      return { name, holds: (values) => truth(test(values)) !== false };
    }),
    parents: table.foreignKeys.map((key) => {
      const parent = tableOf(compiler.schema, key.parent);
      const target =
        key.parentColumns.length > 0
          ? key.parentColumns
          : (parent.keys.find((candidate) => candidate.primary)?.columns ?? []);
      const index = (owner: Table, name: string | undefined) => {
        const found = owner.columns.findIndex((column) => column.name === name);
        if (found < 0)
          throw new SqlInputError(`foreign key of "${table.name}": "${owner.name}" has no column "${name}"`);
        return found;
      };
      return {
        columns: key.columns.map((name) => index(table, name)),
        parent,
        parentColumns: target.map((name) => index(parent, name)),
        onDelete: key.onDelete,
        deferred: key.deferred,
      };
    }),
    exclusions: table.exclusions.map((exclusion) => {
      const inside = condition(exclusion.where);
      const elements = exclusion.elements.map(({ expression, operator }) => ({ value: onRow(expression), operator }));
      return {
        conflicts: (a, b) =>
          inside(a) &&
          inside(b) &&
          elements.every(({ value, operator }) => {
            const [x, y] = [value(a), value(b)];
            if (x === null || y === null) return false;
            return operator === '&&' ? overlaps(x, y) : operator === '<>' ? !same(x, y) : same(x, y);
          }),
      };
    }),
    generated: table.columns.flatMap((column, index) => {
      if (!column.generated) return [];
      const value = onRow(column.generated);
      return [{ column: index, value: (values: readonly Value[]) => cast(value(values), column.type) }];
    }),
  };
}

/** A constraint that would need more than its row. */
const NO_RUN = new Proxy({} as Run, {
  get: (_, name) => {
    if (name === 'parameters') return [];
    throw new SqlInputError('a constraint may only use the columns of its row');
  },
});
