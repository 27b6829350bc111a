import type { Socket } from 'node:net';
import mysql, { type ConnectionOptions, type FieldPacket } from 'mysql2';
import {
  type Begin,
  type Failure,
  failure,
  type Limits,
  type Reply,
  type Scalar,
  type Session,
  scalar,
} from '../engine.ts';
import { watch } from '../watchdog.ts';

/** Levels from weakest to strongest. */
export const LEVELS = [
  { id: 'read-uncommitted', name: 'READ UNCOMMITTED' },
  { id: 'read-committed', name: 'READ COMMITTED' },
  { id: 'repeatable-read', name: 'REPEATABLE READ' },
  { id: 'serializable', name: 'SERIALIZABLE' },
] as const;

/** What a session needs of its laboratory. */
interface Host {
  readonly limits: Limits;
  readonly size: () => Promise<number | undefined>;
  readonly kill: (id: number) => Promise<void>;
}

/** One connection to a scratch schema, as a user of its own. */
export class MysqlSession implements Session {
  id = 0;
  /** Whether it was opened before somebody asked for it. */
  spare = false;
  /** Why it could not be opened. */
  error: string | undefined;
  /** Whether a statement is under way. */
  running = false;
  readonly #host: Host;
  #connection: mysql.Connection | undefined;
  #received = 0;
  #ended: Failure | undefined;
  #current: ((reply: Failure) => void) | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Connects and sets the session's variables. A failure is kept in `error`. */
  async connect(options: ConnectionOptions, settings: Readonly<Record<string, string>>, maria: boolean): Promise<void> {
    const connection = mysql.createConnection({
      ...options,
      // Rows that matched, as other databases count them, and not only those that really changed.
      flags: ['+FOUND_ROWS', '-LOCAL_FILES'],
      dateStrings: true,
      decimalNumbers: true,
      supportBigNumbers: true,
    });
    this.#connection = connection;
    connection.on('error', (error) => this.#end(failure(error, 'CONNECTION')));
    await new Promise<void>((resolve) => {
      connection.connect((error) => {
        if (error) this.#end(failure(error, 'CONNECTION'));
        this.error = error?.message;
        resolve();
      });
    });
    if (this.error !== undefined) return;
    const { stream, threadId } = connection as unknown as { stream: Socket; threadId: number };
    this.id = threadId;
    stream.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      const { answer } = this.#host.limits;
      if (this.#received > answer) this.#stop(`the statement returned more than ${Math.round(answer / 1024)} KiB`);
    });
    const assignments = Object.entries(settings).map(([name, value]) => `SESSION ${name} = ${value}`);
    const reply = await this.run(`SET ${assignments.join(', ')}`);
    if (reply.kind === 'failure') this.error = `${reply.code} ${reply.message}${maria ? '' : ' (MySQL)'}`;
  }

  async begin({ level, readOnly }: Begin): Promise<Reply> {
    const reply = await this.autocommit(level);
    return reply.kind === 'failure' ? reply : this.run(`START TRANSACTION${readOnly ? ' READ ONLY' : ''}`);
  }

  autocommit(level: string): Promise<Reply> {
    const name = LEVELS.find(({ id }) => id === level)?.name ?? level;
    return this.run(`SET SESSION TRANSACTION ISOLATION LEVEL ${name}`);
  }

  run(sql: string): Promise<Reply> {
    const connection = this.#connection;
    if (this.#ended || !connection) {
      return Promise.resolve(this.#ended ?? { kind: 'failure', code: 'CONNECTION', message: 'not connected' });
    }
    this.#received = 0;
    this.running = true;
    return new Promise((resolve) => {
      const unwatch = watch({
        limits: this.#host.limits,
        size: this.#host.size,
        kill: async (reason) => this.#stop(reason),
      });
      const done = (reply: Reply) => {
        unwatch();
        this.running = false;
        this.#current = undefined;
        resolve(reply);
      };
      this.#current = done;
      connection.query({ sql, rowsAsArray: true }, (error, result, fields) => {
        if (error)
          done(this.#ended ?? { kind: 'failure', code: String(error.errno ?? error.code), message: error.message });
        else done(answer(result, fields));
      });
    });
  }

  /** Closes the connection; the server has then rolled back what was open. */
  async close(): Promise<void> {
    if (this.#ended) return;
    await this.run('ROLLBACK');
    await new Promise<void>((resolve) => {
      this.#connection?.end(() => resolve());
    });
    this.#end({ kind: 'failure', code: 'CONNECTION', message: 'the session was closed' });
  }

  /** Closes the connection without waiting for the server. */
  destroy(): void {
    this.#end({ kind: 'failure', code: 'CONNECTION', message: 'the session was ended' });
    this.#connection?.destroy();
  }

  #stop(reason: string) {
    if (this.#ended) return;
    this.#end({ kind: 'failure', code: 'LIMIT', message: reason });
    this.#host.kill(this.id).catch(() => {});
    this.destroy();
  }

  #end(reason: Failure) {
    this.#ended ??= reason;
    this.#current?.(this.#ended);
  }
}

function answer(result: unknown, fields: FieldPacket[] | undefined): Reply {
  if (!Array.isArray(result)) {
    const { affectedRows = 0 } = result as { affectedRows?: number };
    return { kind: 'answer', columns: [], rows: [], count: affectedRows };
  }
  const rows = (result as unknown[][]).map((row) => row.map(scalar) as Scalar[]);
  return { kind: 'answer', columns: fields?.map((field) => field.name) ?? [], rows, count: rows.length };
}
