import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../src/catalogue/load.ts';

/**
 * Programs of other projects that a release must pass. They are large and some need a newer Node.js, so they are not
 * dependencies: each is installed on first use into a cache beside node_modules, at the version given here.
 */
const PROGRAMS = {
  // A Node.js 22 as a plain npm package, for programs that need one.
  node22: { packages: [`node-${process.platform}-${process.arch}@22.23.3`] },
  inspector: { packages: ['@modelcontextprotocol/inspector@2.12.0'] },
  conformance: { packages: ['@modelcontextprotocol/conformance@0.2.0-alpha.12'] },
  mcpb: { packages: ['@anthropic-ai/mcpb@2.1.2'] },
  skills: { packages: ['skills@1.5.18'] },
  'skills-ref': { packages: ['skills-ref@0.1.5'] },
  playbooks: { packages: ['playbooks@0.1.20'] },
} as const satisfies Record<string, { packages: readonly string[] }>;

/** Name of one of the programs. */
export type Program = keyof typeof PROGRAMS;

/** Where a program is, or why it is not there. */
export type Installed = { readonly folder: string } | { readonly reason: string };

const CACHE = join(packageFolder(), 'node_modules/.cache/interleave-gates');

/** Installs a program, unless it is there already. */
export function install(name: Program): Installed {
  const { packages } = PROGRAMS[name];
  const folder = join(CACHE, packages.join('+').replace(/[^a-z0-9.+-]/gi, '_'));
  if (existsSync(folder)) return { folder };
  // Installed aside and moved, so that a run that is cut off leaves nothing that looks whole.
  const aside = `${folder}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  writeFileSync(join(aside, 'package.json'), '{"private":true}');
  const done = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], {
    cwd: aside,
    encoding: 'utf8',
    timeout: 180_000,
  });
  if (done.status !== 0) {
    rmSync(aside, { recursive: true, force: true });
    const line = done.stderr.split('\n').find((text) => /npm error/.test(text)) ?? String(done.error ?? done.signal);
    return { reason: `${packages.join(' ')} cannot be installed: ${line}` };
  }
  try {
    renameSync(aside, folder);
  } catch {
    // Another worker was faster.
    rmSync(aside, { recursive: true, force: true });
  }
  return { folder };
}

/** Installs several; the first reason why one is missing, or their folders. */
export function installAll<N extends Program>(
  names: readonly N[],
): { readonly folders: Record<N, string>; readonly reason?: undefined } | { readonly reason: string } {
  const folders = {} as Record<N, string>;
  for (const name of names) {
    const installed = install(name);
    if ('reason' in installed) return installed;
    folders[name] = installed.folder;
  }
  return { folders };
}

/** The binary of the Node.js 22 in `folder`. */
export const node22 = (folder: string) =>
  join(folder, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
