// CPU and wall time from start to the answer of `initialize`: the bundle against a bare server with one tool, bundled
// to one file with the same SDK. Runs alternate, so that both see the same machine. Linux only (/proc).
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const RUNS = Number(process.argv[2] ?? 15);

const BARE = `
  import { McpServer } from '@modelcontextprotocol/server';
  import { serveStdio } from '@modelcontextprotocol/server/stdio';
  import * as z from 'zod';
  serveStdio(() => {
    const server = new McpServer({ name: 'bare', version: '1.0.0' });
    server.registerTool('echo', { description: 'Echo', inputSchema: z.object({ text: z.string() }) },
      async ({ text }) => ({ content: [{ type: 'text', text }] }));
    return server;
  });`;

const initialize = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
})}\n`;

/** CPU (user and system, of all threads) and wall milliseconds until the first answer. */
function once(file) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.once('error', reject);
    child.stdout.once('data', () => {
      const wall = performance.now() - began;
      // Fields 14 and 15, in ticks of 10 ms; the name in field 2 may hold spaces.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      child.once('exit', () => resolve({ cpu: (Number(fields[11]) + Number(fields[12])) * 10, wall }));
      child.kill();
    });
    child.stdin.write(initialize);
  });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const folder = mkdtempSync(join(tmpdir(), 'interleave-bench-'));
try {
  const bare = join(folder, 'bare.mjs');
  await build({
    stdin: { contents: BARE, resolveDir: root },
    outfile: bare,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    banner: { js: "import{createRequire as c}from'node:module';const require=c(import.meta.url);" },
    logLevel: 'error',
  });
  const ours = join(root, 'dist/interleave.js');
  const results = { bare: [], ours: [] };
  for (let run = 0; run < RUNS + 2; run++) {
    const pair = { bare: await once(bare), ours: await once(ours) };
    // The first two fill the file cache.
    if (run >= 2) for (const key of ['bare', 'ours']) results[key].push(pair[key]);
  }
  const figure = (key, what) => median(results[key].map((result) => result[what]));
  const summary = {
    runs: RUNS,
    bareCpuMs: figure('bare', 'cpu'),
    cpuMs: figure('ours', 'cpu'),
    cpuRatio: Number((figure('ours', 'cpu') / figure('bare', 'cpu')).toFixed(2)),
    bareWallMs: Math.round(figure('bare', 'wall')),
    wallMs: Math.round(figure('ours', 'wall')),
    wallRatio: Number((figure('ours', 'wall') / figure('bare', 'wall')).toFixed(2)),
  };
  console.log(JSON.stringify(summary));
} finally {
  rmSync(folder, { recursive: true });
}
