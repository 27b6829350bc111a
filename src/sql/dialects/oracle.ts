import { NotAnalysed } from '../errors.ts';
import type { Token } from '../tokens.ts';
import { Rewriting, type Rule } from './rewriting.ts';

/** Oracle's spelling in PostgreSQL's (Oracle Database SQL Language Reference): types, SYSDATE, sequences, MINUS. */
export function fromOracle(source: readonly Token[]): Token[] {
  // The empty string is NULL.
  const given = source.map(
    (token): Token => (token.kind === 'string' && token.text === "''" ? { kind: 'word', text: 'null' } : token),
  );
  return new Rewriting(given)
    .apply(WORDS)
    .eachStatement((statement) => {
      if (/\brownum\b/i.test(statement)) throw new NotAnalysed('ROWNUM (write FETCH FIRST n ROWS ONLY)');
      if (/\bconnect\s+by\b/i.test(statement)) throw new NotAnalysed('CONNECT BY');
      if (/\(\+\)/.test(statement)) throw new NotAnalysed('the (+) outer join');
      return statement;
    })
    .tokens();
}

const WORDS: readonly Rule[] = [
  [/\bnumber\s*\(\s*(\d+)\s*\)/gi, 'numeric($1, 0)'],
  [/\bnumber\b/gi, 'numeric'],
  [/\bn?varchar2\s*\(\s*(\d+)\s*(?:char|byte)?\s*\)/gi, 'varchar($1)'],
  [/\bn?clob\b|\braw\s*\(\d+\)/gi, 'text'],
  [/\b(sysdate|systimestamp)\b(?!\s*\()/gi, 'now()'],
  [/\b(\w+)\s*\.\s*nextval\b/gi, (_, name = '') => `nextval('${name.toLowerCase()}')`],
  [/\b(\w+)\s*\.\s*currval\b/gi, (_, name = '') => `currval('${name.toLowerCase()}')`],
  [/\bminus\b/gi, 'except'],
  [/\bfor\s+update\s+wait\s+\d+/gi, 'for update'],
  [/\bset\s+transaction\s+isolation\s+level\s+snapshot\b/gi, "set transaction_isolation = 'snapshot'"],
];
