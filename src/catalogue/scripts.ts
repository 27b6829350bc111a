import type { Phenomenon } from '../vocabulary/phenomena.ts';
import { SCHEDULE_ROWS, SCHEDULES, type Schedule } from '../vocabulary/schedules.ts';
import type { Database, Level } from './database.ts';

/** A script of two or three sessions in the language of one database. */
export interface Script {
  readonly phenomenon: Phenomenon;
  /** Lines to run once, before the sessions. */
  readonly setup: readonly string[];
  /** `T1: statement`, in order; sessions begin before their first other step. */
  readonly steps: readonly string[];
  readonly outcome: string;
  /** Evidence ids of a script that the file of the database brings. */
  readonly evidence: readonly string[];
  /** Schedule it was generated from; absent for one of the file. */
  readonly schedule: Schedule | undefined;
}

/** Phenomena by how much a script of them teaches: those that break applications first. */
const INSTRUCTIVE: readonly Phenomenon[] = ['P4', 'G2-item', 'G2', 'G-single', 'PMP', 'OTV', 'G1a', 'G1b', 'G1c', 'G0'];

/**
 * A script for `wanted`, or for the most instructive phenomenon that the cell lets happen. The file's own script goes
 * before one generated from a schedule. Nothing where there is neither.
 */
export function scriptFor(database: Database, cell: Level, wanted?: Phenomenon): Script | undefined {
  const allowed = (kind: 'possible' | 'depends') => INSTRUCTIVE.filter((id) => cell.phenomena[id].is === kind);
  const order = wanted === undefined ? [...allowed('possible'), ...allowed('depends')] : [wanted];
  for (const phenomenon of order) {
    const script = ownScript(database, cell, phenomenon) ?? generated(database, cell, phenomenon);
    if (script !== undefined) return script;
  }
  return undefined;
}

function ownScript(database: Database, cell: Level, phenomenon: Phenomenon): Script | undefined {
  const script = database.scripts.find(
    (one) => one.phenomenon === phenomenon && (one.levels === undefined || one.levels.includes(cell.id)),
  );
  if (script === undefined || !occurs(cell, phenomenon)) return undefined;
  const { setup, steps, outcome, evidence } = script;
  return { phenomenon, setup, steps, outcome, evidence, schedule: undefined };
}

const occurs = (cell: Level, phenomenon: Phenomenon) =>
  cell.phenomena[phenomenon].is === 'possible' || cell.phenomena[phenomenon].is === 'depends';

function generated(database: Database, cell: Level, phenomenon: Phenomenon): Script | undefined {
  const { session } = database;
  if (session === undefined || cell.phenomena[phenomenon].is === 'inapplicable') return undefined;
  const forms = SCHEDULES.filter((schedule) => schedule.phenomenon === phenomenon);
  const control = cell.concurrencyControl;
  const schedule = forms.find((form) => control !== undefined && form.shows.includes(control)) ?? forms[0];
  if (schedule === undefined) return undefined;
  const begun = new Set<string>();
  const steps = schedule.steps.flatMap((step) => {
    const [actor = '', statement = ''] = /^(T\d): (.*)$/.exec(step)?.slice(1) ?? [];
    // A third session of `G2-two-edges` must begin late, so each session begins at its first step there.
    const first = !begun.has(actor);
    begun.add(actor);
    const line = `${actor}: ${dialect(statement, session)}`;
    return first ? [`${actor}: ${session.begin.replaceAll('{level}', cell.name)}`, line] : [line];
  });
  return {
    phenomenon,
    setup: setup(session.dialect),
    steps: schedule.id === 'G2-two-edges' ? steps : beginsFirst(steps, session.begin.replaceAll('{level}', cell.name)),
    outcome: `${occurs(cell, phenomenon) ? 'Shows the phenomenon if' : 'Prevented here; it would be that'} ${schedule.anomaly}.`,
    evidence: [],
    schedule,
  };
}

/** Moves the beginnings to the front, as Hermitage has them. */
function beginsFirst(steps: readonly string[], begin: string): string[] {
  const isBegin = (step: string) => step.slice(4) === begin;
  return [...steps.filter(isBegin), ...steps.filter((step) => !isBegin(step))];
}

type Session = NonNullable<Database['session']>;

function dialect(statement: string, session: Session): string {
  if (statement === 'COMMIT') return session.commit;
  if (statement === 'ROLLBACK') return session.rollback;
  if (session.dialect === 'oracle' || session.dialect === 'db2')
    return statement.replace(/(\w+) % (\d+)/g, 'MOD($1, $2)');
  return statement;
}

function setup(dialect: Session['dialect']): string[] {
  const engine = dialect === 'mysql' ? ' ENGINE=InnoDB' : '';
  const table = `CREATE TABLE test (id INT${dialect === 'db2' ? ' NOT NULL' : ''} PRIMARY KEY, value INT)${engine}`;
  const rows = SCHEDULE_ROWS.map(([id, value]) => `(${id}, ${value})`);
  // One statement for several rows is not known to every dialect.
  if (['oracle', 'generic'].includes(dialect))
    return [table, ...rows.map((row) => `INSERT INTO test VALUES ${row}`), ...(dialect === 'oracle' ? ['COMMIT'] : [])];
  return [table, `INSERT INTO test VALUES ${rows.join(', ')}`];
}
