import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { type Database, databaseSchema } from './database.ts';
import { CatalogueError, parseFrontmatter } from './frontmatter.ts';
import { type Pattern, patternSchema } from './pattern.ts';
import { type Prompt, promptSchema } from './prompt.ts';

/** Folders with files of a team's own; a file with an id of ours replaces ours. */
export interface CatalogueFolders {
  readonly patterns?: string | undefined;
  readonly databases?: string | undefined;
}

/** Everything that is kept as markdown. Entries keep the order of their file names. */
export interface Catalogue {
  readonly patterns: ReadonlyMap<string, Pattern>;
  readonly databases: ReadonlyMap<string, Database>;
  readonly prompts: ReadonlyMap<string, Prompt>;
  /** Sentences about what a team's own files replaced. */
  readonly notices: readonly string[];
}

/** The folder of the package: the nearest one above this file that has a package.json. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/**
 * Reads the catalogues.
 *
 * @throws CatalogueError for a folder or file that cannot be used.
 */
export function loadCatalogue(own: CatalogueFolders = {}): Catalogue {
  const notices: string[] = [];
  const read = <T extends z.ZodType<{ id: string }>>(kind: string, schema: T, extra?: string) => {
    const entries = readFolder(join(packageFolder(), kind), schema);
    if (extra !== undefined) {
      for (const [id, entry] of readFolder(extra, schema)) {
        if (entries.has(id))
          notices.push(`${kind}/${id} is taken from the folder given with --${kind}, not from Interleave.`);
        entries.set(id, entry);
      }
    }
    return entries;
  };
  return {
    patterns: read('patterns', patternSchema, own.patterns),
    databases: read('databases', databaseSchema, own.databases),
    prompts: read('prompts', promptSchema),
    notices,
  };
}

function readFolder<T extends z.ZodType<{ id: string }>>(
  folder: string,
  schema: T,
): Map<string, z.infer<T> & { body: string }> {
  let files: string[];
  try {
    files = readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .sort();
  } catch {
    throw new CatalogueError(`The folder "${folder}" cannot be read; give a folder of markdown files.`);
  }
  const entries = new Map<string, z.infer<T> & { body: string }>();
  for (const file of files) {
    const entry = parseFrontmatter(schema, readFileSync(join(folder, file), 'utf8'), file);
    if (`${entry.id}.md` !== file)
      throw new CatalogueError(`${file}: id: must equal the file name; given "${entry.id}"`);
    entries.set(entry.id, entry);
  }
  return entries;
}
