import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseSchema } from '../src/catalogue/database.ts';
import { CatalogueError, parseFrontmatter } from '../src/catalogue/frontmatter.ts';
import { loadCatalogue, packageFolder } from '../src/catalogue/load.ts';
import { patternSchema } from '../src/catalogue/pattern.ts';
import { promptSchema } from '../src/catalogue/prompt.ts';

const pattern = readFileSync(join(packageFolder(), 'patterns/idempotency-key.md'), 'utf8');
const database = readFileSync(new URL('fixtures/catalogue/databases/sampledb.md', import.meta.url), 'utf8');

function faultOf(schema: Parameters<typeof parseFrontmatter>[0], text: string, file = 'own.md'): string {
  try {
    parseFrontmatter(schema, text, file);
  } catch (error) {
    expect(error).toBeInstanceOf(CatalogueError);
    return (error as Error).message;
  }
  throw new Error('the text was accepted');
}

describe('an error names the file, the field, what was given and what is allowed', () => {
  const change = (from: RegExp, to: string) => pattern.replace(from, to);

  test.each([
    [
      'a misspelt signal',
      change(/^fits: .*/m, 'fits: [client-retrys]'),
      /own\.md.*fits\.0: .*"client-retries".*given "client-retrys"/s,
    ],
    [
      'an unknown group',
      change(/^group: .*/m, 'group: Odds and ends'),
      /group: .*"Request integrity".*given "Odds and ends"/s,
    ],
    ['a missing field', change(/^summary: .*$/m, ''), /summary: .*expected string/s],
    ['an unknown field', change(/^group: /m, 'colour: red\ngroup: '), /Unrecognized key: "colour"/],
    ['a wrong id', change(/^id: .*/m, 'id: Not An Id'), /id: lower-case words joined by hyphens; given "Not An Id"/],
    ['a wrong type', change(/^related: .*/m, 'related: 7'), /related: .*expected array.*given 7/s],
    ['an empty list', change(/^related: .*/m, 'related: []'), /related: .*given \[\]/s],
  ])('%s', (_, text, message) => {
    expect(text).not.toBe(pattern);
    expect(faultOf(patternSchema, text)).toMatch(message);
  });

  test('every fault is listed, not only the first', () => {
    const text = change(/^group: .*/m, 'group: x').replace(/^related: .*/m, 'related: 7');
    expect(faultOf(patternSchema, text)).toMatch(/2 fault\(s\)[\s\S]*group: [\s\S]*related: /);
  });

  test('databases too', () => {
    expect(faultOf(databaseSchema, database.replace('is: snapshot-isolation', 'is: snapshotish'))).toMatch(
      /levels\.1\.model\.is: .*"snapshot-isolation".*given "snapshotish"/s,
    );
    expect(faultOf(databaseSchema, database.replace('PMP: {is: possible', 'PMX: {is: possible'))).toMatch(/PM[PX]/);
  });

  test('broken YAML and a text without frontmatter', () => {
    expect(faultOf(patternSchema, '---\nid: [\n---\n')).toMatch(/^own\.md: frontmatter is not valid YAML: /);
    expect(faultOf(patternSchema, 'just text')).toMatch(/^own\.md: the frontmatter has /);
    expect(faultOf(patternSchema, '')).toMatch(/^own\.md: /);
    expect(faultOf(patternSchema, '---\n- a\n- b\n---\n')).toMatch(/^own\.md: .*expected object/s);
  });
});

describe('no code in a file is ever run', () => {
  test.each(['js', 'javascript', 'json', 'coffee', 'toml'])('---%s', (language) => {
    const text = `---${language}\n(globalThis.ran = true, {id: 'x'})\n---\nbody`;
    expect(faultOf(patternSchema, text)).toMatch(/language ".*" is not allowed; use plain YAML/);
    expect(faultOf(patternSchema, text.replace('---', '---  '))).toMatch(/not allowed/);
    expect((globalThis as { ran?: boolean }).ran).toBeUndefined();
  });
  test('nor by a YAML tag', () => {
    const text = pattern.replace(/^related: .*/m, 'related: !!js/function "function () { globalThis.ran = true }"');
    expect(faultOf(patternSchema, text)).toMatch(/not valid YAML/);
    expect((globalThis as { ran?: boolean }).ran).toBeUndefined();
  });
});

describe('folders of a team', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'interleave-'));
    mkdirSync(join(folder, 'patterns'));
    mkdirSync(join(folder, 'databases'));
    writeFileSync(join(folder, 'patterns/idempotency-key.md'), pattern.replace(/^name: .*/m, 'name: Our request key'));
    writeFileSync(join(folder, 'patterns/our-own.md'), pattern.replace(/^id: .*/m, 'id: our-own'));
    writeFileSync(join(folder, 'databases/sampledb.md'), database);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('add files, and replace files of the same id, which is said', () => {
    const own = loadCatalogue({ patterns: join(folder, 'patterns'), databases: join(folder, 'databases') });
    expect(own.patterns.get('idempotency-key')?.name).toBe('Our request key');
    expect(own.patterns.has('our-own')).toBe(true);
    expect(own.databases.has('sampledb')).toBe(true);
    expect(own.notices).toEqual([
      'patterns/idempotency-key is taken from the folder given with --patterns, not from Interleave.',
    ]);
    expect(loadCatalogue().patterns.get('idempotency-key')?.name).not.toBe('Our request key');
  });

  test('a file whose id is not its name, and a folder that is not there', () => {
    const bad = mkdtempSync(join(tmpdir(), 'interleave-'));
    writeFileSync(join(bad, 'other.md'), pattern);
    expect(() => loadCatalogue({ patterns: bad })).toThrow(
      /other\.md: id: must equal the file name; given "idempotency-key"/,
    );
    rmSync(bad, { recursive: true });
    expect(() => loadCatalogue({ patterns: bad })).toThrow(/cannot be read; give a folder of markdown files/);
  });
});

test('broken files give a CatalogueError, whatever is broken', () => {
  const sources = [
    ...readdirSync(join(packageFolder(), 'patterns'))
      .slice(0, 4)
      .map((name) => join('patterns', name)),
    ...readdirSync(join(packageFolder(), 'databases'))
      .slice(0, 4)
      .map((name) => join('databases', name)),
  ].map((name) => readFileSync(join(packageFolder(), name), 'utf8').slice(0, 6000));
  const noise = fc.constantFrom(
    '\0',
    '---',
    '{',
    '[',
    ': ',
    '&a',
    '*a',
    '<<: *a',
    '!!binary',
    '\t',
    '"',
    '- ',
    '2026-13-99',
    '💥',
    '__proto__: 1\n',
  );
  const broken = fc
    .tuple(
      fc.constantFrom(...sources),
      fc.array(fc.tuple(fc.nat(6000), noise), { minLength: 1, maxLength: 6 }),
      fc.nat(6000),
    )
    .map(([text, cuts, end]) =>
      cuts.reduce(
        (now, [at, piece]) => now.slice(0, at) + piece + now.slice(at + piece.length),
        text.slice(0, 3000 + end),
      ),
    );
  fc.assert(
    fc.property(fc.oneof(broken, fc.string({ unit: 'binary', maxLength: 200 })), (text) => {
      for (const schema of [patternSchema, databaseSchema, promptSchema]) {
        try {
          parseFrontmatter(schema, text, 'own.md');
        } catch (error) {
          expect(error).toBeInstanceOf(CatalogueError);
          expect((error as Error).message).toMatch(/^own\.md: /);
          expect((error as Error).message).not.toMatch(/\n {4}at |node_modules/);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test('a huge and a deeply nested file are refused or read in seconds', () => {
  const huge = `---\nid: x\nname: ${'a'.repeat(10_000_000)}\n---\n`;
  expect(faultOf(patternSchema, huge).length).toBeLessThan(5000);
  expect(faultOf(patternSchema, `---\nid: ${'['.repeat(3000)}\n---\n`)).toMatch(/^own\.md: /);
});
