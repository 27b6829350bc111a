import { type McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server';
import type { Catalogue } from '../catalogue/load.ts';

const kinds = {
  pattern: {
    title: 'Patterns',
    description: 'Patterns for data systems: when, when not, how each fails, what to watch.',
    entries: (catalogue: Catalogue) => catalogue.patterns,
  },
  database: {
    title: 'Databases',
    description: 'What each isolation level or consistency setting of a database really gives, with evidence.',
    entries: (catalogue: Catalogue) => catalogue.databases,
  },
} as const;

/** Kind of a resource; its addresses are `<kind>://<id>`. */
export type ResourceKind = keyof typeof kinds;

/** Ids of the entries of one kind. */
export function resourceIds(kind: string, catalogue: Catalogue): string[] {
  return Object.hasOwn(kinds, kind) ? [...kinds[kind as ResourceKind].entries(catalogue).keys()] : [];
}

/** Registers `pattern://{id}` and `database://{id}`; the catalogue is read when one is asked for. */
export function registerResources(server: McpServer, catalogue: () => Catalogue): void {
  for (const [kind, { title, description, entries }] of Object.entries(kinds)) {
    const list = () => ({
      resources: [...entries(catalogue()).values()].map((entry) => ({
        uri: `${kind}://${entry.id}`,
        name: entry.id,
        title: entry.name,
        description: entry.summary,
        mimeType: 'text/markdown',
      })),
    });
    server.registerResource(
      kind,
      new ResourceTemplate(`${kind}://{id}`, { list }),
      { title, description, mimeType: 'text/markdown' },
      async (uri, { id }) => {
        const entry = typeof id === 'string' ? entries(catalogue()).get(id) : undefined;
        if (entry === undefined) throw new ResourceNotFoundError(uri.href);
        const { entryText } = await import('./entry-text.ts');
        return { contents: [{ uri: uri.href, mimeType: 'text/markdown', text: entryText(entry) }] };
      },
    );
  }
}
