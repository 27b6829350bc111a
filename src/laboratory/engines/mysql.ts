import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import {
  type Conflict,
  delay,
  EngineAbsent,
  type EngineFacts,
  type EngineKind,
  failure,
  type Laboratory,
  LIMITS,
  type Limits,
  type OpenOptions,
  SCRATCH_PREFIX,
  type Session,
} from '../engine.ts';
import { LEVELS, MysqlSession } from './mysql-session.ts';

/** Codes of https://mariadb.com/docs/server/reference/error-codes that transactions give each other. */
const CONFLICTS: Readonly<Record<string, Conflict>> = {
  '1020': 'serialization',
  '1213': 'deadlock',
  '1205': 'lock-timeout',
  '3572': 'lock-timeout',
  '1062': 'duplicate',
};

/** What a session may do, and only in its scratch schema. No FILE, EVENT, routines or anything global. */
const RIGHTS =
  'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES, CREATE TEMPORARY TABLES, CREATE VIEW, TRIGGER';

/**
 * Waits for locks on table definitions and for user-level locks. Waits for row locks are taken from SHOW ENGINE INNODB
 * STATUS: information_schema.innodb_trx shows the past to whoever reads it within 100 ms of anybody's last reading
 * (https://github.com/MariaDB/server/blob/10.11/storage/innobase/trx/trx0i_s.cc, CACHE_MIN_IDLE_TIME_NS), the status does
 * not.
 */
const OTHER_WAITS = `SELECT id FROM information_schema.processlist
  WHERE state LIKE 'Waiting for%lock%' OR state = 'User lock'`;
/** Milliseconds between two looks, and before the first: a commit that is written to disk takes some. */
const PERIOD = 4;

/** A MariaDB or MySQL server whose address the person who starts the program gives in INTERLEAVE_MYSQL_URL. */
export const mysqlServer: EngineKind = {
  id: 'mysql-server',
  open: async (options = {}) => {
    const address = (options.environment ?? process.env).INTERLEAVE_MYSQL_URL;
    if (!address) throw new EngineAbsent('INTERLEAVE_MYSQL_URL is not set, e.g. mysql://root@127.0.0.1:3306');
    let admin: mysql.Connection;
    try {
      admin = await mysql.createConnection({ uri: address, connectTimeout: 10_000, decimalNumbers: true });
    } catch (error) {
      throw new EngineAbsent(`no MariaDB or MySQL answers: ${failure(error).message}`);
    }
    admin.on('error', () => {});
    const laboratory = new MysqlLaboratory(admin, { ...LIMITS, ...options.limits });
    try {
      await laboratory.prepare(options);
      return laboratory;
    } catch (error) {
      await laboratory.drop().catch(() => {});
      await admin.end().catch(() => {});
      throw new EngineAbsent(`no scratch database can be made on this server: ${failure(error).message}`);
    }
  },
};

/** Connections whose transactions wait for a row lock. */
function rowWaits(status: string): Set<number> {
  const list = status.slice(status.indexOf('LIST OF TRANSACTIONS FOR EACH SESSION'));
  const found = new Set<number>();
  for (const transaction of list.split(/^---TRANSACTION /m)) {
    const thread = /^(?:MySQL|MariaDB) thread id (\d+)/m.exec(transaction)?.[1];
    if (thread !== undefined && /^LOCK WAIT /m.test(transaction)) found.add(Number(thread));
  }
  return found;
}

class MysqlLaboratory implements Laboratory {
  facts!: EngineFacts;
  readonly #admin: mysql.Connection;
  readonly #name = `${SCRATCH_PREFIX}${process.pid}_${randomBytes(3).toString('hex')}`;
  readonly #password = randomBytes(18).toString('base64url');
  readonly #limits: Limits;
  readonly #sessions: MysqlSession[] = [];
  readonly #settings: Record<string, string> = {};
  #host = '';
  #closing: Promise<void> | undefined;

  constructor(admin: mysql.Connection, limits: Limits) {
    this.#admin = admin;
    this.#limits = limits;
  }

  async prepare(options: OpenOptions): Promise<void> {
    const admin = this.#admin;
    const [head] = await this.#query("SELECT VERSION() AS version, SUBSTRING_INDEX(USER(), '@', -1) AS host");
    const version = String(head?.version);
    if (/tidb/i.test(version)) throw new Error('TiDB has no lock tables of InnoDB');
    this.#host = String(head?.host);
    const maria = /mariadb/i.test(version);
    // Needs the privilege PROCESS, without which no wait could be seen; better to know it now.
    await admin.query('SHOW ENGINE INNODB STATUS');
    // The lock tells the next start that the scratch database of this name is in use.
    await admin.query('DO GET_LOCK(?, 0)', [this.#name]);
    await this.#dropStale();
    await admin.query(`CREATE DATABASE ${this.#name} CHARACTER SET utf8mb4`);
    await admin.query(`USE ${this.#name}`);
    await this.#chooseSettings(options.settings ?? {}, maria);
    const plain = /^[\d.]+/.exec(version)?.[0] ?? version;
    const product = maria ? 'MariaDB' : 'MySQL';
    const snapshot = this.#settings.innodb_snapshot_isolation;
    this.facts = {
      id: `${product.toLowerCase()}-${plain.split('.').slice(0, 2).join('.')}${snapshot ? `-snapshot-isolation-${snapshot.toLowerCase()}` : ''}`,
      database: product.toLowerCase(),
      product,
      version: plain,
      reached: 'server',
      settings: { storageEngine: 'InnoDB', ...(await this.#readSettings()) },
      dialect: 'mysql',
      levels: LEVELS,
      waits: 'SHOW ENGINE INNODB STATUS and information_schema.processlist',
    };
    const probe = await this.session();
    if (probe.error) throw new Error(probe.error);
    probe.spare = true;
  }

  /** Limits that the server has, and the settings asked for. @throws for a setting that the server lacks. */
  async #chooseSettings(asked: Readonly<Record<string, string>>, maria: boolean): Promise<void> {
    const { statement, lock, idle } = this.#limits;
    const seconds = (milliseconds: number) => String(Math.max(1, Math.ceil(milliseconds / 1000)));
    const limits: Record<string, string> = {
      innodb_lock_wait_timeout: seconds(lock),
      lock_wait_timeout: seconds(lock),
      time_zone: "'+00:00'",
      ...(maria
        ? { max_statement_time: seconds(statement), idle_transaction_timeout: seconds(idle) }
        : { max_execution_time: String(statement) }),
    };
    for (const [name, value] of Object.entries({ ...limits, ...asked })) {
      if (!/^[a-z_]+$/.test(name) || !/^[\w.+:'-]+$/.test(value)) throw new Error(`setting ${name} = ${value}`);
      this.#settings[name] = value;
    }
  }

  async #readSettings(): Promise<Record<string, string>> {
    const names = ['innodb_snapshot_isolation', 'innodb_deadlock_detect', 'sql_mode', 'binlog_format'];
    const read: Record<string, string> = {};
    for (const { Variable_name: name, Value: value } of await this.#query('SHOW VARIABLES WHERE Variable_name IN (?)', [
      names,
    ])) {
      read[String(name)] = String(value);
    }
    for (const name of names) if (this.#settings[name] !== undefined) read[name] = this.#settings[name];
    return read;
  }

  async session(): Promise<MysqlSession> {
    const spare = this.#sessions.find((session) => session.spare);
    if (spare) {
      spare.spare = false;
      return spare;
    }
    // A user each: whoever shares a user may end its other sessions.
    const user = `${this.#name}_${this.#sessions.length + 1}`;
    const schema = `\`${this.#name.replaceAll('_', '\\_')}\``;
    await this.#admin.query(`CREATE USER ?@? IDENTIFIED BY ?`, [user, this.#host, this.#password]);
    await this.#admin.query(`GRANT ${RIGHTS} ON ${schema}.* TO ?@?`, [user, this.#host]);
    const { host, port, socketPath, ssl } = this.#admin.config;
    const connection = {
      ...(socketPath ? { socketPath } : { host: String(host), port: Number(port) }),
      ...(ssl && { ssl }),
      user,
      password: this.#password,
      database: this.#name,
    };
    const session = new MysqlSession({
      limits: this.#limits,
      size: () => this.#size(),
      kill: (id) => this.#kill(id),
    });
    this.#sessions.push(session);
    await session.connect(connection, this.#settings, this.facts.product === 'MariaDB');
    return session;
  }

  async waiting(sessions: readonly Session[]): Promise<ReadonlySet<Session>> {
    await delay(PERIOD);
    const asked = sessions as readonly MysqlSession[];
    if (asked.every((session) => !session.running)) return new Set();
    const [status] = await this.#query('SHOW ENGINE INNODB STATUS');
    const found = rowWaits(String(status?.Status));
    if (!asked.every((session) => found.has(session.id))) {
      for (const { id } of await this.#query(OTHER_WAITS)) found.add(Number(id));
    }
    return new Set(asked.filter((session) => found.has(session.id)));
  }

  async kill(session: Session): Promise<void> {
    await this.#kill(session.id);
    (session as MysqlSession).destroy();
  }

  async release(session: Session): Promise<void> {
    const released = this.#sessions.find((other) => other === session);
    if (released) await released.close();
  }

  async reset(): Promise<void> {
    const admin = this.#admin;
    const tables = await this.#query(
      'SELECT table_name AS name, table_type AS type FROM information_schema.tables WHERE table_schema = ?',
      [this.#name],
    );
    if (tables.length === 0) return;
    await admin.query('SET SESSION foreign_key_checks = 0, lock_wait_timeout = 5');
    for (const { name, type } of tables) {
      const quoted = `${this.#name}.\`${String(name).replaceAll('`', '``')}\``;
      await admin.query(`DROP ${/view/i.test(String(type)) ? 'VIEW' : 'TABLE'} IF EXISTS ${quoted}`);
    }
  }

  conflict(code: string): Conflict | undefined {
    return CONFLICTS[code];
  }

  async actualLevel(session: Session): Promise<string | undefined> {
    const variable = this.facts.product === 'MariaDB' ? '@@tx_isolation' : '@@transaction_isolation';
    const reply = await session.run(`SELECT ${variable}`);
    return reply.kind === 'answer' ? String(reply.rows[0]?.[0]).toLowerCase() : undefined;
  }

  close(): Promise<void> {
    this.#closing ??= this.drop().finally(() => this.#admin.end().catch(() => {}));
    return this.#closing;
  }

  /** Ends all sessions, then drops the database and the users. */
  async drop(): Promise<void> {
    for (const session of this.#sessions) {
      if (session.id > 0) await this.#kill(session.id).catch(() => {});
      session.destroy();
    }
    await this.#admin.query(`DROP DATABASE IF EXISTS ${this.#name}`);
    await this.#dropUsers(this.#name);
  }

  async #dropUsers(name: string): Promise<void> {
    const users = await this.#query('SELECT user AS name, host AS place FROM mysql.user WHERE user LIKE ?', [
      `${name.replaceAll('_', '\\_')}\\_%`,
    ]);
    for (const user of users) await this.#admin.query('DROP USER ?@?', [user.name, user.place]);
  }

  async #kill(id: number): Promise<void> {
    await this.#admin.query(`KILL CONNECTION ${Number(id)}`);
  }

  async #size(): Promise<number | undefined> {
    const pattern = `${this.#name.replaceAll('_', '\\_')}/%`;
    const table = this.facts.product === 'MariaDB' ? 'innodb_sys_tablespaces' : 'innodb_tablespaces';
    const [row] = await this.#query(
      `SELECT COALESCE(SUM(file_size), 0) AS bytes FROM information_schema.${table} WHERE name LIKE ?`,
      [pattern],
    );
    return Number(row?.bytes);
  }

  async #query(sql: string, values: unknown[] = []): Promise<mysql.RowDataPacket[]> {
    const [rows] = await this.#admin.query<mysql.RowDataPacket[]>(sql, values);
    return rows;
  }

  /** Drops what killed processes left: scratch databases and users of names whose lock nobody holds. */
  async #dropStale(): Promise<void> {
    const pattern = `${SCRATCH_PREFIX.replaceAll('_', '\\_')}%`;
    const rows = await this.#query(
      `SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name LIKE ?
        UNION SELECT REGEXP_REPLACE(user, '_[0-9]+$', '') FROM mysql.user WHERE user LIKE ?`,
      [pattern, pattern],
    );
    for (const { name } of rows) {
      if (!/^[a-z0-9_]+$/.test(name)) continue;
      const [lock] = await this.#query('SELECT IS_USED_LOCK(?) AS holder', [name]);
      if (lock?.holder !== null) continue;
      await this.#admin.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => {});
      await this.#dropUsers(name).catch(() => {});
    }
  }
}
