import type { DatabaseState } from '../../src/components/database/state.ts';
import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';
import { asText, bag, Model } from '../support/model.ts';
import { Random } from '../support/random.ts';
import type { Server } from '../support/server.ts';
import { observe, type Schedule, type Turn } from './observe.ts';
import { permutations, replay } from './replay.ts';
import { drawSchedule, POSTGRES_PLAYGROUNDS } from './schedules.ts';

const LEVELS: readonly (readonly [string, ConcurrencyControl])[] = [
  ['read committed', 'read-committed-mvcc'],
  ['repeatable read', 'snapshot'],
  ['serializable', 'serializable-ssi'],
];

/** A schedule on which interpreter and server differ. */
export interface Disagreement {
  readonly seed: number;
  readonly playground: string;
  readonly level: string;
  readonly schedule: Schedule;
  readonly turns: readonly Turn[];
  readonly text: string;
}

/** Compares `count` random schedules, the first with this seed. */
export async function comparePostgres(
  server: Server,
  seed: number,
  count: number,
  options: { milliseconds?: number; report?: (found: Disagreement) => void } = {},
): Promise<{ compared: number; disagreements: Disagreement[] }> {
  const models = new Map(
    POSTGRES_PLAYGROUNDS.map((playground) => [playground.name, new Model(`${playground.tables}; ${playground.rows}`)]),
  );
  const made = new Map<string, string>();
  for (const playground of POSTGRES_PLAYGROUNDS) {
    if (made.has(playground.name)) continue;
    const schema = `w${made.size}_${Math.floor(Math.random() * 1e9)}`;
    made.set(playground.name, schema);
    expectDone(await server.run(0, `create schema ${schema}; set search_path = ${schema}; ${playground.tables}`));
  }
  const disagreements: Disagreement[] = [];
  const deadline = performance.now() + (options.milliseconds ?? Number.POSITIVE_INFINITY);
  let compared = 0;
  try {
    for (; compared < count && performance.now() < deadline; compared++) {
      const found = await compareOne(server, seed + compared, models, made);
      if (!found) continue;
      disagreements.push(found);
      options.report?.(found);
    }
  } finally {
    for (const schema of made.values()) await server.run(0, `drop schema ${schema} cascade`);
  }
  return { compared, disagreements };
}

async function compareOne(
  server: Server,
  seed: number,
  models: ReadonlyMap<string, Model>,
  made: ReadonlyMap<string, string>,
): Promise<Disagreement | undefined> {
  const random = new Random(seed);
  for (let i = 0; i < 5; i++) random.next();
  const playground = random.pick(POSTGRES_PLAYGROUNDS);
  const model = models.get(playground.name) as Model;
  const [level, control] = random.pick(LEVELS);
  const schedule = drawSchedule(playground, random, control !== 'serializable-ssi');
  const reset = [
    `set search_path = ${made.get(playground.name)}`,
    ...playground.names.map((name) => `delete from ${name}`),
    playground.rows,
  ];
  expectDone(await server.run(0, reset.join('; ')));
  for (const session of schedule.sessions.keys()) {
    expectDone(
      await server.run(session, `set search_path = ${made.get(playground.name)}; begin isolation level ${level}`),
    );
  }
  const turns = await observe(server, schedule);
  const controls = schedule.sessions.map(() => control);
  const report = (text: string): Disagreement => ({ seed, playground: playground.name, level, schedule, turns, text });
  let state: DatabaseState;
  try {
    const result = replay(
      model,
      schedule,
      controls,
      turns,
      control === 'serializable-ssi' ? { mayAbortMore: ['40001'] } : {},
    );
    if (result.difference) return report(`turn ${result.difference.turn}: ${result.difference.text}`);
    state = result.state;
  } catch (error) {
    return report(`interpreter fails: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const wanted = await Promise.all(
    model.context.tables.map(async ({ name }) => {
      const answer = await server.run(0, `select * from ${name}`);
      return `${name}: ${'rows' in answer ? bag(answer.rows) : answer.message}`;
    }),
  );
  const got = model.tables(state);
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    return report(`final state: interpreter ${got.join('; ')}, server ${wanted.join('; ')}`);
  if (control !== 'serializable-ssi') return undefined;
  const broken = notSerializable(model, schedule);
  if (!broken) return undefined;
  // Foreign key checks stand outside of serializable snapshot isolation; what the server commits, so may the interpreter.
  const served = turns.flatMap((turn) =>
    turn.done.flatMap(({ session, statement, answer }) =>
      !('error' in answer) && schedule.sessions[session]?.[statement] === 'commit' ? [session] : [],
    ),
  );
  return JSON.stringify(served.sort()) === JSON.stringify(broken.committed) ? undefined : report(broken.text);
}

function expectDone(answer: { error?: string; message?: string } | object): void {
  if ('error' in answer) throw new Error(JSON.stringify(answer));
}

/** Runs the schedule in the interpreter alone at SERIALIZABLE and looks for a serial order with the same answers. */
export function notSerializable(
  model: Model,
  schedule: Schedule,
  control: ConcurrencyControl = 'serializable-ssi',
): { committed: readonly number[]; text: string } | undefined {
  const { committed, state, logs } = alone(model, schedule, control, schedule.turns);
  const wanted = JSON.stringify([model.tables(state), committed.map((by) => logs[by])]);
  const serial = permutations(committed).map((order) => {
    const run = alone(
      model,
      schedule,
      control,
      order.flatMap((by) => (schedule.sessions[by] ?? []).map(() => by)),
      committed,
    );
    return JSON.stringify([model.tables(run.state), committed.map((by) => run.logs[by])]);
  });
  if (serial.includes(wanted)) return undefined;
  return { committed, text: `committed ${committed.join(', ')} are not serializable: ${wanted}` };
}

function alone(
  model: Model,
  schedule: Schedule,
  control: ConcurrencyControl,
  turns: readonly number[],
  only?: readonly number[],
) {
  let state = model.initial;
  const next = schedule.sessions.map((own, by) => (only && !only.includes(by) ? own.length : 0));
  const logs: string[][] = schedule.sessions.map(() => []);
  const committed: number[] = [];
  const waiting = new Set<number>();
  const step = (by: number): boolean => {
    const sql = schedule.sessions[by]?.[next[by] as number];
    if (sql === undefined) return false;
    const outcome = model.run(state, by, control, sql);
    state = outcome.state;
    waiting.delete(by);
    if (outcome.kind === 'waits') {
      waiting.add(by);
      return false;
    }
    if (outcome.kind === 'error') next[by] = schedule.sessions[by]?.length ?? 0;
    else {
      next[by] = (next[by] as number) + 1;
      logs[by]?.push(`${outcome.result.count} ${bag(outcome.result.rows.map((row) => row.map(asText)))}`);
      if (sql === 'commit') committed.push(by);
    }
    return true;
  };
  const drain = () => {
    for (let moved = true; moved; ) {
      moved = false;
      for (const by of [...waiting]) moved = step(by) || moved;
    }
  };
  for (const by of turns) {
    if (waiting.has(by)) continue;
    step(by);
    drain();
  }
  for (let round = 0; round < 40; round++) {
    const by = schedule.sessions.findIndex((own, i) => (next[i] as number) < own.length && !waiting.has(i));
    if (by < 0) break;
    step(by);
    drain();
  }
  return { state, logs, committed: committed.sort() };
}
