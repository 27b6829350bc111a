import type { Node } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression, truth } from './expression.ts';
import { fold, foldsCase } from './operators.ts';
import type { Env, KeyRule, ParentRule, Run, TableRules } from './plan.ts';
import { type Compiler, scopeOver } from './query.ts';
import { overlaps } from './ranges.ts';
import { position, type Table, tableOf } from './schema.ts';
import { same, type Value } from './values.ts';

/** Compiles the constraints of a table. They see one row only, so no statement runs. */
export function compileRules(table: Table, compiler: Compiler): TableRules {
  const scope = scopeOver([{ alias: table.name, columns: table.columns }], compiler, new Map());
  const onRow = (node: Node) => {
    const expression = compileExpression(node, scope);
    return (values: readonly Value[]) => expression.evaluate({ tuples: [{ values }] } satisfies Env, NO_RUN);
  };
  const condition = (node: Node | undefined) => {
    if (!node) return () => true;
    const test = onRow(node);
    return (values: readonly Value[]) => truth(test(values)) === true;
  };
  const folds = foldsCase(compiler.dialect);
  const keys = table.keys.map((key): KeyRule => {
    const columns = key.columns.map((name) => (name === undefined ? -1 : position(table, name)));
    const inside = condition(key.where);
    const plain = !columns.includes(-1);
    const parts = plain ? [] : key.expressions.map(onRow);
    const part: (values: readonly Value[]) => readonly Value[] = plain
      ? (values) => columns.map((column) => values[column] ?? null)
      : (values) => parts.map((one) => one(values));
    return {
      name: key.name,
      primary: key.primary,
      columns: plain ? columns : undefined,
      value: (values) => (!inside(values) ? undefined : folds ? part(values).map(fold) : part(values)),
      nullsNotDistinct: key.nullsNotDistinct,
      deferrable: key.deferrable,
      deferred: key.deferred,
    };
  });
  return {
    keys,
    // A partial index or one on expressions cannot be referenced, so it does not count.
    keyColumns: [...new Set(keys.flatMap((key, i) => (table.keys[i]?.where ? [] : (key.columns ?? []))))],
    checks: table.checks.map(({ name, expression }) => {
      const test = onRow(expression);
      return { name, holds: (values) => truth(test(values)) !== false };
    }),
    parents: table.foreignKeys.map((key): ParentRule => {
      const parent = tableOf(compiler.schema, key.parent);
      const target =
        key.parentColumns.length > 0
          ? key.parentColumns
          : (parent.keys.find((candidate) => candidate.primary)?.columns ?? []);
      const index = (owner: Table, name: string | undefined) => position(owner, name ?? '');
      if (target.length !== key.columns.length) {
        throw new SqlInputError(`foreign key "${key.name}": "${parent.name}" has no matching PRIMARY KEY`);
      }
      return {
        name: key.name,
        columns: key.columns.map((name) => index(table, name)),
        parent,
        parentColumns: target.map((name) => index(parent, name)),
        onDelete: key.onDelete,
        onUpdate: key.onUpdate,
        cleared: (key.cleared.length > 0 ? key.cleared : key.columns).map((name) => index(table, name)),
        deferrable: key.deferrable,
        deferred: key.deferred,
      };
    }),
    exclusions: table.exclusions.map((exclusion) => {
      const inside = condition(exclusion.where);
      const elements = exclusion.elements.map(({ expression, operator }) => {
        if (!['=', '<>', '&&'].includes(operator)) throw new NotAnalysed(`EXCLUDE with ${operator}`);
        return { value: onRow(expression), operator };
      });
      return {
        name: exclusion.name,
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
      return [{ column: index, value: (values: readonly Value[]) => column.convert(value(values)) }];
    }),
    defaults: table.columns.map((column) => {
      if (!column.default) return undefined;
      const expression = compileExpression(column.default, scope);
      return (run) => column.convert(expression.evaluate({ tuples: [] }, run as Run));
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
