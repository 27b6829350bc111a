import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCatalogue, packageFolder } from '../src/catalogue/load.ts';
import { tools } from '../src/tools/index.ts';
import { VERSION } from '../src/version.ts';

const root = packageFolder();
const read = (file: string) => readFileSync(join(root, file), 'utf8');
// biome-ignore lint/suspicious/noExplicitAny: manifests of other people's formats, checked by what is read of them
const json = (file: string): any => JSON.parse(read(file));

const MANIFESTS = [
  'package.json',
  'plugin.json',
  '.claude-plugin/plugin.json',
  '.codex-plugin/plugin.json',
  'gemini-extension.json',
  'server.json',
  'manifest.json',
];

describe('one version and one name', () => {
  test.each(MANIFESTS)('in %s', (file) => {
    const manifest = json(file);
    expect(manifest.version).toBe(VERSION);
    expect(manifest.name.split('/').at(-1)).toBe('interleave');
  });

  test('also where a manifest says it twice', () => {
    expect(json('server.json').packages[0]).toMatchObject({ identifier: json('package.json').name, version: VERSION });
    expect(json('.claude-plugin/marketplace.json').metadata.version).toBe(VERSION);
    expect(json('.claude-plugin/marketplace.json').plugins[0]).toMatchObject({ name: 'interleave', version: VERSION });
    expect(json('package-lock.json').version).toBe(VERSION);
    expect(read('SKILL.md')).toContain(`version: "${VERSION}"`);
    expect(read('CHANGELOG.md')).toContain(`## ${VERSION}`);
  });

  test('the registry finds the package by its mcpName', () => {
    expect(json('package.json').mcpName).toBe(json('server.json').name);
    expect(json('server.json').description.length).toBeLessThanOrEqual(100);
  });
});

describe('manifests', () => {
  test.each(['.mcp.json', 'mcp.json', '.codex-plugin/mcp.json', 'gemini-extension.json', 'manifest.json'])(
    '%s starts the bundle',
    (file) => {
      const manifest = json(file);
      const server = manifest.server?.mcp_config ?? manifest.mcpServers.interleave;
      expect(server.command).toBe('node');
      const path = server.args[0].replace(/\$\{\/\}/g, '/').replace(/^(\$\{\w+\}|\.)\//, '');
      expect(path).toBe('dist/interleave.js');
    },
  );

  test('manifest.json names the tools that there are', () => {
    const named = json('manifest.json').tools.map((tool: { name: string }) => tool.name);
    expect(named.sort()).toEqual(tools.map((tool) => tool.name).sort());
  });
});

describe('what is published', () => {
  interface Packed {
    readonly unpackedSize: number;
    readonly files: readonly { readonly path: string; readonly size: number }[];
  }
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [Packed];
  const paths = packed.files.map((file) => file.path);

  test('is at most 4 MB', () => {
    console.log(`published: ${packed.files.length} files, ${(packed.unpackedSize / 1e6).toFixed(2)} MB`);
    expect(packed.unpackedSize).toBeLessThanOrEqual(4_000_000);
  });

  test('is all that runs, and nothing else', () => {
    expect(paths).toEqual(
      expect.arrayContaining(['dist/interleave.js', 'dist/libpg-query.wasm', 'SKILL.md', 'LICENSE']),
    );
    for (const id of loadCatalogue().patterns.keys()) expect(paths).toContain(`patterns/${id}.md`);
    expect(paths.filter((path) => /^(src|test|node_modules|bench|demo|\.)/.test(path))).toEqual([]);
  });

  test('needs nothing installed', () => {
    const { dependencies, optionalDependencies, peerDependencies } = json('package.json');
    expect([dependencies, optionalDependencies, peerDependencies]).toEqual([undefined, undefined, undefined]);
  });

  test('installs everywhere: the lock file names the packages of other platforms too', () => {
    const { packages } = json('package-lock.json') as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(
      wanted.filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))),
    ).toEqual([]);
  });

  test('can be executed', () => {
    expect(read('dist/interleave.js').startsWith('#!/usr/bin/env node\n')).toBe(true);
    expect(statSync(join(root, 'dist/interleave.js')).mode & 0o111).not.toBe(0);
  });
});

test.runIf(tools.some((tool) => tool.name === 'assess-consistency'))(
  'the demo prints a review',
  () => {
    const done = spawnSync(process.execPath, [join(root, 'demo/payment.mjs')], { encoding: 'utf8', timeout: 60_000 });
    expect(done.status, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toMatch(/psp/);
    expect(done.stdout).toContain('idempotency-key');
  },
  70_000,
);

describe('SKILL.md', () => {
  const [, frontmatter = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(read('SKILL.md')) ?? [];
  const description = /^description: (.*)$/m.exec(frontmatter)?.[1] ?? '';

  test('has the frontmatter that skill managers allow', () => {
    const keys = [...frontmatter.matchAll(/^([a-z-]+):/gm)].map((match) => match[1]);
    const allowed = ['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools'];
    expect(keys.filter((key) => !allowed.includes(key ?? ''))).toEqual([]);
    expect(frontmatter).toMatch(/^name: interleave$/m);
    expect(description.length).toBeLessThanOrEqual(1024);
  });

  test.each([
    'databases',
    'transactions',
    'isolation level',
    'queues',
    'caches',
    'replicas',
    'event',
    'pipelines',
    'is this safe',
    'exactly once',
    'which isolation level',
  ])('its description triggers on "%s"', (phrase) => {
    expect(description.toLowerCase()).toContain(phrase);
  });

  test('is short enough to be read whole', () => {
    expect(body.split('\n').length).toBeLessThan(500);
    expect(body.length / 4).toBeLessThan(5000);
  });

  test('points to files that exist', () => {
    const files = [...body.matchAll(/`((?:patterns|databases)\/[a-z0-9-]+\.md)`/g)].map((match) => match[1] as string);
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
