import { execute } from '../../components/database/session.ts';
import type { DatabaseState } from '../../components/database/state.ts';
import { DesignError } from '../../design/design.ts';
import { compileCel, type Expression, isCel } from '../../design/expression.ts';
import { NotAnalysed, SqlInputError } from '../../sql/errors.ts';
import { parseSql } from '../../sql/parse.ts';
import type { Plan } from '../../sql/plan.ts';
import { compileStatement } from '../../sql/statement.ts';
import { toText, type Value } from '../../sql/values.ts';
import { GapsError, type Program } from '../program.ts';
import type { World } from '../search.ts';
import type { CheckCompiler } from './check.ts';

/** A SELECT that gives true, or CEL over the components and the SELECTs named in `let`. */
export const invariant: CheckCompiler = (text, program, options) => {
  const name = options.name ?? text;
  const when = options.when ?? 'end';
  const evaluate = /^\s*(select|with|values)\b/i.test(text)
    ? sql(text, program, name)
    : cel(text, program, name, options.let ?? {});
  return {
    kind: 'invariant',
    name,
    text: [text, ...Object.values(options.let ?? {})].join(' '),
    assumed: false,
    early: when === 'always',
    ...(when === 'all committed' && { ofAll: true as const }),
    broken: (world, final) => {
      if (when !== 'always' && !final) return undefined;
      if (when === 'all committed' && world.locals.some((local) => local.status !== 'done')) return undefined;
      const value = evaluate(world);
      if (value !== null && typeof value !== 'boolean') {
        throw new DesignError(`invariant ${name} gives ${toText(value).slice(0, 40)}; it must give true or false`);
      }
      return value === false ? 'the invariant gives false' : undefined;
    },
  };
};

function sql(text: string, program: Program, name: string): (world: World) => Value {
  let plan: Plan;
  try {
    const [statement, ...more] = parseSql(text, program.engine.dialect);
    if (!statement || more.length > 0 || !('SelectStmt' in statement.tree)) {
      throw new DesignError(`invariant "${text}" must be one SELECT that gives true`);
    }
    if (statement.parameters.length > 0)
      throw new DesignError(
        `invariant ${name}: :${statement.parameters[0]} has no value there; an invariant speaks of the whole state`,
      );
    plan = compileStatement(statement.tree, program.compiler);
  } catch (error) {
    if (error instanceof NotAnalysed) throw new GapsError([{ where: `invariant ${name}`, construct: error.construct }]);
    if (error instanceof SqlInputError) throw new DesignError(`invariant ${name}: ${error.message}`);
    throw error;
  }
  const memo = new WeakMap<DatabaseState, { value: Value }>();
  return (world) => {
    const state = world.components[0] as DatabaseState;
    const known = memo.get(state) ?? { value: onCommitted(plan, state, program) };
    memo.set(state, known);
    return known.value;
  };
}

/** Evaluates a SELECT on what is committed. */
function onCommitted(plan: Plan, state: DatabaseState, program: Program): Value {
  const committed: DatabaseState = {
    ...state,
    transactions: [...state.transactions.map(() => null), null],
    ended: [],
    ranges: [],
    advisory: [],
  };
  const caller = { session: state.transactions.length, control: 'read-committed-mvcc', autocommit: true } as const;
  const outcome = execute(program.context, committed, caller, plan, []);
  if (outcome.kind !== 'done')
    throw new DesignError(`an invariant cannot be evaluated${outcome.kind === 'error' ? `: ${outcome.message}` : ''}`);
  const value = outcome.result.rows[0]?.[0] ?? null;
  return typeof value === 'number' && program.engine.dialect === 'mysql' && (value === 0 || value === 1)
    ? value === 1
    : value;
}

function cel(
  text: string,
  program: Program,
  name: string,
  named: Readonly<Record<string, string>>,
): (world: World) => Value {
  if (!isCel(text)) throw new DesignError(`invariant "${text}" is neither a SELECT nor a CEL expression`);
  const expression: Expression = compileCel(text);
  const selects = Object.entries(named).map(([key, query]) => ({ key, value: sql(query, program, name) }));
  const known = new Set([...program.components.map((component) => component.name), ...Object.keys(named)]);
  const missing = expression.reads.find((word) => !known.has(word));
  if (missing !== undefined) {
    throw new DesignError(
      `invariant ${name}: "${missing}" is unknown. Use components (${program.components.map((component) => component.name).join(', ') || 'none'}) or name a SELECT in let: {${missing}: "SELECT ..."}`,
    );
  }
  return (world) => {
    const views = program.components.map((component, i): [string, Value] => [
      component.name,
      { json: component.view(world.components[i + 1]) },
    ]);
    return expression.evaluate({
      ...Object.fromEntries(views),
      ...Object.fromEntries(selects.map(({ key, value }) => [key, value(world)])),
    });
  };
}
