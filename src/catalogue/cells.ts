import { satisfies, validate } from 'compare-versions';
import type { Level } from './database.ts';
import { compact } from './names.ts';

/** What is known of the system that a question is about. */
export interface Circumstances {
  /** Digits and dots, e.g. `16` or `8.0.34`. */
  readonly version: string | undefined;
  /** Settings as given; `storageEngine` and `topology` may stand among them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The cell that was chosen among those of one level. */
export interface Choice {
  readonly cell: Level;
  /** Conditions of the cell that the question did not settle. */
  readonly assumed: readonly string[];
  /** The other cells of the level that the question did not rule out, and then those it did. */
  readonly others: readonly Level[];
  /** Given settings that no cell of the level asks for. */
  readonly unused: readonly string[];
}

type Match = 'yes' | 'no' | 'open';

interface Condition {
  readonly kind: 'version' | 'setting';
  readonly text: string;
  readonly match: Match;
}

/**
 * Chooses the cell of a level among those that nothing given contradicts: the first with the most given settings met,
 * unless a later one is more specific, which means that it meets more and leaves nothing else open. Nothing where
 * everything is contradicted.
 */
export function chooseCell(cells: readonly Level[], given: Circumstances): Choice | undefined {
  const judged = cells.map((cell) => ({ cell, conditions: conditionsOf(cell, given) }));
  const possible = judged.filter(({ conditions }) => conditions.every((one) => one.match !== 'no'));
  const met = (conditions: readonly Condition[], kinds: readonly Condition['kind'][]) =>
    conditions.filter((one) => one.match === 'yes' && kinds.includes(one.kind)).length;
  const most = Math.max(0, ...possible.map(({ conditions }) => met(conditions, ['setting'])));
  let chosen = possible.find(({ conditions }) => met(conditions, ['setting']) === most);
  if (chosen === undefined) return undefined;
  for (const other of possible) {
    const open = new Set(chosen.conditions.filter((one) => one.match === 'open').map((one) => one.text));
    const noneElseOpen = other.conditions.every((one) => one.match !== 'open' || open.has(one.text));
    const both = ['setting', 'version'] as const;
    if (noneElseOpen && met(other.conditions, both) > met(chosen.conditions, both)) chosen = other;
  }
  const asked = new Set(cells.flatMap((cell) => settingsOf(cell).map(([name]) => compact(name))));
  return {
    cell: chosen.cell,
    assumed: chosen.conditions.filter((one) => one.match === 'open').map((one) => one.text),
    others: [
      ...possible.filter((one) => one !== chosen),
      ...judged.filter((one) => one !== chosen && !possible.includes(one)),
    ].map((one) => one.cell),
    unused: Object.keys(given.settings).filter((name) => !asked.has(settingName(name))),
  };
}

/** The conditions of a cell in words, e.g. `version >=11.6.2, innodb_snapshot_isolation=ON`. */
export function describeConditions(cell: Level): string {
  const parts = cell.when?.versions === undefined ? [] : [`version ${cell.when.versions}`];
  return [...parts, ...settingsOf(cell).map(([name, value]) => `${name}=${value}`)].join(', ');
}

/**
 * Conditions that the words beside a name state, e.g. `standby` or `InnoDB`, and the words that are left.
 * A word states a condition when it is the value of exactly one of those that cells of the database ask for.
 */
export function statedSettings(
  text: string,
  cells: readonly Level[],
): { settings: Record<string, string>; rest: string } {
  const settings: Record<string, string> = {};
  const left: string[] = [];
  const asked = cells.flatMap((cell) => settingsOf(cell)).filter(([, value]) => /\p{L}{4}/u.test(value));
  for (const word of text.split(' ')) {
    const same = asked.filter(([, value]) => compact(value) === word);
    const distinct = new Set(same.map(([name]) => name));
    const [stated] = same;
    if (stated !== undefined && distinct.size === 1) settings[stated[0]] = stated[1];
    else left.push(word);
  }
  return { settings, rest: left.join(' ') };
}

/** A condition that the name of the database itself states: `aurora postgresql` where a cell asks `aurora-postgresql`. */
export function settingInName(name: string, cells: readonly Level[]): Record<string, string> {
  const given = compact(name);
  const asked = cells
    .flatMap((cell) => settingsOf(cell))
    .filter(
      ([, value]) => compact(value).length > 6 && (given.includes(compact(value)) || compact(value).startsWith(given)),
    );
  const [stated] = asked;
  return stated !== undefined && new Set(asked.map(([, value]) => value)).size === 1 ? { [stated[0]]: stated[1] } : {};
}

function settingsOf(cell: Level): [string, string][] {
  const { storageEngine, topology, settings = {} } = cell.when ?? {};
  return [
    ...(storageEngine === undefined ? [] : [['storageEngine', storageEngine] as [string, string]]),
    ...(topology === undefined ? [] : [['topology', topology] as [string, string]]),
    ...Object.entries(settings),
  ];
}

function conditionsOf(cell: Level, given: Circumstances): Condition[] {
  const conditions: Condition[] = [];
  const range = cell.when?.versions;
  if (range !== undefined)
    conditions.push({ kind: 'version', text: `version ${range}`, match: matchVersion(given.version, range) });
  const known = new Map(Object.entries(given.settings).map(([name, value]) => [settingName(name), setting(value)]));
  for (const [name, value] of settingsOf(cell)) {
    const have = known.get(settingName(name));
    conditions.push({
      kind: 'setting',
      text: `${name}=${value}`,
      match: have === undefined ? 'open' : have === setting(value) ? 'yes' : 'no',
    });
  }
  return conditions;
}

const settingName = (name: string) => compact(name).replace(/^engine$/, 'storageengine');

/** `ON`, `true`, `1` and `yes` are one value, and so are their opposites. */
function setting(value: string): string {
  const plain = compact(value);
  if (['on', 'true', '1', 'yes', 'enabled'].includes(plain)) return 'on';
  if (['off', 'false', '0', 'no', 'disabled'].includes(plain)) return 'off';
  return plain;
}

/**
 * Whether a version lies in a range; `open` where it is not given or too coarse (`11` may be before or after `11.6.2`).
 */
export function matchVersion(version: string | undefined, range: string): Match {
  if (version === undefined || !validate(version)) return 'open';
  const missing = Math.max(0, 3 - version.split('.').length);
  const earliest = version + '.0'.repeat(missing);
  const latest = version + '.99999'.repeat(missing);
  try {
    const first = satisfies(earliest, range);
    const last = satisfies(latest, range);
    return first === last ? (first ? 'yes' : 'no') : 'open';
  } catch {
    return 'open';
  }
}
