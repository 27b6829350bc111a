import { tokens } from '../../sql/tokens.ts';

/** Tables that a step may read and write; `all` where that cannot be told. */
export interface Footprint {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly all: boolean;
}

const WRITES = /^(insert|update|delete|merge|replace|truncate|lock|create|drop|alter)$/;
/** A locking read conflicts as a write does. */
const LOCKS = /\bfor\s+(no\s+key\s+)?(update|share|key\s+share)\b|\block\s+in\s+share\s+mode\b/i;
/** Functions that touch nothing but their arguments; every other may touch anything, e.g. a lock or a sequence. */
const PURE = new Set(
  'abs avg bool_and bool_or ceil ceiling char_length coalesce concat count current_date current_timestamp date exists extract floor greatest ifnull in least length lower max min mod now nullif round substr substring sum trim upper values using and or not on as over any all some set into from where then else when interval returning cast'.split(
    ' ',
  ),
);

/** What a schema says about the tables that statements name. */
export class Tables {
  readonly #groups = new Map<string, string>();
  readonly #opaque: boolean;

  /**
   * Tables that are tied by a foreign key count as one, since a change of one reads and locks the other. With triggers,
   * rules, views or functions any statement may touch anything.
   */
  constructor(schema: string) {
    this.#opaque = /\bcreate\s+(or\s+replace\s+)?(constraint\s+)?(trigger|rule|view|function|procedure)\b/i.test(
      schema,
    );
    for (const statement of schema.split(';')) {
      const name = /\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?([\w."`]+)/i.exec(statement)?.[1];
      if (name === undefined) continue;
      const table = plain(name);
      this.#groups.set(table, this.#groups.get(table) ?? table);
      for (const [, target = ''] of statement.matchAll(/\breferences\s+([\w."`]+)/gi)) this.#join(table, plain(target));
    }
    for (const [, table = '', target = ''] of schema.matchAll(
      /\balter\s+table\s+([\w."`]+)[^;]*?\breferences\s+([\w."`]+)/gi,
    )) {
      this.#join(plain(table), plain(target));
    }
  }

  /** Names of all tables. */
  get names(): readonly string[] {
    return [...this.#groups.keys()];
  }

  /** What a statement may touch: every table that it names, written if the statement writes or locks at all. */
  footprint(sql: string): Footprint {
    const words = tokens(sql).filter((token) => token.kind !== 'space');
    const named = new Set<string>();
    let all = this.#opaque;
    let writes = LOCKS.test(sql);
    for (const [i, { kind, text }] of words.entries()) {
      if (kind !== 'word' && kind !== 'quoted') continue;
      const word = plain(text);
      const group = this.#groups.get(word);
      if (group !== undefined) named.add(group);
      else if (kind === 'word' && words[i + 1]?.text === '(' && !PURE.has(word)) all = true;
      if (kind === 'word' && WRITES.test(word)) writes = true;
    }
    if (named.size === 0 && writes) all = true;
    return { reads: named, writes: writes ? named : new Set(), all };
  }

  #join(one: string, other: string): void {
    const from = this.#groups.get(one) ?? one;
    const to = this.#groups.get(other) ?? other;
    this.#groups.set(one, to);
    this.#groups.set(other, to);
    for (const [table, group] of this.#groups) if (group === from) this.#groups.set(table, to);
  }
}

const plain = (name: string) => name.replace(/["`]/g, '').split('.').at(-1)?.toLowerCase() ?? '';

/** All that several steps may touch. */
export function union(footprints: readonly Footprint[]): Footprint {
  return {
    reads: new Set(footprints.flatMap((footprint) => [...footprint.reads])),
    writes: new Set(footprints.flatMap((footprint) => [...footprint.writes])),
    all: footprints.some((footprint) => footprint.all),
  };
}

/** Whether the order of two steps can matter. */
export function conflict(a: Footprint, b: Footprint): boolean {
  if (a.all || b.all) return true;
  const meets = (some: ReadonlySet<string>, others: ReadonlySet<string>) =>
    [...some].some((table) => others.has(table));
  return meets(a.writes, b.writes) || meets(a.writes, b.reads) || meets(a.reads, b.writes);
}
