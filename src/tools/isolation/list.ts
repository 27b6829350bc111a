import type { Database, Level } from '../../catalogue/database.ts';
import { findLevel } from '../../catalogue/lookup.ts';
import { clip, filled } from '../../render/text.ts';
import { PHENOMENA } from '../../vocabulary/phenomena.ts';
import type { IsolationAnswer } from '../explain-isolation-level.ts';
import { ToolError } from '../tool.ts';
import { sized } from './answers.ts';
import { modelName, when } from './parts.ts';
import type { Databases, Question } from './question.ts';

/** All databases; with a level or a phenomenon, what it is on each. */
export function list(level: string, databases: Databases, question: Question): IsolationAnswer {
  const rows = [...databases.values()]
    .map((database) => ({ database, cells: level === '' ? database.levels : exactLevel(level, database) }))
    .filter(({ cells }) => cells.length > 0);
  if (rows.length === 0)
    throw new ToolError(
      `No database has a level "${clip(level)}". Leave it out for the list of databases, or give a database for its levels.`,
    );
  const { anomaly } = question;
  const summary =
    anomaly !== undefined
      ? `${anomaly} (${PHENOMENA[anomaly].name}): ${PHENOMENA[anomaly].meaning} On the databases known here:`
      : level === ''
        ? `${rows.length} databases are known; * marks the default level.`
        : `"${clip(level)}" on the databases known here:`;
  return sized(question, (shortening) => ({
    summary,
    levels: rows.map(({ database, cells }) => row(database, cells, question, shortening)),
    sections: filled({
      assumed: question.notices,
      next: ['Give a database for its levels, or a database and a level for phenomena, evidence, script and remedies.'],
    }),
  }));
}

function exactLevel(level: string, database: Database): readonly Level[] {
  const found = findLevel(level, database);
  return found === undefined || found.typo !== undefined ? [] : found.values;
}

/** One database in one line; `shortening` leaves out conditions, then what is not prevented, then names of levels. */
function row(database: Database, cells: readonly Level[], { anomaly, full }: Question, shortening: number) {
  const brief = full ? 0 : shortening;
  // A name that several verdicts share needs its conditions to mean anything.
  const verdicts = new Map<string, Set<string>>();
  if (anomaly !== undefined)
    for (const { name, phenomena } of cells)
      verdicts.set(name, (verdicts.get(name) ?? new Set()).add(phenomena[anomaly].is));
  const names = (some: readonly Level[]) => {
    const defaults = new Set(some.filter((cell) => cell.default).map(({ name }) => name));
    const title = (cell: Level) =>
      cell.name +
      (defaults.has(cell.name) ? '*' : '') +
      (brief < 1 || (verdicts.get(cell.name)?.size ?? 0) > 1 ? when(cell) : '');
    return [...new Set(some.map(title))].join(', ');
  };
  const entry = { database: database.id };
  if (anomaly !== undefined) {
    const such = (is: string) => cells.filter((cell) => cell.phenomena[anomaly].is === is);
    const shown = ['prevented', 'possible', 'depends'].filter((is) => such(is).length > 0);
    if (shown.length === 0) return { ...entry, level: 'unknown or not applicable' };
    const part = (is: string) =>
      brief < 2 || (is === 'prevented' && brief < 3)
        ? `${is}: ${names(such(is))}`
        : `${is} in ${such(is).length} of ${cells.length}`;
    return { ...entry, level: shown.map(part).join('; ') };
  }
  const some = cells.length < database.levels.length;
  const level = brief < 2 || (some && brief < 3) ? names(cells) : `${new Set(cells.map(({ id }) => id)).size} levels`;
  return full || some ? { ...entry, level, model: [...new Set(cells.map(modelName))].join(', ') } : { ...entry, level };
}
