// Bundles src/main.ts and everything it needs into dist/: nothing is installed when the package runs.
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const { version } = createRequire(import.meta.url)('./package.json');

// CommonJS dependencies ask for `require`; the SQL parser finds its .wasm through `__dirname`. All chunks lie in
// dist/ itself, so that both mean the same in each of them.
const banner = [
  "import{createRequire as __createRequire}from'node:module';",
  "import{fileURLToPath as __fileURLToPath}from'node:url';",
  'const require=__createRequire(import.meta.url);',
  "const __filename=__fileURLToPath(import.meta.url);const __dirname=__fileURLToPath(new URL('.',import.meta.url));",
].join('');

// Messages of the schema library in fifty languages would be 300 KiB read at each start; ours are English.
const oneLanguage = {
  name: 'one-language',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: join(root, 'node_modules/zod/v4/locales'),
    }));
  },
};

// The SDK brings a JSON Schema validator for answers of people to questions of the server (elicitation). This server asks
// none, and the validator would be a sixth of the bundle.
const noElicitation = {
  name: 'no-elicitation',
  setup(build) {
    build.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({
      path: 'shims',
      namespace: 'ours',
    }));
    build.onLoad({ filter: /.*/, namespace: 'ours' }, () => ({
      contents: `
        export { default as process } from 'node:process';
        export class DefaultJsonSchemaValidator {
          getValidator() { throw new Error('this server has no elicitation'); }
        }`,
      resolveDir: root,
    }));
  },
};

const result = await build({
  absWorkingDir: root,
  entryPoints: { interleave: 'src/main.ts' },
  outdir: 'dist',
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // ECMAScript modules where a package has both kinds: smaller, and they can be imported dynamically.
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  define: { 'process.env.INTERLEAVE_VERSION': JSON.stringify(version) },
  banner: { js: banner },
  logLevel: 'warning',
  metafile: true,
  // Written below, so that a build that fails leaves the last good one.
  write: false,
  plugins: [oneLanguage, noElicitation],
});

// A chunk made of a CommonJS package has a default export only, so `const { x } = await import(...)` would give
// undefined in the bundle and work from source.
for (const [importer, { imports }] of Object.entries(result.metafile.inputs)) {
  for (const { kind, path } of imports) {
    if (kind === 'dynamic-import' && result.metafile.inputs[path]?.format === 'cjs') {
      throw new Error(`${importer} imports ${path} dynamically, but that is CommonJS: import it from a module of ours`);
    }
  }
}

const require = createRequire(import.meta.url);
await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
for (const { path, contents } of result.outputFiles) await writeFile(path, contents);
await copyFile(join(dirname(require.resolve('libpg-query')), 'libpg-query.wasm'), join(dist, 'libpg-query.wasm'));
await chmod(join(dist, 'interleave.js'), 0o755);

const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
const count = Object.keys(result.metafile.outputs).length;
console.log(`dist: ${count} files, ${Math.round(bytes / 1024)} KiB of JavaScript, and the SQL parser's .wasm`);
