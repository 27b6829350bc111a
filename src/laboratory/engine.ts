/** A value as a statement returned it; what is no number, boolean or null is kept as text. */
export type Scalar = string | number | boolean | null;

/** What a statement answered. */
export interface Answer {
  readonly kind: 'answer';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Scalar[])[];
  /** Rows that were returned or changed. */
  readonly count: number;
  /**
   * Whether the engine rolled the transaction back although it reports no error: PostgreSQL answers ROLLBACK to the
   * COMMIT of a failed transaction.
   */
  readonly rolledBack?: true;
}

/** What a statement failed with. */
export interface Failure {
  readonly kind: 'failure';
  /** The engine's own code, e.g. `40001`, `1213`, `SQLITE_BUSY`. */
  readonly code: string;
  readonly message: string;
}

/** End of a statement. */
export type Reply = Answer | Failure;

/** What a failure means for the transactions that met. */
export type Conflict = 'serialization' | 'deadlock' | 'lock-timeout' | 'duplicate';

/** How a session begins a transaction. */
export interface Begin {
  /** Id of a level of the engine. */
  readonly level: string;
  readonly readOnly?: boolean;
  /** PostgreSQL only: wait for a snapshot that can never be part of an anomaly. */
  readonly deferrable?: boolean;
}

/** A level that an engine offers. */
export interface LaboratoryLevel {
  /** As in databases/, e.g. `repeatable-read`. */
  readonly id: string;
  readonly name: string;
}

/** SQL in which schedules are written for an engine. */
export type LaboratoryDialect = 'postgresql' | 'mysql' | 'sqlite' | 'duckdb';

/** An engine under one set of settings: what evidence is recorded for. */
export interface EngineFacts {
  /** File name of its evidence, e.g. `postgresql-18`. */
  readonly id: string;
  /** File of databases/ that speaks of it. */
  readonly database: string;
  readonly product: string;
  readonly version: string;
  /** How it was reached: `embedded`, `server`, `in process`. */
  readonly reached: string;
  /** Settings that decide, or could be thought to decide, an outcome. */
  readonly settings: Readonly<Record<string, string>>;
  readonly dialect: LaboratoryDialect;
  readonly levels: readonly LaboratoryLevel[];
  /** How a waiting statement is told from a slow one. */
  readonly waits: string;
}

/** One connection. Its statements run one at a time. */
export interface Session {
  /** Ready when the session is connected: what the engine calls it, e.g. the process id of its backend. */
  readonly id: number;
  /** Runs one statement. Never rejects: an error of the engine, or a lost connection, is a Failure. */
  readonly run: (sql: string) => Promise<Reply>;
  /** Begins a transaction. */
  readonly begin: (how: Begin) => Promise<Reply>;
  /** Sets the level of statements that run outside of a transaction. */
  readonly autocommit: (level: string) => Promise<Reply>;
}

/** Limits of what is run in a laboratory. */
export interface Limits {
  /** Milliseconds that one statement may take, waits included. */
  readonly statement: number;
  /** Milliseconds that a statement may wait for a lock. */
  readonly lock: number;
  /** Milliseconds that a transaction may be idle. */
  readonly idle: number;
  /** Bytes that the scratch database may hold. */
  readonly bytes: number;
  /** Bytes that one statement may return. */
  readonly answer: number;
}

/** Limits where nobody says otherwise. */
export const LIMITS: Limits = {
  statement: 8_000,
  lock: 6_000,
  idle: 20_000,
  bytes: 256 * 1024 * 1024,
  answer: 4 * 1024 * 1024,
};

/**
 * A scratch database of its own on a running engine. Everything that sessions do stays inside it; `close` ends the
 * sessions, drops the database and the role, and stops an engine that was started for it.
 */
export interface Laboratory {
  readonly facts: EngineFacts;
  /** Opens a further session, as a role that can reach nothing but the scratch database. */
  readonly session: () => Promise<Session>;
  /**
   * Looks once, after the call, which of the given sessions wait for another session of this laboratory.
   * Engines that cannot tell answer, after a time, with all that have not replied yet.
   */
  readonly waiting: (sessions: readonly Session[]) => Promise<ReadonlySet<Session>>;
  /** Closes a session that is not needed any more; what it had begun is rolled back. */
  readonly release: (session: Session) => Promise<void>;
  /** Drops everything that sessions made in the scratch database. No transaction may be open. */
  readonly reset: () => Promise<void>;
  /** Ends what a session is doing; its statement fails. The session cannot be used again. */
  readonly kill: (session: Session) => Promise<void>;
  /** Meaning of an error code for concurrent transactions; undefined for every other error. */
  readonly conflict: (code: string) => Conflict | undefined;
  /** The level that a transaction begun as given really has, as the engine reports it; undefined if it cannot say. */
  readonly actualLevel: (session: Session) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
}

/** Options of every engine. */
export interface OpenOptions {
  readonly limits?: Partial<Limits>;
  /** Environment with the addresses of servers. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Milliseconds after which PostgreSQL looks for a deadlock. */
  readonly deadlockTimeout?: number;
  /** Settings of each session, for the MySQL family, e.g. `innodb_snapshot_isolation: 'ON'`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** An engine that cannot be used here; the message says why and what would help. */
export class EngineAbsent extends Error {
  override name = 'EngineAbsent';
}

/** A way to open laboratories on one engine. */
export interface EngineKind {
  readonly id: string;
  /** @throws EngineAbsent when the engine is not here. */
  readonly open: (options?: OpenOptions) => Promise<Laboratory>;
}

/** How `EngineFacts.waits` begins where an engine cannot tell who waits. */
export const GUESSED = 'no answer within';

/** Prefix of every scratch database and role, so that what a killed process left behind can be recognised. */
export const SCRATCH_PREFIX = 'interleave_lab_';

/** A failure made of an error that is none of the engine's. */
export function failure(error: unknown, code = 'CLIENT'): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'failure', code, message: message.split('\n')[0] ?? '' };
}

/** Turns a driver's value into a scalar. */
export function scalar(value: unknown): Scalar {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part));
}

/** Waits. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Loads an optional driver. @throws EngineAbsent that names the package. */
export async function driver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new EngineAbsent(`the package ${name} cannot be loaded (${failure(error).message}); npm install ${name}`);
  }
}
