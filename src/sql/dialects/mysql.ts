import { LIMITED } from '../change.ts';
import { NotAnalysed, SqlInputError } from '../errors.ts';
import { REPLACE } from '../insert.ts';
import type { Token } from '../tokens.ts';
import { clauses, commaList, Rewriting, type Rule, topLevel } from './rewriting.ts';

/**
 * MySQL's spelling in PostgreSQL's (MySQL manual, chapters 13 to 15): quotes, `?`, ON DUPLICATE KEY UPDATE, INSERT
 * IGNORE, REPLACE, INSERT ... SET, joins and LIMIT in UPDATE and DELETE, LOCK IN SHARE MODE, intervals, table options.
 */
export function fromMysql(source: readonly Token[]): Token[] {
  let positional = 0;
  const requoted = source.flatMap((token): Token[] => {
    if (token.kind === 'quoted') return [requote(token)];
    if (token.kind === 'string') return [{ kind: 'string', text: withEscapes(token.text) }];
    if (token.kind === 'other' && token.text === '?') return [{ kind: 'parameter', text: `:p${++positional}` }];
    return [token];
  });
  return new Rewriting(requoted).apply(WORDS).eachStatement(rewriteStatement).tokens();
}

/** MySQL writes identifiers in backticks and strings in either quote. */
function requote(token: Token): Token {
  const inner = token.text.slice(1, -1);
  return token.text.startsWith('`')
    ? { kind: 'quoted', text: `"${inner.replaceAll('``', '`').toLowerCase()}"` }
    : { kind: 'string', text: `'${inner.replaceAll('""', '"').replaceAll("'", "''")}'` };
}

/** Backslash escapes in strings. */
const withEscapes = (text: string) => (text.includes('\\') && /^'/.test(text) ? `E${text}` : text);

const IDENTIFIER = '(?:"[^"]+"|\\w+)';
const WORDS: readonly Rule[] = [
  [/\block\s+in\s+share\s+mode\b/gi, 'for share'],
  [/\bset\s+(?:session|local|global)\s+transaction\b/gi, 'set transaction'],
  [/\blimit\s+(\S+)\s*,\s*(\S+)/gi, 'limit $2 offset $1'],
  [/<=>/g, ' is not distinct from '],
  [/\b(?:not\s+)(?:regexp|rlike)\b/gi, '!~*'],
  [/\b(?:regexp|rlike)\b/gi, '~*'],
  [/\bdate_add\s*\(/gi, 'interleave_add('],
  [/\bdate_sub\s*\(/gi, 'interleave_sub('],
  [
    /\binterval\s+([\w:.]+)\s+(second|minute|hour|day|week|month|year)s?\b/gi,
    (_, count = '', unit = '') =>
      /^\d+(\.\d+)?$/.test(count) ? `interval '${count} ${unit}'` : `(${count} * interval '1 ${unit}')`,
  ],
  [
    /\binterleave_(add|sub)\(((?:[^(),]|\([^()]*\))*),\s*((?:[^()]|\([^()]*\))*)\)/gi,
    (_, kind = '', time = '', length = '') => `(${time} ${kind.toLowerCase() === 'add' ? '+' : '-'} ${length})`,
  ],
  [/\b(now|current_timestamp|utc_timestamp|sysdate)\s*\(\s*\d*\s*\)/gi, 'now()'],
  [/\bcurrent_date\s*\(\s*\)/gi, 'current_date'],
];

function rewriteStatement(statement: string): string {
  if (/\bdiv\b/i.test(statement)) throw new NotAnalysed('DIV (write FLOOR(a / b))');
  const [word = ''] = /^\w+(\s+\w+)?/.exec(statement) ?? [];
  if (/^(lock\s+tables|unlock|show|handler|load|call|do)\b/i.test(word)) throw new NotAnalysed(word.toUpperCase());
  if (/^create\s+table/i.test(statement)) return createTable(statement);
  if (/^(insert|replace)\b/i.test(statement)) return insert(statement);
  if (/^update\b/i.test(statement)) return update(statement);
  if (/^delete\b/i.test(statement)) return remove(statement);
  if (/^create\s+(unique\s+)?index/i.test(statement))
    return statement.replace(/\(\s*("?\w+"?)\s*\(\d+\)\s*\)/g, '($1)');
  return statement;
}

function insert(given: string): string {
  const replaces = /^replace\b/i.test(given);
  const ignores = /^insert\s+(?:low_priority\s+)?ignore\b/i.test(given);
  let statement = given.replace(
    /^(?:insert|replace)\s+(?:low_priority\s+|delayed\s+)?(?:ignore\s+)?(?:into\s+)?/i,
    'insert into ',
  );
  const set = new RegExp(`^insert into (${IDENTIFIER})\\s+set\\s+`, 'i').exec(statement);
  if (set) {
    const { head, duplicate } = clauses(statement.slice(set[0].length), [
      ['duplicate', /^on\s+duplicate\s+key\s+update\b/i],
    ]);
    const pairs = commaList(head).map((part) => part.split(/=([\s\S]*)/));
    const values = pairs.map((pair) => pair[1]?.trim()).join(', ');
    statement = `insert into ${set[1]} (${pairs.map((pair) => pair[0]?.trim()).join(', ')}) values (${values})${duplicate ? ` on duplicate key update ${duplicate}` : ''}`;
  }
  statement = statement.replace(/\bvalue\s*\(/i, 'values (').replace(/\(\s*\)\s*values\s*\(\s*\)/i, 'default values');
  const { head, duplicate } = clauses(statement, [['duplicate', /^on\s+duplicate\s+key\s+update\b/i]]);
  if (duplicate !== undefined) {
    const alias = /\)\s+as\s+(\w+)\s*$/i.exec(head)?.[1];
    const body = alias === undefined ? head : head.replace(/\s+as\s+\w+\s*$/i, '');
    const updates = duplicate
      .replace(/\bvalues\s*\(\s*("?\w+"?)\s*\)/gi, 'excluded.$1')
      .replace(alias === undefined ? /$^/ : new RegExp(`\\b${alias}\\.`, 'gi'), 'excluded.');
    return `${body} on conflict do update set ${updates}`;
  }
  if (replaces) return `${statement} on conflict on constraint "${REPLACE}" do nothing`;
  return ignores ? `${statement} on conflict do nothing` : statement;
}

const TAIL = [
  ['where', /^where\b/i],
  ['order', /^order\s+by\b/i],
  ['limit', /^limit\b/i],
] as const;

/** ORDER BY and LIMIT of a change, as a condition that the compiler takes out again. */
function limitCondition(order: string | undefined, limit: string | undefined): string[] {
  if (order === undefined && limit === undefined) return [];
  const keys = commaList(order ?? '')
    .filter(Boolean)
    .map((key) => `, ${key.replace(/\s+(asc|desc)$/i, '')}, ${/\sdesc$/i.test(key)}`);
  return [`${LIMITED}(${limit ?? 'null'}${keys.join('')})`];
}

const conditions = (...parts: readonly (string | undefined)[]): string => {
  const all = parts.filter((part) => part !== undefined && part !== '');
  return all.length === 0
    ? ''
    : ` where ${all.map((part) => (part?.startsWith(LIMITED) ? part : `(${part})`)).join(' and ')}`;
};

/** The target of a change, the other tables, and the conditions of the joins that can move to WHERE. */
function joined(tables: string): { target: string; others: string; on: string | undefined } {
  const [first = '', ...rest] = commaList(tables);
  if (rest.length > 0) return { target: first, others: rest.join(', '), on: undefined };
  const at = topLevel(tables, /^(inner\s+|cross\s+|left\s+|right\s+)?(outer\s+)?join\b/i);
  if (at < 0) return { target: tables.trim(), others: '', on: undefined };
  const join = tables.slice(at);
  if (/^(left|right)/i.test(join)) throw new NotAnalysed('UPDATE or DELETE with LEFT or RIGHT JOIN');
  const body = join.replace(/^(inner\s+|cross\s+)?join\s+/i, '');
  const on = topLevel(body, /^on\b/i);
  if (on < 0) return { target: tables.slice(0, at).trim(), others: body, on: undefined };
  const condition = body.slice(on).replace(/^on\b/i, '').trim();
  const next = topLevel(condition, /^(inner\s+|cross\s+|left\s+)?join\b/i);
  return {
    target: tables.slice(0, at).trim(),
    others: `${body.slice(0, on).trim()}${next < 0 ? '' : ` ${condition.slice(next)}`}`,
    on: next < 0 ? condition : condition.slice(0, next).trim(),
  };
}

function update(statement: string): string {
  const { head, set, where, order, limit } = clauses(statement.replace(/^update\s+(low_priority\s+|ignore\s+)*/i, ''), [
    ['set', /^set\b/i],
    ...TAIL,
  ]);
  if (/^update\s+(low_priority\s+)?ignore\b/i.test(statement)) throw new NotAnalysed('UPDATE IGNORE');
  const { target, others, on } = joined(head);
  return `update ${target} set ${set}${others ? ` from ${others}` : ''}${conditions(on, where, ...limitCondition(order, limit))}`;
}

function remove(statement: string): string {
  const several = /^delete\s+("?\w+"?)\s+from\s+([\s\S]*)$/i.exec(statement);
  const body = several ? (several[2] ?? '') : statement.replace(/^delete\s+from\s+/i, '');
  const { head, where, order, limit } = clauses(body, TAIL);
  if (/\busing\b/i.test(head)) return statement;
  const { target, others, on } = joined(head);
  const alias = target.split(/\s+/).at(-1);
  if (several && several[1] !== alias) {
    throw new SqlInputError(`DELETE ${several[1]} FROM ${target}: the table to delete from must come first`);
  }
  return `delete from ${target}${others ? ` using ${others}` : ''}${conditions(on, where, ...limitCondition(order, limit))}`;
}

const TYPES: readonly Rule[] = [
  [/\bauto_increment\s*=\s*\d+/gi, ''],
  [/\bauto_increment\b/gi, 'generated by default as identity'],
  [/\b(?:unsigned|zerofill)\b/gi, ''],
  [/\bon\s+update\s+(?:current_timestamp(?:\s*\(\s*\d*\s*\))?|now\(\))/gi, ''],
  [/\bcharacter\s+set\s+\w+|\bcollate\s+\w+/gi, ''],
  [/\bcomment\s+'[^']*'/gi, ''],
  [/\benum\s*\([^)]*\)/gi, 'text'],
  [/\b(?:tiny|medium|long)text\b|\b(?:tiny|medium|long)?blob\b|\b(?:var)?binary\s*\(\d+\)/gi, 'text'],
  [/\bdatetime\b(?:\s*\(\d+\))?/gi, 'timestamp'],
  [/\btinyint\s*\(1\)/gi, 'int'],
  [/\b(?:tiny|medium)int\b(?:\s*\(\d+\))?/gi, 'int'],
  [/\b(int|bigint|smallint|integer)\s*\(\d+\)/gi, '$1'],
  [/\bdouble\b(?!\s+precision)(?:\s*\(\d+,\s*\d+\))?/gi, 'double precision'],
];

function createTable(given: string): string {
  const open = given.indexOf('(');
  const close = given.lastIndexOf(')');
  const name = new RegExp(`(${IDENTIFIER})\\s*$`).exec(given.slice(0, open))?.[1] ?? '';
  let body = given.slice(open + 1, close);
  for (const [pattern, replacement] of TYPES) body = body.replace(pattern, replacement as string);
  const indexes: string[] = [];
  const parts = commaList(body).flatMap((part) => {
    const plain = new RegExp(`^(?:key|index)\\s+(?:${IDENTIFIER}\\s*)?\\(([\\s\\S]*)\\)`, 'i').exec(part);
    if (plain) {
      indexes.push(`create index on ${name} (${(plain[1] ?? '').replace(/\(\d+\)/g, '')})`);
      return [];
    }
    const unique = new RegExp(`^unique\\s+(?:key|index)?\\s*(${IDENTIFIER})?\\s*\\(`, 'i').exec(part);
    if (unique) return [part.replace(unique[0], `${unique[1] ? `constraint ${unique[1]} ` : ''}unique (`)];
    return [part.replace(/\bunique\s+key\b/i, 'unique').replace(/(?<!primary|foreign)\s+key\s*$/i, ' primary key')];
  });
  return [`${given.slice(0, open)}(${parts.join(', ')})`, ...indexes].join('; ');
}
