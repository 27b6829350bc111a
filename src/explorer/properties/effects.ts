import type { Component } from '../../components/component.ts';
import type { ServiceState } from '../../components/service.ts';
import { DesignError } from '../../design/design.ts';
import { compileCel, type Expression } from '../../design/expression.ts';
import { toText } from '../../sql/values.ts';
import { hasEnded } from '../local.ts';
import type { Program } from '../program.ts';
import type { World } from '../search.ts';
import type { CheckCompiler } from './check.ts';

/** `component.verb per variable`: at most one effect for each value of the variable. */
export const atMostOnce: CheckCompiler = (text, program, { name }) => {
  const counted = counter(text, program, 'at-most-once');
  return {
    kind: 'at-most-once',
    name: name ?? text,
    text,
    assumed: false,
    early: true,
    broken: (world) => {
      for (const [group, count] of counted.counts(world)) if (count > 1) return counted.says(group, count);
      return undefined;
    },
  };
};

/** As at-most-once, and once every request has ended each has had its effect. */
export const exactlyOnce: CheckCompiler = (text, program, { name }) => {
  const counted = counter(text, program, 'exactly-once');
  const callers = program.processes.flatMap((process, i) =>
    process.instructions.some(
      (instruction) =>
        instruction.kind === 'call' && instruction.component === counted.component && instruction.verb === counted.verb,
    )
      ? [i]
      : [],
  );
  return {
    kind: 'exactly-once',
    name: name ?? text,
    text,
    assumed: false,
    early: true,
    ofAll: true,
    broken: (world, final) => {
      const counts = counted.counts(world);
      for (const [group, count] of counts) if (count > 1) return counted.says(group, count);
      if (!final) return undefined;
      for (const i of callers) {
        const local = world.locals[i];
        if (!local || !hasEnded(local)) continue;
        const group = counted.group(program.processes[i]?.parameters ?? {}, i);
        if (group !== undefined && !counts.has(group)) return counted.says(group, 0);
      }
      return undefined;
    },
  };
};

function counter(text: string, program: Program, kind: string) {
  const match = /^(\w+)\.(\w+)(?:\s+per\s+([\s\S]+))?$/.exec(text.trim());
  const component = program.components.findIndex(
    (candidate) => candidate.name === match?.[1] && candidate.kind === 'service',
  );
  if (!match || component < 0) {
    throw new DesignError(
      `${kind} "${text}": write service.verb per variable, e.g. psp.charge per request; services: ${services(program.components)}`,
    );
  }
  const [, service = '', verb = '', per] = match;
  const calls = program.processes.flatMap((process) =>
    process.instructions.flatMap((instruction) =>
      instruction.kind === 'call' && instruction.component === component ? [instruction] : [],
    ),
  );
  if (!calls.some((call) => call.verb === verb)) {
    throw new DesignError(
      `${kind} "${text}": no step calls ${service}.${verb}; called are: ${[...new Set(calls.map((call) => `${service}.${call.verb}`))].join(', ') || 'none'}`,
    );
  }
  const named = program.processes.some((process) => (per ?? '') in process.parameters);
  const key: Expression | undefined = per === undefined || (per === 'request' && !named) ? undefined : compileCel(per);
  const variables = new Set(
    program.processes.flatMap((process) => [
      ...Object.keys(process.parameters),
      ...process.instructions.flatMap((instruction) =>
        'into' in instruction ? instruction.into : instruction.kind === 'assign' ? [instruction.name] : [],
      ),
      ...calls.flatMap((call) => call.arguments.map((argument) => argument.name)),
    ]),
  );
  const unknown = key?.reads.find((word) => !variables.has(word));
  if (unknown !== undefined)
    throw new DesignError(
      `${kind} "${text}": "${unknown}" is no variable; there are: ${[...variables].join(', ') || 'none'}`,
    );
  const group = (request: Parameters<Expression['evaluate']>[0], by: number): string | undefined => {
    if (!key) return program.processes[by]?.name ?? '';
    return key.reads.every((word) => word in request) ? toText(key.evaluate(request)) : undefined;
  };
  return {
    component,
    verb,
    group,
    counts: (world: World) => {
      const counts = new Map<string, number>();
      for (const effect of (world.components[component + 1] as ServiceState).effects) {
        if (effect.verb !== verb) continue;
        const of = group({ ...effect.request, ...effect.arguments }, effect.by) ?? '';
        counts.set(of, (counts.get(of) ?? 0) + 1);
      }
      return counts;
    },
    says: (of: string, count: number) =>
      `${service}.${verb} took effect ${count} times for ${key ? `${key.text} ${of}` : of}`,
  };
}

const services = (components: readonly Component[]) =>
  components
    .filter((component) => component.kind === 'service')
    .map((component) => component.name)
    .join(', ') || 'none';
