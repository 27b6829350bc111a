import type { Laboratory, Scalar, Session } from './engine.ts';
import { type Actor, type End, Execution, type StepRecord } from './execution.ts';
import { type LaboratorySchedule, stepsOf, testTable } from './schedule.ts';

export type { End, StepRecord };

/** What happened when a schedule was run. */
export interface Run {
  readonly steps: readonly StepRecord[];
  /** The beginnings of the transactions; they wait where a transaction takes its lock at once. */
  readonly begins: readonly StepRecord[];
  readonly ends: ReadonlyMap<string, End>;
  /** Rows of the final state. */
  readonly final: readonly (readonly Scalar[])[];
  /** One line an event, in the order in which they were seen. */
  readonly transcript: readonly string[];
  /** What kept the schedule from being run at all. */
  readonly problem?: string;
}

/** Runs schedules in a laboratory, one after the other, on sessions that are kept. */
export class Runner {
  readonly #laboratory: Laboratory;
  readonly #limit: number;
  readonly #sessions: Session[] = [];

  /** @param limit milliseconds that one schedule may take */
  constructor(laboratory: Laboratory, limit = 15_000) {
    this.#laboratory = laboratory;
    this.#limit = limit;
  }

  /** Runs a schedule at a level. @throws the signal's reason after the sessions have been ended. */
  async run(schedule: LaboratorySchedule, level: string, signal?: AbortSignal): Promise<Run> {
    signal?.throwIfAborted();
    const { dialect } = this.#laboratory.facts;
    const steps = stepsOf(schedule).map((step): StepRecord => ({ ...step, sent: false, waited: false }));
    const names = [...new Set(steps.map((step) => step.session))].sort();
    const desk = await this.#session(0);
    await this.#laboratory.reset();
    for (const sql of schedule.setup ?? testTable(dialect)) {
      const reply = await desk.run(sql);
      if (reply.kind === 'failure') return broken(steps, `setup: ${reply.code} ${reply.message}`);
    }
    const actors: Actor[] = [];
    for (const [index, name] of names.entries()) {
      const how = { level, ...schedule.begin?.[name] };
      const autocommit = schedule.autocommit?.includes(name) ?? false;
      const session = await this.#session(index + 1);
      const late = schedule.late?.includes(name) ?? false;
      actors.push({
        name,
        session,
        how,
        autocommit,
        late,
        begun: false,
        end: undefined,
        current: undefined,
        queue: [],
      });
    }
    const execution = new Execution(this.#laboratory, actors, steps);
    await execution.playWithin(this.#limit, signal, () => this.close());
    const final = await desk.run(schedule.final ?? 'SELECT id, value FROM test ORDER BY id');
    const problem =
      execution.stopped ??
      execution.problem ??
      (final.kind === 'failure' ? `final state: ${final.code} ${final.message}` : undefined);
    return {
      steps,
      begins: execution.begins,
      ends: new Map(actors.map((actor) => [actor.name, actor.end ?? 'rolled back'])),
      final: final.kind === 'answer' ? final.rows : [],
      transcript: execution.transcript,
      ...(problem !== undefined && { problem }),
    };
  }

  /** Closes the sessions. */
  async close(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await this.#laboratory.release(session);
  }

  async #session(index: number): Promise<Session> {
    const session = this.#sessions[index] ?? (await this.#laboratory.session());
    this.#sessions[index] = session;
    return session;
  }
}

const broken = (steps: StepRecord[], problem: string): Run => ({
  steps,
  begins: [],
  ends: new Map(),
  final: [],
  transcript: [],
  problem,
});
