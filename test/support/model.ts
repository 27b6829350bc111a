import { commit, emptyDatabase, execute, type Outcome, rollback } from '../../src/components/database/session.ts';
import type { DatabaseState } from '../../src/components/database/state.ts';
import type { DatabaseContext } from '../../src/components/database/work.ts';
import { type Dialect, loadParser, parseSql } from '../../src/sql/parse.ts';
import type { Plan } from '../../src/sql/plan.ts';
import type { Compiler } from '../../src/sql/query.ts';
import { compileRules } from '../../src/sql/rules.ts';
import { declare } from '../../src/sql/schema.ts';
import { compileStatement } from '../../src/sql/statement.ts';
import { toText, type Value } from '../../src/sql/values.ts';
import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';

await loadParser();

/** A schema with rows, ready to run statements on. */
export class Model {
  readonly compiler: Compiler;
  readonly context: DatabaseContext;
  readonly initial: DatabaseState;
  readonly #plans = new Map<string, Plan>();

  constructor(schema: string, dialect: Dialect = 'postgresql', sessions = 3) {
    this.compiler = { schema: new Map(), dialect, scans: [] };
    const rows: Plan[] = [];
    for (const { tree } of parseSql(schema, dialect)) {
      if (!declare(this.compiler.schema, tree)) rows.push(compileStatement(tree, this.compiler));
    }
    const tables = [...this.compiler.schema.values()];
    const rules = tables.map((table) => compileRules(table, this.compiler));
    this.context = { dialect, tables, rules, scans: this.compiler.scans };
    let state = emptyDatabase(tables.length, sessions);
    for (const plan of rows) {
      const outcome = execute(this.context, state, { session: 0, control: 'snapshot', autocommit: true }, plan, []);
      if (outcome.kind !== 'done') throw new Error(`schema: ${JSON.stringify(outcome)}`);
      state = outcome.state;
    }
    this.initial = state;
  }

  plan(sql: string): Plan {
    let plan = this.#plans.get(sql);
    if (!plan) {
      const [statement] = parseSql(sql, this.context.dialect);
      if (!statement) throw new Error(`no statement: ${sql}`);
      plan = compileStatement(statement.tree, this.compiler);
      this.#plans.set(sql, plan);
    }
    return plan;
  }

  /** Runs a statement of a transaction, or goes on with it when it waits. */
  run(state: DatabaseState, session: number, control: ConcurrencyControl, sql: string, autocommit = false): Outcome {
    if (sql === 'commit') return commit(this.context, state, session);
    if (sql === 'rollback') {
      const after = rollback(this.context, state, session);
      return { kind: 'done', state: after, result: { columns: [], rows: [], count: 0 } };
    }
    return execute(this.context, state, { session, control, autocommit }, this.plan(sql), []);
  }

  /** Committed rows of every table, as text, sorted. */
  tables(state: DatabaseState): string[] {
    return this.context.tables.map((table, index) => {
      const rows = (state.tables[index] ?? []).flatMap((row) => {
        const values = row.versions.at(-1)?.values;
        return values ? [JSON.stringify(values.map(asText))] : [];
      });
      return `${table.name}: ${rows.sort().join(' ')}`;
    });
  }
}

/** A value as PostgreSQL prints it. */
export function asText(value: Value): string | null {
  if (value === null) return null;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return toText(value);
}

/** Rows without order, for comparing. */
export function bag(rows: readonly (readonly (string | null)[])[]): string {
  return rows
    .map((row) => JSON.stringify(row))
    .sort()
    .join(' ');
}
