import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Catalogue } from '../catalogue/load.ts';
import { readArguments } from '../mcp/arguments.ts';
import { emitSchema, type JsonSchema } from '../mcp/schema.ts';
import { coloured } from '../render/style.ts';
import type { AnyTool } from '../tools/any-tool.ts';
import { tools } from '../tools/index.ts';
import { ToolError } from '../tools/tool.ts';

/** A subcommand that runs a tool. Its options are the arguments of the tool. */
export interface ToolCommand {
  readonly tool: string;
  /** Name and positional parameters in the notation of commander. */
  readonly usage: string;
  /** Arguments of the tool that the positional parameters stand for, in order. */
  readonly positionals: readonly string[];
  /** Argument of the tool that is read from the file (or standard input) named by the first parameter. */
  readonly document?: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** Exit code for an answer; 0 where absent. */
  readonly exitCode?: (answer: unknown) => number;
}

/** Whether this build has the tool of the subcommand. */
export function hasTool(command: ToolCommand): boolean {
  return tools.some(({ name }) => name === command.tool);
}

function toolOf(command: ToolCommand): AnyTool {
  const tool = (tools as readonly AnyTool[]).find(({ name }) => name === command.tool);
  if (tool === undefined) throw new ToolError(`${command.tool} is not part of this build.`);
  return tool;
}

/** Help for arguments whose names are enough for a model, which pays for every word of a description. */
const HELP: Readonly<Record<string, string>> = {
  version: 'version of the database, e.g. 16.4',
  detail: 'how much to say',
};

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Adds an option for each argument of the tool that is not a positional parameter. */
export function addToolOptions(command: Command, spec: ToolCommand): void {
  const schema = emitSchema(toolOf(spec).input, 'input');
  for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
    if (spec.positionals.includes(name) || name === spec.document) continue;
    command.addOption(optionOf(name, property));
  }
}

function optionOf(name: string, property: JsonSchema): Option {
  const text = typeof property.description === 'string' ? property.description : (HELP[name] ?? '');
  if (property.type === 'boolean') return new Option(`--${kebab(name)}`, text);
  const items = property.items as JsonSchema | undefined;
  if (property.type === 'array' && (items?.type === 'string' || Array.isArray(items?.enum))) {
    return new Option(`--${kebab(name)} <value...>`, text);
  }
  if (property.type === 'object' && property.additionalProperties && !property.properties) {
    return new Option(`--${kebab(name)} <name=value...>`, text).argParser(addPair);
  }
  const json = property.type === 'object' || property.type === 'array';
  const option = new Option(`--${kebab(name)} <${json ? 'json' : 'value'}>`, text);
  if (Array.isArray(property.enum)) option.choices(property.enum.map(String));
  return option;
}

/** Collects `name=value` and `name=other` into one object. */
function addPair(pair: string, collected: Record<string, string> | undefined): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value.');
  return { ...collected, [pair.slice(0, at)]: pair.slice(at + 1) };
}

/**
 * Runs the tool and prints its answer.
 *
 * @param options values by argument name, as commander collected them.
 * @returns the exit code.
 * @throws ToolError for input that cannot be used.
 */
export async function runTool(
  spec: ToolCommand,
  positionals: readonly unknown[],
  { json, ...options }: Record<string, unknown>,
  catalogue: () => Catalogue,
): Promise<number> {
  const tool = toolOf(spec);
  const given: Record<string, unknown> = { ...options };
  spec.positionals.forEach((name, index) => {
    if (positionals[index] !== undefined) given[name] = positionals[index];
  });
  if (spec.document !== undefined) {
    const { readDocument } = await import('./document.ts');
    const document = readDocument(positionals[0] as string | undefined);
    // A document may be the argument itself or hold all arguments.
    if (Object.hasOwn(tool.input.shape, spec.document)) given[spec.document] = document;
    else Object.assign(given, document);
  }
  const aborter = new AbortController();
  process.once('SIGINT', () => {
    aborter.abort();
    process.exitCode = 130;
    setTimeout(() => process.exit(130), 200).unref();
  });
  const input = readArguments(tool, given);
  const answer = await tool.run(input as never, { catalogue, signal: aborter.signal, progress: () => {} });
  const output = tool.output.parse(answer);
  const text = json === true ? JSON.stringify(output, null, 2) : tool.render(output as never, coloured(wantsColour()));
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return spec.exitCode?.(output) ?? 0;
}

/** Colours only for a person: on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb. */
export function wantsColour(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
