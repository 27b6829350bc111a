import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { ToolError } from '../tools/tool.ts';

/**
 * Reads a design from a file, or from standard input without one.
 *
 * @throws ToolError that names the file and what is wrong with it.
 */
export function readDocument(file: string | undefined): object {
  const name = file === undefined || file === '-' ? 'standard input' : file;
  if (name === 'standard input' && process.stdin.isTTY) {
    throw new ToolError('Name a file with the design (YAML or JSON), or give it on standard input.');
  }
  let text: string;
  try {
    text = readFileSync(name === 'standard input' ? 0 : name, 'utf8');
  } catch (error) {
    throw new ToolError(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  }
  let document: unknown;
  try {
    // JSON is YAML, so one parser reads both.
    document = parse(text);
  } catch (error) {
    const reason = error instanceof YAMLParseError || error instanceof ReferenceError ? error.message : 'not readable';
    throw new ToolError(`${name} is neither YAML nor JSON: ${reason}`);
  }
  if (document === null || typeof document !== 'object' || Array.isArray(document)) {
    throw new ToolError(
      `${name} does not hold a design: expected a mapping with operations, found ${kindOf(document)}.`,
    );
  }
  return document;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
