import { type Choice, chooseCell, describeConditions } from '../../catalogue/cells.ts';
import type { Level } from '../../catalogue/database.ts';
import { scriptFor } from '../../catalogue/scripts.ts';
import { withinBudget } from '../../render/budget.ts';
import { renderIsolationLevel } from '../../render/isolation-level.ts';
import { plain } from '../../render/style.ts';
import { filled, short } from '../../render/text.ts';
import { PHENOMENA } from '../../vocabulary/phenomena.ts';
import type { IsolationAnswer } from '../explain-isolation-level.ts';
import {
  byLevel,
  Cited,
  conflictText,
  FULL,
  LIMITS,
  modelName,
  modelText,
  orderedPhenomena,
  possibleList,
  remediesFor,
  scriptLines,
  strongerLevels,
  TIGHT,
  titled,
  verdict,
  when,
} from './parts.ts';
import type { Question, Side } from './question.ts';

/** Makes the answer as long as the question allows. */
export function sized(question: Question, build: (shortening: number) => IsolationAnswer): IsolationAnswer {
  return question.full ? build(0) : withinBudget(build, (one) => renderIsolationLevel(one, plain), LIMITS.length);
}

/** One cell: what it is, its ten phenomena, and what follows for the application. */
export function explain(side: Side, choice: Choice, question: Question): IsolationAnswer {
  const { database } = side;
  const { cell } = choice;
  const script = scriptFor(database, cell, question.anomaly);
  const remedies = remediesFor(database, cell, question);
  const stronger = strongerLevels(database, cell, side.version, question).slice(0, question.full ? 2 : 1);
  return sized(question, (shortening) => {
    const limits = question.full ? FULL : (LIMITS[shortening] ?? TIGHT);
    const cited = new Cited(database, limits.evidence);
    const dropped: string[] = [];
    const take = <T>(name: string, items: readonly T[], limit: number) => {
      if (items.length > limit) dropped.push(`${name} (${items.length - limit})`);
      return items.slice(0, limit);
    };
    const remark = (one: { text: string; evidence: readonly string[] }) =>
      cited.after(short(one.text, limits.text), one.evidence);
    const levels = [
      {
        database: database.id,
        level: titled(cell),
        model: cited.after(modelText(cell), cell.model.evidence),
        ...(cell.set === undefined ? {} : { more: `Choose it: ${cell.set}` }),
      },
    ];
    const phenomena = orderedPhenomena(question.anomaly).map((id) => {
      const { is, note, evidence } = cell.phenomena[id];
      const refs = evidence.filter((ref) => cited.has(ref));
      return {
        id,
        name: PHENOMENA[id].name,
        is,
        ...(note === undefined ? {} : { note: short(note, limits.text) }),
        ...(refs.length === 0 ? {} : { evidence: refs }),
      };
    });
    const sections = {
      assumed: [
        ...question.notices,
        ...side.assumed,
        ...take('other cells', choice.others.map(otherCell), limits.others),
      ],
      conflicts: take('conflicts', cell.conflicts, limits.remarks + 2).map((conflict) =>
        cited.after(short(conflictText(conflict), limits.text), conflict.evidence),
      ),
      application: cell.application.map((text) => short(text, limits.text)),
      script: script === undefined ? [] : scriptLines(script, cited),
      remedies: [
        ...stronger,
        ...take('remedies', remedies, limits.remedies).map((remedy) =>
          cited.after(
            short(`${remedy.name} (against ${remedy.against.join(', ')}): ${remedy.text}`, limits.text) +
              (remedy.code === undefined ? '' : ` Code: ${remedy.code.trim().replace(/\s*\n\s*/g, ' ')}`),
            remedy.evidence,
          ),
        ),
      ],
      traps: take('traps', byLevel(database.traps, database, cell), limits.remarks).map(remark),
      deployment: take(
        'deployment remarks',
        byLevel(Object.values(database.deployment).flat(), database, cell),
        limits.deployment,
      ).map(remark),
      jepsen: take('Jepsen results', database.jepsen, limits.jepsen).map((one) =>
        cited.after(
          short(`${one.version} (${one.date}): ${one.found} Still matters: ${one.stillMatters}`, limits.text),
          one.evidence,
        ),
      ),
    };
    const next = question.full
      ? [database.body].filter(Boolean)
      : dropped.length > 0
        ? [`Left out: ${dropped.join(', ')}; detail "full" shows all.`]
        : [];
    return {
      summary: short(cell.summary, limits.text * 2),
      levels,
      phenomena,
      sections: filled({ ...sections, evidence: cited.list(), next }),
    };
  });
}

function otherCell(other: Level): string {
  const select = describeConditions(other) || 'give none of these conditions';
  return `Other cell: ${other.name}${when(other)} is ${modelName(other)}; ${possibleList(other)}. To select it: ${select}.`;
}

/** All levels of a database, the default first. */
export function overview(side: Side, question: Question): IsolationAnswer {
  const { database } = side;
  const sorted = [...database.levels].sort((a, b) => Number(b.default) - Number(a.default));
  const fitting = sorted.filter(
    (cell) => chooseCell([cell], { version: side.version, settings: side.settings }) !== undefined,
  );
  const others = sorted.filter((cell) => !fitting.includes(cell)).map((cell) => cell.name + when(cell));
  const otherVersions = others.length === 0 ? [] : [`Not under the given version and settings: ${others.join(', ')}.`];
  return sized(question, (shortening) => {
    const limits = question.full ? FULL : (LIMITS[shortening] ?? TIGHT);
    const cited = new Cited(database, limits.evidence);
    const remark = (one: { text: string; evidence: readonly string[] }) =>
      cited.after(short(one.text, limits.text), one.evidence);
    const levels = fitting.map((cell) => ({
      database: database.id,
      level: titled(cell),
      model: cited.after(modelName(cell), cell.model.evidence),
      more: short(
        question.anomaly === undefined
          ? possibleList(cell)
          : `${question.anomaly} ${PHENOMENA[question.anomaly].name}: ${verdict(cell, question.anomaly)}`,
        limits.text,
      ),
    }));
    const sections = {
      assumed: [...question.notices, ...side.assumed, ...otherVersions],
      traps: database.traps.slice(0, limits.remarks).map(remark),
      deployment: Object.values(database.deployment).flat().slice(0, limits.deployment).map(remark),
    };
    return {
      summary: `${database.name} (versions covered: ${short(database.versions, limits.text)}; checked ${database.checked}). ${short(database.summary, limits.text * 2)}`,
      levels,
      sections: filled({
        ...sections,
        evidence: cited.list(),
        next: [
          'Give a level for its phenomena with evidence, conflicts, a script and remedies.',
          ...(question.full && database.body !== '' ? [database.body] : []),
        ],
      }),
    };
  });
}
