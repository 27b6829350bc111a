import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';
import { bag, Model } from '../support/model.ts';
import { Random } from '../support/random.ts';
import type { Server } from '../support/server.ts';
import { observe } from './observe.ts';
import { observedOutcome, outcomeText, possibleOutcomes } from './outcomes.ts';
import type { Disagreement } from './postgres-fuzz.ts';
import { replay } from './replay.ts';
import { drawSchedule, MARIADB_PLAYGROUNDS } from './schedules.ts';

/** Levels with the setting that decides what REPEATABLE READ means, and the class that stands for each. */
const LEVELS: readonly (readonly [level: string, setting: 'OFF' | 'ON', control: ConcurrencyControl])[] = [
  ['READ COMMITTED', 'OFF', 'read-committed-innodb'],
  ['REPEATABLE READ', 'OFF', 'repeatable-read-innodb'],
  ['SERIALIZABLE', 'OFF', 'serializable-locking'],
  ['REPEATABLE READ', 'ON', 'snapshot'],
];

/** Deadlock, changed since the snapshot, lock not available: which session they hit is not promised. */
const ABORTS = ['1213', '1020', '1205'];

/** What a comparison with MariaDB found. */
export interface MariadbComparison {
  readonly compared: number;
  /** Schedules on which every step waited, went on and answered alike. */
  readonly alike: number;
  /** Schedules whose result on the server is none that the interpreter can reach in any order. */
  readonly disagreements: readonly Disagreement[];
  readonly courses: readonly Disagreement[];
}

/** Compares `count` random schedules, the first with this seed. */
export async function compareMariadb(
  server: Server,
  seed: number,
  count: number,
  options: { milliseconds?: number; report?: (found: Disagreement) => void } = {},
): Promise<MariadbComparison> {
  const models = new Map(
    MARIADB_PLAYGROUNDS.map((playground) => [
      playground.name,
      new Model(`${playground.tables}; ${playground.rows}`, 'mysql'),
    ]),
  );
  for (const playground of new Set(MARIADB_PLAYGROUNDS)) await must(server, playground.tables);
  const disagreements: Disagreement[] = [];
  const courses: Disagreement[] = [];
  const deadline = performance.now() + (options.milliseconds ?? Number.POSITIVE_INFINITY);
  let compared = 0;
  for (; compared < count && performance.now() < deadline; compared++) {
    const own = seed + compared;
    const random = new Random(own);
    for (let i = 0; i < 5; i++) random.next();
    const playground = random.pick(MARIADB_PLAYGROUNDS);
    const model = models.get(playground.name) as Model;
    const [level, setting, control] = random.pick(LEVELS);
    const schedule = drawSchedule(playground, random, true);
    await must(server, [...playground.names.map((name) => `delete from ${name}`), playground.rows].join('; '));
    for (const session of schedule.sessions.keys()) {
      await must(
        server,
        `set innodb_snapshot_isolation = ${setting}; set transaction isolation level ${level}; start transaction`,
        session,
      );
    }
    const turns = await observe(server, schedule);
    const tables: string[] = [];
    for (const { name } of model.context.tables) {
      const answer = await server.run(0, `select * from ${name}`);
      tables.push(`${name}: ${'rows' in answer ? bag(answer.rows) : answer.message}`);
    }
    const report = (text: string): Disagreement => ({
      seed: own,
      playground: playground.name,
      level: `${level}, snapshot isolation ${setting}`,
      schedule,
      turns,
      text,
    });
    const controls = schedule.sessions.map(() => control);
    const { difference, state } = replay(model, schedule, controls, turns, { looseCounts: true });
    if (!difference && JSON.stringify(model.tables(state)) === JSON.stringify(tables)) continue;
    const says = difference ? `turn ${difference.turn}: ${difference.text}` : 'final state';
    courses.push(report(says));
    const outcome = outcomeText(observedOutcome(schedule, turns, tables));
    const victims = turns.flatMap((turn) =>
      turn.done.flatMap(({ session, answer }) => ('error' in answer && ABORTS.includes(answer.error) ? [session] : [])),
    );
    if (possibleOutcomes(model, schedule, control, victims).has(outcome)) continue;
    const found = report(`${says}; not among the interpreter's results: ${outcome}`);
    disagreements.push(found);
    options.report?.(found);
  }
  return { compared, alike: compared - courses.length, disagreements, courses };
}

async function must(server: Server, sql: string, session = 0): Promise<void> {
  const answer = await server.run(session, sql);
  if ('error' in answer) throw new Error(`${sql}: ${answer.message}`);
}
