import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeConditions } from '../src/catalogue/cells.ts';
import type { Level } from '../src/catalogue/database.ts';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { readArguments } from '../src/mcp/arguments.ts';
import { ANSWER_BYTES } from '../src/render/budget.ts';
import { plain } from '../src/render/style.ts';
import { explainIsolationLevel as tool } from '../src/tools/explain-isolation-level.ts';
import { ToolError } from '../src/tools/tool.ts';
import { PHENOMENON_IDS, type Phenomenon } from '../src/vocabulary/phenomena.ts';
import { SCHEDULES } from '../src/vocabulary/schedules.ts';

const catalogue = loadCatalogue({ databases: new URL('fixtures/catalogue/databases', import.meta.url).pathname });
const context = { catalogue: () => catalogue, signal: new AbortController().signal, progress: () => {} };

async function ask(given: Record<string, unknown>) {
  const answer = tool.output.parse(await tool.run(readArguments(tool, given) as never, context));
  return { answer, text: tool.render(answer, plain) };
}

const bytes = (value: unknown) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

/** Arguments that select one cell. */
function select(database: string, cell: Level) {
  const { storageEngine, topology, settings = {}, versions } = cell.when ?? {};
  // `>=12 <12.4` is met by its lower bound.
  const version = versions === undefined ? undefined : /[>^~=]=?\s*(\d[\d.]*)/.exec(versions)?.[1];
  return {
    database,
    level: cell.name,
    ...(version === undefined ? {} : { version: version.includes('.') ? version : `${version}.0.0` }),
    settings: {
      ...settings,
      ...(storageEngine === undefined ? {} : { storageEngine }),
      ...(topology === undefined ? {} : { topology }),
    },
  };
}

describe('the table of Hermitage', () => {
  interface Row {
    database: string;
    level: string;
    settings?: Record<string, string>;
    cells: Record<Phenomenon, string>;
  }
  const file = new URL('fixtures/hermitage/table.json', import.meta.url);
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] };
  /** Rows whose product has no file here: there is no other source on it than the table. */
  const absent = new Set(['memgraph']);
  /** The layer that the table speaks of is withdrawn; the key-value store below it has one level of its own name. */
  const renamed: Record<string, string> = { foundationdb: 'default' };

  test('is complete', () => {
    expect(rows).toHaveLength(25);
    expect(rows.every((row) => PHENOMENON_IDS.every((id) => row.cells[id] !== undefined))).toBe(true);
  });

  const asked = rows.filter(({ database }) => !absent.has(database));
  test('is answered alike, or the cell says why and cites a source besides Hermitage', async () => {
    const different: string[] = [];
    for (const row of asked) {
      const database = catalogue.databases.get(row.database);
      expect(database, row.database).toBeDefined();
      const { answer } = await ask({
        database: row.database,
        level: renamed[row.database] ?? row.level,
        ...(row.settings === undefined ? {} : { settings: row.settings }),
        detail: 'full',
      });
      for (const phenomenon of answer.phenomena ?? []) {
        if (phenomenon.is === row.cells[phenomenon.id as Phenomenon]) continue;
        const name = `${row.database} ${row.level} ${phenomenon.id}: ${row.cells[phenomenon.id as Phenomenon]} -> ${phenomenon.is}`;
        different.push(name);
        expect(phenomenon.note, name).toBeDefined();
        const newer = (phenomenon.evidence ?? []).filter((id) => database?.evidence[id]?.grade !== 'hermitage');
        expect(newer, name).not.toHaveLength(0);
      }
    }
    expect(different).toMatchInlineSnapshot(`
      [
        "mysql repeatable read OTV: prevented -> depends",
      ]
    `);
  });
});

describe('every level of every database', () => {
  const cells = [...catalogue.databases.values()].flatMap((database) =>
    database.levels.map(
      (cell) => [`${database.id} ${cell.name} [${describeConditions(cell)}]`, database, cell] as const,
    ),
  );

  test.each(cells)('%s', async (_, database, cell) => {
    const { answer, text } = await ask(select(database.id, cell));
    expect(bytes(answer)).toBeLessThanOrEqual(ANSWER_BYTES);
    expect(bytes(text)).toBeLessThanOrEqual(ANSWER_BYTES);
    expect(answer.levels[0]?.level).toContain(cell.name);
    expect(answer.levels[0]?.level).toContain(describeConditions(cell));
    expect(answer.phenomena?.map(({ id, is }) => [id, is])).toEqual(
      PHENOMENON_IDS.map((id) => [id, cell.phenomena[id].is]),
    );
    // Whatever the answer cites is listed, in both channels, with grade and day.
    for (const id of answer.phenomena?.flatMap(({ evidence }) => evidence ?? []) ?? []) {
      const source = answer.sections.evidence?.find((line) => line.startsWith(`${id}: `));
      expect(source, id).toMatch(/^\S+: (executed|hermitage|documentation|jepsen|paper), .+ checked \d{4}-\d\d-\d\d/);
      expect(text).toContain(`${id}: `);
    }
    if (database.session !== undefined && cell.phenomena.P4.is === 'possible')
      expect(answer.sections.script?.length).toBeGreaterThan(4);
  });

  test('every range of versions can be judged', async () => {
    const { satisfies } = await import('compare-versions');
    const ranges = cells.flatMap(([, , cell]) => cell.when?.versions ?? []);
    const bad = ranges.filter((range) => {
      try {
        return !/^[\d\s.<>=^~|*xX-]+$/.test(range) || typeof satisfies('1.0.0', range) !== 'boolean';
      } catch {
        return true;
      }
    });
    expect(bad).toEqual([]);
  });

  test.each([...catalogue.databases.keys()])('overview of %s, the default first', async (database) => {
    const { answer, text } = await ask({ database });
    expect(answer.levels[0]?.level).toContain('(default)');
    expect(bytes(answer)).toBeLessThanOrEqual(ANSWER_BYTES);
    expect(bytes(text)).toBeLessThanOrEqual(ANSWER_BYTES);
  });
});

describe('names as people write them', () => {
  test.each([
    ['postgres', 'RR', 'postgresql', 'REPEATABLE READ'],
    ['pg16', 'repeatable-read', 'postgresql', 'REPEATABLE READ'],
    ['PostgreSQL 15.3', 'read commited', 'postgresql', 'READ COMMITTED'],
    ['postgresql', 'Serialisable', 'postgresql', 'SERIALIZABLE'],
    ['mssql', 'rc', 'sql-server', 'READ COMMITTED'],
    ['SQL Server 2019', 'snapshot isolation', 'sql-server', 'SNAPSHOT'],
    ['Oracle 19c', 'serializable', 'oracle', 'SERIALIZABLE'],
    ['mysql 8.0 innodb repeatable read', undefined, 'mysql', 'REPEATABLE READ'],
    ['postgers', 'default', 'postgresql', 'READ COMMITTED'],
    ['kafka', 'acks=1', 'kafka', 'acks=1'],
    ['kafka', 'acks=-1', 'kafka', 'acks=all'],
  ])('%s, %s', async (database, level, id, name) => {
    const { answer } = await ask({ database, ...(level === undefined ? {} : { level }) });
    expect(answer.levels[0]?.database).toBe(id);
    expect(answer.levels[0]?.level).toContain(name);
  });

  test.each([
    ['lost update', 'P4'],
    ['A5B', 'G2-item'],
    ['phantom', 'PMP'],
    ['Phantom reads', 'PMP'],
    ['g-single', 'G-single'],
    ['non repeatable read', 'G-single'],
    ['write skw', 'G2-item'],
  ])('phenomenon %s', async (anomaly, id) => {
    const { answer } = await ask({ database: 'postgresql', level: 'rc', anomaly });
    expect(answer.phenomena?.[0]?.id).toBe(id);
    expect(answer.sections.script?.[0]).toContain(`-- ${id} `);
  });

  test.each([
    [{ database: 'postgrodb9000x' }, /no database "postgrodb9000x".*Closest: .*Allowed: .*postgresql/],
    [{ database: 'mysql', level: 'strict' }, /no level "strict".*Closest: .*Allowed: .*REPEATABLE READ/],
    [{ database: 'mysql', level: 'rr', anomaly: 'gremlin' }, /no phenomenon "gremlin".*Closest: .*Allowed: G0/],
    [{ database: 'mysql', compareWith: 'gremlinbase 3000' }, /neither a level of .* nor a database/],
    [{ level: 'quantum' }, /No database has a level "quantum"/],
    [
      { database: 'sampledb', level: 'rr', version: '8', settings: { engine: 'other' } },
      /Nothing is known.*Known cells: .*>=11\.6\.2/,
    ],
  ])('%j is refused with what is allowed', async (given, message) => {
    await expect(ask(given)).rejects.toThrow(message);
    await expect(ask(given)).rejects.toBeInstanceOf(ToolError);
  });
});

describe('choice of the cell', () => {
  const level = async (given: object) => {
    const { answer } = await ask({ database: 'sampledb', level: 'RR', ...given });
    return { level: answer.levels[0]?.level, assumed: (answer.sections.assumed ?? []).join('\n') };
  };

  test('the first cell is assumed, and said so', async () => {
    const { level: chosen, assumed } = await level({});
    expect(chosen).toContain('strict_snapshot=ON');
    expect(assumed).toContain('Not given, so assumed: version >=11.6.2, strict_snapshot=ON');
    expect(assumed).toMatch(/Other cell: .*strict_snapshot=OFF.*To select it/);
  });
  test('a version rules out', async () => {
    expect((await level({ version: '10.11' })).level).toContain('strict_snapshot=OFF');
    expect((await level({ version: 12 })).level).toContain('strict_snapshot=ON');
  });
  test('a version that is too coarse leaves it open', async () => {
    expect((await level({ version: '11' })).assumed).toContain('version >=11.6.2');
  });
  test('settings select, however they are written', async () => {
    for (const off of ['OFF', 'off', '0', false, 'false', 0])
      expect((await level({ settings: { STRICT_SNAPSHOT: off } })).level).toContain('strict_snapshot=OFF');
    expect((await level({ settings: { engine: 'heapstore' } })).level).toContain('HeapStore');
    expect((await level({ settings: '{"storageEngine": "HeapStore"}' })).level).toContain('HeapStore');
  });
  test('an unused setting is named', async () => {
    expect((await level({ settings: { colour: 'red' } })).assumed).toContain('"colour"');
  });
  test('an alias of one cell selects it', async () => {
    const { answer } = await ask({ database: 'sampledb', level: 'RR without snapshot' });
    expect(answer.levels[0]?.level).toContain('strict_snapshot=OFF');
    expect(answer.sections.assumed?.join()).toContain('strict_snapshot=ON');
  });
});

describe('comparison', () => {
  test('another database and level, differences first', async () => {
    const { answer, text } = await ask({ database: 'postgresql', level: 'RR', compareWith: 'mysql repeatable read' });
    const differs = answer.phenomena?.map(({ is, other }) => is !== other) ?? [];
    expect(differs).toEqual([...differs].sort((a, b) => Number(b) - Number(a)));
    expect(answer.phenomena?.find(({ id }) => id === 'P4')).toMatchObject({ is: 'prevented', other: 'possible' });
    expect(answer.levels.map(({ database }) => database)).toEqual(['postgresql', 'mysql']);
    expect(answer.sections.script?.join('\n')).toMatch(/MySQL/);
    expect(bytes(answer)).toBeLessThanOrEqual(ANSWER_BYTES);
    expect(bytes(text)).toBeLessThanOrEqual(ANSWER_BYTES);
  });
  test('a level of the same database, an object, a bare database', async () => {
    const same = await ask({ database: 'postgresql', level: 'rc', compareWith: 'serializable' });
    expect(same.answer.levels.map(({ level }) => level.slice(0, 12))).toEqual(['READ COMMITT', 'SERIALIZABLE']);
    const object = await ask({
      database: 'postgresql',
      level: 'rc',
      compareWith: { database: 'oracle', level: 'serializable' },
    });
    expect(object.answer.levels[1]).toMatchObject({
      database: 'oracle',
      level: expect.stringContaining('SERIALIZABLE'),
    });
    const bare = await ask({ database: 'oracle', level: 'serializable', compareWith: 'postgres' });
    expect(bare.answer.levels[1]?.level).toContain('SERIALIZABLE');
    const defaults = await ask({ database: 'mysql', compareWith: 'postgres' });
    expect(defaults.answer.sections.assumed?.join()).toContain('its default is taken');
  });
  test('every pair of defaults fits the budget', async () => {
    const ids = [...catalogue.databases.keys()];
    const over: string[] = [];
    for (const database of ids) {
      for (const compareWith of ids) {
        const { answer, text } = await ask({ database, compareWith });
        if (Math.max(bytes(answer), bytes(text)) > ANSWER_BYTES) over.push(`${database} ${compareWith}`);
      }
    }
    expect(over).toEqual([]);
  });
});

describe('lists', () => {
  test.each([[{}], [{ anomaly: 'lost update' }], [{ level: 'serializable' }], [{ level: 'RR', anomaly: 'G2' }]])(
    '%j',
    async (given) => {
      const { answer, text } = await ask(given);
      expect(answer.levels.length).toBeGreaterThan(1);
      expect(bytes(answer)).toBeLessThanOrEqual(ANSWER_BYTES);
      expect(bytes(text)).toBeLessThanOrEqual(ANSWER_BYTES);
      for (const { database } of answer.levels) expect(text).toContain(database);
    },
  );
  test('without anything all databases are named', async () => {
    const { answer } = await ask({});
    expect(answer.levels.map(({ database }) => database)).toEqual([...catalogue.databases.keys()]);
  });
});

test('text and structured answer hold the same sentences', async () => {
  const { answer, text } = await ask({ database: 'mysql', level: 'rr', detail: 'full' });
  const flat = text.replace(/\s+/g, ' ');
  for (const line of Object.values(answer.sections).flat()) expect(flat).toContain(line.replace(/\s+/g, ' ').trim());
});

test('replaced files are mentioned', async () => {
  const own = { ...catalogue, notices: ['databases/mysql is taken from the folder given with --databases.'] };
  const answer = await tool.run({ database: 'mysql', level: 'rr' } as never, { ...context, catalogue: () => own });
  expect(answer.sections.assumed?.[0]).toContain('databases/mysql is taken');
});

describe('schedules', () => {
  test('every phenomenon has one, in order and with an end', () => {
    for (const id of PHENOMENON_IDS) expect(SCHEDULES.some(({ phenomenon }) => phenomenon === id)).toBe(true);
    expect(new Set(SCHEDULES.map(({ id }) => id)).size).toBe(SCHEDULES.length);
    for (const { id, steps } of SCHEDULES) {
      const actors = new Set(steps.map((step) => step.slice(0, 2)));
      for (const actor of actors) {
        const ends = steps.filter((step) => new RegExp(`^${actor}: (COMMIT|ROLLBACK)$`).test(step));
        expect(ends, `${id} ${actor}`).toHaveLength(1);
      }
    }
  });
});

test('whatever is given, the answer is an answer or a ToolError', async () => {
  const word = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('postgres', 'mysql 8', 'RR', 'serializable', 'kafka', 'G2', '', ' ', '9'.repeat(150), '__proto__'),
  );
  const given = fc.record(
    {
      database: word,
      level: word,
      version: word,
      settings: fc.dictionary(word, word, { maxKeys: 3 }),
      anomaly: word,
      compareWith: word,
      detail: fc.constantFrom('concise', 'full'),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(given, async (question) => {
      try {
        const { answer, text } = await ask(question);
        expect(text.length).toBeGreaterThan(0);
        expect(answer.summary.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
        expect((error as Error).message).not.toMatch(/\/work\/|node_modules|\n {4}at /);
      }
    }),
    { numRuns: 1500 },
  );
});
