/** A piece of SQL text. White space and comments are `space`. */
export interface Token {
  readonly kind: 'word' | 'string' | 'quoted' | 'parameter' | 'space' | 'other';
  readonly text: string;
}

const PATTERN =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>[eE]?'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\3\$)|(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)|(?<cast>::)|(?<parameter>:[A-Za-z_]\w*|\$\d+)|(?<word>[A-Za-z_][\w$]*)|(?<other>\d+(?:\.\d+)?|[\s\S])/g;

/** Splits SQL text into tokens; joined again they give the same text. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(PATTERN)) {
    const groups = match.groups ?? {};
    const kind = (['space', 'string', 'quoted', 'parameter', 'word'] as const).find(
      (name) => groups[name] !== undefined,
    );
    found.push({ kind: kind ?? 'other', text: match[0] });
  }
  return found;
}
