/** Cuts at the end of a sentence or word so that at most `limit` characters remain. */
export function short(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  // Three dots inside a statement end no sentence.
  const sentence = [...cut.matchAll(/(?<!\.)\. (?=\p{Lu})/gu)].at(-1)?.index ?? 0;
  return sentence > limit / 2 ? cut.slice(0, sentence + 1) : `${cut.slice(0, cut.lastIndexOf(' '))}…`;
}

/** What somebody gave, short enough for a message. */
export const clip = (text: string) => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** A property for an answer, left out where the list is empty. */
export function nonEmpty<K extends string>(key: K, items: readonly string[]): { [P in K]?: string[] } {
  return items.length === 0 ? {} : ({ [key]: [...items] } as { [P in K]: string[] });
}

/** The sections that have something in them. */
export function filled(sections: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(sections).flatMap(([name, items]) => (items.length === 0 ? [] : [[name, [...items]]])),
  );
}
