import { closest } from 'fastest-levenshtein';
import { entryText } from '../mcp/entry-text.ts';
import { coloured } from '../render/style.ts';
import { ToolError } from '../tools/tool.ts';
import { wantsColour } from './tool-command.ts';

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly summary: string;
  readonly body: string;
  readonly group?: string;
}

/**
 * Prints the entries of a catalogue (`id` undefined), or one of them whole.
 *
 * @throws ToolError for an unknown id; names the closest.
 */
export function printEntries(
  entries: ReadonlyMap<string, Entry>,
  kind: string,
  id: string | undefined,
  json: boolean,
): void {
  if (id !== undefined) {
    const entry = entries.get(id);
    if (entry === undefined) {
      const hint = entries.size === 0 ? '' : `; did you mean "${closest(id.slice(0, 60), [...entries.keys()])}"?`;
      throw new ToolError(`There is no ${kind} "${id}"${hint}`);
    }
    console.log(json ? JSON.stringify(entry, null, 2) : entryText(entry).trimEnd());
    return;
  }
  if (json) {
    console.log(
      JSON.stringify(
        [...entries.values()].map(({ body: _, ...rest }) => rest),
        null,
        2,
      ),
    );
    return;
  }
  const style = coloured(wantsColour());
  let group: string | undefined;
  for (const entry of [...entries.values()].sort((a, b) => (a.group ?? '').localeCompare(b.group ?? ''))) {
    if (entry.group !== group) console.log(style.heading(`${group === undefined ? '' : '\n'}${entry.group}`));
    group = entry.group;
    console.log(`${entry.id.padEnd(34)} ${style.dim(entry.summary)}`);
  }
}
