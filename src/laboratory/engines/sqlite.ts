import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type Begin,
  type Conflict,
  delay,
  driver,
  EngineAbsent,
  type EngineFacts,
  type EngineKind,
  failure,
  GUESSED,
  type Laboratory,
  type Reply,
  type Session,
} from '../engine.ts';

/** Codes of https://sqlite.org/rescode.html that connections give each other. */
const CONFLICTS: Readonly<Record<string, Conflict>> = {
  SQLITE_BUSY: 'lock-timeout',
  SQLITE_BUSY_SNAPSHOT: 'serialization',
  SQLITE_LOCKED: 'lock-timeout',
  SQLITE_CONSTRAINT_PRIMARYKEY: 'duplicate',
  SQLITE_CONSTRAINT_UNIQUE: 'duplicate',
};

/** Milliseconds that a statement waits for a lock. */
const BUSY_TIMEOUT = 2_500;
/** A statement that has not answered by then waits: nothing else takes so long on two rows. */
const WAITS_AFTER = 90;

const JOURNALS = { delete: 'DELETE', wal: 'WAL' } as const;

/** SQLite under one journal mode and one kind of BEGIN. For evidence only: nothing keeps its SQL inside the file. */
const sqlite = (journal: keyof typeof JOURNALS, begin: 'DEFERRED' | 'IMMEDIATE'): EngineKind => ({
  id: `sqlite-${journal}-${begin.toLowerCase()}`,
  open: async () => {
    const { default: Driver } = await driver('better-sqlite3', () => import('better-sqlite3'));
    const folder = await mkdtemp(join(tmpdir(), 'interleave-sqlite-'));
    try {
      const database = new Driver(join(folder, 'lab.db'));
      const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
      const { journal_mode: mode } = database.prepare(`PRAGMA journal_mode = ${journal}`).get() as {
        journal_mode: string;
      };
      database.close();
      if (mode !== journal) throw new EngineAbsent(`SQLite keeps the journal mode ${mode} instead of ${journal}`);
      return new SqliteLaboratory(folder, begin, {
        id: `sqlite-3-${journal}-${begin.toLowerCase()}`,
        database: 'sqlite',
        product: 'SQLite',
        version,
        reached: 'in process',
        settings: { journal_mode: JOURNALS[journal], begin: `BEGIN ${begin}`, busy_timeout: `${BUSY_TIMEOUT} ms` },
        dialect: 'sqlite',
        levels: [{ id: 'serializable', name: 'SERIALIZABLE' }],
        waits: `${GUESSED} ${WAITS_AFTER} ms`,
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error instanceof EngineAbsent ? error : new EngineAbsent(`SQLite does not open: ${failure(error).message}`);
    }
  },
});

/** SQLite in its two journal modes and with the two usual forms of BEGIN. */
export const SQLITE: readonly EngineKind[] = [
  sqlite('delete', 'DEFERRED'),
  sqlite('delete', 'IMMEDIATE'),
  sqlite('wal', 'DEFERRED'),
  sqlite('wal', 'IMMEDIATE'),
];

class SqliteLaboratory implements Laboratory {
  readonly facts: EngineFacts;
  readonly #folder: string;
  readonly #begin: string;
  readonly #sessions: SqliteSession[] = [];
  #desk: SqliteSession | undefined;

  constructor(folder: string, begin: string, facts: EngineFacts) {
    this.#folder = folder;
    this.#begin = begin;
    this.facts = facts;
  }

  async session(): Promise<SqliteSession> {
    const session = new SqliteSession(
      { file: join(this.#folder, 'lab.db'), pragmas: [`busy_timeout = ${BUSY_TIMEOUT}`] },
      this.#begin,
      this.#sessions.length + 1,
    );
    this.#sessions.push(session);
    await session.ready;
    return session;
  }

  async waiting(sessions: readonly Session[]): Promise<ReadonlySet<Session>> {
    await delay(WAITS_AFTER);
    return new Set(sessions.filter((session) => (session as SqliteSession).running));
  }

  async reset(): Promise<void> {
    this.#desk ??= await this.session();
    const tables = await this.#desk.run("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')");
    if (tables.kind === 'failure') throw new Error(tables.message);
    for (const [type, name] of tables.rows) await this.#desk.run(`DROP ${type} IF EXISTS "${name}"`);
  }

  async release(session: Session): Promise<void> {
    await (session as SqliteSession).end();
  }

  kill(session: Session): Promise<void> {
    return (session as SqliteSession).end();
  }

  conflict(code: string): Conflict | undefined {
    return CONFLICTS[code];
  }

  async actualLevel(): Promise<undefined> {}

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

class SqliteSession implements Session {
  readonly id: number;
  readonly ready: Promise<void>;
  running = false;
  readonly #begin: string;
  readonly #worker: Worker;
  #answer: ((reply: Reply) => void) | undefined;

  constructor(data: { file: string; pragmas: string[] }, begin: string, id: number) {
    this.id = id;
    this.#begin = begin;
    this.#worker = new Worker(new URL('./sqlite-worker.mjs', import.meta.url), { workerData: data, execArgv: [] });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('message', () => {
        this.#worker.on('message', (reply: Reply) => this.#done(reply));
        resolve();
      });
    });
    this.#worker.on('exit', () =>
      this.#done({ kind: 'failure', code: 'CONNECTION', message: 'the session was ended' }),
    );
  }

  begin({ readOnly }: Begin): Promise<Reply> {
    return this.run(readOnly ? 'BEGIN' : `BEGIN ${this.#begin}`);
  }

  /** There is one level only. */
  async autocommit(): Promise<Reply> {
    return { kind: 'answer', columns: [], rows: [], count: 0 };
  }

  run(sql: string): Promise<Reply> {
    this.running = true;
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#worker.postMessage(sql);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #done(reply: Reply) {
    this.running = false;
    this.#answer?.(reply);
    this.#answer = undefined;
  }
}
