import MiniSearch from 'minisearch';
import type { Pattern } from './pattern.ts';

const STOP_WORDS = new Set(
  'a about above after again against all also am an and any are as at be because been before being below between both but by can cannot could did do does doing done down during each else every few first for from further get gets got had has have having he her here hers him his how i if in into is it its itself just last let like made make makes many may me might more most much must my myself never new no nor not now of off often on once one only or other our ours out over own per put same say says see seen she should since so some sometimes still such take than that the their them then there these they thing things this those though three through to too two under until up upon us use used uses using very via want wants was way we well were what when where whether which while who whom why will with within without would yet you your'.split(
    ' ',
  ),
);

/** Words of a text in lower case, without stop words, each with a plain plural or verb ending removed. */
export function terms(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1 && !STOP_WORDS.has(word))
    .map(stem);
}

/** Enough for technical prose: plurals and the regular verb endings. */
function stem(word: string): string {
  if (word.length < 4) return word;
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith('s') && !/(ss|us|is)$/.test(word)) return stem(word.slice(0, -1));
  if (word.endsWith('ing') && word.length > 5) return undouble(word.slice(0, -3));
  if (word.endsWith('ied')) return `${word.slice(0, -3)}y`;
  if (word.endsWith('ed') && word.length > 4) return undouble(word.slice(0, -2));
  if (word.endsWith('e') && word.length > 4) return word.slice(0, -1);
  return word;
}

const undouble = (word: string) => (/([bdgmnprt])\1$/.test(word) ? word.slice(0, -1) : word.replace(/e$/, ''));

/** Fields of a pattern that are searched, with their weights. */
const WEIGHTS = { name: 2, keywords: 2, signals: 3, summary: 1, failureModes: 2, notes: 0.5, body: 0.5 } as const;

/** Full-text search over patterns. */
export interface PatternSearch {
  /** Relevance of each pattern for a text (BM25+), by id; patterns without a common word are absent. */
  readonly score: (text: string) => ReadonlyMap<string, number>;
}

/** Indexes patterns; takes some tens of milliseconds for the catalogue. */
export function indexPatterns(patterns: Iterable<Pattern>): PatternSearch {
  const index = new MiniSearch({
    fields: Object.keys(WEIGHTS),
    tokenize: terms,
    processTerm: (term) => term,
    searchOptions: { boost: WEIGHTS, prefix: false, fuzzy: false, combineWith: 'OR' },
  });
  index.addAll(
    [...patterns].map((pattern) => ({
      id: pattern.id,
      name: pattern.name,
      keywords: pattern.keywords.join('\n'),
      signals: pattern.signals.join('\n'),
      summary: pattern.summary,
      failureModes: pattern.failureModes.join('\n'),
      notes: [...pattern.questions, ...pattern.tradeoffs].join('\n'),
      body: pattern.body.replace(/^## Sources[\s\S]*$/m, ''),
    })),
  );
  return {
    score: (text) => new Map(index.search(text).map(({ id, score }) => [String(id), score])),
  };
}
