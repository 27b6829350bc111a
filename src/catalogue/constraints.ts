import type { Pattern } from './pattern.ts';
import { terms } from './search.ts';

/** Patterns that a constraint such as "no Kafka" rules out: those that carry the word in their name or keywords. */
export function ruledOut(constraint: string, pattern: Pattern): boolean {
  const banned =
    /^\s*(?:we\s+)?(?:no|not|without|avoid|never|can ?not|can't|must not|may not)\s+(?:use\s+|have\s+|add\s+|run\s+|a\s+|an\s+)*(.+)$/i.exec(
      constraint,
    )?.[1];
  if (banned === undefined) return false;
  const wanted = terms(banned);
  if (wanted.length === 0 || wanted.length > 3) return false;
  // The words must stand together in one name or keyword; a keyword that merely shares a word is no dependency.
  return [pattern.name, ...pattern.keywords].some((name) => {
    const have = terms(name);
    return wanted.every((word) => have.includes(word));
  });
}

/**
 * The sentence that has most words in common with `text`; a longer sentence needs more. Nothing where fewer than
 * `least` words are shared.
 */
export function closestSentence(
  sentences: readonly string[],
  text: ReadonlySet<string>,
  least: number,
): string | undefined {
  let best: string | undefined;
  let most = 0;
  for (const sentence of sentences) {
    const words = new Set(terms(sentence));
    const shared = [...words].filter((word) => text.has(word)).length;
    const value = shared / Math.sqrt(words.size || 1);
    if (shared >= least && value > most) {
      most = value;
      best = sentence;
    }
  }
  return best;
}
