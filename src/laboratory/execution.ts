import { type Begin, delay, failure, type Laboratory, type Reply, type Session } from './engine.ts';
import type { ScheduleStep } from './schedule.ts';
import { transcriptLine } from './transcript.ts';

/** What became of a step. */
export interface StepRecord extends ScheduleStep {
  sql: string;
  /** Whether the statement went to the engine; false if its session had ended before. */
  sent: boolean;
  /** Whether it waited for another session. */
  waited: boolean;
  reply?: Reply;
  /** For a step whose statement is known only when it runs. */
  readonly dynamic?: {
    /** The statement, or how a transaction begins; nothing if the step is left out. */
    readonly prepare: () => string | Begin | undefined;
    readonly answered: (reply: Reply) => void;
  };
}

/** How a session ended: `aborted` means that the engine rolled it back. */
export type End = 'committed' | 'rolled back' | 'aborted';

/** One session while a schedule runs. */
export interface Actor {
  readonly name: string;
  readonly session: Session;
  readonly how: Begin;
  /** Whether each of its statements commits alone. */
  readonly autocommit: boolean;
  /** Whether it begins at its first step and not at the start. */
  readonly late: boolean;
  begun: boolean;
  end: End | undefined;
  current: StepRecord | undefined;
  readonly queue: StepRecord[];
}

/** Milliseconds in which most statements that need not wait have answered. */
const QUICK = 1;

/** One run of the steps. */
export class Execution {
  readonly transcript: string[] = [];
  readonly begins: StepRecord[] = [];
  /** Why the sessions were ended. */
  stopped: string | undefined;
  /** Why the steps make no sense any more. */
  problem: string | undefined;
  readonly #laboratory: Laboratory;
  readonly #actors: readonly Actor[];
  readonly #steps: readonly StepRecord[];
  #replies = 0;
  readonly #held: string[] = [];
  #notify: () => void = () => {};

  constructor(laboratory: Laboratory, actors: readonly Actor[], steps: readonly StepRecord[]) {
    this.#laboratory = laboratory;
    this.#actors = actors;
    this.#steps = steps;
  }

  /**
   * Plays until the end, the limit in milliseconds, or an abort; `close` ends the sessions of a run that was stopped.
   *
   * @throws the signal's reason when it was aborted.
   */
  async playWithin(limit: number, signal: AbortSignal | undefined, close: () => Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.stop(`took more than ${limit} ms`), limit);
    const abort = () => this.stop('cancelled');
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.#play();
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (this.stopped !== undefined) await close();
    }
    signal?.throwIfAborted();
  }

  async #play(): Promise<void> {
    for (const actor of this.#actors) if (!actor.late) await this.#begin(actor);
    for (const step of this.#steps) {
      const actor = this.#actors.find((other) => other.name === step.session);
      if (!actor) continue;
      await this.#take(actor, step);
      // Nobody can go on: only the engine can resolve that, by choosing a victim or by a time-out.
      while (this.#stuck() && this.stopped === undefined) await this.#resolve();
    }
    while (this.#busy().length > 0 && this.stopped === undefined) await this.#resolve();
    this.transcript.push(...this.#held.splice(0));
    for (const actor of this.#actors) {
      if (!actor.begun || this.stopped !== undefined || (actor.end !== undefined && !actor.autocommit)) continue;
      await actor.session.run('ROLLBACK');
      actor.end ??= actor.autocommit ? 'committed' : 'rolled back';
    }
  }

  /** Ends everything that runs. */
  stop(reason: string): void {
    this.stopped ??= reason;
    for (const actor of this.#actors) void this.#laboratory.kill(actor.session).catch(() => {});
    this.#notify();
  }

  /** Called after a step has been carried out, before the next one: a place to look at the state in between. */
  between: ((step: StepRecord) => Promise<void>) | undefined;

  async #take(actor: Actor, step: StepRecord): Promise<void> {
    if (this.#over(actor)) return;
    if (actor.current) {
      actor.queue.push(step);
      return;
    }
    if (!actor.begun) await this.#begin(actor);
    if (actor.current) {
      actor.queue.push(step);
      return;
    }
    if (this.#over(actor)) return;
    this.#send(actor, step);
    await this.#settle();
    if (step.reply) await this.between?.(step);
    await this.#drain();
  }

  async #begin(actor: Actor): Promise<void> {
    actor.begun = true;
    if (actor.autocommit) {
      await actor.session.autocommit(actor.how.level);
      return;
    }
    const record = { label: `${actor.name}.0`, session: actor.name, sql: 'BEGIN', sent: false, waited: false };
    this.begins.push(record);
    this.#send(actor, record, actor.how);
    await this.#settle();
  }

  #send(actor: Actor, step: StepRecord, given?: Begin): void {
    step.sent = true;
    const prepared = step.dynamic ? this.#prepare(step.dynamic) : (given ?? step.sql);
    if (prepared === undefined) return;
    const begin = typeof prepared === 'string' ? undefined : prepared;
    step.sql = typeof prepared === 'string' ? prepared : 'BEGIN';
    actor.current = step;
    const replied = begin ? actor.session.begin(begin) : actor.session.run(step.sql);
    void replied.then(async (reply) => {
      step.reply = reply;
      if (!begin || reply.kind === 'failure' || step.waited) this.#note(step, reply);
      if (begin && reply.kind === 'failure' && !this.#laboratory.conflict(reply.code)) {
        this.problem ??= `${actor.name} cannot begin: ${reply.code} ${reply.message}`;
      }
      await this.#conclude(actor, step, reply);
      step.dynamic?.answered(reply);
      actor.current = undefined;
      this.#replies++;
      this.#notify();
    });
  }

  #prepare(dynamic: NonNullable<StepRecord['dynamic']>): string | Begin | undefined {
    try {
      return dynamic.prepare();
    } catch (error) {
      this.problem ??= failure(error).message;
      return undefined;
    }
  }

  /**
   * A failure ends the transaction here as it does in an application; some engines would leave it open, others have
   * already left it, so that a further statement would commit alone.
   */
  async #conclude(actor: Actor, step: StepRecord, reply: Reply): Promise<void> {
    if (reply.kind === 'failure') {
      await actor.session.run('ROLLBACK');
      actor.end = 'aborted';
      actor.queue.length = 0;
    } else if (actor.end === undefined && /^commit\b/i.test(step.sql)) {
      actor.end = reply.rolledBack ? 'aborted' : 'committed';
    } else if (actor.end === undefined && /^rollback\s*$/i.test(step.sql)) actor.end = 'rolled back';
  }

  /** The end of a wait is noted after the step that ended it, although its answer may come first. */
  #note(step: StepRecord, reply: Reply): void {
    const line = transcriptLine(step, reply);
    if (step.waited && this.#busy().some(({ current }) => current !== step && !current?.waited)) this.#held.push(line);
    else this.transcript.push(line, ...this.#held.splice(0));
  }

  #over(actor: Actor): boolean {
    return actor.end === 'aborted' || this.problem !== undefined || this.stopped !== undefined;
  }

  #busy(): Actor[] {
    return this.#actors.filter((actor) => actor.current !== undefined);
  }

  /** Whether everybody who has something left to do waits. */
  #stuck(): boolean {
    const busy = this.#busy();
    return busy.length > 0 && this.#actors.every((actor) => actor.current !== undefined || !this.#hasMore(actor));
  }

  #hasMore(actor: Actor): boolean {
    return actor.end !== 'aborted' && this.#steps.some((step) => step.session === actor.name && !step.sent);
  }

  /** The next reply, whoever gives it. */
  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#notify = resolve;
    });
  }

  async #resolve(): Promise<void> {
    const next = this.#next();
    if (this.stopped === undefined) await next;
    await this.#settle();
    await this.#drain();
  }

  /** Returns when every session has answered or is known to wait for another. */
  async #settle(): Promise<void> {
    for (;;) {
      if (this.#busy().length === 0 || this.stopped !== undefined) return;
      const before = this.#replies;
      const next = this.#next();
      await Promise.race([next, delay(QUICK)]);
      if (this.#replies !== before) continue;
      const asked = this.#busy();
      const waiting = await Promise.race([next, this.#laboratory.waiting(asked.map((actor) => actor.session))]);
      if (this.#replies !== before || !waiting) continue;
      if (!asked.every((actor) => waiting.has(actor.session))) continue;
      for (const { current } of asked) {
        if (!current || current.waited) continue;
        current.waited = true;
        this.transcript.push(transcriptLine(current, 'waits'));
      }
      return;
    }
  }

  /** Runs the queued steps of sessions whose wait has ended. */
  async #drain(): Promise<void> {
    for (;;) {
      const actor = this.#actors.find((other) => other.current === undefined && other.queue.length > 0);
      if (!actor || this.stopped !== undefined) return;
      const step = actor.queue.shift();
      if (!step) return;
      this.#send(actor, step);
      await this.#settle();
      if (step.reply) await this.between?.(step);
    }
  }
}
