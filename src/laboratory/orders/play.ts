import { tokens } from '../../sql/tokens.ts';
import type { Laboratory, Session } from '../engine.ts';
import { type Actor, type End, Execution, type StepRecord } from '../execution.ts';
import type { Order } from './enumerate.ts';
import { Attempt, type LaboratoryProcess } from './operation.ts';

/** What one order led to. */
export interface Played {
  readonly order: Order;
  readonly steps: readonly StepRecord[];
  readonly ends: ReadonlyMap<string, End>;
  /** What the statements of each process answered. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** All rows of all tables at the end, sorted. */
  readonly state: string;
  /** What `inspect` gave after the commits and at the end. */
  readonly remarks: readonly string[];
  readonly transcript: readonly string[];
  readonly problem?: string;
}

/** Looks at the state from outside; gives remarks. */
export type Inspect = (desk: Session, moment: 'commit' | 'end', ends: ReadonlyMap<string, End>) => Promise<string[]>;

/** Plays orders of processes on an engine, each on fresh tables. */
export class Player {
  readonly #laboratory: Laboratory;
  readonly #schema: readonly string[];
  readonly #tables: readonly string[];
  readonly #limit: number;
  readonly #sessions: Session[] = [];

  /** @param limit milliseconds that one order may take */
  constructor(laboratory: Laboratory, schema: string, tables: readonly string[], limit = 15_000) {
    this.#laboratory = laboratory;
    const statements = splitStatements(schema);
    // PostgreSQL takes them all at once; a few kinds refuse to run beside others.
    const atOnce =
      laboratory.facts.dialect === 'postgresql' && !/\bconcurrently\b/i.test(schema) && statements.length > 0;
    this.#schema = atOnce ? [statements.join(';\n')] : statements;
    this.#tables = tables;
    this.#limit = limit;
  }

  /** @param order positions of processes; those that it leaves out do not run */
  async play(
    processes: readonly LaboratoryProcess[],
    order: Order,
    level: string,
    inspect: Inspect,
    signal?: AbortSignal,
  ): Promise<Played> {
    signal?.throwIfAborted();
    const desk = await this.#session(0);
    await this.#laboratory.reset();
    for (const sql of this.#schema) {
      const reply = await desk.run(sql);
      if (reply.kind === 'failure') return this.#broken(order, `schema: ${reply.code} ${reply.message}`);
    }
    const actors: Actor[] = [];
    const attempts: Attempt[] = [];
    const queues: StepRecord[][] = [];
    for (const [index, process] of processes.entries()) {
      const session = await this.#session(index + 1);
      const how = { level: process.level?.toLowerCase().replaceAll(' ', '-') ?? level };
      const attempt = new Attempt(process, how.level, this.#laboratory.facts.dialect);
      attempts.push(attempt);
      queues.push(attempt.records());
      const autocommit = process.transaction !== 'one';
      const { name } = process;
      actors.push({
        name,
        session,
        how,
        autocommit,
        late: true,
        begun: false,
        end: undefined,
        current: undefined,
        queue: [],
      });
    }
    const steps = order.flatMap((index) => queues[index]?.shift() ?? []);
    const taking = actors.filter((actor) => steps.some((step) => step.session === actor.name));
    const execution = new Execution(this.#laboratory, taking, steps);
    const ends = () => new Map(taking.map((actor) => [actor.name, actor.end ?? ('rolled back' as End)]));
    const remarks = new Set<string>();
    const look = async (moment: 'commit' | 'end') => {
      for (const remark of await inspect(desk, moment, ends())) remarks.add(remark);
    };
    execution.between = async (step) => {
      if (step.reply?.kind === 'answer' && /^commit\b/i.test(step.sql)) await look('commit');
    };
    await execution.playWithin(this.#limit, signal, () => this.close());
    const problem = execution.stopped ?? execution.problem;
    if (problem === undefined) await look('end');
    return {
      order,
      steps,
      ends: ends(),
      logs: new Map(attempts.map((attempt, i) => [processes[i]?.name ?? '', attempt.log])),
      state: problem === undefined ? await this.#state(desk) : '',
      remarks: [...remarks],
      transcript: execution.transcript,
      ...(problem !== undefined && { problem }),
    };
  }

  /** Closes the sessions. */
  async close(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await this.#laboratory.release(session);
  }

  async #state(desk: Session): Promise<string> {
    const state: Record<string, readonly string[]> = {};
    for (const table of this.#tables) {
      const reply = await desk.run(`SELECT * FROM ${table}`);
      state[table] = reply.kind === 'answer' ? reply.rows.map((row) => JSON.stringify(row)).sort() : [reply.code];
    }
    return JSON.stringify(state);
  }

  async #session(index: number): Promise<Session> {
    const session = this.#sessions[index] ?? (await this.#laboratory.session());
    this.#sessions[index] = session;
    return session;
  }

  #broken(order: Order, problem: string): Played {
    return { order, steps: [], ends: new Map(), logs: new Map(), state: '', remarks: [], transcript: [], problem };
  }
}

/** Statements of a text, without the semicolons between them. */
export function splitStatements(text: string): string[] {
  const statements = [''];
  for (const token of tokens(text)) {
    if (token.kind === 'other' && token.text === ';') statements.push('');
    else statements.push(`${statements.pop()}${token.text}`);
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}
