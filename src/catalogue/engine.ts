import { DesignError } from '../design/design.ts';
import type { Engine, EngineLevel } from '../design/engine.ts';
import { type Choice, chooseCell } from './cells.ts';
import type { Database, Level } from './database.ts';
import { closestDatabases, findDatabase, findLevel } from './lookup.ts';

/** Spellings that are read; the others are read as PostgreSQL's. */
const DIALECTS: Readonly<Record<string, Engine['dialect']>> = {
  mysql: 'mysql',
  sqlserver: 'sqlserver',
  oracle: 'oracle',
};

/**
 * The engine that a design names, with its levels as `databases/` describes them for its version and settings.
 *
 * @throws DesignError when the name is unknown or the system has no SQL transactions that can be run.
 */
export function engineOf(
  databases: ReadonlyMap<string, Database>,
  given: string,
  settings: Readonly<Record<string, string>>,
): Engine {
  const found = findDatabase(given, databases.values());
  if (!found) {
    const close = closestDatabases(given, databases.values());
    throw new DesignError(
      `engine "${given}" is not known. Closest: ${close.join(', ')}. Write it as name and version, e.g. postgresql 16`,
    );
  }
  const { database, version } = found;
  const circumstances = { version, settings };
  const cells = new Map<string, Choice>();
  for (const level of database.levels) {
    if (cells.has(level.id)) continue;
    const choice = chooseCell(
      database.levels.filter((other) => other.id === level.id),
      circumstances,
    );
    if (choice) cells.set(level.id, choice);
  }
  const runnable = [...cells.values()]
    .map((choice) => choice.cell)
    .filter((cell) => cell.concurrencyControl !== undefined);
  if (database.session === undefined || runnable.length === 0) {
    throw new DesignError(
      `${database.name} has no SQL transactions that can be explored. Use explain-isolation-level for what it guarantees, or model it as a component`,
    );
  }
  const toLevel = (cell: Level): EngineLevel => ({
    name: cell.name,
    control: cell.concurrencyControl as EngineLevel['control'],
  });
  const names = runnable.map((cell) => cell.name).join(', ');
  const defaultCell = [...cells.values()].find((choice) => choice.cell.default)?.cell ?? runnable[0];
  return {
    name: version ? `${database.name} ${version}` : database.name,
    dialect: DIALECTS[database.session.dialect] ?? 'postgresql',
    defaultLevel: defaultCell?.name ?? '',
    levels: runnable.map(toLevel),
    level: (name) => {
      const hit = findLevel(name, database)?.values[0];
      const cell = hit && cells.get(hit.id)?.cell;
      if (!cell) throw new DesignError(`${database.name} has no isolation level "${name}". It has: ${names}`);
      if (!cell.concurrencyControl) {
        throw new DesignError(`${database.name} ${cell.name} cannot be explored yet. These can: ${names}`);
      }
      return toLevel(cell);
    },
  };
}
