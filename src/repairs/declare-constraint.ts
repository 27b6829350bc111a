import type { Design } from '../design/design.ts';
import type { Step } from '../design/step.ts';
import type { Candidate, Repair } from './repair.ts';
import { readSelect, sqlOf, stepsOf } from './rewrite.ts';

/** A rule that the database itself keeps: UNIQUE for "insert if absent", CHECK for a bound on a column. */
export const declareConstraint: Repair = {
  id: 'declare-constraint',
  cost: 1,
  patterns: ['declared-constraint'],
  apply: (design, engine) => [...unique(design, engine.dialect !== 'mysql'), ...bounds(design)],
};

function declared(design: Design, title: string, sql: string): Candidate {
  return { title, change: [sql], design: { ...design, schema: `${design.schema ?? ''};\n${sql}` } };
}

/** `n := SELECT ... FROM t WHERE a = x AND b = y`, and later INSERT INTO t. */
function unique(design: Design, partialIndexes: boolean): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const operation of design.operations) {
    const steps = stepsOf(operation, design);
    steps.forEach((step, at) => {
      const select = readSelect(sqlOf(step) ?? '');
      if (
        !select?.where ||
        !steps
          .slice(at + 1)
          .some((later) => new RegExp(`^insert\\s+into\\s+"?${select.table}"?\\b`, 'i').test(sqlOf(later) ?? ''))
      )
        return;
      if (!asksForExistence(step, steps.slice(at + 1))) return;
      const parts = select.where.split(/\s+and\s+/i);
      const keys = parts.flatMap((part) => /^(\w+)\s*=\s*(?::\w+|'[^']*'|\d+)$/.exec(part.trim())?.[1] ?? []);
      const rest = parts.filter((part) => !/^\w+\s*=/.test(part.trim()));
      const partial = rest.filter((part) => !part.includes(':'));
      if (keys.length === 0 || rest.length > partial.length || isUnique(design.schema ?? '', select.table, keys))
        return;
      if (partial.length > 0 && !partialIndexes) return;
      const where = partial.length > 0 ? ` WHERE ${partial.join(' AND ')}` : '';
      const sql = `CREATE UNIQUE INDEX ON ${select.table} (${keys.join(', ')})${where}`;
      found.set(
        sql,
        declared(
          design,
          `UNIQUE (${keys.join(', ')})${where} on ${select.table}; treat the violation as "already there"`,
          sql,
        ),
      );
    });
  }
  return [...found.values()];
}

/** Whether what was read decides only whether a row is there: `n == 0`, `seen != null`. A sum or a limit is another rule. */
function asksForExistence(read: Step, later: readonly Step[]): boolean {
  const [variable] = read.into;
  if (variable === undefined || /\b(sum|avg|min|max)\s*\(/i.test(sqlOf(read) ?? '')) return false;
  const test = new RegExp(
    `\\b${variable}\\s*(==|!=)\\s*(0|null)\\b|\\b${variable}\\s*(>\\s*0|<\\s*1|>=\\s*1)\\b|size\\(${variable}\\)\\s*(==|!=|>)\\s*0`,
  );
  return later.some((step) => step.condition !== undefined && test.test(step.condition.text));
}

/** Whether the schema already declares the columns unique (a primary key is). */
function isUnique(schema: string, table: string, columns: readonly string[]): boolean {
  const body =
    new RegExp(
      `create\\s+table\\s+(?:if\\s+not\\s+exists\\s+)?"?${table}"?\\s*\\(([\\s\\S]*?)\\)\\s*(?:;|$)`,
      'i',
    ).exec(schema)?.[1] ?? '';
  const list = columns.join('\\s*,\\s*');
  const inline =
    columns.length === 1 && new RegExp(`(^|,)\\s*"?${list}"?\\s[^,]*\\b(primary\\s+key|unique)\\b`, 'i').test(body);
  return inline || new RegExp(`\\b(primary\\s+key|unique)\\s*\\(\\s*${list}\\s*\\)`, 'i').test(body);
}

/** Invariants `min(c) >= n` and `count(*) = 0 ... WHERE c < n`. */
function bounds(design: Design): Candidate[] {
  return design.properties.flatMap(({ invariant = '' }) => {
    const least = /min\(\s*(\w+)\s*\)\s*(>=?)\s*(-?\d+)\s+(?:as\s+\w+\s+)?from\s+(\w+)\s*$/i.exec(invariant.trim());
    const most = /max\(\s*(\w+)\s*\)\s*(<=?)\s*(-?\d+)\s+(?:as\s+\w+\s+)?from\s+(\w+)\s*$/i.exec(invariant.trim());
    const none = /count\(\*\)\s*=\s*0\s+(?:as\s+\w+\s+)?from\s+(\w+)\s+where\s+(\w+)\s*(<|>)\s*(-?\d+)\s*$/i.exec(
      invariant.trim(),
    );
    const check = least ?? most;
    if (check) return [bound(design, check[4] ?? '', `${check[1]} ${check[2]} ${check[3]}`)];
    if (none) return [bound(design, none[1] ?? '', `${none[2]} ${none[3] === '<' ? '>=' : '<='} ${none[4]}`)];
    return [];
  });
}

const bound = (design: Design, table: string, rule: string) =>
  declared(design, `CHECK (${rule}) on ${table}`, `ALTER TABLE ${table} ADD CHECK (${rule})`);
