import type { DesignInput } from '../../src/design/design.ts';

/** A transaction case: workloads with verdicts that were recorded on real servers. */
export interface TransactionCase {
  readonly id: string;
  readonly boundary: 'transaction' | 'none';
  readonly setup: string | Readonly<Record<string, string>>;
  readonly transactions: Readonly<Record<string, CaseTransaction>>;
  readonly invariants: readonly { readonly name: string; readonly sql: string }[];
  readonly invariantOnlyIfAllCommit: boolean;
  readonly expected: Readonly<Record<string, Readonly<Record<string, Cell>>>>;
  readonly fixes: readonly CaseFix[];
}

interface CaseTransaction {
  readonly params?: Readonly<Record<string, string | number | boolean | null>> | null;
  readonly steps: readonly CaseStep[];
}

interface CaseStep {
  readonly sql?: string | Readonly<Record<string, string>>;
  readonly into?: Readonly<Record<string, string>>;
  readonly rows?: string;
  readonly if?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly abort?: string;
}

/** A recorded verdict. */
export interface Cell {
  readonly invariant: 'broken' | 'holds';
  readonly serializable: boolean | null;
}

interface CaseFix {
  readonly id: string;
  readonly boundary?: 'transaction' | 'none';
  readonly setup?: string | Readonly<Record<string, string>>;
  readonly steps_all?: readonly CaseStep[];
  readonly steps_first?: readonly CaseStep[];
  readonly transactions_override?: Readonly<Record<string, { readonly steps: readonly CaseStep[] }>>;
  readonly verified: Readonly<Record<string, Cell>>;
}

const LEVELS: Readonly<Record<string, string>> = { RC: 'read committed', RR: 'repeatable read', SER: 'serializable' };

/** Translates a case (or one of its fixes) to the design model. */
export function toDesign(given: TransactionCase, engine: 'pg' | 'mysql', level: string, fix?: CaseFix): DesignInput {
  const setup = fix?.setup ?? given.setup;
  const pick = (text: string | Readonly<Record<string, string>>) =>
    typeof text === 'string' ? text : (text[engine] ?? '');
  const [first] = Object.keys(given.transactions);
  const operations = Object.entries(given.transactions).map(([name, transaction]) => {
    const steps =
      fix?.transactions_override?.[name]?.steps ??
      fix?.steps_all ??
      (name === first ? fix?.steps_first : undefined) ??
      transaction.steps;
    const boundary = fix?.boundary ?? given.boundary;
    return {
      name,
      isolation: LEVELS[level] ?? level,
      ...(boundary === 'none' && { transaction: 'none' as const }),
      steps: steps.flatMap((step) => toSteps(step, pick)),
      runs: [transaction.params ?? {}],
    };
  });
  return {
    engine: engine === 'pg' ? 'postgresql 15' : 'mysql 8.0',
    schema: pick(setup),
    operations,
    properties: [
      ...given.invariants.map((invariant) => ({
        name: invariant.name,
        invariant: invariant.sql,
        ...(given.invariantOnlyIfAllCommit && { when: 'all committed' as const }),
      })),
      { serializable: true },
    ],
  };
}

/** JavaScript's comparison operators as CEL writes them. */
const toCel = (expression: string) => expression.replaceAll('===', '==').replaceAll('!==', '!=');

function toSteps(step: CaseStep, pick: (text: string | Readonly<Record<string, string>>) => string): string[] {
  const guard = step.if === undefined ? '' : `if ${toCel(step.if)}: `;
  if (step.abort !== undefined) return [`${guard}rollback`];
  const steps = Object.entries(step.set ?? {}).map(([name, value]) => `${guard}${name} = ${toCel(value)}`);
  if (step.sql === undefined) return steps;
  const sql = pick(step.sql);
  const names = Object.keys(step.into ?? {});
  if (step.rows !== undefined && /^\s*select/i.test(sql)) {
    return [...steps, `${guard}${step.rows}_rows[] := ${sql}`, `${guard}${step.rows} = size(${step.rows}_rows)`];
  }
  const bound = step.rows ?? (names.length > 1 ? `(${names.join(', ')})` : names[0]);
  return [...steps, `${guard}${bound === undefined ? '' : `${bound} := `}${sql}`];
}
