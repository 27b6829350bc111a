/** Bytes of a default answer: 1,500 tokens of four bytes. */
export const ANSWER_BYTES = 6000;

/**
 * The first of the ever shorter answers `build(0)`, `build(1)`, … whose text and JSON both fit `bytes`; the last one
 * where none does.
 */
export function withinBudget<T>(build: (shortening: number) => T, render: (answer: T) => string, last: number): T {
  for (let shortening = 0; shortening < last; shortening++) {
    const answer = build(shortening);
    if (size(JSON.stringify(answer)) <= ANSWER_BYTES && size(render(answer)) <= ANSWER_BYTES) return answer;
  }
  return build(last);
}

const size = (text: string) => Buffer.byteLength(text, 'utf8');
