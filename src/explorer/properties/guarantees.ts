import { DesignError } from '../../design/design.ts';
import type { Program } from '../program.ts';
import type { Check, CheckCompiler } from './check.ts';

/** A read of the store never gives a value older than an acknowledged write. */
export const linearizable: CheckCompiler = (text, program, { name }) =>
  seen('linearizable', 'store', text, program, name, 'a read gave a value older than an acknowledged write');

/** No two requests believe to hold the lock at once. */
export const mutualExclusion: CheckCompiler = (text, program, { name }) =>
  seen('mutual-exclusion', 'lock', text, program, name, 'two requests are inside at once');

/** Components tell a request when a guarantee broke under it. */
function seen(
  kind: 'linearizable' | 'mutual-exclusion',
  of: string,
  text: string,
  program: Program,
  name: string | undefined,
  says: string,
): Check {
  const component = program.components.find((candidate) => candidate.name === text.trim() && candidate.kind === of);
  if (!component) {
    const fitting = program.components.filter((candidate) => candidate.kind === of).map((candidate) => candidate.name);
    throw new DesignError(`${kind} "${text}": name a ${of}; there are: ${fitting.join(', ') || 'none'}`);
  }
  const mark = `${component.name} ${kind}`;
  return {
    kind,
    name: name ?? `${component.name} is ${kind === 'linearizable' ? kind : 'held by one at a time'}`,
    text,
    assumed: false,
    early: true,
    broken: (world) =>
      world.locals.some((local) => local.broke?.includes(mark)) ? `${component.name}: ${says}` : undefined,
  };
}
