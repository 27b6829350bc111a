import type { Node } from 'libpg-query';
import { SqlInputError } from './errors.ts';
import type { ReferentialAction } from './plan.ts';
import type { Sequences } from './scope.ts';
import type { SqlType, Value } from './values.ts';

export { declare } from './declare.ts';

/** A column of a table. Expressions stay syntax trees until they are compiled. */
export interface Column {
  readonly name: string;
  readonly type: SqlType;
  /** Turns a value into the column's type. @throws DatabaseError where it does not fit. */
  readonly convert: (value: Value) => Value;
  notNull: boolean;
  default?: Node;
  /** Filled from a counter that never goes back: serial, identity, AUTO_INCREMENT. */
  counter: boolean;
  /** GENERATED ALWAYS AS IDENTITY: a given value is an error without OVERRIDING. */
  always?: boolean;
  /** Computed from other columns on every write. */
  generated?: Node;
}

/** PRIMARY KEY, UNIQUE or a unique index: expressions that no two rows (that match `where`) may share. */
export interface UniqueKey {
  readonly name: string;
  readonly primary: boolean;
  /** Names of plain columns; undefined for an expression. */
  readonly columns: readonly (string | undefined)[];
  readonly expressions: readonly Node[];
  readonly where?: Node;
  readonly nullsNotDistinct: boolean;
  deferrable: boolean;
  deferred: boolean;
}

/** FOREIGN KEY. */
export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly parent: string;
  /** Empty: the primary key of the parent. */
  readonly parentColumns: readonly string[];
  readonly onDelete: ReferentialAction;
  readonly onUpdate: ReferentialAction;
  /** Columns that ON DELETE SET NULL or SET DEFAULT changes; all where empty. */
  readonly cleared: readonly string[];
  deferrable: boolean;
  deferred: boolean;
}

/** EXCLUDE: no two rows may satisfy all operators. */
export interface Exclusion {
  readonly name: string;
  readonly elements: readonly { readonly expression: Node; readonly operator: string }[];
  readonly where?: Node;
}

/** A table. */
export interface Table {
  readonly name: string;
  readonly columns: Column[];
  readonly keys: UniqueKey[];
  /** First columns of other indexes: what a scan may use in InnoDB. */
  readonly indexes: string[];
  readonly checks: { readonly name: string; readonly expression: Node }[];
  readonly foreignKeys: ForeignKey[];
  readonly exclusions: Exclusion[];
  /** Some statement locks the table as a whole, so that all others have to ask. */
  lockedAsWhole?: boolean;
}

/** Tables by name, in the order in which they were created. */
export type Schema = Map<string, Table>;

/** What a schema has besides tables. */
export interface Extras extends Sequences {
  /** Domains, by name: their base type and conditions on VALUE. */
  readonly domains: Map<string, { readonly base: Node; readonly checks: readonly Node[]; readonly notNull: boolean }>;
  /** Numbers for sub-selects. */
  next: number;
}

const EXTRAS = new WeakMap<Schema, Extras>();

/** Sequences and domains of a schema. */
export function extrasOf(schema: Schema): Extras {
  let extras = EXTRAS.get(schema);
  if (!extras) {
    extras = { domains: new Map(), starts: new Map(), remember: false, next: 0 };
    EXTRAS.set(schema, extras);
  }
  return extras;
}

/** Name of the counter behind a serial or identity column, as PostgreSQL names it. */
export const counterName = (table: string, column: string): string => `${table}_${column}_seq`;

/** @throws SqlInputError when there is no such table. */
export function tableOf(schema: Schema, name: string | undefined): Table {
  const table = schema.get(name ?? '');
  if (!table)
    throw new SqlInputError(`there is no table "${name}"; the schema has: ${[...schema.keys()].join(', ') || 'none'}`);
  return table;
}

/** Position of a column. @throws SqlInputError that names the columns there are. */
export function position(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name);
  if (index < 0)
    throw new SqlInputError(
      `table "${table.name}" has no column "${name}"; it has: ${table.columns.map((column) => column.name).join(', ')}`,
    );
  return index;
}
