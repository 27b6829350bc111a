import { EngineAbsent, type EngineKind, failure, type Laboratory, type OpenOptions } from '../engine.ts';

/** Loads an engine's module when it is first used, since drivers are large and some are optional. */
const lazy = (id: string, load: () => Promise<EngineKind>): EngineKind => ({
  id,
  open: async (options?: OpenOptions): Promise<Laboratory> => {
    let kind: EngineKind;
    try {
      kind = await load();
    } catch (error) {
      throw new EngineAbsent(`its driver cannot be loaded: ${failure(error).message}`);
    }
    return kind.open(options);
  },
});

/** Engines on which an agent's SQL may run: they have a scratch database and a role without further rights. */
export const ENGINES: readonly EngineKind[] = [
  lazy('postgresql-embedded', async () => (await import('./postgresql.ts')).embeddedPostgresql),
  lazy('postgresql-server', async () => (await import('./postgresql.ts')).postgresqlServer),
  lazy('mysql-server', async () => (await import('./mysql.ts')).mysqlServer),
];

/** Engines that only give evidence: they run the project's own schedules, and nothing confines their SQL. */
export const EVIDENCE_ENGINES: readonly EngineKind[] = [
  ...['delete-deferred', 'delete-immediate', 'wal-deferred', 'wal-immediate'].map((variant) =>
    lazy(`sqlite-${variant}`, async () => {
      const kind = (await import('./sqlite.ts')).SQLITE.find(({ id }) => id === `sqlite-${variant}`);
      if (!kind) throw new Error(`there is no SQLite ${variant}`);
      return kind;
    }),
  ),
  lazy('duckdb', async () => (await import('./duckdb.ts')).duckdb),
];
