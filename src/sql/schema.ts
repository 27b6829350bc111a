import type { ColumnDef, Constraint, CreateStmt, IndexStmt, Node, TypeName } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import type { SqlType } from './values.ts';

/** A column of a table. Expressions stay syntax trees until they are compiled. */
export interface Column {
  readonly name: string;
  readonly type: SqlType;
  notNull: boolean;
  default?: Node;
  /** Filled from a counter that never goes back: serial, identity, AUTO_INCREMENT. */
  counter: boolean;
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
}

/** FOREIGN KEY. */
export interface ForeignKey {
  readonly columns: readonly string[];
  readonly parent: string;
  /** Empty: the primary key of the parent. */
  readonly parentColumns: readonly string[];
  readonly onDelete: 'restrict' | 'cascade' | 'set null' | 'set default';
  readonly deferred: boolean;
}

/** EXCLUDE: no two rows may satisfy all operators. */
export interface Exclusion {
  readonly elements: readonly { readonly expression: Node; readonly operator: string }[];
  readonly where?: Node;
}

/** A table. */
export interface Table {
  readonly name: string;
  readonly columns: Column[];
  readonly keys: UniqueKey[];
  readonly checks: { readonly name: string; readonly expression: Node }[];
  readonly foreignKeys: ForeignKey[];
  readonly exclusions: Exclusion[];
}

/** Tables by name, in the order in which they were created. */
export type Schema = Map<string, Table>;

/**
 * Adds what a CREATE statement declares.
 *
 * @returns whether the statement was one that declares (otherwise it is left to the caller).
 * @throws NotAnalysed for what cannot be represented (views, triggers, functions).
 */
export function declare(schema: Schema, tree: Node): boolean {
  if ('CreateStmt' in tree) {
    createTable(schema, tree.CreateStmt);
    return true;
  }
  if ('IndexStmt' in tree) {
    createIndex(schema, tree.IndexStmt);
    return true;
  }
  if ('AlterTableStmt' in tree) {
    const table = tableOf(schema, tree.AlterTableStmt.relation?.relname);
    for (const command of tree.AlterTableStmt.cmds ?? []) {
      const definition = 'AlterTableCmd' in command ? command.AlterTableCmd : undefined;
      if (definition?.subtype !== 'AT_AddConstraint' || !definition.def || !('Constraint' in definition.def)) {
        throw new NotAnalysed('ALTER TABLE other than ADD CONSTRAINT');
      }
      addConstraint(table, definition.def.Constraint, []);
    }
    return true;
  }
  // An extension or a type adds no behaviour that matters here; its values are kept as text.
  if (
    'CreateExtensionStmt' in tree ||
    'CreateEnumStmt' in tree ||
    'CreateSchemaStmt' in tree ||
    'VariableSetStmt' in tree
  )
    return true;
  for (const kind of [
    'ViewStmt',
    'CreateTrigStmt',
    'CreateFunctionStmt',
    'RuleStmt',
    'CreatePolicyStmt',
    'CreateTableAsStmt',
    'CreateDomainStmt',
  ]) {
    if (kind in tree) throw new NotAnalysed(kind.replace(/Stmt$/, ''));
  }
  return false;
}

/** @throws SqlInputError when there is no such table. */
export function tableOf(schema: Schema, name: string | undefined): Table {
  const table = schema.get(name ?? '');
  if (!table)
    throw new SqlInputError(`there is no table "${name}"; the schema has: ${[...schema.keys()].join(', ') || 'none'}`);
  return table;
}

/** Text of a list of `String` nodes. */
export const names = (list: readonly Node[] | undefined): string[] =>
  (list ?? []).map((node) => ('String' in node ? (node.String.sval ?? '') : ''));

function createTable(schema: Schema, statement: CreateStmt): void {
  const name = statement.relation?.relname ?? '';
  if (schema.has(name)) {
    if (statement.if_not_exists) return;
    throw new SqlInputError(`table "${name}" is created twice`);
  }
  if (statement.inhRelations?.length || statement.partspec) throw new NotAnalysed('partitioned or inherited tables');
  const table: Table = { name, columns: [], keys: [], checks: [], foreignKeys: [], exclusions: [] };
  for (const element of statement.tableElts ?? []) {
    if ('ColumnDef' in element) addColumn(table, element.ColumnDef);
    else if ('Constraint' in element) addConstraint(table, element.Constraint, []);
    else throw new NotAnalysed(`CREATE TABLE ${Object.keys(element)[0]}`);
  }
  schema.set(name, table);
}

function addColumn(table: Table, definition: ColumnDef): void {
  const type = typeOfName(definition.typeName);
  const column: Column = { name: definition.colname ?? '', type, notNull: false, counter: false };
  if (/serial/.test(lastName(definition.typeName))) column.counter = column.notNull = true;
  table.columns.push(column);
  for (const node of definition.constraints ?? []) {
    if ('Constraint' in node) addConstraint(table, node.Constraint, [column.name]);
  }
}

function addConstraint(table: Table, constraint: Constraint, columns: string[]): void {
  const column = table.columns.find((candidate) => candidate.name === columns[0]);
  switch (constraint.contype) {
    case 'CONSTR_NOTNULL':
      if (column) column.notNull = true;
      return;
    case 'CONSTR_NULL':
    case 'CONSTR_ATTR_DEFERRABLE':
    case 'CONSTR_ATTR_NOT_DEFERRABLE':
    case 'CONSTR_ATTR_IMMEDIATE':
      return;
    case 'CONSTR_DEFAULT':
      if (column && constraint.raw_expr) column.default = constraint.raw_expr;
      return;
    case 'CONSTR_IDENTITY':
      if (column) column.counter = column.notNull = true;
      return;
    case 'CONSTR_GENERATED':
      if (column && constraint.raw_expr) column.generated = constraint.raw_expr;
      return;
    case 'CONSTR_CHECK':
      if (constraint.raw_expr) {
        table.checks.push({ name: constraint.conname ?? `${table.name}_check`, expression: constraint.raw_expr });
      }
      return;
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE': {
      const own = constraint.keys ? names(constraint.keys) : columns;
      const primary = constraint.contype === 'CONSTR_PRIMARY';
      for (const key of table.columns) if (primary && own.includes(key.name)) key.notNull = true;
      table.keys.push({
        name: constraint.conname ?? `${table.name}_${primary ? 'pkey' : `${own.join('_')}_key`}`,
        primary,
        columns: own,
        expressions: own.map(columnReference),
        nullsNotDistinct: constraint.nulls_not_distinct ?? false,
      });
      return;
    }
    case 'CONSTR_FOREIGN':
      table.foreignKeys.push({
        columns: constraint.fk_attrs ? names(constraint.fk_attrs) : columns,
        parent: constraint.pktable?.relname ?? '',
        parentColumns: names(constraint.pk_attrs),
        onDelete:
          constraint.fk_del_action === 'c'
            ? 'cascade'
            : constraint.fk_del_action === 'n'
              ? 'set null'
              : constraint.fk_del_action === 'd'
                ? 'set default'
                : 'restrict',
        deferred: constraint.initdeferred ?? false,
      });
      return;
    case 'CONSTR_EXCLUSION': {
      const elements = (constraint.exclusions ?? []).map((node) => {
        const [element, operator] = 'List' in node ? (node.List.items ?? []) : [];
        if (!element || !('IndexElem' in element) || !operator || !('List' in operator))
          throw new NotAnalysed('EXCLUDE');
        const expression = element.IndexElem.expr ?? columnReference(element.IndexElem.name ?? '');
        return { expression, operator: names(operator.List.items)[0] ?? '=' };
      });
      table.exclusions.push({ elements, ...(constraint.where_clause && { where: constraint.where_clause }) });
      return;
    }
    default:
      throw new NotAnalysed(`constraint ${constraint.contype}`);
  }
}

function createIndex(schema: Schema, statement: IndexStmt): void {
  if (!statement.unique) return;
  const table = tableOf(schema, statement.relation?.relname);
  const elements = (statement.indexParams ?? []).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []));
  table.keys.push({
    name: statement.idxname ?? `${table.name}_idx`,
    primary: false,
    columns: elements.map((element) => element.name),
    expressions: elements.map((element) => element.expr ?? columnReference(element.name ?? '')),
    ...(statement.whereClause && { where: statement.whereClause }),
    nullsNotDistinct: statement.nulls_not_distinct ?? false,
  });
}

function columnReference(name: string): Node {
  return { ColumnRef: { fields: [{ String: { sval: name } }] } };
}

const lastName = (type: TypeName | undefined) => names(type?.names).at(-1) ?? '';

/** Maps a type's name to the few types that behave differently. */
export function typeOfName(type: TypeName | undefined): SqlType {
  if (type?.arrayBounds?.length) return 'list';
  const name = lastName(type);
  if (/^(small|big)?(int|serial)\d?$|^integer$|^xid8?$|^oid$/.test(name)) return 'int';
  if (/^(numeric|decimal|float\d?|real|money|double precision)$/.test(name)) return 'numeric';
  if (/^bool/.test(name)) return 'bool';
  if (name === 'date') return 'date';
  if (/^timestamp/.test(name)) return 'timestamp';
  if (name === 'interval') return 'interval';
  if (/^jsonb?$/.test(name)) return 'json';
  if (/range$/.test(name)) return 'range';
  return 'text';
}
