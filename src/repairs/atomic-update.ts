import type { Operation } from '../design/design.ts';
import { compileCel } from '../design/expression.ts';
import type { Step } from '../design/step.ts';
import type { Repair } from './repair.ts';
import {
  celToSql,
  changedSteps,
  freshName,
  mapOperations,
  readSelect,
  readUpdate,
  sameSteps,
  sqlOf,
} from './rewrite.ts';

/** Folds read, check and write into one guarded UPDATE, and goes on only if it changed a row. */
export const atomicUpdate: Repair = {
  id: 'atomic-update',
  cost: 1,
  patterns: ['compare-and-set', 'declared-constraint'],
  apply: (design) => {
    const folded = mapOperations(design, (operation, steps) => fold(operation, steps) ?? operation.steps.slice());
    if (sameSteps(design, folded)) return [];
    return [
      {
        title: 'One guarded UPDATE instead of read, check and write',
        change: changedSteps(design, folded),
        design: folded,
      },
    ];
  },
};

function fold(operation: Operation, steps: readonly Step[]): string[] | undefined {
  for (const [readAt, step] of steps.entries()) {
    const select = readSelect(sqlOf(step) ?? '');
    const variable = step.into[0];
    if (!select || select.aggregate || select.where === undefined || step.into.length !== 1 || variable === undefined)
      continue;
    const column = /^([\w".]+)(?:\s+as\s+\w+)?$/i.exec(select.columns.trim())?.[1];
    if (column === undefined) continue;
    const writeAt = steps.findIndex((other, i) => i > readAt && readUpdate(sqlOf(other) ?? '')?.table === select.table);
    const target = steps[writeAt];
    const update = readUpdate(sqlOf(target) ?? '');
    if (!target || !update || normal(update.where) !== normal(select.where)) continue;
    const assigned = new Map<string, string>();
    for (const other of steps.slice(readAt, writeAt))
      if (other.action.kind === 'assign') assigned.set(other.action.name, other.action.value.text);
    const name = (word: string): string =>
      word === variable ? column : assigned.has(word) ? `(${celToSql(assigned.get(word) ?? '', name)})` : `:${word}`;
    const set = update.set.map(({ column: key, value }) => {
      const used = /^:(\w+)$/.exec(value)?.[1];
      const derived = used !== undefined && (used === variable || assigned.has(used));
      return `${key} = ${derived ? name(used).replace(/^\((.*)\)$/, '$1') : value.replaceAll(new RegExp(`:${variable}\\b`, 'g'), column)}`;
    });
    const guard = target.condition && celToSql(target.condition.text, name);
    const changed = freshName('changed', operation);
    const replacement = `${changed} := UPDATE ${update.table} SET ${set.join(', ')} WHERE ${update.where}${guard ? ` AND ${guard}` : ''}`;
    const rest = steps.flatMap((other, i) => {
      if (i === readAt || (other.action.kind === 'assign' && assigned.has(other.action.name))) return [];
      if (i === writeAt) return [replacement];
      const same = target.condition && other.condition?.text === target.condition.text && i > writeAt;
      return [same ? other.text.replace(other.condition?.text ?? '', `${changed} == 1`) : other.text];
    });
    const stillUsed = rest.some((text) => new RegExp(`\\b${variable}\\b`).test(text.replace(replacement, '')));
    if (stillUsed || [...assigned.keys()].some((key) => rest.some((text) => new RegExp(`[:\\b]${key}\\b`).test(text))))
      continue;
    compileCel(`${changed} == 1`);
    return rest;
  }
  return undefined;
}

const normal = (text: string | undefined) => (text ?? '').replace(/\s+/g, '').toLowerCase();
