import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotAnalysed, SqlInputError } from '../../src/sql/errors.ts';
import { asText, Model } from '../support/model.ts';
import { openPostgres } from '../support/postgres.ts';
import { Random } from '../support/random.ts';
import { tryOpen } from '../support/server.ts';
import { drawSelect, SETUP, STATEMENTS } from './statements.ts';

const { server, reason } = await tryOpen(() => openPostgres(1));
const run = (sql: string) => (server as NonNullable<typeof server>).run(0, sql);
const model = new Model(SETUP);
const TABLES = ['item', 'sale', 'slot', 'code'];

/** Numbers and times without the zeros at the end, JSON without spaces. */
function plain(value: string | null): string | null {
  if (value === null) return null;
  if (/^-?\d+(\.\d+)?$/.test(value)) return String(Number(value));
  return value.replace(/^(\d{4}-\d\d-\d\d) 00:00:00$/, '$1');
}

const shown = (rows: readonly (readonly (string | null)[])[]) => rows.map((row) => JSON.stringify(row.map(plain)));

/** What the interpreter answers: rows, the state afterwards, or the code of an error. */
function interpreted(sql: string): { rows?: string[]; count?: number; tables?: string[]; error?: string } {
  try {
    const outcome = model.run(model.initial, 0, 'read-committed-mvcc', sql, true);
    if (outcome.kind === 'error') return { error: outcome.code };
    if (outcome.kind === 'waits') return { error: 'waits' };
    const { rows, count } = outcome.result;
    const tables = model.context.tables.map((table, i) =>
      [
        table.name,
        ...shown(
          (outcome.state.tables[i] ?? []).flatMap((row) =>
            row.versions.at(-1)?.values ? [(row.versions.at(-1)?.values ?? []).map(asText)] : [],
          ),
        ).sort(),
      ].join(' '),
    );
    return { rows: shown(rows.map((row) => row.map(asText))), count, tables };
  } catch (error) {
    if (error instanceof SqlInputError) return { error: 'input' };
    if (error instanceof NotAnalysed) return { error: error.message };
    throw error;
  }
}

/** Errors that PostgreSQL gives before it runs a statement; the interpreter says them in its own words. */
const INPUT_ERRORS = ['42601', '42703', '42P01', '42702', '42P10', '0A000', '42883', '42P18'];

/** What the server answers; everything is taken back afterwards. */
async function served(sql: string): Promise<ReturnType<typeof interpreted>> {
  await run('begin');
  const answer = await run(sql);
  if ('error' in answer) {
    await run('rollback');
    return { error: answer.error };
  }
  const tables: string[] = [];
  for (const name of TABLES) {
    const rows = await run(`select * from ${name}`);
    tables.push([name, ...('rows' in rows ? shown(rows.rows).sort() : [])].join(' '));
  }
  await run('rollback');
  await run("select setval('slot_id_seq', 3)");
  return { rows: shown(answer.rows), count: answer.count, tables };
}

async function compareOne(sql: string, ordered: boolean): Promise<void> {
  const want = await served(sql);
  const got = interpreted(sql);
  const label = `${sql}\n`;
  if (want.error !== undefined) {
    const same =
      got.error === want.error ||
      (INPUT_ERRORS.includes(want.error) && (got.error === 'input' || got.error === '0A000'));
    expect(same, `${label}server ${want.error}, interpreter ${JSON.stringify(got)}`).toBe(true);
    return;
  }
  if (!ordered) {
    want.rows?.sort();
    got.rows?.sort();
  }
  expect({ sql, ...got }).toEqual({ sql, ...want });
}

describe.skipIf(!server)(`single statements on the interpreter and on ${reason}`, () => {
  beforeAll(async () => {
    const done = await run(SETUP);
    if ('error' in done) throw new Error(done.message);
  });
  afterAll(() => server?.close());

  it.each(STATEMENTS)('%s', async (sql) => {
    await compareOne(sql, /order by/i.test(sql));
  });

  const count = Number(process.env.INTERLEAVE_FUZZ ?? 400);
  it(`${count} random queries`, { timeout: 600_000 }, async () => {
    const random = new Random(7);
    for (let i = 0; i < count; i++) await compareOne(drawSelect(random), false);
  });
});
