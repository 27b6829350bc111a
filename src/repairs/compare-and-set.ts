import type { Repair } from './repair.ts';
import {
  changedSteps,
  freshName,
  mapOperations,
  readSelect,
  readUpdate,
  sameSteps,
  sqlOf,
  withSql,
} from './rewrite.ts';

/** The UPDATE also checks that what was read is still there; otherwise the operation rolls back and is tried again. */
export const compareAndSet: Repair = {
  id: 'compare-and-set',
  cost: 2,
  patterns: ['compare-and-set'],
  apply: (design) => {
    const guarded = mapOperations(design, (operation, steps) => {
      const read = new Map<string, string>();
      return steps.flatMap((step) => {
        const sql = sqlOf(step) ?? '';
        const select = readSelect(sql);
        if (select && !select.aggregate && step.into.length === 1) {
          const column = /^([\w"]+)(?:\s+as\s+\w+)?$/i.exec(select.columns.trim())?.[1];
          if (column) read.set(rowKey(select.table, select.where), `${column} = :${step.into[0]}`);
        }
        const update = readUpdate(sql);
        const check = update && read.get(rowKey(update.table, update.where));
        if (
          !update ||
          check === undefined ||
          update.where === undefined ||
          step.into.length > 0 ||
          update.where.includes(check)
        )
          return [step.text];
        const changed = freshName('changed', operation);
        const condition = step.condition ? `${step.condition.text} && ` : '';
        return [
          withSql({ ...step, into: [changed], list: false }, `${sql.trim()} AND ${check}`),
          `if ${condition}${changed} == 0: rollback`,
        ];
      });
    });
    if (sameSteps(design, guarded)) return [];
    return [
      {
        title: 'Compare-and-set: write only if what was read is unchanged, else roll back and try again',
        change: changedSteps(design, guarded),
        design: guarded,
      },
    ];
  },
};

/** The same table and the same condition: the same row. */
const rowKey = (table: string, where: string | undefined) =>
  `${table} ${where ?? ''}`.toLowerCase().replace(/\s+/g, '');
