import type { Schema, Table } from '../sql/schema.ts';
import type { PathTransaction } from './paths.ts';
import type { Entity } from './templates.ts';
import type { Term, Touch } from './touches.ts';

/** A touch whose row is known by key, as far as it is. */
export interface Located {
  readonly touch: Touch;
  /** Identity of the row within its entity; equal texts are equal rows. */
  readonly key?: string;
  /** Columns with known values, as texts that are equal where the values are. */
  readonly values: ReadonlyMap<string, string>;
  /** Columns whose values a later statement of the transaction compares with what was read here (compare and set). */
  readonly validated?: ReadonlySet<string>;
}

/** A statement with located touches. */
export interface LocatedStatement {
  readonly text: string;
  readonly rows: 0 | 1 | 2;
  readonly groups: readonly (readonly Located[])[];
}

/** Columns that statements change: `table.column`. A key or link over them identifies nothing. */
function mutableColumns(schema: Schema, transactions: readonly PathTransaction[]): Set<string> {
  const changed = new Set<string>();
  for (const touch of transactions.flatMap((t) => t.statements.flatMap((s) => s.groups.flat()))) {
    if (touch.kind === 'update' || touch.kind === 'upsert') {
      for (const column of touch.writes) changed.add(`${touch.table.name}.${column}`);
    }
  }
  for (const table of schema.values()) {
    for (const key of table.foreignKeys) {
      if (!key.onDelete.startsWith('set')) continue;
      for (const column of key.columns) changed.add(`${table.name}.${column}`);
    }
  }
  return changed;
}

/** Keys that identify a row for good, as lists of columns; the primary key first. */
export function stableKeys(table: Table, mutable: ReadonlySet<string>): string[][] {
  return [...table.keys]
    .sort((a, b) => Number(b.primary) - Number(a.primary))
    .filter((key) => !key.where && key.columns.every((c) => c !== undefined && !mutable.has(`${table.name}.${c}`)))
    .map((key) => key.columns as string[]);
}

/** Which relations share keys, and which columns hold the keys of others. */
export class Relations {
  readonly #mutable: ReadonlySet<string>;
  readonly #updates: readonly Touch[];
  readonly #schema: Schema;
  readonly #same = new Map<string, string>();
  /** `table(columns)` to a table of the entity that it points to. */
  readonly #links = new Map<
    string,
    { readonly table: string; readonly columns: readonly string[]; readonly parent: string }
  >();
  /** For each entity, its constants in the order in which they were met. */
  readonly #constants = new Map<string, string[]>();

  constructor(schema: Schema, transactions: readonly PathTransaction[]) {
    this.#schema = schema;
    this.#mutable = mutableColumns(schema, transactions);
    this.#updates = transactions
      .flatMap((transaction) => transaction.statements.flatMap((statement) => statement.groups.flat()))
      .filter((touch) => touch.kind === 'update' || touch.kind === 'upsert');
  }

  /** The entity of a table: a representative of the tables with the same keys. */
  entity(table: string): string {
    const up = this.#same.get(table);
    return up === undefined ? table : this.entity(up);
  }

  /** Finds out which rows the statements of one transaction touch. */
  locate(transaction: PathTransaction): LocatedStatement[] {
    return this.#validate(transaction, this.#locateAll(transaction));
  }

  /**
   * A read whose value an UPDATE that finds its row compares with the column counts as made by that UPDATE: it saw the
   * same value. A version column stands for the whole row when every UPDATE of the table changes it.
   */
  #validate(transaction: PathTransaction, statements: readonly LocatedStatement[]): LocatedStatement[] {
    return statements.map((statement, i) => {
      const [only] = statement.groups.flat();
      const binds = transaction.statements[i]?.binds ?? [];
      if (statement.groups.flat().length !== 1 || only?.touch.kind !== 'read' || only.key === undefined)
        return statement;
      const validated = new Set<string>();
      for (const later of statements.slice(i + 1)) {
        const [update] = later.groups.at(-1) ?? [];
        if (later.rows === 0 || update?.touch.kind !== 'update' || update.key !== only.key) continue;
        if (update.touch.table !== only.touch.table) continue;
        for (const { term, column } of binds) {
          if (update.touch.equal.get(column) !== term) continue;
          validated.add(column);
          if (this.#versions(update.touch.table, column))
            for (const one of only.touch.table.columns) validated.add(one.name);
        }
      }
      const located: Located = { ...only, validated };
      return validated.size === 0 ? statement : { ...statement, groups: [[located]] };
    });
  }

  #versions(table: Table, column: string): boolean {
    return this.#updates.filter((touch) => touch.table === table).every((touch) => touch.writes.has(column));
  }

  #locateAll(transaction: PathTransaction): LocatedStatement[] {
    const bound = new Map<Term, string>();
    return transaction.statements.map((statement) => {
      const groups = statement.groups.map((group) => {
        const done = new Map<Touch, Located>();
        const aliases = new Map<string, Located>();
        // A row found through a column of another one is located after it.
        for (let again = true; again; ) {
          again = false;
          for (const touch of group) {
            if (done.get(touch)?.key !== undefined) continue;
            const located = this.#locate(touch, bound, aliases);
            if (located.key !== undefined || !done.has(touch)) again = true;
            done.set(touch, located);
            aliases.set(touch.alias, located);
          }
        }
        return group.map((touch) => done.get(touch) as Located);
      });
      const last = groups.at(-1)?.at(-1);
      for (const { term, column } of statement.binds) {
        const value = last && this.#valueOf(last, column);
        if (value !== undefined) bound.set(term, value);
      }
      return { text: statement.text, rows: statement.rows, groups };
    });
  }

  #locate(touch: Touch, bound: ReadonlyMap<Term, string>, aliases: ReadonlyMap<string, Located>): Located {
    const values = new Map<string, string>();
    for (const [column, term] of touch.equal) {
      if (term.startsWith('@')) {
        const [alias = '', other = ''] = term.slice(1).split('.');
        const at = aliases.get(alias);
        const value = at && this.#valueOf(at, other);
        if (value !== undefined) values.set(column, value);
      } else values.set(column, bound.get(term) ?? term);
    }
    const keys = stableKeys(touch.table, this.#mutable).filter((columns) => columns.every((c) => values.has(c)));
    const key = keys[0]?.map((column) => values.get(column)).join(AND);
    return { touch, values, ...(key !== undefined && { key }) };
  }

  /** A column that never changes of a row that is known: its value, or the row itself where the column is a key. */
  #valueOf(located: Located, column: string): string | undefined {
    const { table } = located.touch;
    if (located.key === undefined || this.#mutable.has(`${table.name}.${column}`)) return undefined;
    const given = located.values.get(column);
    if (given !== undefined) return given;
    const unique = stableKeys(table, this.#mutable).some((columns) => columns.length === 1 && columns[0] === column);
    if (unique) return located.key;
    return `${table.name}[${located.key}].${column}`;
  }

  /** Learns from the statements of one transaction which tables share keys and which columns point to others. */
  learn(statements: readonly LocatedStatement[], step: 'entities' | 'links'): void {
    const all = statements.flatMap((statement) => statement.groups.flat());
    const owners = new Map<string, string>();
    for (const { key, touch } of all) {
      if (key === undefined) continue;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, touch.table.name);
      else if (step === 'entities' && !isConstant(key)) this.#unite(owner, touch.table.name);
      if (isConstant(key)) this.#constant(touch.table.name, key);
    }
    if (step === 'entities') return;
    for (const located of all) {
      for (const columns of this.#candidates(located.touch.table)) {
        const value = this.linkValue(located, columns);
        const parent = value === undefined || isConstant(value) ? undefined : owners.get(value);
        if (parent === undefined || this.entity(parent) === this.entity(located.touch.table.name)) continue;
        const name = linkName(located.touch.table.name, columns);
        if (this.#links.has(name) || this.#reaches(parent, located.touch.table.name)) continue;
        this.#links.set(name, { table: located.touch.table.name, columns, parent });
        if (this.#size(located.touch.table.name) > 8) this.#links.delete(name);
      }
    }
  }

  /** The links of a table. */
  linksOf(table: string): { readonly name: string; readonly columns: readonly string[]; readonly parent: string }[] {
    return [...this.#links]
      .filter(([, link]) => link.table === table)
      .map(([name, { columns, parent }]) => ({ name, columns, parent: this.entity(parent) }));
  }

  /** The text of the key that the row's columns hold. */
  linkValue(located: Located, columns: readonly string[]): string | undefined {
    const values = columns.map((column) => located.values.get(column) ?? this.#valueOf(located, column));
    return values.includes(undefined) ? undefined : values.join(AND);
  }

  /** Entities with their links, for the templates. */
  entities(): Entity[] {
    const found = new Set([...this.#schema.keys()].map((table) => this.entity(table)));
    return [...found].map((name) => ({
      name,
      links: this.#linksFrom(name).map(([link, { parent }]) => ({ name: link, parent: this.entity(parent) })),
      rows: Math.max(2, this.#linksFrom(name).length === 0 ? (this.#constants.get(name)?.length ?? 0) : 0),
    }));
  }

  /** The number of a constant key; undefined where rows cannot be told apart by it. */
  constant(entity: string, key: string): number | undefined {
    if (!isConstant(key) || this.#linksFrom(entity).length > 0) return undefined;
    const at = (this.#constants.get(entity) ?? []).indexOf(key);
    return at < 0 ? undefined : at;
  }

  #constant(table: string, key: string): void {
    const entity = this.entity(table);
    const known = this.#constants.get(entity) ?? [];
    if (!known.includes(key) && known.length < 4) this.#constants.set(entity, [...known, key]);
  }

  #unite(a: string, b: string): void {
    const [x, y] = [this.entity(a), this.entity(b)];
    if (x !== y) this.#same.set(y, x);
  }

  #candidates(table: Table): string[][] {
    const keys = stableKeys(table, this.#mutable);
    const fixed = (columns: readonly string[]) =>
      columns.every((column) => !this.#mutable.has(`${table.name}.${column}`)) &&
      !keys.some((key) => key.length === columns.length && key.every((column) => columns.includes(column)));
    const single = table.columns.map((column) => [column.name]);
    const composite = table.foreignKeys.filter((key) => key.columns.length > 1).map((key) => [...key.columns]);
    return [...composite, ...single].filter(fixed);
  }

  #linksFrom(entity: string) {
    return [...this.#links].filter(([, link]) => this.entity(link.table) === entity);
  }

  #reaches(from: string, to: string): boolean {
    if (this.entity(from) === this.entity(to)) return true;
    return this.#linksFrom(this.entity(from)).some(([, link]) => this.#reaches(link.parent, to));
  }

  #size(table: string): number {
    return this.#linksFrom(this.entity(table)).reduce((size, [, link]) => size * this.#size(link.parent), 2);
  }
}

/** Between the values of a composite key. */
const AND = '\u0001';

const isConstant = (key: string) => key.split(AND).every((part) => part.startsWith('='));

const linkName = (table: string, columns: readonly string[]) => `${table}(${columns.join(',')})`;
