import { scriptFor } from '../../catalogue/scripts.ts';
import { filled, short } from '../../render/text.ts';
import { PHENOMENA, type Phenomenon } from '../../vocabulary/phenomena.ts';
import type { IsolationAnswer } from '../explain-isolation-level.ts';
import { sized } from './answers.ts';
import { Cited, conflictText, FULL, LIMITS, modelName, orderedPhenomena, scriptLines, TIGHT, titled } from './parts.ts';
import { type Complete, type Databases, otherSide, type Question, type Side, withDefault } from './question.ts';

/** Two cells side by side, what differs first. */
export function compare(left: Side, compareWith: string, databases: Databases, question: Question): IsolationAnswer {
  const a = withDefault(left);
  const b = withDefault(otherSide(compareWith, a, databases));
  const differs = (id: Phenomenon) => a.cell.phenomena[id].is !== b.cell.phenomena[id].is;
  const all = orderedPhenomena(question.anomaly);
  const order = [...all.filter(differs), ...all.filter((id) => !differs(id))];
  const different = order.filter(differs);
  const shown = different.find((id) => [a, b].some(({ cell }) => cell.phenomena[id].is === 'possible'));
  const weaker = shown && (a.cell.phenomena[shown].is === 'possible' ? a : b);
  const script = weaker && scriptFor(weaker.side.database, weaker.cell, shown);
  return sized(question, (shortening) => {
    const limits = question.full ? FULL : (LIMITS[shortening] ?? TIGHT);
    const prefixed = a.side.database !== b.side.database;
    const [mine, theirs] = [a, b].map(({ side }) => new Cited(side.database, limits.evidence, prefixed)) as [
      Cited,
      Cited,
    ];
    const both = <T>(pick: (one: Complete, cite: Cited, label: string) => readonly T[]) => [
      ...pick(a, mine, 'first'),
      ...pick(b, theirs, 'second'),
    ];
    // Where it gets tight, what is alike on both sides goes without notes and sources.
    const sparing = limits.evidence === 'brief';
    const phenomena = order.map((id) => {
      const row = { id, name: PHENOMENA[id].name, is: a.cell.phenomena[id].is, other: b.cell.phenomena[id].is };
      if (sparing && !differs(id)) return row;
      const note = both(({ cell }, _, label) => {
        const { is, note: text } = cell.phenomena[id];
        return text === undefined || (limits === TIGHT && is !== 'depends')
          ? []
          : [`${label}: ${short(text, limits.text)}`];
      }).join(' ');
      const refs = both(({ cell }, cite) => cell.phenomena[id].evidence.map((ref) => cite.mark(ref))).filter(Boolean);
      return {
        ...row,
        ...(note === '' ? {} : { note }),
        ...(refs.length === 0 ? {} : { evidence: [...new Set(refs)] }),
      };
    });
    const levels = both(({ side, cell }, cite) => [
      {
        database: side.database.id,
        level: titled(cell),
        model: cite.after(modelName(cell), cell.model.evidence),
        more: short(cell.summary, limits.text),
      },
    ]);
    const sections = {
      assumed: [...question.notices, ...both(({ side }) => side.assumed)],
      conflicts: both(({ cell }, cite, label) =>
        cell.conflicts
          .slice(0, limits.remarks)
          .map((one) => cite.after(`${label}: ${short(conflictText(one), limits.text)}`, one.evidence)),
      ),
      application: both(({ cell }, _, label) =>
        cell.application.slice(0, limits.remarks).map((text) => `${label}: ${short(text, limits.text)}`),
      ),
      script:
        script === undefined || weaker === undefined
          ? []
          : scriptLines(script, weaker === a ? mine : theirs, ` on ${weaker.title}`),
    };
    return {
      summary:
        different.length === 0
          ? `${a.title} and ${b.title} are alike in all ten phenomena.`
          : `${a.title} and ${b.title} differ in ${different.join(', ')}.`,
      levels,
      phenomena,
      sections: filled({
        ...sections,
        evidence: [...new Set(both((_, cite) => cite.list()))],
        next: sparing ? ['Ask for one level for sources and notes of what is alike; detail "full" shows all.'] : [],
      }),
    };
  });
}
