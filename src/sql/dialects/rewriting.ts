import { type Token, tokens } from '../tokens.ts';

/**
 * Rewrites the text of statements while strings stay out of the way. Only spelling is changed; what an engine does
 * differently is decided where the statement runs.
 */
export class Rewriting {
  text: string;
  readonly #strings: string[] = [];

  constructor(source: readonly Token[]) {
    this.text = source
      .map((token) => {
        if (token.kind === 'space') return ' ';
        return token.kind === 'string' ? this.hide(token.text) : token.text;
      })
      .join('');
  }

  /** Puts a string literal out of reach of the rules. */
  hide(literal: string): string {
    return `'\uE000${this.#strings.push(literal) - 1}\uE000'`;
  }

  /** Applies rules one after the other. */
  apply(rules: readonly Rule[]): this {
    for (const [pattern, replacement] of rules) {
      this.text =
        typeof replacement === 'string'
          ? this.text.replace(pattern, replacement)
          : this.text.replace(pattern, replacement);
    }
    return this;
  }

  /** Rewrites each statement on its own. */
  eachStatement(rewrite: (statement: string) => string): this {
    this.text = this.text
      .split(';')
      .map((statement) => (statement.trim() === '' ? statement : rewrite(statement.trim())))
      .join('; ');
    return this;
  }

  /** The literal behind a placeholder. */
  reveal(text: string): string {
    return text.replace(/'\uE000(\d+)\uE000'/g, (_, index) => this.#strings[Number(index)] ?? '');
  }

  tokens(): Token[] {
    return tokens(this.reveal(this.text));
  }
}

/** A pattern and what it becomes. */
export type Rule = readonly [pattern: RegExp, replacement: string | ((...groups: string[]) => string)];

/** Position of a word outside parentheses, or -1. */
export function topLevel(text: string, word: RegExp, from = 0): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (depth === 0 && (i === 0 || !/\w/.test(text[i - 1] ?? ''))) {
      const rest = text.slice(i);
      if (rest.search(word) === 0) return i;
    }
  }
  return -1;
}

/** Cuts a text at the words that stand outside parentheses; a missing word gives undefined. */
export function clauses<Name extends string>(
  text: string,
  words: readonly (readonly [Name, RegExp])[],
): { head: string } & { [key in Name]?: string } {
  const cuts = words
    .map(([name, word]) => ({ name, at: topLevel(text, word), word }))
    .filter((cut) => cut.at >= 0)
    .sort((a, b) => a.at - b.at);
  const found: Record<string, string> = { head: text.slice(0, cuts[0]?.at ?? text.length).trim() };
  cuts.forEach((cut, i) => {
    const body = text.slice(cut.at, cuts[i + 1]?.at ?? text.length);
    found[cut.name] = body.replace(cut.word, '').trim();
  });
  return found as { head: string } & { [key in Name]?: string };
}

/** Splits at commas outside parentheses. */
export function commaList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}
