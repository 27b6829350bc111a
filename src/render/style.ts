import pc from 'picocolors';

/** Marks up words of an answer: colours on a terminal, nothing for a model. */
export interface Style {
  readonly heading: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly dim: (text: string) => string;
}

const same = (text: string) => text;

/** No mark-up: for models, pipes and files. */
export const plain: Style = { heading: same, bad: same, good: same, warn: same, dim: same };

/** Colours for a terminal; plain where `enabled` is false. */
export function coloured(enabled: boolean): Style {
  if (!enabled) return plain;
  const c = pc.createColors(true);
  return {
    heading: (t) => c.bold(t),
    bad: (t) => c.red(t),
    good: (t) => c.green(t),
    warn: (t) => c.yellow(t),
    dim: (t) => c.dim(t),
  };
}
