import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue, packageFolder } from '../src/catalogue/load.ts';
import { HAZARD_IDS } from '../src/vocabulary/hazards.ts';
import { CLIENT_NAMES, connectInProcess, textOf } from './support/clients.ts';

const catalogue = loadCatalogue();
const root = packageFolder();
type Client = Awaited<ReturnType<typeof connectInProcess>>;
let client: Client;
beforeAll(async () => {
  client = await connectInProcess({ tools: [], catalogue: () => catalogue });
});
afterAll(() => client.close());

describe('resources', () => {
  test('every pattern and every database is listed, with title and summary', async () => {
    const { resources } = await client.listResources();
    const expected = [
      ...[...catalogue.patterns.values()].map((entry) => ({ kind: 'pattern', entry })),
      ...[...catalogue.databases.values()].map((entry) => ({ kind: 'database', entry })),
    ].map(({ kind, entry }) => ({
      uri: `${kind}://${entry.id}`,
      name: entry.id,
      title: entry.name,
      description: entry.summary,
      mimeType: 'text/markdown',
    }));
    expect(resources.filter(({ uri }) => !uri.startsWith('skill:'))).toEqual(expected);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(
      expect.arrayContaining(['pattern://{id}', 'database://{id}']),
    );
  });

  test('each can be read whole, frontmatter and body', async () => {
    const { resources } = await client.listResources();
    for (const { uri } of resources) {
      const { contents } = await client.readResource({ uri });
      const text = textOf({ contents });
      expect(contents).toHaveLength(1);
      const [kind, id = ''] = uri.split('://');
      if (kind === 'skill') continue;
      const entry = (kind === 'pattern' ? catalogue.patterns : catalogue.databases).get(id);
      expect(text).toContain(entry?.body);
      expect(text).toContain(entry?.summary.slice(0, 40));
    }
  });

  test.each(['pattern://no-such', 'database://', 'pattern://..%2f..%2fpackage.json', 'file:///etc/passwd'])(
    '%s is not found',
    async (uri) => {
      await expect(client.readResource({ uri })).rejects.toMatchObject({ code: expect.any(Number) });
    },
  );

  test('ids are completed', async () => {
    for (const [kind, entries] of [
      ['pattern', catalogue.patterns],
      ['database', catalogue.databases],
    ] as const) {
      const ids = [...entries.keys()];
      const complete = async (value: string) =>
        (
          await client.complete({
            ref: { type: 'ref/resource', uri: `${kind}://{id}` },
            argument: { name: 'id', value },
          })
        ).completion;
      expect((await complete('')).total).toBe(ids.length);
      for (const id of ids) expect((await complete(id.slice(0, 4))).values).toContain(id);
      expect((await complete('zzzz')).values).toEqual([]);
    }
  });
});

describe.each(CLIENT_NAMES)('prompts for %s', (name) => {
  let own: Client;
  beforeAll(async () => {
    own = await connectInProcess({ tools: [], catalogue: () => catalogue }, name);
  });
  afterAll(() => own.close());

  test('are listed with their arguments', async () => {
    const { prompts } = await own.listPrompts();
    expect(prompts.map((prompt) => prompt.name)).toEqual([...catalogue.prompts.keys()]);
    for (const prompt of prompts) {
      expect(prompt.arguments?.map((argument) => argument.name)).toEqual(
        catalogue.prompts.get(prompt.name)?.arguments.map((argument) => argument.name),
      );
    }
  });

  test('are filled in; nothing stays open', async () => {
    for (const prompt of catalogue.prompts.values()) {
      const all = Object.fromEntries(prompt.arguments.map(({ name }) => [name, `<<${name}>>`]));
      const full = await own.getPrompt({ name: prompt.id, arguments: all });
      const text = textOf(full);
      expect(text).not.toMatch(/\{\{/);
      for (const { name } of prompt.arguments) expect(text, `${prompt.id}: ${name}`).toContain(`<<${name}>>`);

      const needed = Object.fromEntries(prompt.arguments.filter((a) => a.required).map(({ name }) => [name, 'x']));
      const least = await own.getPrompt({ name: prompt.id, arguments: needed });
      expect(textOf(least)).not.toMatch(/\{\{|undefined/);
    }
  });

  test('say which argument is missing or unknown, and which prompts there are', async () => {
    await expect(own.getPrompt({ name: 'no-such', arguments: {} })).rejects.toThrow(/there are /);
    for (const prompt of catalogue.prompts.values()) {
      await expect(own.getPrompt({ name: prompt.id, arguments: { nonsense: 'x' } })).rejects.toThrow(/no argument/);
      const required = prompt.arguments.find((argument) => argument.required);
      if (required !== undefined)
        await expect(own.getPrompt({ name: prompt.id, arguments: {} })).rejects.toThrow(required.name);
    }
  });

  test('arguments are completed from the catalogues', async () => {
    for (const prompt of catalogue.prompts.values()) {
      for (const argument of prompt.arguments.filter(({ complete }) => complete !== undefined)) {
        const ref = { type: 'ref/prompt' as const, name: prompt.id };
        const { completion } = await own.complete({ ref, argument: { name: argument.name, value: '' } });
        expect(completion.values.length, `${prompt.id}: ${argument.name}`).toBeGreaterThan(0);
        expect(completion.values.length).toBeLessThanOrEqual(100);
        const first = completion.values[0] as string;
        const again = await own.complete({ ref, argument: { name: argument.name, value: first.slice(0, 3) } });
        expect(again.completion.values).toContain(first);
        if (argument.complete === 'hazards') expect(completion.values).toEqual(HAZARD_IDS);
      }
    }
  });
});

test('levels are completed for the database that was named', async () => {
  const prompt = [...catalogue.prompts.values()].find(
    (candidate) =>
      candidate.arguments.some((a) => a.complete === 'levels') &&
      candidate.arguments.some((a) => a.complete === 'databases'),
  );
  const postgresql = catalogue.databases.get('postgresql');
  expect(prompt).toBeDefined();
  expect(postgresql).toBeDefined();
  if (prompt === undefined || postgresql === undefined) return;
  const argument = (kind: string) => prompt.arguments.find((a) => a.complete === kind)?.name ?? '';
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: prompt.id },
    argument: { name: argument('levels'), value: '' },
    context: { arguments: { [argument('databases')]: 'postgresql' } },
  });
  expect(completion.values).toEqual([...new Set(postgresql.levels.map((level) => level.name))]);
});

describe('the skill over MCP', () => {
  test('is declared, listed and readable with what it points to', async () => {
    const capabilities = client.getServerCapabilities() as { extensions?: Record<string, unknown> };
    expect(capabilities.extensions).toHaveProperty('io.modelcontextprotocol/skills');
    const { resources } = await client.listResources();
    const skill = resources.find(({ uri }) => uri === 'skill://interleave/SKILL.md');
    expect(skill?.name).toBe('interleave');
    const { contents } = await client.readResource({ uri: 'skill://interleave/SKILL.md' });
    expect(textOf({ contents })).toBe(readFileSync(join(root, 'SKILL.md'), 'utf8'));
    for (const id of catalogue.patterns.keys()) {
      const { contents } = await client.readResource({ uri: `skill://interleave/patterns/${id}.md` });
      expect(textOf({ contents })).toBe(readFileSync(join(root, 'patterns', `${id}.md`), 'utf8'));
    }
    await expect(client.readResource({ uri: 'skill://interleave/../package.json' })).rejects.toThrow();
    await expect(client.readResource({ uri: 'skill://interleave/package.json' })).rejects.toThrow();
  });
});
