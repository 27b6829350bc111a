import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { type Skill, type SkillSource, SkillsExtension, skillEntry } from '@modelcontextprotocol/server/ext/skills';
import { packageFolder } from '../catalogue/load.ts';
import { failure, type Report } from './failure.ts';

/** Name of the skill, and of its folder in the addresses that clients see. */
export const SKILL_NAME = 'interleave';

/** Folders that SKILL.md points into. */
const FOLDERS = ['databases', 'patterns'];
const BASE = `skill://${SKILL_NAME}/`;

interface Loaded {
  readonly skill: Skill;
  /** Text by path under the skill's folder. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * The skill of this package over MCP (SEP-2640). `loadSkills` of the SDK wants a folder of skill folders and reads it
 * at once; ours lies at the top of the package and is read when somebody asks for it.
 */
export function attachSkill(server: McpServer, report: Report): void {
  new SkillsExtension({
    source: sourceOf(report),
    baseUri: BASE,
    cacheHint: { ttlMs: 3_600_000, cacheScope: 'public' },
    onWarning: ({ path, message }) => report(new Error(`skill ${path}: ${message}`)),
  }).attach(server);
}

let loading: Promise<Loaded> | undefined;

/** Reads SKILL.md and what it points to, once. */
function load(report: Report): Promise<Loaded> {
  loading ??= read().catch((error: unknown) => {
    loading = undefined;
    throw new ProtocolError(ProtocolErrorCode.InternalError, failure(error, report));
  });
  return loading;
}

async function read(): Promise<Loaded> {
  const root = packageFolder();
  const files = new Map<string, string>([['SKILL.md', await readFile(join(root, 'SKILL.md'), 'utf8')]]);
  for (const folder of FOLDERS) {
    for (const name of (await readdir(join(root, folder))).sort()) {
      if (name.endsWith('.md')) files.set(`${folder}/${name}`, await readFile(join(root, folder, name), 'utf8'));
    }
  }
  return { skill: await skillEntry(SKILL_NAME, Object.fromEntries(files)), files };
}

function sourceOf(report: Report): SkillSource {
  return {
    async list() {
      return { skills: [(await load(report)).skill] };
    },
    async get(uri) {
      const { skill } = await load(report);
      return skill.uri === uri ? skill : undefined;
    },
    async read(uri) {
      const text = uri.startsWith(BASE) ? (await load(report)).files.get(uri.slice(BASE.length)) : undefined;
      return text === undefined ? undefined : { text, mimeType: 'text/markdown' };
    },
    async listResources() {
      const { skill } = await load(report);
      const { name, description } = skill.frontmatter;
      return [{ uri: skill.uri, name, description, mimeType: 'text/markdown' }];
    },
  };
}
