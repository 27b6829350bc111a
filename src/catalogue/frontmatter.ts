import matter from 'gray-matter';
import type { z } from 'zod';

/** A file of a catalogue that cannot be used: says which file and field, what was given, and what is allowed. */
export class CatalogueError extends Error {
  override name = 'CatalogueError';
}

const noCode = () => {
  throw new Error('only YAML frontmatter is allowed');
};

// gray-matter would otherwise run JavaScript that a file carries, and keep failed parses in a cache.
const options = { language: 'yaml', engines: { javascript: noCode, js: noCode, json: noCode, coffee: noCode } };

/**
 * Splits `text` into checked frontmatter and body.
 *
 * @param file name used in errors (never a full path).
 * @throws CatalogueError that names the file, each bad field, what was given and what is allowed.
 */
export function parseFrontmatter<T extends z.ZodType>(
  schema: T,
  text: string,
  file: string,
): z.infer<T> & { body: string } {
  const language = /^---[ \t]*(\S+)/.exec(text)?.[1];
  if (language !== undefined && language !== 'yaml') {
    throw new CatalogueError(
      `${file}: frontmatter language "${language}" is not allowed; use plain YAML between two lines of ---`,
    );
  }
  let data: unknown;
  let body: string;
  try {
    ({ data, content: body } = matter(text, options));
  } catch (error) {
    throw new CatalogueError(`${file}: frontmatter is not valid YAML: ${firstLine(error)}`);
  }
  const result = schema.safeParse(plainDates(data), { reportInput: true });
  if (!result.success) {
    throw new CatalogueError(
      [
        `${file}: the frontmatter has ${result.error.issues.length} fault(s)`,
        ...result.error.issues.map(describe),
      ].join('\n'),
    );
  }
  return { ...(result.data as z.infer<T> & object), body: body.trim() } as z.infer<T> & { body: string };
}

/** YAML reads 2026-11-22 as a date; the schemas want the day as text. */
function plainDates(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (Array.isArray(value)) return value.map(plainDates);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainDates(inner)]));
  }
  return value;
}

function describe(issue: z.core.$ZodIssue): string {
  const field = issue.path.length === 0 ? '(top)' : issue.path.map(String).join('.');
  const given = 'input' in issue ? `; given ${shorten(JSON.stringify(issue.input) ?? 'nothing')}` : '';
  return `  ${field}: ${issue.message}${given}`;
}

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
const firstLine = (error: unknown) => String(error instanceof Error ? error.message : error).split('\n')[0];
