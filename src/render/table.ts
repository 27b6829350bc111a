/** Pads the cells of each column to one width; the last column is not padded. Empty trailing cells vanish. */
export function table(rows: readonly (readonly string[])[], gap = '  ', indent = ''): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) => indent + row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join(gap))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Breaks a text at spaces so that no line is longer than `width`; `indent` goes before every line but the first. */
export function wrap(text: string, width = 110, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width - (lines.length > 0 ? indent.length : 0)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.join(`\n${indent}`);
}

/** A list, one item a line behind a dash, wrapped. */
export function bullets(items: readonly string[], width = 110): string {
  return items.map((item) => `- ${wrap(item, width - 2, '  ')}`).join('\n');
}
