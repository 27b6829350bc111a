import type { Repair } from './repair.ts';
import { changedSteps, freshName, mapOperations, readUpdate, sameSteps, sqlOf, withSql } from './rewrite.ts';

/** A conditional UPDATE whose row count nobody looks at: where it changed nothing, the operation rolls back. */
export const checkRowCount: Repair = {
  id: 'check-row-count',
  cost: 1,
  patterns: ['compare-and-set'],
  apply: (design) => {
    const checked = mapOperations(design, (operation, steps) => {
      const read = new Set<string>();
      return steps.flatMap((step) => {
        const sql = sqlOf(step) ?? '';
        const update = readUpdate(sql);
        const parameters = [...(update?.where ?? '').matchAll(/:(\w+)/g)].map((match) => match[1] ?? '');
        const conditional = step.into.length === 0 && parameters.some((name) => read.has(name));
        for (const name of step.into) read.add(name);
        if (!conditional || operation.transaction === 'none') return [step.text];
        const changed = freshName('changed', operation);
        const condition = step.condition ? `${step.condition.text} && ` : '';
        return [withSql({ ...step, into: [changed], list: false }, sql), `if ${condition}${changed} == 0: rollback`];
      });
    });
    if (sameSteps(design, checked)) return [];
    return [
      {
        title:
          'Look at the row count of the conditional UPDATE: 0 rows means somebody was faster, so roll back and try again',
        change: changedSteps(design, checked),
        design: checked,
      },
    ];
  },
};
