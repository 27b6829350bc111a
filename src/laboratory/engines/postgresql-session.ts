import type { Socket } from 'node:net';
import type pg from 'pg';
import {
  type Begin,
  type Conflict,
  type Failure,
  failure,
  type Limits,
  type Reply,
  type Scalar,
  type Session,
} from '../engine.ts';
import { watch } from '../watchdog.ts';

/** Levels from weakest to strongest. */
export const LEVELS = [
  { id: 'read-uncommitted', name: 'READ UNCOMMITTED' },
  { id: 'read-committed', name: 'READ COMMITTED' },
  { id: 'repeatable-read', name: 'REPEATABLE READ' },
  { id: 'serializable', name: 'SERIALIZABLE' },
] as const;

/** Codes of https://www.postgresql.org/docs/18/errcodes-appendix.html that transactions give each other. */
export const CONFLICTS: Readonly<Record<string, Conflict>> = {
  '40001': 'serialization',
  '40P01': 'deadlock',
  '55P03': 'lock-timeout',
  '23505': 'duplicate',
  '23P01': 'duplicate',
};

/** What a session needs of its laboratory. */
interface Host {
  readonly limits: Limits;
  readonly size: () => Promise<number>;
  readonly kill: (pid: number) => Promise<void>;
}

const BOOL = 16;
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** Numbers where they fit exactly, booleans, and everything else as PostgreSQL writes it. */
const types = {
  getTypeParser: (oid: number) => (text: string) => {
    if (oid === BOOL) return text === 't';
    if (!NUMBERS.has(oid)) return text;
    const value = Number(text);
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
  },
};

/** The parts of pg's Query that are used here; its published types leave the events out. */
interface RowQuery {
  on(event: 'row', listener: (row: Scalar[]) => void): void;
  on(event: 'error', listener: (error: Error & { code?: string }) => void): void;
  on(event: 'end', listener: (result: pg.QueryArrayResult | pg.QueryArrayResult[]) => void): void;
}

/** One connection to a scratch database, as its role. */
export class PostgresSession implements Session {
  id = 0;
  /** Whether it was opened before somebody asked for it. */
  spare = false;
  /** Why it could not be opened. */
  error: string | undefined;
  readonly #client: pg.Client;
  readonly #host: Host;
  #received = 0;
  #ended: Failure | undefined;
  #current: ((reply: Failure) => void) | undefined;

  constructor(client: pg.Client, host: Host) {
    this.#client = client;
    this.#host = host;
    client.on('error', (error) => this.#end(failure(error, 'CONNECTION')));
    client.on('end', () => this.#end({ kind: 'failure', code: 'CONNECTION', message: 'the connection has ended' }));
  }

  async connect(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      this.error = failure(error).message;
      this.#end(failure(error, 'CONNECTION'));
      return;
    }
    const { processID, connection } = this.#client as unknown as { processID: number; connection: { stream: Socket } };
    this.id = processID;
    connection.stream.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      const { answer } = this.#host.limits;
      if (this.#received > answer) {
        this.#stop(`the statement returned more than ${Math.round(answer / 1024)} KiB`);
      }
    });
  }

  begin(how: Begin): Promise<Reply> {
    return this.run(beginStatement(how));
  }

  autocommit(level: string): Promise<Reply> {
    return this.run(`SET default_transaction_isolation = '${level.replace('-', ' ')}'`);
  }

  run(sql: string): Promise<Reply> {
    if (this.#ended) return Promise.resolve(this.#ended);
    this.#received = 0;
    return new Promise((resolve) => {
      const { Query } = this.#client.constructor as unknown as { Query: new (config: object) => RowQuery };
      const unwatch = watch({
        limits: this.#host.limits,
        size: this.#host.size,
        kill: async (reason) => {
          this.#stop(reason);
        },
      });
      const done = (reply: Reply) => {
        unwatch();
        this.#current = undefined;
        resolve(reply);
      };
      this.#current = done;
      const query = new Query({ text: sql, rowMode: 'array', types });
      const rows: Scalar[][] = [];
      query.on('row', (row) => rows.push(row));
      query.on('error', (error) =>
        done(this.#ended ?? { kind: 'failure', code: error.code ?? 'CLIENT', message: error.message }),
      );
      query.on('end', (results) => {
        const result = Array.isArray(results) ? results.at(-1) : results;
        const undone = /^commit|^end/i.test(sql.trim()) && result?.command === 'ROLLBACK';
        done({
          kind: 'answer',
          columns: result?.fields?.map((field) => field.name) ?? [],
          rows,
          count: result?.rowCount ?? rows.length,
          ...(undone && { rolledBack: true }),
        });
      });
      this.#client.query(query as unknown as pg.Submittable);
    });
  }

  /** Closes the connection; the server has then rolled back what was open. */
  async close(): Promise<void> {
    if (this.#ended) return;
    await this.run('ROLLBACK');
    await this.#client.end();
  }

  /** Closes the connection without waiting for the server. */
  destroy(): void {
    this.#end({ kind: 'failure', code: 'CONNECTION', message: 'the session was ended' });
    (this.#client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
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

/** The statement that begins a transaction. */
function beginStatement({ level, readOnly, deferrable }: Begin): string {
  const name = LEVELS.find(({ id }) => id === level)?.name ?? level;
  return `BEGIN ISOLATION LEVEL ${name}${readOnly ? ' READ ONLY' : ''}${deferrable ? ' DEFERRABLE' : ''}`;
}
