import type { Phrase } from '../vocabulary/signal-cues.ts';

/** Lower case, one space between words, ` . ` at the end of each sentence; begins and ends with a space. */
export function flatten(text: string): string {
  return ` ${text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/(\p{N})[.,](?=\p{N})/gu, '$1·')
    .replace(/[.!?;:]+(?=\s|$)/g, ' ¶ ')
    .replace(/[^\p{L}\p{N}%·¶]+/gu, ' ')
    .replaceAll('·', '.')
    .replaceAll('¶', '.')
    .replace(/ +/g, ' ')
    .trim()} `;
}

const GAP = 8;
const NEGATION =
  / (?:no|not|without|never|nobody|none|neither|cannot|dont|doesnt|isnt|arent|wont|nothing) (?:[^ ]+ ){0,2}$/;
const compiled = new Map<Phrase, RegExp>();

/**
 * A regular expression that finds a phrase in flattened text. Every repetition is bounded, so that it takes time in
 * proportion to the length of the text.
 */
function compile(phrase: Phrase): RegExp {
  const known = compiled.get(phrase);
  if (known !== undefined) return known;
  const word = '[\\p{L}\\p{N}%.-]*';
  const escaped = (text: string) => text.replace(/[.+?^$(){}[\]\\]/g, '\\$&').replaceAll('*', word);
  let source = '(?<= )';
  let gap = false;
  for (const part of phrase.split(' ')) {
    if (part === '..') {
      gap = true;
      continue;
    }
    const separator = source === '(?<= )' ? '' : gap ? ` (?:(?!\\. )[^ ]+ ){0,${GAP}}?` : ' ';
    source += `${separator}(?:${part.split('|').map(escaped).join('|')})`;
    gap = false;
  }
  const expression = new RegExp(`${source}(?= )`, 'gu');
  compiled.set(phrase, expression);
  return expression;
}

/** What several phrases matched in flattened text. */
export interface Match {
  /** The first match that is not negated, as it stands in the text. */
  readonly found: string | undefined;
  /** A match right behind "no" or "without". */
  readonly denied: string | undefined;
}

/** Looks for any of `phrases`; a match behind a negation does not count as found where `negatable`. */
export function matchAny(text: string, phrases: readonly Phrase[], negatable: boolean): Match {
  let denied: string | undefined;
  for (const phrase of phrases) {
    for (const match of text.matchAll(compile(phrase))) {
      const before = text.slice(Math.max(0, match.index - 40), match.index);
      const sentence = ` ${before.slice(before.lastIndexOf(' . ') + 1)}`;
      if (!negatable || !NEGATION.test(sentence)) return { found: match[0], denied: undefined };
      if (/ (no|without) $/.test(sentence)) denied ??= match[0];
    }
  }
  return { found: undefined, denied };
}
