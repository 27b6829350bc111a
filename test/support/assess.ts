import { loadCatalogue } from '../../src/catalogue/load.ts';
import type { DesignInput } from '../../src/design/design.ts';
import type { Review } from '../../src/render/review.ts';
import { plain } from '../../src/render/style.ts';
import { assessConsistency } from '../../src/tools/assess-consistency.ts';

const catalogue = loadCatalogue();

/** What the tool may use; nothing is cancelled and progress is thrown away. */
export const context = { catalogue: () => catalogue, signal: new AbortController().signal, progress: () => {} };

/** Calls assess-consistency as a client would, with its text beside the structured answer. */
export async function assess(
  design: DesignInput | string,
  detail?: 'full' | 'mermaid',
  seconds?: number,
): Promise<Review & { text: string }> {
  const input = assessConsistency.input.parse({
    design,
    ...(detail && { detail }),
    ...(seconds !== undefined && { seconds }),
  });
  const answer = assessConsistency.output.parse(await assessConsistency.run(input, context));
  return { ...(answer as unknown as Review), text: assessConsistency.render(answer, plain) };
}
