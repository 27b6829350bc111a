import { stringify } from 'yaml';

/** A file of a catalogue as text: its frontmatter as YAML, then its body. */
export function entryText(entry: { readonly body: string }): string {
  const { body, ...frontmatter } = entry;
  return `---\n${stringify(frontmatter, { lineWidth: 0 })}---\n\n${body}\n`;
}
