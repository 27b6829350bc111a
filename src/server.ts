import { McpServer } from '@modelcontextprotocol/server';
import { type Catalogue, type CatalogueFolders, loadCatalogue } from './catalogue/load.ts';
import { guarded, type Report } from './mcp/failure.ts';
import { registerPrompts } from './mcp/prompts.ts';
import { registerResources } from './mcp/resources.ts';
import { attachSkill } from './mcp/skill.ts';
import { registerTools } from './mcp/tools.ts';
import type { AnyTool } from './tools/any-tool.ts';
import { VERSION } from './version.ts';

/** What the server is built from. */
export interface ServerParts {
  readonly tools: readonly AnyTool[];
  /** Called on first use, not when the server starts. */
  readonly catalogue: () => Catalogue;
  /** Receives what clients must not see: unexpected errors. Standard error where absent. */
  readonly report?: Report;
}

/** Tells a model when to use which tool, and when not. It is part of every conversation, so every word counts. */
export const INSTRUCTIONS =
  'Interleave finds the order of steps and faults in which a data system loses, duplicates or corrupts data. ' +
  'Before you approve or write code with transactions, retries, queues, caches, locks, replicas or several stores: ' +
  'assess-consistency explores the design and shows the shortest failing timeline and repairs that were checked. ' +
  'explain-isolation-level says what a level of a named database really prevents, with evidence; ' +
  'call it instead of relying on memory. recommend-pattern ranks patterns for a problem in words. ' +
  'Not for general architecture, performance tuning or code style.';

/** One day: definitions and catalogues change only with the package or the folders it was started with. */
const STABLE = { ttlMs: 86_400_000, cacheScope: 'private' } as const;

/** Tools, resources, prompts and skill, for one connection (stdio) or one request (HTTP). Holds no domain logic. */
export function buildServer({ tools, catalogue, report = reportOnStderr }: ServerParts): McpServer {
  const server = new McpServer(
    {
      name: 'interleave',
      title: 'Interleave',
      version: VERSION,
      description: 'Reviews the design of a data system by exploring its interleavings',
    },
    {
      instructions: INSTRUCTIONS,
      capabilities: { tools: { listChanged: false }, resources: { listChanged: false } },
      cacheHints: {
        'server/discover': STABLE,
        'tools/list': STABLE,
        'prompts/list': STABLE,
        'resources/list': STABLE,
        'resources/templates/list': STABLE,
        'resources/read': STABLE,
      },
    },
  );
  const entries = guarded(catalogue, report);
  registerTools(server, tools, catalogue, report);
  registerResources(server, entries);
  registerPrompts(server, entries);
  attachSkill(server, report);
  return server;
}

/** The catalogue with a team's own folders, read once and on first use. */
export function lazyCatalogue(folders: CatalogueFolders): () => Catalogue {
  let loaded: Catalogue | undefined;
  return () => {
    if (loaded === undefined) {
      loaded = loadCatalogue(folders);
      for (const notice of loaded.notices) console.error(notice);
    }
    return loaded;
  };
}

/** Writes an error to standard error, the only place where paths and stacks belong. */
export function reportOnStderr(error: unknown): void {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
