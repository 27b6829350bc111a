import type { Reply } from './engine.ts';
import type { StepRecord } from './execution.ts';

const MOST_ROWS = 6;

/** One line of a transcript, e.g. `T1: SELECT * FROM test -> (1, 10), (2, 20)`. */
export function transcriptLine(step: StepRecord, reply: Reply | 'waits'): string {
  const head = `${step.session}: ${step.sql.replace(/\s+/g, ' ')}`;
  if (reply === 'waits') return `${head} -> waits`;
  return `${head} -> ${step.waited ? 'after waiting: ' : ''}${describe(step.sql, reply)}`;
}

function describe(sql: string, reply: Reply): string {
  if (reply.kind === 'failure') return `${reply.code} ${reply.message}`;
  if (reply.rolledBack) return 'rolled back';
  if (reply.columns.length > 0) {
    const rows = reply.rows.slice(0, MOST_ROWS).map((row) => `(${row.join(', ')})`);
    if (reply.rows.length > MOST_ROWS) rows.push(`... ${reply.rows.length} rows`);
    return rows.join(', ') || 'no row';
  }
  return /^(insert|update|delete|replace|merge)/i.test(sql)
    ? `${reply.count} row${reply.count === 1 ? '' : 's'}`
    : 'done';
}
