import type { Phenomenon } from '../vocabulary/phenomena.ts';
import type { Begin, LaboratoryDialect } from './engine.ts';
import type { RunView } from './judge.ts';

/** A schedule to run on an engine: data, except for the judge. */
export interface LaboratorySchedule {
  readonly id: string;
  /** What occurs if the judge says yes. */
  readonly phenomenon: Phenomenon;
  /**
   * `phenomenon` (where absent): a plain form of it; `remedy`: whether something that is used against it helps;
   * `partner`: whether a transaction is safe from one at a weaker level; `observation`: no anomaly by itself.
   */
  readonly kind?: 'phenomenon' | 'remedy' | 'partner' | 'observation';
  /** Statements before the sessions begin; the table `test` of Hermitage with two rows where absent. */
  readonly setup?: readonly string[];
  /** `T1: statement`, in order. A step whose session waits runs when the wait ends. */
  readonly steps: readonly string[];
  /**
   * The step at which the anomaly happens if it happens, e.g. `T1.2` for the second step of T1. "Prevented" needs that
   * it was reached, or that a conflict ended its session before.
   */
  readonly decisive: string;
  /** Sessions that begin at their first step and not at the start. */
  readonly late?: readonly string[];
  /** Sessions without a transaction: each statement commits alone. */
  readonly autocommit?: readonly string[];
  /** How single sessions begin, where it is not just with the level that is tried. */
  readonly begin?: Readonly<Record<string, Partial<Begin>>>;
  /** Levels at which it is run; all where absent. */
  readonly levels?: readonly string[];
  /** Dialects that have the statements; all where absent. */
  readonly dialects?: readonly LaboratoryDialect[];
  /** What the final state is read with. */
  readonly final?: string;
  /** What happened if the judge says yes. */
  readonly anomaly: string;
  /** Whether the anomaly occurred: decided from what was read and counted, what committed and the final state. */
  readonly judge: (run: RunView) => boolean;
  /** `hermitage`: ept/hermitage (Martin Kleppmann, CC BY 4.0); `own`: added for a gap in it. */
  readonly from: 'hermitage' | 'own';
}

/** A step of a schedule. */
export interface ScheduleStep {
  /** E.g. `T1.2`: the second step of T1. */
  readonly label: string;
  readonly session: string;
  readonly sql: string;
}

/** Takes the steps of a schedule apart; comments after `--` are dropped. */
export function stepsOf(schedule: Pick<LaboratorySchedule, 'steps'>): ScheduleStep[] {
  const counts = new Map<string, number>();
  return schedule.steps.map((text) => {
    const [, session = '', statement = ''] = /^(\w+): ([\s\S]+)$/.exec(text) ?? [];
    const number = (counts.get(session) ?? 0) + 1;
    counts.set(session, number);
    return { label: `${session}.${number}`, session, sql: statement.replace(/\s+-- .*$/, '') };
  });
}

/** The table of Hermitage with its two rows. */
export function testTable(dialect: LaboratoryDialect): string[] {
  const engine = dialect === 'mysql' ? ' ENGINE=InnoDB' : '';
  return [
    `CREATE TABLE test (id int PRIMARY KEY, value int)${engine}`,
    'INSERT INTO test (id, value) VALUES (1, 10), (2, 20)',
  ];
}
