import { createHash } from 'node:crypto';
import { NotAnalysed } from '../errors.ts';
import { listItems } from '../json.ts';
import { rangeOf } from '../ranges.ts';
import { isObject, toNumber, toText, type Value } from '../values.ts';
import { loose, type Scalar, scalar } from './scalar.ts';

const text = (value: Value | undefined) => toText(value ?? null);
const number = (value: Value | undefined) => toNumber(value ?? null);

function substring(given: string, from: number, count?: number): string {
  const start = Math.max(0, from - 1);
  if (count === undefined) return given.slice(start);
  return given.slice(start, Math.max(start, from - 1 + count));
}

const trimmed = (given: string, characters: string, left: boolean, right: boolean) => {
  let [from, to] = [0, given.length];
  while (left && from < to && characters.includes(given[from] ?? '')) from++;
  while (right && to > from && characters.includes(given[to - 1] ?? '')) to--;
  return given.slice(from, to);
};
const trim = (left: boolean, right: boolean) =>
  scalar('text', ([a, characters]) => trimmed(text(a), characters === undefined ? ' ' : text(characters), left, right));
const upTo = (given: string, count: number) => (count >= 0 ? given.slice(0, count) : given.slice(0, count));

/** Text functions (PostgreSQL manual, 9.4; MySQL manual, 14.8). */
export const TEXT_FUNCTIONS: Readonly<Record<string, Scalar>> = {
  lower: scalar('argument', ([a]) => (isObject(a ?? null) ? rangeOf(a ?? null)[0] : text(a).toLowerCase())),
  lcase: scalar('text', ([a]) => text(a).toLowerCase()),
  upper: scalar('argument', ([a]) => (isObject(a ?? null) ? rangeOf(a ?? null)[1] : text(a).toUpperCase())),
  ucase: scalar('text', ([a]) => text(a).toUpperCase()),
  initcap: scalar('text', ([a]) =>
    text(a).replace(/[A-Za-z0-9]+/g, (word) => `${word.charAt(0).toUpperCase()}${word.slice(1).toLowerCase()}`),
  ),
  trim: trim(true, true),
  btrim: trim(true, true),
  ltrim: trim(true, false),
  rtrim: trim(false, true),
  length: scalar('int', ([a]) => text(a).length),
  char_length: scalar('int', ([a]) => text(a).length),
  character_length: scalar('int', ([a]) => text(a).length),
  len: scalar('int', ([a]) => text(a).trimEnd().length),
  octet_length: scalar('int', ([a]) => Buffer.byteLength(text(a))),
  substring: scalar('text', ([a, from, count]) => {
    if (typeof from === 'string') throw new NotAnalysed('substring by pattern');
    return substring(text(a), number(from), count === undefined ? undefined : number(count));
  }),
  substr: scalar('text', ([a, from, count]) =>
    substring(text(a), number(from), count === undefined ? undefined : number(count)),
  ),
  replace: scalar('text', ([a, from, to]) => (text(from) === '' ? text(a) : text(a).replaceAll(text(from), text(to)))),
  left: scalar('text', ([a, n]) => upTo(text(a), number(n))),
  right: scalar('text', ([a, n]) => {
    const [given, count] = [text(a), number(n)];
    return count === 0 ? '' : given.slice(count > 0 ? Math.max(0, given.length - count) : -count);
  }),
  reverse: scalar('text', ([a]) => [...text(a)].reverse().join('')),
  repeat: scalar('text', ([a, n]) => text(a).repeat(Math.max(0, Math.min(10_000, number(n))))),
  lpad: scalar('text', ([a, n, fill]) =>
    text(a)
      .slice(0, number(n))
      .padStart(number(n), fill === undefined ? ' ' : text(fill)),
  ),
  rpad: scalar('text', ([a, n, fill]) =>
    text(a)
      .slice(0, number(n))
      .padEnd(number(n), fill === undefined ? ' ' : text(fill)),
  ),
  position: scalar('int', ([a, part]) => text(a).indexOf(text(part)) + 1),
  strpos: scalar('int', ([a, part]) => text(a).indexOf(text(part)) + 1),
  starts_with: scalar('bool', ([a, part]) => text(a).startsWith(text(part))),
  split_part: scalar(
    'text',
    ([a, by, n]) =>
      text(a)
        .split(text(by))
        .at(number(n) > 0 ? number(n) - 1 : number(n)) ?? '',
  ),
  string_to_array: scalar('list', ([a, by]) => ({ list: text(a) === '' ? [] : text(a).split(text(by)) })),
  array_to_string: scalar('text', ([a, by]) =>
    listItems(a)
      .filter((item) => item !== null)
      .map(toText)
      .join(text(by)),
  ),
  md5: scalar('text', ([a]) => createHash('md5').update(text(a)).digest('hex')),
  ascii: scalar('int', ([a]) => text(a).codePointAt(0) ?? 0),
  chr: scalar('text', ([n]) => String.fromCodePoint(number(n))),
  // Any spread of keys does for advisory locks; the server's own number is not promised.
  hashtext: scalar('int', ([a]) => createHash('md5').update(text(a)).digest().readInt32BE(0)),
  hashtextextended: scalar('int', ([a, seed]) =>
    createHash('md5')
      .update(`${text(a)}/${text(seed)}`)
      .digest()
      .readIntBE(0, 6),
  ),
  regexp_replace: scalar('text', ([a, pattern, to, flags]) =>
    text(a).replace(
      new RegExp(text(pattern), flags === undefined ? '' : text(flags)),
      text(to).replace(/\\(\d)/g, '$$$1'),
    ),
  ),
  concat: loose('text', (args) => args.map((arg) => (arg === null ? '' : toText(arg))).join('')),
  concat_ws: loose('text', ([by, ...rest]) =>
    by === null || by === undefined
      ? null
      : rest
          .filter((arg) => arg !== null)
          .map(toText)
          .join(toText(by)),
  ),
  format: loose('text', ([pattern, ...rest]) => {
    let next = 0;
    return text(pattern).replace(/%(%|s|I|L)/g, (_, kind) => {
      if (kind === '%') return '%';
      const value = rest[next++] ?? null;
      if (kind === 'L') return value === null ? 'NULL' : `'${toText(value).replaceAll("'", "''")}'`;
      return value === null ? '' : toText(value);
    });
  }),
};
