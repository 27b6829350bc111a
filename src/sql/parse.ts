import type { Node, ParseResult } from 'libpg-query';
import { fromMysql } from './dialects/mysql.ts';
import { fromOracle } from './dialects/oracle.ts';
import { fromSqlServer } from './dialects/sqlserver.ts';
import { SqlInputError } from './errors.ts';
import { type Token, tokens } from './tokens.ts';

/** The SQL dialects that are read; all become PostgreSQL's syntax tree. */
export type Dialect = 'postgresql' | 'mysql' | 'sqlserver' | 'oracle';

const DIALECTS: Readonly<Partial<Record<Dialect, (source: readonly Token[]) => Token[]>>> = {
  mysql: fromMysql,
  sqlserver: fromSqlServer,
  oracle: fromOracle,
};

/** One statement: its syntax tree and the names of its `:parameters`, where `$1` is the first. */
export interface Statement {
  readonly tree: Node;
  readonly parameters: readonly string[];
  /** As it was written. */
  readonly text: string;
}

let parser: { parseSync: (text: string) => ParseResult } | undefined;

/** Loads PostgreSQL's own parser (WebAssembly, about 2 MB); needed once before `parseSql`. */
export async function loadParser(): Promise<void> {
  if (parser) return;
  const module = await import('libpg-query');
  await module.loadModule();
  parser = module;
}

/**
 * Parses one or more statements separated by semicolons.
 *
 * @throws SqlInputError with the position when the text is not SQL.
 */
export function parseSql(text: string, dialect: Dialect): Statement[] {
  if (!parser) throw new Error('loadParser() must be awaited first');
  const parameters: string[] = [];
  const source = (DIALECTS[dialect] ?? ((own: Token[]) => own))(tokens(text));
  const rewritten = source.map((token) => rewriteParameter(token, parameters)).join('');
  let result: ParseResult;
  try {
    result = parser.parseSync(rewritten);
  } catch (error) {
    throw new SqlInputError(describe(error, rewritten));
  }
  const bytes = Buffer.from(rewritten);
  return (result.stmts ?? []).map((raw) => {
    const start = raw.stmt_location ?? 0;
    const own = bytes.subarray(start, raw.stmt_len ? start + raw.stmt_len : undefined).toString();
    return { tree: raw.stmt as Node, parameters, text: own.trim() };
  });
}

function rewriteParameter(token: Token, parameters: string[]): string {
  if (token.kind !== 'parameter') return token.text;
  // `$1` has no name; it is called p1.
  const name = /^\$\d/.test(token.text) ? `p${token.text.slice(1)}` : token.text.slice(1);
  const known = parameters.indexOf(name);
  return `$${known >= 0 ? known + 1 : parameters.push(name)}`;
}

function describe(error: unknown, text: string): string {
  const details = (error as { sqlDetails?: { message: string; cursorPosition: number } }).sqlDetails;
  const message = details?.message ?? (error instanceof Error ? error.message : String(error));
  const at = details?.cursorPosition;
  const near = at === undefined || at < 0 ? '' : ` near "${text.slice(at, at + 30)}"`;
  return `SQL cannot be parsed: ${message}${near} in: ${text.trim().slice(0, 200)}`;
}
