import type { Repair } from './repair.ts';
import {
  changedSteps,
  changedTable,
  mapOperations,
  readSelect,
  sameSteps,
  sqlOf,
  stepsOf,
  withSql,
} from './rewrite.ts';

/** SELECT ... FOR UPDATE on what is read before it is changed; an aggregate gets a locking read before it. */
export const lockRead: Repair = {
  id: 'lock-read',
  cost: 3,
  patterns: ['row-lock'],
  apply: (design) => {
    const changed = new Set(
      design.operations.flatMap((operation) =>
        stepsOf(operation, design).flatMap((step) => changedTable(sqlOf(step) ?? '') ?? []),
      ),
    );
    const lockWhere = (wanted: (table: string) => boolean) =>
      mapOperations(design, (operation, steps) => {
        const writes = steps.some((step) => changedTable(sqlOf(step) ?? '') !== undefined);
        return steps.flatMap((step) => {
          const sql = sqlOf(step);
          const select = sql === undefined ? undefined : readSelect(sql);
          if (
            !writes ||
            operation.transaction === 'none' ||
            !select ||
            select.locking ||
            !wanted(select.table.toLowerCase())
          )
            return [step.text];
          if (!select.aggregate && !/\b(distinct|group)\b/i.test(sql ?? ''))
            return [withSql(step, `${sql} FOR UPDATE`)];
          const where = select.where === undefined ? '' : ` WHERE ${select.where}`;
          const lock = `SELECT 1 FROM ${select.table}${select.alias && ` ${select.alias}`}${where} FOR UPDATE`;
          return [
            withSql({ ...(step.condition && { condition: step.condition }), into: [], list: false }, lock),
            step.text,
          ];
        });
      });
    const locked = lockWhere((table) => changed.has(table));
    const parents = lockWhere((table) => !changed.has(table));
    return [
      { title: 'Lock what is read before it is changed (FOR UPDATE)', design: locked },
      {
        title: 'Lock the row that the decision hangs on, though only other rows are written (FOR UPDATE)',
        design: parents,
      },
    ]
      .filter((candidate) => !sameSteps(design, candidate.design))
      .map((candidate) => ({ ...candidate, change: changedSteps(design, candidate.design) }));
  },
};
