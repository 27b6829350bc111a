import type { AlterTableCmd, ColumnDef, Constraint, CreateStmt, IndexStmt, Node, TypeName } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import type { ReferentialAction } from './plan.ts';
import { type Column, extrasOf, type Schema, type Table, tableOf } from './schema.ts';
import { castOf, lastName, names } from './types.ts';

/** Statements that add no behaviour that matters here: extensions, comments, grants, settings, enumerated types. */
const WITHOUT_EFFECT = [
  'CreateExtensionStmt',
  'CreateEnumStmt',
  'CreateSchemaStmt',
  'CommentStmt',
  'GrantStmt',
  'VacuumStmt',
  'CreateStatsStmt',
];

const REFUSED: Readonly<Record<string, string>> = {
  ViewStmt: 'view',
  CreateTrigStmt: 'trigger',
  CreateFunctionStmt: 'function or procedure',
  RuleStmt: 'rule',
  CreatePolicyStmt: 'row security policy',
  CreateTableAsStmt: 'CREATE TABLE AS',
  CompositeTypeStmt: 'composite type',
  DropStmt: 'DROP',
  RenameStmt: 'RENAME',
  DoStmt: 'DO block',
};

/**
 * Adds what a CREATE or ALTER statement declares.
 *
 * @returns whether the statement was one that declares (otherwise it is left to the caller).
 * @throws NotAnalysed for what cannot be represented (views, triggers, functions).
 */
export function declare(schema: Schema, tree: Node): boolean {
  if ('CreateStmt' in tree) createTable(schema, tree.CreateStmt);
  else if ('IndexStmt' in tree) createIndex(schema, tree.IndexStmt);
  else if ('AlterTableStmt' in tree) {
    const table = tableOf(schema, tree.AlterTableStmt.relation?.relname);
    for (const command of tree.AlterTableStmt.cmds ?? []) {
      if ('AlterTableCmd' in command) alterTable(schema, table, command.AlterTableCmd);
    }
  } else if ('CreateSeqStmt' in tree) {
    const option = (name: string) => {
      const found = (tree.CreateSeqStmt.options ?? []).find(
        (node) => 'DefElem' in node && node.DefElem.defname === name,
      );
      const arg = found && 'DefElem' in found ? found.DefElem.arg : undefined;
      return arg && 'Integer' in arg ? (arg.Integer.ival ?? 0) : undefined;
    };
    const increment = option('increment') ?? 1;
    extrasOf(schema).starts.set(tree.CreateSeqStmt.sequence?.relname ?? '', { start: option('start') ?? 1, increment });
  } else if ('CreateDomainStmt' in tree) {
    const { domainname, typeName, constraints = [] } = tree.CreateDomainStmt;
    const own = constraints.flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
    extrasOf(schema).domains.set(names(domainname).at(-1) ?? '', {
      base: { TypeName: typeName as TypeName } as Node,
      checks: own.flatMap((constraint) =>
        constraint.raw_expr && constraint.contype === 'CONSTR_CHECK' ? [constraint.raw_expr] : [],
      ),
      notNull: own.some((constraint) => constraint.contype === 'CONSTR_NOTNULL'),
    });
  } else if ('VariableSetStmt' in tree) {
    return tree.VariableSetStmt.kind !== 'VAR_SET_MULTI';
  } else {
    const kind = Object.keys(tree)[0] ?? '';
    if (REFUSED[kind]) throw new NotAnalysed(REFUSED[kind]);
    return WITHOUT_EFFECT.includes(kind);
  }
  return true;
}

function createTable(schema: Schema, statement: CreateStmt): void {
  const name = statement.relation?.relname ?? '';
  if (schema.has(name)) {
    if (statement.if_not_exists) return;
    throw new SqlInputError(`table "${name}" is created twice`);
  }
  if (statement.inhRelations?.length || statement.partspec) throw new NotAnalysed('partitioned or inherited tables');
  const table: Table = { name, columns: [], keys: [], indexes: [], checks: [], foreignKeys: [], exclusions: [] };
  // Constraints of the table may name columns that come after them.
  const constraints: Constraint[] = [];
  for (const element of statement.tableElts ?? []) {
    if ('ColumnDef' in element) addColumn(schema, table, element.ColumnDef);
    else if ('Constraint' in element) constraints.push(element.Constraint);
    else throw new NotAnalysed(`CREATE TABLE ${Object.keys(element)[0]}`);
  }
  for (const constraint of constraints) addConstraint(table, constraint, []);
  for (const key of [
    ...table.keys.map((unique) => unique.columns),
    ...table.foreignKeys.map((foreign) => foreign.columns),
  ]) {
    for (const column of key) {
      if (column !== undefined && !table.columns.some((candidate) => candidate.name === column)) {
        throw new SqlInputError(
          `a constraint of "${name}" names the column "${column}", which the table does not have`,
        );
      }
    }
  }
  schema.set(name, table);
}

function addColumn(schema: Schema, table: Table, definition: ColumnDef): void {
  const domain = extrasOf(schema).domains.get(lastName(definition.typeName));
  const typeName = domain && 'TypeName' in domain.base ? (domain.base.TypeName as TypeName) : definition.typeName;
  const name = definition.colname ?? '';
  const column: Column = { name, ...castOf(typeName, true), notNull: domain?.notNull ?? false, counter: false };
  if (/serial/.test(lastName(typeName))) column.counter = column.notNull = true;
  table.columns.push(column);
  for (const expression of domain?.checks ?? []) {
    table.checks.push({ name: `${lastName(definition.typeName)}_check`, expression: withColumn(expression, name) });
  }
  let last: { deferrable: boolean; deferred: boolean } | undefined;
  for (const node of definition.constraints ?? []) {
    if (!('Constraint' in node)) continue;
    const { contype } = node.Constraint;
    if (contype === 'CONSTR_ATTR_DEFERRABLE' && last) last.deferrable = true;
    else if (contype === 'CONSTR_ATTR_DEFERRED' && last) last.deferrable = last.deferred = true;
    else last = addConstraint(table, node.Constraint, [name]) ?? last;
  }
}

/** A domain's condition on VALUE as a condition on a column. */
function withColumn(expression: Node, column: string): Node {
  return JSON.parse(
    JSON.stringify(expression).replaceAll('"sval":"value"', `"sval":${JSON.stringify(column)}`),
  ) as Node;
}

const ACTIONS: Readonly<Record<string, ReferentialAction>> = {
  c: 'cascade',
  n: 'set null',
  d: 'set default',
  r: 'restrict',
};

/** @returns the constraint where later words may make it deferrable. */
function addConstraint(
  table: Table,
  constraint: Constraint,
  columns: string[],
): { deferrable: boolean; deferred: boolean } | undefined {
  const column = table.columns.find((candidate) => candidate.name === columns[0]);
  const timing = {
    deferrable: constraint.deferrable ?? false,
    deferred: constraint.initdeferred ?? false,
  };
  switch (constraint.contype) {
    case 'CONSTR_NOTNULL':
      if (column) column.notNull = true;
      return;
    case 'CONSTR_NULL':
    case 'CONSTR_ATTR_NOT_DEFERRABLE':
    case 'CONSTR_ATTR_IMMEDIATE':
      return;
    case 'CONSTR_DEFAULT':
      if (column && constraint.raw_expr) column.default = constraint.raw_expr;
      return;
    case 'CONSTR_IDENTITY':
      if (column) {
        column.counter = column.notNull = true;
        if (constraint.generated_when === 'a') column.always = true;
      }
      return;
    case 'CONSTR_GENERATED':
      if (column && constraint.raw_expr) column.generated = constraint.raw_expr;
      return;
    case 'CONSTR_CHECK':
      if (constraint.raw_expr) {
        const name = constraint.conname ?? [table.name, ...columns, 'check'].join('_');
        table.checks.push({ name, expression: constraint.raw_expr });
      }
      return;
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE': {
      const own = constraint.keys ? names(constraint.keys) : columns;
      const primary = constraint.contype === 'CONSTR_PRIMARY';
      for (const key of table.columns) if (primary && own.includes(key.name)) key.notNull = true;
      const key = {
        name: constraint.conname ?? `${table.name}_${primary ? 'pkey' : `${own.join('_')}_key`}`,
        primary,
        columns: own,
        expressions: own.map(columnReference),
        nullsNotDistinct: constraint.nulls_not_distinct ?? false,
        ...timing,
      };
      table.keys.push(key);
      return key;
    }
    case 'CONSTR_FOREIGN': {
      const own = constraint.fk_attrs ? names(constraint.fk_attrs) : columns;
      const key = {
        name: constraint.conname ?? `${table.name}_${own.join('_')}_fkey`,
        columns: own,
        parent: constraint.pktable?.relname ?? '',
        parentColumns: names(constraint.pk_attrs),
        onDelete: ACTIONS[constraint.fk_del_action ?? ''] ?? 'no action',
        onUpdate: ACTIONS[constraint.fk_upd_action ?? ''] ?? 'no action',
        cleared: names(constraint.fk_del_set_cols),
        ...timing,
      };
      table.foreignKeys.push(key);
      return key;
    }
    case 'CONSTR_EXCLUSION': {
      const elements = (constraint.exclusions ?? []).map((node) => {
        const [element, operator] = 'List' in node ? (node.List.items ?? []) : [];
        if (!element || !('IndexElem' in element) || !operator || !('List' in operator))
          throw new NotAnalysed('EXCLUDE');
        const expression = element.IndexElem.expr ?? columnReference(element.IndexElem.name ?? '');
        return { expression, operator: names(operator.List.items).at(-1) ?? '=' };
      });
      if (timing.deferrable) throw new NotAnalysed('deferrable EXCLUDE');
      const name = constraint.conname ?? `${table.name}_excl`;
      table.exclusions.push({ name, elements, ...(constraint.where_clause && { where: constraint.where_clause }) });
      return;
    }
    default:
      throw new NotAnalysed(`constraint ${constraint.contype}`);
  }
}

function createIndex(schema: Schema, statement: IndexStmt): void {
  const table = tableOf(schema, statement.relation?.relname);
  const elements = (statement.indexParams ?? []).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []));
  if (!statement.unique) {
    if (elements[0]?.name) table.indexes.push(elements[0].name);
    return;
  }
  table.keys.push({
    name: statement.idxname ?? `${table.name}_${elements.map((element) => element.name ?? 'expr').join('_')}_idx`,
    primary: false,
    columns: elements.map((element) => element.name),
    expressions: elements.map((element) => element.expr ?? columnReference(element.name ?? '')),
    ...(statement.whereClause && { where: statement.whereClause }),
    nullsNotDistinct: statement.nulls_not_distinct ?? false,
    deferrable: false,
    deferred: false,
  });
}

function alterTable(schema: Schema, table: Table, command: AlterTableCmd): void {
  const { subtype, name, def } = command;
  const column = table.columns.find((candidate) => candidate.name === name);
  switch (subtype) {
    case 'AT_AddConstraint':
      if (def && 'Constraint' in def) addConstraint(table, def.Constraint, []);
      return;
    case 'AT_AddColumn':
      if (def && 'ColumnDef' in def) addColumn(schema, table, def.ColumnDef);
      return;
    case 'AT_SetNotNull':
      if (column) column.notNull = true;
      return;
    case 'AT_DropNotNull':
      if (column) column.notNull = false;
      return;
    case 'AT_ColumnDefault':
      if (column) {
        if (def) column.default = def;
        else delete column.default;
      }
      return;
    case 'AT_ValidateConstraint':
    case 'AT_ChangeOwner':
    case 'AT_SetStatistics':
    case 'AT_SetStorage':
      return;
  }
  throw new NotAnalysed(`ALTER TABLE (${subtype?.replace('AT_', '')})`);
}

function columnReference(name: string): Node {
  return { ColumnRef: { fields: [{ String: { sval: name } }] } };
}
