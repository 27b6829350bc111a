import type { Design } from '../design/design.ts';
import { type Dialect, loadParser, parseSql } from '../sql/parse.ts';
import { declare, type Schema, type Table } from '../sql/schema.ts';
import { type Gap, type PathTransaction, pathsOf } from './paths.ts';
import { type Located, type LocatedStatement, Relations } from './rows.ts';
import type { Template, TemplateAccess, TemplateSet, TemplateStatement, Variable } from './templates.ts';
import type { Touch } from './touches.ts';

/** A transaction of an operation. */
export interface Unit {
  readonly operation: string;
  /** Operation, with the step where it begins if it has more than one transaction. */
  readonly name: string;
  /** Level that the design gives. */
  readonly level?: string;
}

/** The templates of a design's operations; `gaps` says what could not be read (then there are no templates). */
export interface SqlTemplates extends TemplateSet {
  readonly units: readonly Unit[];
  readonly gaps: readonly Gap[];
  /** Columns from sequences whose order is relied on: no isolation level covers it. */
  readonly sequences: readonly string[];
  /** What was simplified. */
  readonly notes: readonly string[];
}

/**
 * What a statement reads: one snapshot (PostgreSQL, Oracle), one snapshot unless it writes or locks (InnoDB), or each
 * row as it comes (locking engines).
 */
export type StatementReads = 'snapshot' | 'snapshot for plain reads' | 'row by row';

/** What a statement reads of a row even if it names no column: whether it is there. */
const PRESENCE = '(row)';

/**
 * Templates from the SQL of the operations. A row is known by key when equalities with parameters, constants or columns
 * of known rows fix all columns of a primary or unique key that no statement changes; all else is a predicate, which
 * reads every row of its table (with the given parents). An UPDATE or DELETE by predicate reads first and then writes
 * rows by key, since PostgreSQL evaluates only a row that it waited for again.
 */
export async function templatesFromSql(
  design: Design,
  dialect: Dialect,
  reading: StatementReads = 'snapshot',
): Promise<SqlTemplates> {
  await loadParser();
  const gaps: Gap[] = [];
  const notes: string[] = [];
  const schema = readSchema(design.schema ?? '', dialect, gaps);
  const units: Unit[] = [];
  const sequences: string[] = [];
  const all: { readonly unit: number; readonly transaction: PathTransaction }[] = [];
  for (const operation of design.operations) {
    const { paths, complete } = pathsOf(design, operation, schema, dialect, gaps);
    if (!complete) notes.push(`${operation.name}: not every combination of its branches was tried`);
    const begins = [...new Set(paths.flat().map((transaction) => transaction.begins))].sort((a, b) => a - b);
    const first = units.length;
    for (const at of begins) {
      const level = paths.flat().find((t) => t.begins === at)?.level ?? operation.isolation ?? design.isolation;
      const name = begins.length > 1 ? `${operation.name} (from step ${at + 1})` : operation.name;
      units.push({ operation: operation.name, name, ...(level && { level }) });
    }
    for (const transaction of paths.flat()) all.push({ unit: first + begins.indexOf(transaction.begins), transaction });
  }
  if (gaps.length > 0) return { entities: [], templates: [], units, gaps, notes, sequences };
  const transactions = all.map(({ transaction }) => transaction);
  for (const table of schema.values()) {
    const counters = table.columns.filter((column) => column.counter).map((column) => column.name);
    const touches = all
      .flatMap((one) => one.transaction.statements.flatMap((s) => s.groups.flat()))
      .filter((t) => t.table === table);
    const drawn = counters.find((column) => touches.some((t) => t.kind === 'insert' && !t.equal.has(column)));
    const ordered = touches.some(
      (t) => t.kind === 'read' && drawn !== undefined && t.filter.has(drawn) && !t.equal.has(drawn),
    );
    if (drawn && ordered)
      sequences.push(`${table.name}.${drawn} is drawn outside transactions, yet its order is relied on`);
  }
  const relations = new Relations(schema, transactions);
  const located = transactions.map((transaction) => relations.locate(transaction));
  for (const step of ['entities', 'links'] as const) for (const one of located) relations.learn(one, step);
  const deleted = new Set(
    transactions.flatMap((t) => t.statements.flatMap((s) => s.groups.flat())).flatMap(deletedTables(schema)),
  );
  const templates = all.map(({ unit }, i) =>
    new Builder(relations, schema, deleted, reading).template(
      units[unit]?.name ?? '',
      unit,
      located[i] as LocatedStatement[],
    ),
  );
  return { entities: relations.entities(), templates, units, gaps, notes, sequences };
}

function readSchema(text: string, dialect: Dialect, gaps: Gap[]): Schema {
  const schema: Schema = new Map();
  if (text.trim() === '') return schema;
  for (const statement of parseSql(text, dialect)) {
    try {
      declare(schema, statement.tree);
    } catch (error) {
      gaps.push({ where: 'schema', what: `${(error as Error).message}: ${statement.text.slice(0, 60)}` });
    }
  }
  return schema;
}

/** Tables whose rows a DELETE removes, by cascade too. */
const deletedTables = (schema: Schema) => (touch: Touch) => {
  const found: string[] = [];
  const visit = (name: string) => {
    if (found.includes(name)) return;
    found.push(name);
    for (const { table } of children(schema, name, 'cascade')) visit(table.name);
  };
  if (touch.kind === 'delete') visit(touch.table.name);
  return found;
};

function children(schema: Schema, parent: string, action: string): { table: Table; columns: readonly string[] }[] {
  return [...schema.values()].flatMap((table) =>
    table.foreignKeys
      .filter((key) => key.parent === parent && key.onDelete.startsWith(action))
      .map((key) => ({ table, columns: key.columns })),
  );
}

/** Builds one template: variables for the rows, constraints for their parents, accesses for the statements. */
class Builder {
  readonly #relations: Relations;
  readonly #schema: Schema;
  readonly #deleted: ReadonlySet<string>;
  readonly #reading: StatementReads;
  readonly #variables = new Map<string, Variable>();
  readonly #constraints: { child: string; link: string; parent: string }[] = [];
  #fresh = 0;

  constructor(relations: Relations, schema: Schema, deleted: ReadonlySet<string>, reading: StatementReads) {
    this.#relations = relations;
    this.#schema = schema;
    this.#deleted = deleted;
    this.#reading = reading;
  }

  template(name: string, group: number, statements: readonly LocatedStatement[]): Template {
    // Rows that are named somewhere come first, so that links to them are known.
    const known = new Set(
      statements
        .flatMap((s) => s.groups.flat())
        .flatMap((l) => (l.key === undefined ? [] : [this.#variable(l.touch.table, l.key)])),
    );
    const built = statements.flatMap((statement) =>
      statement.groups.flatMap((group, i) =>
        this.#group(group, i === statement.groups.length - 1 ? statement.rows : 1, known).map((accesses) => ({
          text: statement.text,
          accesses,
          ...(this.#rowByRow(group) && { rowByRow: true }),
        })),
      ),
    );
    const used = built.filter((statement) => statement.accesses.length > 0);
    return { name, group, variables: [...this.#variables.values()], constraints: this.#constraints, statements: used };
  }

  #variable(table: Table, key: string): string {
    const entity = this.#relations.entity(table.name);
    const name = `${entity} ${key}`;
    if (!this.#variables.has(name)) {
      const constant = this.#relations.constant(entity, key);
      this.#variables.set(name, { name, entity, ...(constant !== undefined && { constant }) });
    }
    return name;
  }

  /** Parents of a row, or of the rows of a predicate, that other statements name. */
  #parents(located: Located, known: ReadonlySet<string>): { link: string; is: string }[] {
    return this.#relations.linksOf(located.touch.table.name).flatMap(({ name, columns, parent }) => {
      const value = this.#relations.linkValue(located, columns);
      const variable = `${parent} ${value}`;
      return value !== undefined && known.has(variable) ? [{ link: name, is: variable }] : [];
    });
  }

  #row(located: Located, known: ReadonlySet<string>): string {
    const { table } = located.touch;
    const row = this.#variable(table, located.key ?? `any ${++this.#fresh}`);
    for (const { link, is } of this.#parents(located, known)) {
      if (!this.#constraints.some((c) => c.child === row && c.link === link)) {
        this.#constraints.push({ child: row, link, parent: is });
      }
    }
    return row;
  }

  #group(group: readonly Located[], rows: 0 | 1 | 2, known: ReadonlySet<string>): TemplateAccess[][] {
    const reads = group.filter(({ touch }) => touch.kind === 'read').map((one) => this.#read(one, known));
    const rest = group.filter(({ touch }) => touch.kind !== 'read').flatMap((one) => this.#change(one, rows, known));
    return [reads, ...rest];
  }

  #rowByRow(group: readonly Located[]): boolean {
    if (this.#reading === 'snapshot') return false;
    return this.#reading === 'row by row' || group.some(({ touch }) => touch.kind !== 'read');
  }

  #read(located: Located, known: ReadonlySet<string>): TemplateAccess {
    const { touch } = located;
    const relation = touch.table.name;
    const all = [...new Set([PRESENCE, ...touch.filter, ...touch.reads])];
    const columns = all.filter((column) => !located.validated?.has(column));
    if (located.key !== undefined) return { relation, row: this.#row(located, known), reads: columns };
    const where = this.#parents(located, known);
    return { relation, row: { entity: this.#relations.entity(relation), where }, reads: columns };
  }

  /** A statement that locks or writes; each list of accesses is a chunk. */
  #change(located: Located, rows: 0 | 1 | 2, known: ReadonlySet<string>): TemplateAccess[][] {
    const { touch } = located;
    const relation = touch.table.name;
    const everything = [PRESENCE, ...touch.table.columns.map((column) => column.name)];
    if (touch.kind === 'insert' || touch.kind === 'upsert' || touch.kind === 'insert if absent') {
      const row = this.#row(located, known);
      const parents = this.#parentsOfInsert(located);
      if (touch.kind === 'insert') {
        const creates = !this.#deleted.has(relation);
        return [[...parents, { relation, row, writes: everything, lock: 'update', ...(creates && { creates }) }]];
      }
      const read = { relation, row, reads: [PRESENCE, ...touch.reads] };
      if (touch.kind === 'insert if absent' && rows === 0) return [[read]];
      return [[...parents, { ...read, writes: everything, lock: 'update' }]];
    }
    const read = this.#read(located, known);
    const writes = touch.kind === 'delete' ? everything : [...touch.writes];
    const lock = touch.kind === 'delete' ? ('update' as const) : touch.lock;
    const change = (row: string): TemplateAccess => ({
      relation,
      row,
      reads: read.reads ?? [],
      ...(writes.length > 0 && { writes }),
      ...(lock && { lock }),
    });
    const found: TemplateAccess[][] = [];
    if (located.key !== undefined) {
      const row = this.#row(located, known);
      found.push(rows === 0 ? [read] : [change(row)]);
    } else {
      found.push([read]);
      const everyRow = touch.filter.size === 0 && typeof read.row !== 'string';
      if (everyRow) found.push([{ ...change(''), row: read.row }]);
      for (let i = 0; i < rows && !everyRow; i++) found.push([change(this.#row(located, known))]);
    }
    if (touch.kind === 'delete' && rows > 0) found.push(...this.#cascade(relation, []));
    return found;
  }

  /** The row that a foreign key points to must be there: read under a lock that only its removal waits for. */
  #parentsOfInsert(located: Located): TemplateAccess[] {
    return located.touch.table.foreignKeys.flatMap((key): TemplateAccess[] => {
      const parent = this.#schema.get(key.parent);
      if (!parent || !this.#deleted.has(key.parent)) return [];
      const value = this.#relations.linkValue(located, key.columns);
      const row = this.#variable(parent, value ?? `any ${++this.#fresh}`);
      return [{ relation: key.parent, row, reads: [PRESENCE], lock: 'key share' }];
    });
  }

  /** Rows that the removal of a parent removes or changes: any of them. */
  #cascade(parent: string, seen: readonly string[]): TemplateAccess[][] {
    return ['cascade', 'set'].flatMap((action) =>
      children(this.#schema, parent, action).flatMap(({ table, columns }) => {
        if (seen.includes(table.name)) return [];
        const everything = [PRESENCE, ...table.columns.map((column) => column.name)];
        const entity = this.#relations.entity(table.name);
        const read = { relation: table.name, row: { entity, where: [] }, reads: [PRESENCE, ...columns] };
        const row = this.#variable(table, `any ${++this.#fresh}`);
        const change: TemplateAccess =
          action === 'cascade'
            ? { relation: table.name, row, reads: [...columns], writes: everything, lock: 'update' }
            : { relation: table.name, row, reads: [...columns], writes: columns };
        const deeper = action === 'cascade' ? this.#cascade(table.name, [...seen, parent]) : [];
        return [[read], [change], ...deeper];
      }),
    );
  }
}

export type { Gap, TemplateStatement };
