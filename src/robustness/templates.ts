import { type Options, Robustness } from './concrete.ts';
import type { Access, Chunk, Isolation, RowLock, Transaction } from './workload.ts';

/**
 * What identifies rows: all relations whose rows are found by the same key values (users and profiles by user id) are
 * one entity. A link is a column that never changes and holds the key of a parent.
 */
export interface Entity {
  readonly name: string;
  readonly links?: readonly { readonly name: string; readonly parent: string }[];
  /** Rows for each combination of parents; default 2. */
  readonly rows?: number;
}

/** Stands for a key of an entity; a constant is always the same one. */
export interface Variable {
  readonly name: string;
  readonly entity: string;
  readonly constant?: number;
}

/** What a statement does with the row of a variable, or with all rows that have the given parents. */
export interface TemplateAccess {
  readonly relation: string;
  readonly row:
    | string
    | { readonly entity: string; readonly where: readonly { readonly link: string; readonly is: string }[] };
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
  readonly lock?: RowLock;
  readonly creates?: boolean;
}

/** A statement: an atomic chunk of accesses. */
export interface TemplateStatement {
  readonly text: string;
  /** The rows are read one after the other, each in its newest committed version: not atomic. */
  readonly rowByRow?: boolean;
  readonly accesses: readonly TemplateAccess[];
}

/** A transaction for any keys. Templates of one group (paths through one operation) run at the same level. */
export interface Template {
  readonly name: string;
  readonly group: number;
  readonly variables: readonly Variable[];
  /** `child`'s link is `parent`. */
  readonly constraints: readonly { readonly child: string; readonly link: string; readonly parent: string }[];
  readonly statements: readonly TemplateStatement[];
}

/** Templates over entities. */
export interface TemplateSet {
  readonly entities: readonly Entity[];
  readonly templates: readonly Template[];
}

/** The instances of the templates over a small domain. */
export interface Instances {
  readonly transactions: readonly Transaction[];
  readonly template: readonly number[];
  readonly robustness: Robustness;
}

const MOST_INSTANCES = 6000;

interface Value {
  readonly name: string;
  /** For each link, the position of the parent. */
  readonly parents: ReadonlyMap<string, number>;
  readonly local: number;
}

/**
 * All instances over two rows for each entity (and each parent), each of which may run twice. It reproduces the exact
 * results for templates that Vandevoort, Fekete, Ketsman, Neven and Vansummeren published (2025), yet is no proof for
 * larger domains.
 */
export function instantiate(
  set: TemplateSet,
  options: Pick<Options, 'tick'> & { readonly limit?: number } = {},
): Instances {
  const domains = domainsOf(set.entities);
  const transactions: Transaction[] = [];
  const template: number[] = [];
  const starts: number[] = [];
  const seen = new Set<string>();
  set.templates.forEach((one, t) => {
    for (const { transaction, key, first } of instancesOf(one, set.entities, domains, options.tick)) {
      const identity = `${one.group} ${key}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
      if (first) starts.push(transactions.length);
      transactions.push(transaction);
      template.push(t);
      if (transactions.length > (options.limit ?? MOST_INSTANCES)) throw new TooManyInstances();
    }
  });
  const groups = template.map((t) => set.templates[t]?.group ?? 0);
  const robustness = new Robustness(transactions, {
    groups,
    starts,
    copies: true,
    ...(options.tick && { tick: options.tick }),
  });
  return { transactions, template, robustness };
}

interface Instance {
  readonly transaction: Transaction;
  /** What it does: equal for instances that cannot be told apart. */
  readonly key: string;
  readonly first: boolean;
}

/** The search for promotions changes one template and keeps the others. */
const cache = new WeakMap<readonly Entity[], WeakMap<Template, readonly Instance[]>>();

function instancesOf(
  template: Template,
  entities: readonly Entity[],
  domains: ReadonlyMap<string, readonly Value[]>,
  tick: () => void = () => {},
): readonly Instance[] {
  const known = cache.get(entities) ?? new WeakMap<Template, readonly Instance[]>();
  cache.set(entities, known);
  const done = known.get(template);
  if (done) return done;
  const found: Instance[] = [];
  for (const { values, first } of assignments(template, domains)) {
    tick();
    const chunks = template.statements.flatMap((statement) => fill(statement, values, domains));
    found.push({
      transaction: { name: template.name, chunks },
      key: JSON.stringify(chunks.map((chunk) => chunk.accesses)),
      first,
    });
    if (found.length > MOST_INSTANCES) throw new TooManyInstances();
  }
  known.set(template, found);
  return found;
}

/** More instances than can be checked in reasonable time. */
export class TooManyInstances extends Error {
  override name = 'TooManyInstances';
}

function domainsOf(entities: readonly Entity[]): Map<string, readonly Value[]> {
  const domains = new Map<string, readonly Value[]>();
  const build = (entity: Entity): readonly Value[] => {
    const known = domains.get(entity.name);
    if (known) return known;
    let combinations: { name: string; parents: Map<string, number> }[] = [{ name: '', parents: new Map() }];
    for (const link of entity.links ?? []) {
      const parent = entities.find((other) => other.name === link.parent);
      const values = parent ? build(parent) : [];
      combinations = combinations.flatMap((one) =>
        values.map((value, i) => ({
          name: `${one.name}${value.name}.`,
          parents: new Map(one.parents).set(link.name, i),
        })),
      );
    }
    const values = combinations.flatMap(({ name, parents }) =>
      Array.from({ length: entity.rows ?? 2 }, (_, local) => ({ name: `${name}${local + 1}`, parents, local })),
    );
    domains.set(entity.name, values);
    return values;
  };
  for (const entity of entities) build(entity);
  return domains;
}

/** Assignments that fulfil the constraints; `first` marks one for each class under renaming of rows. */
function* assignments(
  template: Template,
  domains: ReadonlyMap<string, readonly Value[]>,
): Generator<{ values: ReadonlyMap<string, number>; first: boolean }> {
  const values = new Map<string, number>();
  const valueAt = (variable: Variable, index: number) => domains.get(variable.entity)?.[index] as Value;
  const byName = new Map(template.variables.map((variable) => [variable.name, variable]));
  const fulfilled = () =>
    template.constraints.every(({ child, link, parent }) => {
      const [a, b] = [values.get(child), values.get(parent)];
      if (a === undefined || b === undefined) return true;
      return valueAt(byName.get(child) as Variable, a).parents.get(link) === b;
    });
  function* choose(at: number, canonical: boolean): Generator<{ values: ReadonlyMap<string, number>; first: boolean }> {
    const variable = template.variables[at];
    if (!variable) {
      yield { values: new Map(values), first: canonical };
      return;
    }
    const domain = domains.get(variable.entity) ?? [];
    const before = template.variables.slice(0, at).filter((other) => other.entity === variable.entity);
    for (const [i, value] of domain.entries()) {
      if (variable.constant !== undefined && i !== variable.constant) continue;
      values.set(variable.name, i);
      if (!fulfilled()) continue;
      // Rows are interchangeable: the first row to be named is row 1. Constants make their entity's rows differ.
      const used = before.map((other) => valueAt(other, values.get(other.name) ?? 0).local);
      const fixed = template.variables.some((other) => other.constant !== undefined);
      yield* choose(at + 1, canonical && (fixed || value.local <= Math.max(-1, ...used) + 1));
    }
    values.delete(variable.name);
  }
  yield* choose(0, true);
}

function fill(
  statement: TemplateStatement,
  values: ReadonlyMap<string, number>,
  domains: ReadonlyMap<string, readonly Value[]>,
): Chunk[] {
  const accesses = statement.accesses.flatMap((access): Access[] => {
    const { relation, row, ...rest } = access;
    if (typeof row === 'string') return [{ ...rest, row: `${relation}#${values.get(row) ?? 0}` }];
    return (domains.get(row.entity) ?? []).flatMap((value, i) =>
      row.where.every(({ link, is }) => value.parents.get(link) === values.get(is))
        ? [{ ...rest, row: `${relation}#${i}` }]
        : [],
    );
  });
  const { text, rowByRow } = statement;
  return rowByRow ? accesses.map((access) => ({ text, accesses: [access] })) : [{ text, accesses }];
}

/** How a read is strengthened: `lock` is FOR UPDATE, `update` writes the columns back unchanged. */
export type PromotionKind = 'lock' | 'update';

/** A read that is strengthened, in all templates of the group that have the statement. */
export interface Promotion {
  readonly group: number;
  readonly text: string;
  readonly kind: PromotionKind;
  readonly levels: readonly Isolation[];
}

/** The set with one read by key strengthened. */
export function promote(set: TemplateSet, group: number, text: string, kind: PromotionKind): TemplateSet {
  const strengthen = (access: TemplateAccess): TemplateAccess => {
    if (typeof access.row !== 'string' || access.writes?.length || access.lock) return access;
    if (kind === 'lock') return { ...access, lock: 'update' };
    return { ...access, writes: access.reads ?? [] };
  };
  return {
    ...set,
    templates: set.templates.map((template) =>
      template.group !== group
        ? template
        : {
            ...template,
            statements: template.statements.map((statement) =>
              statement.text === text ? { ...statement, accesses: statement.accesses.map(strengthen) } : statement,
            ),
          },
    ),
  };
}

/** Reads by key that could be strengthened. */
export function promotable(set: TemplateSet): { readonly group: number; readonly text: string }[] {
  const found = new Map<string, { group: number; text: string }>();
  for (const { group, statements } of set.templates) {
    for (const { text, accesses } of statements) {
      const plain = accesses.every((a) => typeof a.row === 'string' && !a.writes?.length && !a.lock);
      if (plain && accesses.length > 0) found.set(`${group} ${text}`, { group, text });
    }
  }
  return [...found.values()];
}

/** Sum of the ranks of levels: the lower, the cheaper. */
export const cost = (levels: readonly Isolation[], ladder: readonly Isolation[]): number =>
  levels.reduce((sum, level) => sum + ladder.indexOf(level), 0);

/**
 * The single promotion of a read, in an operation that is not at the lowest level, that lowers the levels most;
 * undefined when none lowers any without raising another.
 */
export function bestPromotion(
  set: TemplateSet,
  levels: readonly Isolation[],
  ladder: readonly Isolation[],
  kinds: readonly PromotionKind[] = ['lock', 'update'],
  options: Pick<Options, 'tick'> = {},
): Promotion | undefined {
  let best: Promotion | undefined;
  for (const { group, text } of promotable(set)) {
    if (levels[group] === ladder[0]) continue;
    for (const kind of kinds) {
      const lowered = instantiate(promote(set, group, text, kind), options).robustness.lowest(ladder);
      if (lowered?.some((level, g) => ladder.indexOf(level) > ladder.indexOf(levels[g] as Isolation))) continue;
      if (lowered && cost(lowered, ladder) < cost(best?.levels ?? levels, ladder)) {
        best = { group, text, kind, levels: lowered };
      }
    }
  }
  return best;
}
