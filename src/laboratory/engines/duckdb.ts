import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  type Conflict,
  delay,
  driver,
  type EngineFacts,
  type EngineKind,
  GUESSED,
  type Laboratory,
  type Reply,
  type Session,
  scalar,
} from '../engine.ts';

/** A statement that has not answered by then waits; DuckDB itself never makes one transaction wait for another. */
const WAITS_AFTER = 90;

/**
 * DuckDB has no codes; the kind of an error stands before its first colon
 * (https://duckdb.org/docs/stable/sql/statements/transactions).
 */
const CONFLICTS: Readonly<Record<string, Conflict>> = {
  'TransactionContext Error': 'serialization',
  'Constraint Error': 'duplicate',
};

/** DuckDB in this process; its connections are sessions. For evidence only: nothing keeps its SQL from files. */
export const duckdb: EngineKind = {
  id: 'duckdb',
  open: async () => {
    const { DuckDBInstance } = await driver('@duckdb/node-api', () => import('@duckdb/node-api'));
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const [[version] = []] = (await connection.runAndReadAll('SELECT version()')).getRowsJS();
    return new DuckdbLaboratory(instance, {
      id: 'duckdb-1',
      database: 'duckdb',
      product: 'DuckDB',
      version: String(version).replace(/^v/, ''),
      reached: 'in process',
      settings: { storage: 'in memory', immediate_transaction_mode: 'false' },
      dialect: 'duckdb',
      levels: [{ id: 'snapshot', name: 'SNAPSHOT' }],
      waits: `${GUESSED} ${WAITS_AFTER} ms`,
    });
  },
};

class DuckdbLaboratory implements Laboratory {
  readonly facts: EngineFacts;
  readonly #instance: DuckDBInstance;
  readonly #sessions: DuckdbSession[] = [];
  #desk: DuckdbSession | undefined;

  constructor(instance: DuckDBInstance, facts: EngineFacts) {
    this.#instance = instance;
    this.facts = facts;
  }

  async session(): Promise<DuckdbSession> {
    const session = new DuckdbSession(await this.#instance.connect(), this.#sessions.length + 1);
    this.#sessions.push(session);
    return session;
  }

  async waiting(sessions: readonly Session[]): Promise<ReadonlySet<Session>> {
    await delay(WAITS_AFTER);
    return new Set(sessions.filter((session) => (session as DuckdbSession).running));
  }

  async reset(): Promise<void> {
    this.#desk ??= await this.session();
    const tables = await this.#desk.run('SELECT table_name FROM duckdb_tables()');
    if (tables.kind === 'failure') throw new Error(tables.message);
    for (const [name] of tables.rows) await this.#desk.run(`DROP TABLE IF EXISTS "${name}" CASCADE`);
  }

  async release(session: Session): Promise<void> {
    await session.run('ROLLBACK');
  }

  async kill(session: Session): Promise<void> {
    (session as DuckdbSession).connection.interrupt();
  }

  conflict(code: string): Conflict | undefined {
    return CONFLICTS[code];
  }

  async actualLevel(): Promise<undefined> {}

  async close(): Promise<void> {
    for (const { connection } of this.#sessions) connection.closeSync();
    this.#instance.closeSync();
  }
}

class DuckdbSession implements Session {
  readonly id: number;
  readonly connection: DuckDBConnection;
  running = false;

  constructor(connection: DuckDBConnection, id: number) {
    this.connection = connection;
    this.id = id;
  }

  begin(): Promise<Reply> {
    return this.run('BEGIN TRANSACTION');
  }

  /** There is one level only. */
  async autocommit(): Promise<Reply> {
    return { kind: 'answer', columns: [], rows: [], count: 0 };
  }

  async run(sql: string): Promise<Reply> {
    this.running = true;
    try {
      const result = await this.connection.runAndReadAll(sql);
      const columns = result.columnNames();
      // A statement that changes rows answers with one row, their number.
      if (columns.length === 1 && columns[0] === 'Count' && /^\s*(insert|update|delete)/i.test(sql)) {
        return { kind: 'answer', columns: [], rows: [], count: result.rowsChanged };
      }
      const rows = result.getRowsJS().map((row) => row.map(scalar));
      return { kind: 'answer', columns: /^\s*(select|from|with)/i.test(sql) ? columns : [], rows, count: rows.length };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: 'failure', code: /^([\w ]+ Error):/.exec(message)?.[1] ?? 'DuckDB', message };
    } finally {
      this.running = false;
    }
  }
}
