import { type McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Catalogue } from '../catalogue/load.ts';
import type { Prompt } from '../catalogue/prompt.ts';
import { HAZARD_IDS } from '../vocabulary/hazards.ts';
import { PHENOMENON_IDS } from '../vocabulary/phenomena.ts';
import { SIGNAL_IDS } from '../vocabulary/signals.ts';
import { resourceIds } from './resources.ts';

/** The protocol allows this many values in one answer. */
const MAX_COMPLETIONS = 100;
/** Stands where an optional argument was not given. */
const ABSENT = '(not given)';

/**
 * Serves the prompts and the completion of their arguments and of resource addresses. The requests are handled here
 * and not through `registerPrompt`, because that needs the prompts before the first request, and reading them costs
 * time at each start.
 */
export function registerPrompts({ server }: McpServer, catalogue: () => Catalogue): void {
  server.registerCapabilities({ prompts: { listChanged: false }, completions: {} });
  server.setRequestHandler('prompts/list', () => ({
    prompts: [...catalogue().prompts.values()].map((prompt) => ({
      name: prompt.id,
      title: prompt.title,
      description: prompt.description,
      arguments: prompt.arguments.map(({ name, description, required }) => ({ name, description, required })),
    })),
  }));
  server.setRequestHandler('prompts/get', ({ params }) => {
    const prompt = promptOf(catalogue(), params.name);
    return {
      description: prompt.description,
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: fill(prompt, params.arguments) } }],
    };
  });
  server.setRequestHandler('completion/complete', ({ params }) => {
    const given = params.argument.value;
    const words =
      params.ref.type === 'ref/prompt'
        ? promptWords(catalogue(), params.ref.name, params.argument.name, params.context?.arguments ?? {})
        : resourceWords(catalogue(), params.ref.uri, params.argument.name);
    const matches = rank(words, given);
    const values = matches.slice(0, MAX_COMPLETIONS);
    return { completion: { values, total: matches.length, hasMore: matches.length > values.length } };
  });
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

function promptOf(catalogue: Catalogue, id: string): Prompt {
  const prompt = catalogue.prompts.get(id);
  if (prompt === undefined)
    throw invalid(`There is no prompt "${id.slice(0, 80)}"; there are ${[...catalogue.prompts.keys()].join(', ')}.`);
  return prompt;
}

/**
 * The body of `prompt` with its arguments in place.
 *
 * @throws ProtocolError for a missing or unknown argument.
 */
export function fill(prompt: Prompt, given: Readonly<Record<string, string>> = {}): string {
  const names = prompt.arguments.map((argument) => argument.name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalid(
      `${prompt.id} has no argument "${unknown.slice(0, 80)}"; it has ${names.join(', ') || 'no arguments'}.`,
    );
  const missing = prompt.arguments.find(({ name, required }) => required && (given[name] ?? '').trim() === '');
  if (missing !== undefined) throw invalid(`${prompt.id} needs the argument "${missing.name}": ${missing.description}`);
  return prompt.body.replace(/\{\{\s*([A-Za-z0-9]+)\s*\}\}/g, (mark, name: string) =>
    names.includes(name) ? given[name]?.trim() || ABSENT : mark,
  );
}

/** A value that completes an argument, and other words under which people look for it. */
interface Word {
  readonly value: string;
  readonly also?: readonly string[];
}

function promptWords(
  catalogue: Catalogue,
  id: string,
  name: string,
  others: Readonly<Record<string, string>>,
): readonly Word[] {
  const prompt = promptOf(catalogue, id);
  const argument = prompt.arguments.find((candidate) => candidate.name === name);
  if (argument === undefined) throw invalid(`${id} has no argument "${name.slice(0, 80)}".`);
  switch (argument.complete) {
    case undefined:
      return [];
    case 'databases':
      return [...catalogue.databases.values()].map((d) => ({ value: d.id, also: [d.name, ...d.aliases] }));
    case 'patterns':
      return [...catalogue.patterns.values()].map((p) => ({ value: p.id, also: [p.name] }));
    case 'levels':
      return levelWords(catalogue, prompt, others);
    case 'phenomena':
      return PHENOMENON_IDS.map((value) => ({ value }));
    case 'hazards':
      return HAZARD_IDS.map((value) => ({ value }));
    case 'signals':
      return SIGNAL_IDS.map((value) => ({ value }));
  }
}

/** Levels of the database that another argument names; those of all databases while it names none. */
function levelWords(catalogue: Catalogue, prompt: Prompt, others: Readonly<Record<string, string>>): readonly Word[] {
  const from = prompt.arguments.find((argument) => argument.complete === 'databases');
  const wanted = (from === undefined ? '' : (others[from.name] ?? '')).trim().toLowerCase();
  const all = [...catalogue.databases.values()];
  const named = all.filter((d) => [d.id, d.name, ...d.aliases].some((name) => name.toLowerCase() === wanted));
  const words = new Map<string, Word>();
  for (const level of (named.length > 0 ? named : all).flatMap((d) => d.levels)) {
    words.set(level.name, { value: level.name, also: [level.id, ...level.aliases] });
  }
  return [...words.values()];
}

function resourceWords(catalogue: Catalogue, uri: string, name: string): readonly Word[] {
  const kind = /^([a-z]+):\/\/\{id\}$/.exec(uri)?.[1];
  if (kind === undefined || name !== 'id') return [];
  return resourceIds(kind, catalogue).map((value) => ({ value }));
}

/** Values that begin with `given` first, then those that contain it or go by another name that does. */
function rank(words: readonly Word[], given: string): string[] {
  const wanted = given.trim().toLowerCase();
  const starts = words.filter(({ value }) => value.toLowerCase().startsWith(wanted));
  const contains = words.filter(
    (word) =>
      !starts.includes(word) && [word.value, ...(word.also ?? [])].some((name) => name.toLowerCase().includes(wanted)),
  );
  return [...starts, ...contains].map(({ value }) => value);
}
