import { type Choice, chooseCell, describeConditions } from '../../catalogue/cells.ts';
import type { Database, Level } from '../../catalogue/database.ts';
import {
  closestDatabases,
  closestLevels,
  findDatabase,
  findLevel,
  findPhenomenon,
  plainVersion,
  sameLevel,
} from '../../catalogue/lookup.ts';
import { closestNames } from '../../catalogue/names.ts';
import { clip } from '../../render/text.ts';
import { PHENOMENA, PHENOMENON_IDS, type Phenomenon } from '../../vocabulary/phenomena.ts';
import { ToolError } from '../tool.ts';
import { when } from './parts.ts';

/** Databases by id. */
export type Databases = ReadonlyMap<string, Database>;

/** What of the question concerns the form of the answer. */
export interface Question {
  readonly full: boolean;
  readonly anomaly: Phenomenon | undefined;
  readonly notices: readonly string[];
}

/** One database, with one cell of it where a level was asked for. */
export interface Side {
  readonly database: Database;
  readonly version: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly choice: Choice | undefined;
  readonly assumed: readonly string[];
}

interface Circumstances {
  readonly level?: string | undefined;
  readonly version?: string | undefined;
  readonly settings?: Record<string, string> | undefined;
}

/** The phenomenon meant. @throws ToolError with the closest names. */
export function anomalyOf(given: string): Phenomenon {
  const found = findPhenomenon(given)?.values[0];
  if (found !== undefined) return found;
  const names = PHENOMENON_IDS.flatMap((id) => [id, PHENOMENA[id].name]);
  throw new ToolError(
    `There is no phenomenon "${clip(given)}". Closest: ${closestNames(given, names).join(', ')}. Allowed: ${PHENOMENON_IDS.map((id) => `${id} (${PHENOMENA[id].name})`).join(', ')}.`,
  );
}

/** The database and, where a level is named, its cell. @throws ToolError with the closest names. */
export function sideOf(name: string, given: Circumstances, databases: Databases): Side {
  const reference = findDatabase(name, databases.values());
  if (reference === undefined) {
    throw new ToolError(
      `There is no database "${clip(name)}". Closest: ${closestDatabases(name, databases.values()).join(', ')}. Allowed: ${[...databases.keys()].join(', ')}.`,
    );
  }
  const { database, rest, typo } = reference;
  const assumed = typo === undefined ? [] : [`"${clip(name)}" is read as ${database.name}.`];
  const version = given.version === undefined ? reference.version : plainVersion(given.version);
  const settings = { ...reference.settings, ...given.settings };
  const level = given.level?.trim() || rest;
  if (given.level?.trim() && rest !== '') assumed.push(`"${clip(rest)}" beside the name of the database is not used.`);
  if (level === '') return { database, version, settings, choice: undefined, assumed };
  return withLevel(level, { database, version, settings, assumed });
}

function withLevel(name: string, side: Omit<Side, 'choice'>): Side {
  const { database, version, settings } = side;
  const found = findLevel(name, database);
  if (found === undefined) {
    const allowed = [...new Set(database.levels.map((level) => level.name))];
    throw new ToolError(
      `${database.name} has no level "${clip(name)}". Closest: ${closestLevels(name, database).join(', ')}. Allowed: ${allowed.join(', ')}.`,
    );
  }
  const choice = chooseCell(found.values, { version, settings });
  if (choice === undefined) {
    const cells = found.values.map((cell) => describeConditions(cell)).join('; ');
    throw new ToolError(
      `Nothing is known of ${found.values[0]?.name} on ${database.name} under these conditions. Known cells: ${cells}. Leave out version or settings to get the usual one.`,
    );
  }
  // Cells of the same level that another name selects (an alias of one cell) are worth naming too.
  const siblings = database.levels.filter((level) => sameLevel(level, choice.cell) && !found.values.includes(level));
  const assumed = [...side.assumed];
  if (found.typo !== undefined) assumed.push(`"${clip(name)}" is read as ${choice.cell.name}.`);
  if (choice.assumed.length > 0) assumed.push(`Not given, so assumed: ${choice.assumed.join(', ')}.`);
  if (choice.unused.length > 0)
    assumed.push(`No cell of this level depends on ${choice.unused.map((one) => `"${clip(one)}"`).join(', ')}.`);
  return { database, version, settings, choice: { ...choice, others: [...choice.others, ...siblings] }, assumed };
}

/** A side with its cell settled. */
export interface Complete {
  readonly side: Side;
  readonly cell: Level;
  readonly title: string;
}

/** The default level where none was chosen, and says so. */
export function withDefault(side: Side): Complete {
  const note = `No level given for ${side.database.name}: its default is taken.`;
  const settled =
    side.choice === undefined ? withLevel('default', { ...side, assumed: [...side.assumed, note] }) : side;
  const cell = settled.choice?.cell as Level;
  const isFirst = side.database.levels.find((level) => sameLevel(level, cell)) === cell;
  return { side: settled, cell, title: `${side.database.name} ${cell.name}${isFirst ? '' : when(cell)}` };
}

/** What `compareWith` means: a level of the same database, or another database with the same level where it has it. */
export function otherSide(given: string, first: Complete, databases: Databases): Side {
  const { database, version, settings } = first.side;
  if (findLevel(given, database) !== undefined)
    return withLevel(given, { database, version, settings: topologyOf(settings), assumed: [] });
  const reference = findDatabase(given, databases.values());
  if (reference === undefined) {
    throw new ToolError(
      `compareWith "${clip(given)}" is neither a level of ${database.name} (${[...new Set(database.levels.map((level) => level.name))].join(', ')}) nor a database, optionally with a level. Closest databases: ${closestDatabases(given, databases.values()).join(', ')}.`,
    );
  }
  const assumed = reference.typo === undefined ? [] : [`"${clip(given)}" is read as ${reference.database.name}.`];
  const side = { ...reference, assumed };
  if (reference.rest !== '') return withLevel(reference.rest, side);
  const same = findLevel(first.cell.name, reference.database);
  if (same !== undefined && same.typo === undefined) return withLevel(first.cell.name, side);
  return { ...side, choice: undefined };
}

/** Of the settings of one level only where it runs matters for another. */
function topologyOf(settings: Side['settings']): Side['settings'] {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => /topology|engine/i.test(name)));
}
