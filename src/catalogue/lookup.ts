import { PHENOMENA, PHENOMENON_IDS, type Phenomenon } from '../vocabulary/phenomena.ts';
import { settingInName, statedSettings } from './cells.ts';
import type { Database, Level } from './database.ts';
import { closestNames, compact, type Found, find, type Named, words } from './names.ts';

/** What people write for a level besides its name; a name or alias in the file of the database goes first. */
const ABBREVIATIONS: Readonly<Record<string, readonly string[]>> = {
  'read uncommitted': ['ru', 'dirty read'],
  'read committed': ['rc'],
  'repeatable read': ['rr', 'repeatable reads'],
  snapshot: ['si', 'snapshot isolation'],
  'snapshot isolation': ['si', 'snapshot'],
  serializable: ['ser', 'serialisable', 's', 'ssi'],
};

/** A database with what else stood beside its name. */
export interface DatabaseReference {
  readonly database: Database;
  readonly version: string | undefined;
  /** Words after name and version: a level, perhaps. */
  readonly rest: string;
  /** Conditions of cells that the words state, e.g. a storage engine. */
  readonly settings: Readonly<Record<string, string>>;
  /** The name as we spell it, where the given one was misspelt. */
  readonly typo: string | undefined;
}

const VERSION = /^v?\d+(\.\d+)*(c|g|i|ai|r\d|lts|x)?$/;
const databaseNames = (database: Database) => [database.id, database.name, ...database.aliases];

/** Reads `pg16`, `PostgreSQL 15.3`, `mysql 8.0 repeatable read`, `SQL Server 2019`; nothing where no name is close. */
export function findDatabase(
  given: string,
  databases: Iterable<Database>,
  maxWords = 12,
): DatabaseReference | undefined {
  const entries: Named<Database>[] = [...databases].map((value) => ({ value, names: databaseNames(value) }));
  const parts = words(given).split(' ').slice(0, maxWords);
  for (const search of [exactly, closely]) {
    for (let count = parts.length; count > 0; count--) {
      for (const [name, after] of [
        [parts.slice(0, count).join(' '), parts.slice(count)] as const,
        ...splitDigits(parts, count),
      ]) {
        const found = search(name, entries);
        const database = found?.values[0];
        if (found === undefined || database === undefined || found.values.length > 1) continue;
        const version = after[0] !== undefined && VERSION.test(after[0]) ? after[0] : undefined;
        const rest = after.slice(version === undefined ? 0 : 1);
        // A close name must not swallow words that say something else.
        if (search === closely && count < parts.length && version === undefined && rest.length > 4) continue;
        const stated = statedSettings(rest.join(' '), database.levels);
        return {
          database,
          version: version && plainVersion(version),
          rest: stated.rest,
          settings: { ...settingInName(name, database.levels), ...stated.settings },
          typo: found.typo,
        };
      }
    }
  }
  return undefined;
}

function exactly<T>(name: string, entries: readonly Named<T>[]): Found<T> | undefined {
  const found = find(name, entries);
  return found?.typo === undefined ? found : undefined;
}

const closely = find;

/** `pg16` may be the name `pg` and the version `16`. */
function splitDigits(parts: readonly string[], count: number): (readonly [string, string[]])[] {
  const match = /^(\p{L}+)(v?\d[\d.]*)$/u.exec(parts[count - 1] ?? '');
  if (match === null) return [];
  const [, name = '', version = ''] = match;
  return [[[...parts.slice(0, count - 1), name].join(' '), [version, ...parts.slice(count)]]];
}

/** Digits and dots of a version: `v19c` is `19`. */
export function plainVersion(version: string): string {
  return /\d+(\.\d+){0,3}/.exec(version)?.[0] ?? version;
}

/** Names of databases closest to `given`. */
export function closestDatabases(given: string, databases: Iterable<Database>): string[] {
  const byName = new Map<string, string>();
  for (const database of databases) for (const name of databaseNames(database)) byName.set(name, database.id);
  const close = closestNames(words(given).split(' ').slice(0, 3).join(' '), [...byName.keys()], 6);
  return [...new Set(close.map((name) => byName.get(name) ?? name))].slice(0, 3);
}

/** Cells of a database whose level is called `given`; several cells of one level differ in their conditions. */
export function findLevel(given: string, database: Database): Found<Level> | undefined {
  const entries = database.levels.map((value) => ({ value, names: [value.id, value.name, ...value.aliases] }));
  const wanted = compact(given);
  if (wanted === 'default') {
    const cells = database.levels.filter((level) => level.default);
    return { values: cells.length > 0 ? cells : database.levels.slice(0, 1), typo: undefined };
  }
  const exact = exactly(given, entries);
  if (exact !== undefined) return oneLevel(exact, database);
  const abbreviated = entries.filter((entry) =>
    entry.names.some((name) => (ABBREVIATIONS[words(name)] ?? []).some((short) => compact(short) === wanted)),
  );
  if (abbreviated.length > 0)
    return oneLevel({ values: abbreviated.map((entry) => entry.value), typo: undefined }, database);
  const stripped = words(given).replace(/^(isolation )?level | (isolation )?(level|mode)$|^default /g, '');
  if (stripped !== words(given) && stripped !== '') return findLevel(stripped, database);
  const close = closely(given, entries);
  return close && oneLevel(close, database);
}

/** Cells of one level share their id or their name. */
export const sameLevel = (a: Level, b: Level) => a.id === b.id || compact(a.name) === compact(b.name);

/**
 * A name that several levels carry means the first of them. A name of its first cell is a name of the level, with all
 * its cells; a name that only later cells carry (`RCSI`) means just those.
 */
function oneLevel(found: Found<Level>, database: Database): Found<Level> {
  const [first] = found.values;
  if (first === undefined) return found;
  const cells = database.levels.filter((level) => sameLevel(level, first));
  return { ...found, values: cells[0] === first ? cells : cells.filter((cell) => found.values.includes(cell)) };
}

/** Names of levels closest to `given`. */
export function closestLevels(given: string, database: Database): string[] {
  const byName = new Map<string, string>();
  for (const level of database.levels)
    for (const name of [level.id, level.name, ...level.aliases]) byName.set(name, level.name);
  return [...new Set(closestNames(given, [...byName.keys()], 5).map((name) => byName.get(name) ?? name))].slice(0, 3);
}

const PHENOMENON_ENTRIES: readonly Named<Phenomenon>[] = PHENOMENON_IDS.map((id) => ({
  value: id,
  names: [id, PHENOMENA[id].name, ...PHENOMENA[id].aliases],
}));

/** The phenomenon called `given`: id, name or alias. */
export function findPhenomenon(given: string): Found<Phenomenon> | undefined {
  const found = find(given, PHENOMENON_ENTRIES) ?? find(given.replace(/s$/i, ''), PHENOMENON_ENTRIES);
  return found && { values: found.values.slice(0, 1), typo: found.typo };
}
