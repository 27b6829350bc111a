import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue, packageFolder } from '../src/catalogue/load.ts';
import { tools } from '../src/tools/index.ts';
import { VERSION } from '../src/version.ts';
import { BUNDLE } from './support/clients.ts';

const catalogue = loadCatalogue();
const has = (name: string) => tools.some((tool) => tool.name === name);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'interleave-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {}) {
  const { INTERLEAVE_TOKEN: _, NO_COLOR: __, FORCE_COLOR: ___, ...clean } = process.env;
  const done = spawnSync(process.execPath, [BUNDLE, ...args], {
    input,
    encoding: 'utf8',
    env: { ...clean, ...env },
    timeout: 15_000,
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

/** Runs a command under a pseudo-terminal; what it prints. */
function onTerminal(args: readonly string[], env: Record<string, string> = {}): string {
  const { NO_COLOR: _, FORCE_COLOR: __, ...clean } = process.env;
  const command = [process.execPath, BUNDLE, ...args].map((part) => `'${part}'`).join(' ');
  const done = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    input: '',
    env: { ...clean, TERM: 'xterm', ...env },
    timeout: 15_000,
  });
  return done.stdout;
}

const hasScript = spawnSync('script', ['--version']).status === 0;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const COLOUR = /\u001b\[\d+m/;

describe('help', () => {
  const commands = ['', 'http', 'patterns', 'databases'];
  if (has('explain-isolation-level')) commands.push('explain');
  if (has('recommend-pattern')) commands.push('recommend');
  if (has('assess-consistency')) commands.push('assess');

  test.each(commands)('of "%s" shows an example and exits with 0', (command) => {
    const { code, out } = run([...command.split(' ').filter(Boolean), '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/Usage: interleave/);
    expect(out).toMatch(/Examples?:\n {2}\$ .*interleave/);
    expect(out).toMatch(/--patterns <folder>/);
    expect(out).toMatch(/--databases <folder>/);
  });

  test('names all commands', () => {
    const { out } = run(['--help']);
    for (const command of commands.filter(Boolean)) expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  });

  test('the version is that of the package', () => {
    expect(run(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  });
});

describe('input that cannot be used ends with 2 and says what is allowed', () => {
  test.each([
    [['frobnicate'], /error/],
    [['--nonsense'], /unknown option/],
    [['patterns', 'no-such-pattern'], /There is no pattern "no-such-pattern"; did you mean "/],
    [['databases', 'postgres'], /did you mean "postgresql"/],
    [['patterns', '--patterns', '/no/such/folder'], /cannot be read/],
    [['http'], /--port/],
    [['http', '--port', 'x'], /0 to 65535/],
    [['http', '--port', '70000'], /0 to 65535/],
    [['http', '--port', '0', '--host', '0.0.0.0'], /token is required/],
    [['http', '--port', '0', '--token', 'short'], /too short/],
  ])('%j', (args, message) => {
    const { code, out, err } = run(args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(out).toBe('');
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe('catalogues', () => {
  test('are listed with summaries', () => {
    for (const kind of ['patterns', 'databases'] as const) {
      const { code, out } = run([kind]);
      expect(code).toBe(0);
      for (const entry of catalogue[kind].values()) expect(out).toContain(entry.summary);
      const listed = JSON.parse(run([kind, '--json']).out) as { id: string }[];
      expect(listed.map(({ id }) => id)).toEqual([...catalogue[kind].keys()]);
    }
  });

  test('an entry is printed whole', () => {
    const [id, pattern] = [...catalogue.patterns][0] as [string, { body: string }];
    expect(run(['patterns', id]).out).toContain(pattern.body);
    expect(JSON.parse(run(['patterns', id, '--json']).out).body).toBe(pattern.body);
  });

  test('files of a team are added, and one with an id of ours replaces ours and says so', () => {
    const own = join(folder, 'patterns');
    mkdirSync(own);
    const [id] = [...catalogue.patterns.keys()];
    const text = readFileSync(join(packageFolder(), 'patterns', `${id}.md`), 'utf8');
    writeFileSync(
      join(own, `${id}.md`),
      text.replace(/^summary: .*$/m, 'summary: This text is the one of our own team.'),
    );
    writeFileSync(join(own, 'house-rule.md'), text.replace(/^id: .*$/m, 'id: house-rule'));
    for (const args of [
      ['--patterns', own, 'patterns'],
      ['patterns', '--patterns', own],
    ]) {
      const { code, out, err } = run(args);
      expect(code, err).toBe(0);
      expect(out).toContain('house-rule');
      expect(out).toContain('This text is the one of our own team.');
      expect(err).toContain(`patterns/${id} is taken from the folder given with --patterns`);
    }
  });

  test('a broken file of a team is named with its field', () => {
    const own = join(folder, 'broken');
    mkdirSync(own);
    writeFileSync(join(own, 'mine.md'), '---\nid: mine\nname: 3\n---\n');
    const { code, err } = run(['patterns', '--patterns', own]);
    expect(code).toBe(2);
    expect(err).toMatch(/mine\.md/);
    expect(err).toMatch(/name: .*given 3/);
  });
});

describe.runIf(has('explain-isolation-level'))('explain', () => {
  test('answers as text and as JSON', () => {
    const { code, out } = run(['explain', 'postgresql', 'repeatable read']);
    expect(code).toBe(0);
    expect(out).toMatch(/snapshot/i);
    expect(out).not.toMatch(COLOUR);
    expect(JSON.parse(run(['explain', 'postgresql', 'repeatable read', '--json']).out)).toBeTypeOf('object');
  });

  test('says which databases there are', () => {
    const { code, err } = run(['explain', 'no-such-database']);
    expect(code).toBe(2);
    expect(err).toMatch(/postgresql/);
  });

  test('takes options that are the arguments of the tool', () => {
    const { code, out, err } = run([
      'explain',
      'mariadb',
      '--version',
      '11.8',
      '--settings',
      'innodb_snapshot_isolation=ON',
    ]);
    expect(code, err).toBe(0);
    expect(out).toMatch(/MariaDB/i);
    expect(run(['explain', 'mariadb', '--settings', 'nonsense']).code).toBe(2);
  });
});

describe.runIf(has('recommend-pattern'))('recommend', () => {
  test('answers as text and as JSON', () => {
    const { code, out } = run(['recommend', 'the client retries the payment after a time-out and is charged twice']);
    expect(code).toBe(0);
    expect(out).toContain('idempotency-key');
    expect(JSON.parse(run(['recommend', 'a cron job runs on two nodes', '--json']).out)).toBeTypeOf('object');
  });
});

describe.runIf(has('assess-consistency'))('assess', () => {
  const design = (level: string) => `
engine: postgresql 16
schema: |
  CREATE TABLE doctors (id int PRIMARY KEY, shift int NOT NULL, on_call boolean NOT NULL);
  INSERT INTO doctors VALUES (1, 7, true), (2, 7, true);
operations:
  - name: leave
    isolation: ${level}
    steps:
      - n := SELECT count(*) FROM doctors WHERE shift = 7 AND on_call
      - "if n >= 2: UPDATE doctors SET on_call = false WHERE id = :me"
    runs: [{me: 1}, {me: 2}]
properties:
  - invariant: SELECT count(*) >= 1 FROM doctors WHERE shift = 7 AND on_call
`;

  test('ends with 1 for a broken design, from a file and from standard input', () => {
    const file = join(folder, 'broken.yaml');
    writeFileSync(file, design('repeatable read'));
    for (const done of [run(['assess', file]), run(['assess'], { input: design('repeatable read') })]) {
      expect(done.code, done.err).toBe(1);
      expect(done.out).toMatch(/leave/);
    }
  });

  test('ends with 0 for a sound one', () => {
    const done = run(['assess', '--json'], { input: design('serializable') });
    expect(done.code, done.out + done.err).toBe(0);
    expect(JSON.parse(done.out)).toHaveProperty('verdict');
  });

  test.each([
    ['', /nothing/],
    ['- a\n- b', /a list/],
    ['just text', /a string/],
    ['a: [', /neither YAML nor JSON/],
    ['operatons: []', /operations|unknown/],
  ])('ends with 2 for %j', (input, message) => {
    const { code, err } = run(['assess'], { input });
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test('names a file that cannot be read', () => {
    const { code, err } = run(['assess', '/no/such/design.yaml']);
    expect(code).toBe(2);
    expect(err).toMatch(/\/no\/such\/design\.yaml cannot be read: ENOENT/);
  });
});

describe.runIf(hasScript)('colours', () => {
  test('are for terminals only, and not with NO_COLOR', () => {
    expect(onTerminal(['patterns'])).toMatch(COLOUR);
    expect(onTerminal(['patterns'], { NO_COLOR: '1' })).not.toMatch(COLOUR);
    expect(onTerminal(['patterns'], { TERM: 'dumb' })).not.toMatch(COLOUR);
    expect(run(['patterns']).out).not.toMatch(COLOUR);
  });
});

test('a reader that goes away early is no error', () => {
  const done = spawnSync('sh', ['-c', `'${process.execPath}' '${BUNDLE}' databases --json | head -c 10 >/dev/null`], {
    encoding: 'utf8',
  });
  expect(done.stderr).toBe('');
});
