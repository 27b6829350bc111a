import { chooseCell, describeConditions } from '../../catalogue/cells.ts';
import type { Database, Level } from '../../catalogue/database.ts';
import { sameLevel } from '../../catalogue/lookup.ts';
import type { scriptFor } from '../../catalogue/scripts.ts';
import { short } from '../../render/text.ts';
import { CONSISTENCY_MODELS, type ConsistencyModel } from '../../vocabulary/consistency-models.ts';
import { PHENOMENA, PHENOMENON_IDS, type Phenomenon } from '../../vocabulary/phenomena.ts';
import type { Question } from './question.ts';

/**
 * Remedies that work at the level, those against what is possible there first; the rest (which would remedy nothing)
 * only in a full answer.
 */
export function remediesFor(database: Database, cell: Level, { anomaly, full }: Question): Database['remedies'] {
  const open = (id: Phenomenon) => !['prevented', 'inapplicable'].includes(cell.phenomena[id].is);
  const use = (against: readonly Phenomenon[]) => against.filter(open).length;
  return database.remedies
    .filter((remedy) => remedy.levels === undefined || remedy.levels.includes(cell.id))
    .filter((remedy) => (anomaly === undefined ? full || use(remedy.against) > 0 : remedy.against.includes(anomaly)))
    .sort((a, b) => use(b.against) - use(a.against));
}

/** Levels of the same database that prevent what is possible at the cell (or the anomaly asked for), the most first. */
export function strongerLevels(
  database: Database,
  cell: Level,
  version: string | undefined,
  { anomaly }: Question,
): string[] {
  const open = PHENOMENON_IDS.filter(
    (id) => (anomaly ?? id) === id && ['possible', 'depends'].includes(cell.phenomena[id].is),
  );
  const settings = cell.when?.topology === undefined ? {} : { topology: cell.when.topology };
  const prevents = (other: Level) => open.filter((id) => other.phenomena[id].is === 'prevented');
  return database.levels
    .filter((other) => !sameLevel(other, cell) && chooseCell([other], { version, settings }) !== undefined)
    .map((other) => ({ other, ids: prevents(other) }))
    .filter(({ ids }) => ids.length > 0)
    .sort((a, b) => b.ids.length - a.ids.length)
    .slice(0, 2)
    .map(
      ({ other, ids }) =>
        `Another level, ${other.name}${when(other)}, prevents ${ids.join(', ')}.${other.set === undefined ? '' : ` Code: ${other.set}`}`,
    );
}

/** Remarks that name this level first, then those that name none, then those that name others. */
export function byLevel<T extends { readonly text: string }>(
  remarks: readonly T[],
  database: Database,
  cell: Level,
): T[] {
  const others = database.levels.filter((level) => level.name !== cell.name);
  const rank = ({ text }: T) =>
    text.includes(cell.name) ? 0 : others.some((level) => text.includes(level.name)) ? 2 : 1;
  return [...remarks].sort((a, b) => rank(a) - rank(b));
}

export interface Limits {
  readonly text: number;
  readonly remarks: number;
  readonly remedies: number;
  readonly deployment: number;
  readonly jepsen: number;
  readonly others: number;
  readonly evidence: 'whole' | 'brief';
}

const ALL = Number.POSITIVE_INFINITY;
export const FULL: Limits = {
  text: ALL,
  remarks: ALL,
  remedies: ALL,
  deployment: ALL,
  jepsen: ALL,
  others: ALL,
  evidence: 'whole',
};
/** Ever tighter limits for a default answer; the first that fits the budget is used. */
export const LIMITS: readonly Limits[] = [
  { text: 420, remarks: 4, remedies: 5, deployment: 4, jepsen: 2, others: 3, evidence: 'whole' },
  { text: 360, remarks: 4, remedies: 4, deployment: 3, jepsen: 2, others: 3, evidence: 'whole' },
  { text: 300, remarks: 3, remedies: 4, deployment: 2, jepsen: 1, others: 3, evidence: 'whole' },
  { text: 280, remarks: 3, remedies: 3, deployment: 2, jepsen: 1, others: 3, evidence: 'whole' },
  { text: 260, remarks: 2, remedies: 3, deployment: 2, jepsen: 1, others: 3, evidence: 'whole' },
  { text: 260, remarks: 2, remedies: 3, deployment: 1, jepsen: 0, others: 3, evidence: 'whole' },
  { text: 240, remarks: 2, remedies: 3, deployment: 1, jepsen: 0, others: 2, evidence: 'brief' },
  { text: 220, remarks: 2, remedies: 2, deployment: 1, jepsen: 0, others: 2, evidence: 'brief' },
  { text: 200, remarks: 1, remedies: 2, deployment: 1, jepsen: 0, others: 2, evidence: 'brief' },
  { text: 180, remarks: 1, remedies: 2, deployment: 0, jepsen: 0, others: 1, evidence: 'brief' },
  { text: 150, remarks: 1, remedies: 1, deployment: 0, jepsen: 0, others: 1, evidence: 'brief' },
  { text: 110, remarks: 1, remedies: 1, deployment: 0, jepsen: 0, others: 1, evidence: 'brief' },
  { text: 80, remarks: 1, remedies: 1, deployment: 0, jepsen: 0, others: 1, evidence: 'brief' },
];
export const TIGHT: Limits = {
  text: 60,
  remarks: 1,
  remedies: 1,
  deployment: 0,
  jepsen: 0,
  others: 1,
  evidence: 'brief',
};

/** Collects the sources that an answer cites, so that it lists exactly those. */
export class Cited {
  private readonly ids = new Set<string>();
  private readonly database: Database;
  private readonly form: 'whole' | 'brief';
  private readonly prefixed: boolean;
  constructor(database: Database, form: 'whole' | 'brief', prefixed = false) {
    this.database = database;
    this.form = form;
    this.prefixed = prefixed;
  }

  /** Notes the source and says whether it exists. */
  has(id: string): boolean {
    if (this.database.evidence[id] === undefined) return false;
    this.ids.add(id);
    return true;
  }

  /** The source as it stands in an answer. */
  mark(id: string): string {
    return this.has(id) ? this.name(id) : '';
  }

  /** `text` with its sources in brackets. */
  after(text: string, ids: readonly string[]): string {
    const marks = ids.map((id) => this.mark(id)).filter((mark) => mark !== '');
    return marks.length === 0 ? text : `${text} [${marks.join(', ')}]`;
  }

  list(): string[] {
    return [...this.ids].map((id) => {
      const source = this.database.evidence[id];
      if (source === undefined) return id;
      const parts = [
        source.grade,
        this.form === 'whole' ? source.source : short(source.source, 50),
        source.version && `version ${this.form === 'whole' ? source.version : short(source.version, 40)}`,
        source.date && `of ${source.date}`,
        `checked ${source.checked}`,
        source.url,
      ];
      return `${this.name(id)}: ${parts.filter(Boolean).join(', ')}`;
    });
  }

  private name(id: string): string {
    return this.prefixed ? `${this.database.id}:${id}` : id;
  }
}

export function scriptLines(script: NonNullable<ReturnType<typeof scriptFor>>, cited: Cited, where = ''): string[] {
  const { phenomenon, schedule } = script;
  const source =
    schedule === undefined ? '' : schedule.from === 'hermitage' ? '; schedule of Hermitage (CC BY 4.0)' : '';
  return [
    `-- ${phenomenon} (${PHENOMENA[phenomenon].name})${where}${source}`,
    ...script.setup,
    ...script.steps,
    cited.after(`-- ${script.outcome}`, script.evidence),
  ];
}

export function orderedPhenomena(first: Phenomenon | undefined): readonly Phenomenon[] {
  return first === undefined ? PHENOMENON_IDS : [first, ...PHENOMENON_IDS.filter((id) => id !== first)];
}

export const modelName = (cell: Level) => CONSISTENCY_MODELS[cell.model.is].name;

export function modelText(cell: Level): string {
  const model = CONSISTENCY_MODELS[cell.model.is];
  const implied = (model.implies as readonly ConsistencyModel[]).map((id) => CONSISTENCY_MODELS[id].name);
  return [
    `${model.name}: ${model.meaning}`,
    implied.length === 0 ? '' : `Implies ${implied.join(', ')}.`,
    cell.model.note ?? '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** A cell as the heading of an answer. */
export const titled = (cell: Level) => `${cell.name}${cell.default ? ' (default)' : ''}${when(cell)}`;

/** How a conflict shows itself, in one line. */
export function conflictText({ shows, code, text, retry }: Level['conflicts'][number]): string {
  const advice = retry === undefined ? '' : retry ? ' Retry the whole transaction.' : ' Do not just retry.';
  return `${[shows, code].filter(Boolean).join(' ')}: ${text}${advice}`;
}

export function when(cell: Level): string {
  const conditions = describeConditions(cell);
  return conditions === '' ? '' : ` [${conditions}]`;
}

export function verdict(cell: Level, id: Phenomenon): string {
  const { is, note } = cell.phenomena[id];
  return note === undefined ? is : `${is} (${note})`;
}

/** What may go wrong at a cell in one line, e.g. `possible: PMP, P4; depends: G2`. */
export function possibleList(cell: Level): string {
  const by = (is: string) => PHENOMENON_IDS.filter((id) => cell.phenomena[id].is === is);
  const parts = ['possible', 'depends', 'unknown'].flatMap((is) =>
    by(is).length === 0 ? [] : [`${is}: ${by(is).join(', ')}`],
  );
  if (parts.length > 0) return parts.join('; ');
  return by('inapplicable').length === PHENOMENON_IDS.length
    ? 'the ten phenomena do not apply'
    : 'none of the ten phenomena is possible';
}
