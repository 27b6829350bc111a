import type { Template, TemplateSet, TemplateStatement } from '../../src/robustness/templates.ts';

/** Names in the order of their groups. */
export const SMALLBANK = ['Am', 'Bal', 'DC', 'TS', 'WC'] as const;

/**
 * SmallBank (Alomari et al., ICDE 2008) with promoted reads as in the artifact of Vandevoort et al. (2025): 2 stands for
 * the savings read, 3 for the checking read; `accounts` promotes the reads of Account. With foreign keys a customer's
 * account, savings and checking rows are found by one key.
 */
export function smallBank(balance: string, writeCheck: string, foreignKeys: boolean, accounts = false): TemplateSet {
  const read = (relation: string, variable: string, columns: string[], promoted: boolean): TemplateStatement => ({
    text: `${relation} ${variable}`,
    accesses: [{ relation, row: variable, reads: columns, ...(promoted && { writes: columns }) }],
  });
  const account = (v: string) => read('Account', `a${v}`, ['name', 'custId'], accounts);
  const savings = (v: string, promoted = false) => read('Savings', `s${v}`, ['custId', 'balance'], promoted);
  const checking = (v: string, promoted = false) => read('Checking', `c${v}`, ['custId', 'balance'], promoted);
  const update = (relation: string, row: string): TemplateStatement => ({
    text: `${relation} ${row} update`,
    accesses: [{ relation, row, reads: ['custId', 'balance'], writes: ['balance'] }],
  });
  const programs: Record<(typeof SMALLBANK)[number], TemplateStatement[]> = {
    Am: [account('1'), account('2'), update('Savings', 's1'), update('Checking', 'c1'), update('Checking', 'c2')],
    Bal: [account('1'), savings('1', balance.includes('2')), checking('1', balance.includes('3'))],
    DC: [account('1'), update('Checking', 'c1')],
    TS: [account('1'), update('Savings', 's1')],
    WC: [
      account('1'),
      savings('1', writeCheck.includes('2')),
      checking('1', writeCheck.includes('3')),
      update('Checking', 'c1'),
    ],
  };
  const entity = (variable: string) => (foreignKeys ? 'customer' : (variable[0] as string));
  const templates = SMALLBANK.map((name, group): Template => {
    const statements = programs[name].map((statement) => ({
      ...statement,
      accesses: statement.accesses.map((a) => ({ ...a, row: foreignKeys ? (a.row as string).slice(1) : a.row })),
    }));
    const names = [...new Set(statements.flatMap((s) => s.accesses.map((a) => a.row as string)))];
    return { name, group, variables: names.map((n) => ({ name: n, entity: entity(n) })), constraints: [], statements };
  });
  return { entities: foreignKeys ? [{ name: 'customer' }] : [{ name: 'a' }, { name: 's' }, { name: 'c' }], templates };
}
