import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue, packageFolder } from '../src/catalogue/load.ts';
import { tools } from '../src/tools/index.ts';
import { BUNDLE } from './support/clients.ts';
import { EXAMPLES } from './support/examples.ts';
import { installAll, node22 } from './support/gates.ts';

const root = packageFolder();
const work = mkdtempSync(join(tmpdir(), 'interleave-gates-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A run of a program, and all it printed. */
function run(command: string, args: readonly string[], cwd = work, env: NodeJS.ProcessEnv = {}) {
  const done: SpawnSyncReturns<string> = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    input: '',
    timeout: 120_000,
    env: { ...process.env, HOME: work, CI: '1', ...env },
  });
  return { code: done.status, all: `${done.stdout}\n${done.stderr}` };
}

describe('MCP Inspector', () => {
  const gate = installAll(['inspector', 'node22']);
  const inspect = (...args: string[]) => {
    if (gate.reason !== undefined) throw new Error(gate.reason);
    const entry = join(gate.folders.inspector, 'node_modules/.bin/mcp-inspector');
    return run(node22(gate.folders.node22), [entry, '--cli', process.execPath, BUNDLE, ...args]);
  };

  test('finds the schemas portable (tools/list --strict)', ({ skip }) => {
    if (gate.reason !== undefined) skip(gate.reason);
    const { code, all } = inspect('--method', 'tools/list', '--strict');
    expect(code, all).toBe(0);
    for (const tool of tools) expect(all).toContain(`"${tool.name}"`);
  });

  test('verifies the skill (skills/list --verify)', ({ skip }) => {
    if (gate.reason !== undefined) skip(gate.reason);
    const { code, all } = inspect('--method', 'skills/list', '--verify');
    expect(code, all).toBe(0);
    expect(all).toMatch(/Verified 1 skill and \d+ files: no conformance errors/);
  });

  test('gets an answer from every tool', ({ skip }) => {
    if (gate.reason !== undefined) skip(gate.reason);
    for (const tool of tools) {
      const input = JSON.stringify(EXAMPLES[tool.name]?.[0] ?? {});
      const { code, all } = inspect('--method', 'tools/call', '--tool-name', tool.name, '--tool-args-json', input);
      expect(code, all).toBe(0);
    }
  }, 60_000);
});

describe('MCP conformance', () => {
  const gate = installAll(['conformance', 'node22']);
  let server: ReturnType<typeof spawn> | undefined;
  let url = '';
  beforeAll(async () => {
    if (gate.reason !== undefined) return;
    const child = spawn(process.execPath, [BUNDLE, 'http', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    server = child;
    url = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stderr.on('data', (chunk) => {
        text += chunk;
        const found = /serves MCP at (\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', () => reject(new Error(text)));
    });
  });
  afterAll(() => {
    server?.kill();
  });

  test.for([
    ['server-initialize', '2025-11-25'],
    ['ping', '2025-11-25'],
    ['tools-list', '2025-11-25'],
    ['resources-list', '2025-11-25'],
    ['prompts-list', '2025-11-25'],
    ['dns-rebinding-protection', '2025-11-25'],
    ['tools-list', '2026-07-28'],
    ['resources-list', '2026-07-28'],
    ['prompts-list', '2026-07-28'],
    ['dns-rebinding-protection', '2026-07-28'],
    ['caching', '2026-07-28'],
    ['sep-2164-resource-not-found', '2026-07-28'],
    ['http-header-validation', '2026-07-28'],
    ['sep-2640-skills-enumeration', undefined],
    ['sep-2640-skills-manifest', undefined],
    ['sep-2640-skills-directory', undefined],
  ])('%s, %s', ([scenario, version], { skip }) => {
    if (gate.reason !== undefined) return skip(gate.reason);
    const entry = join(gate.folders.conformance, 'node_modules/.bin/conformance');
    const args = [entry, 'server', '--url', url, '--scenario', String(scenario)];
    if (version !== undefined) args.push('--spec-version', version);
    const { code, all } = run(node22(gate.folders.node22), args);
    expect(code, all).toBe(0);
    expect(all).toMatch(/Passed: (\d+)\/\1, 0 failed/);
    return undefined;
  });
});

describe('the skill is installed by', () => {
  /** A repository with what is published of this one. */
  const repository = join(work, 'repository');
  beforeAll(() => {
    mkdirSync(repository);
    for (const part of ['SKILL.md', 'README.md', 'LICENSE', 'package.json', 'patterns', 'databases', 'prompts'])
      cpSync(join(root, part), join(repository, part), { recursive: true });
    const git = (...args: string[]) =>
      run(
        'git',
        ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main', ...args],
        repository,
      );
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      ['commit', '-qm', 'one'],
    ])
      expect(git(...args).code).toBe(0);
  });

  const expectSkill = (folder: string, printed: string) => {
    const installed = ['.claude/skills/interleave', '.agents/skills/interleave', '.cursor/skills/interleave']
      .map((path) => join(folder, path))
      .find((path) => existsSync(join(path, 'SKILL.md')));
    expect(installed, printed).toBeDefined();
    expect(readFileSync(join(installed ?? '', 'SKILL.md'), 'utf8')).toBe(readFileSync(join(root, 'SKILL.md'), 'utf8'));
    return installed ?? '';
  };

  test('npx playbooks add skill', async ({ skip }) => {
    const gate = installAll(['playbooks']);
    if (gate.reason !== undefined) return skip(gate.reason);
    if (spawnSync('script', ['--version']).status !== 0) return skip('script(1) is needed for a pseudo-terminal');
    const project = mkdtempSync(join(work, 'project-'));
    const entry = join(gate.folders.playbooks, 'node_modules/.bin/playbooks');
    const command = `'${process.execPath}' '${entry}' add skill 'file://${repository}' --skill interleave --agent claude-code -y`;
    // Without a variable CI it draws its screen; when it is done it waits for a key.
    const { CI: _, ...env } = process.env;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: project,
      env: { ...env, HOME: work, TERM: 'xterm' },
    });
    let all = '';
    child.stdout.on('data', (chunk) => {
      all += chunk;
      if (/Installed 1 skill/.test(all)) child.stdin.write('q');
    });
    child.stdin.on('error', () => {});
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(timer);
    expect(all).toMatch(/Installed 1 skill/);
    expect(all).not.toMatch(/risk|suspicious|warning/i);
    expect(code, all).toBe(0);
    const installed = expectSkill(project, all);
    for (const id of loadCatalogue().patterns.keys())
      expect(existsSync(join(installed, `patterns/${id}.md`)), id).toBe(true);
    return undefined;
  }, 120_000);

  test('npx skills add', ({ skip }) => {
    const gate = installAll(['skills']);
    if (gate.reason !== undefined) return skip(gate.reason);
    const project = mkdtempSync(join(work, 'project-'));
    const entry = join(gate.folders.skills, 'node_modules/.bin/skills');
    const { code, all } = run(
      process.execPath,
      [entry, 'add', repository, '--skill', 'interleave', '--agent', 'claude-code', '-y', '--copy'],
      project,
    );
    expect(code, all).toBe(0);
    const installed = expectSkill(project, all);
    for (const id of loadCatalogue().patterns.keys())
      expect(existsSync(join(installed, `patterns/${id}.md`)), id).toBe(true);
    return undefined;
  }, 120_000);

  test('and is valid for skills-ref', ({ skip }) => {
    const gate = installAll(['skills-ref']);
    if (gate.reason !== undefined) return skip(gate.reason);
    const folder = join(work, 'interleave');
    mkdirSync(folder);
    cpSync(join(root, 'SKILL.md'), join(folder, 'SKILL.md'));
    const entry = join(gate.folders['skills-ref'], 'node_modules/.bin/skills-ref');
    const { code, all } = run(process.execPath, [entry, 'validate', folder]);
    expect(code, all).toBe(0);
    return undefined;
  });
});

describe('the bundle for desktop hosts', () => {
  test('has a valid manifest, packs, and runs where it is unpacked', ({ skip }) => {
    const gate = installAll(['mcpb']);
    if (gate.reason !== undefined) return skip(gate.reason);
    const entry = join(gate.folders.mcpb, 'node_modules/.bin/mcpb');
    const validated = run(process.execPath, [entry, 'validate', join(root, 'manifest.json')]);
    expect(validated.code, validated.all).toBe(0);

    const file = join(work, 'interleave.mcpb');
    const packed = run(process.execPath, [entry, 'pack', root, file]);
    expect(packed.code, packed.all).toBe(0);
    expect(statSync(file).size).toBeLessThan(4_000_000);
    const unpacked = join(work, 'unpacked');
    expect(run(process.execPath, [entry, 'unpack', file, unpacked]).code).toBe(0);
    expect(existsSync(join(unpacked, 'src'))).toBe(false);
    const started = run(process.execPath, [join(unpacked, 'dist/interleave.js'), 'patterns']);
    expect(started.code, started.all).toBe(0);
    expect(started.all).toContain('idempotency-key');
    return undefined;
  }, 120_000);
});
