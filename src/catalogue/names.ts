import { distance, closest as nearest } from 'fastest-levenshtein';

/** Lower case, letters and digits only, words separated by one space. */
export function words(text: string): string {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      // `acks=-1` is not `acks=1`.
      .replace(/(?<![\p{L}\p{N}])-(?=\p{N})/gu, ' minus ')
      .replace(/[^\p{L}\p{N}.]+/gu, ' ')
      .replace(/(?<!\p{N})\.|\.(?!\p{N})/gu, ' ')
      .replace(/ +/g, ' ')
      .trim()
  );
}

/** Like {@link words}, without the spaces: `Repeatable-Read` and `repeatable read` are the same name. */
export function compact(text: string): string {
  return words(text).replaceAll(' ', '');
}

/** A thing and everything that it may be called. */
export interface Named<T> {
  readonly value: T;
  readonly names: readonly string[];
}

/** What a name stands for. `typo` is the name as we spell it where the given one was misspelt. */
export interface Found<T> {
  readonly values: readonly T[];
  readonly typo: string | undefined;
}

const LONGEST_NAME = 80;

/**
 * Everything that is called `given`: exactly, after case and punctuation; otherwise the only name within a small
 * edit distance (one letter in four). Nothing where no name or several different things are that close.
 */
export function find<T>(given: string, entries: readonly Named<T>[]): Found<T> | undefined {
  const wanted = compact(given);
  if (wanted === '' || wanted.length > LONGEST_NAME) return undefined;
  const exact = entries.filter((entry) => entry.names.some((name) => compact(name) === wanted));
  if (exact.length > 0) return { values: exact.map((entry) => entry.value), typo: undefined };
  const allowed = Math.floor(wanted.length / 4);
  if (allowed === 0) return undefined;
  let best = allowed + 1;
  let spellings = new Set<string>();
  for (const entry of entries) {
    for (const name of entry.names) {
      const d = distance(wanted, compact(name));
      if (d > best || d > allowed) continue;
      if (d < best) spellings = new Set();
      best = d;
      spellings.add(name);
    }
  }
  const [spelling] = spellings;
  if (spelling === undefined) return undefined;
  const values = entries.filter((entry) => entry.names.some((name) => spellings.has(name)));
  // Two spellings of one thing are one answer; two things are a question.
  const distinct = new Set(values.flatMap((entry) => entry.names.filter((name) => spellings.has(name)).map(compact)));
  if (distinct.size > 1 && values.length > 1) return undefined;
  return { values: values.map((entry) => entry.value), typo: spelling };
}

/** The `count` names closest to `given`, best first. */
export function closestNames(given: string, names: readonly string[], count = 3): string[] {
  const wanted = compact(given.slice(0, LONGEST_NAME));
  const left = [...new Set(names)];
  const result: string[] = [];
  while (result.length < count && left.length > 0) {
    const spelt = left.map(compact);
    const index = spelt.indexOf(nearest(wanted, spelt));
    result.push(...left.splice(index, 1));
  }
  return result;
}
