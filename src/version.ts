import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from './catalogue/load.ts';

/** Version of the package; the build puts it in, from source it is read from package.json. */
export const VERSION: string =
  process.env.INTERLEAVE_VERSION ??
  (JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string }).version;
