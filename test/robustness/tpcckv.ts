import type { Template, TemplateSet } from '../../src/robustness/templates.ts';

/** Names in the order of their groups. */
export const TPCCKV = ['NO', 'Pay', 'OS', 'Del', 'SL'] as const;

type Row = readonly [kind: 'R' | 'W' | 'U', row: string, reads: string, writes?: string];

/** Read and write sets; the first letter of a row names its relation. */
const PROGRAMS: Record<(typeof TPCCKV)[number], readonly Row[]> = {
  NO: [
    ['R', 'W', 'w info'],
    ['U', 'D', 'w d info next', 'next'],
    ['R', 'C', 'w d c info'],
    ['W', 'O', '', 'w d o c status'],
    ['U', 'S1', 'w i qty', 'qty'],
    ['W', 'L1', '', 'w d o ol i del qty'],
    ['U', 'S2', 'w i qty', 'qty'],
    ['W', 'L2', '', 'w d o ol i del qty'],
  ],
  Pay: [
    ['U', 'W', 'w ytd', 'ytd'],
    ['U', 'D', 'w d ytd', 'ytd'],
    ['U', 'C', 'w d c bal', 'bal'],
  ],
  OS: [
    ['R', 'C', 'w d c info bal'],
    ['R', 'O', 'w d o c status'],
    ['R', 'L1', 'w d o ol i del qty'],
    ['R', 'L2', 'w d o ol i del qty'],
  ],
  Del: [
    ['U', 'O', 'w d o status', 'status'],
    ['U', 'L1', 'w d o ol del', 'del'],
    ['U', 'L2', 'w d o ol del', 'del'],
    ['U', 'C', 'w d c bal', 'bal'],
  ],
  SL: [['R', 'S1', 'w i qty']],
};

/**
 * TPC-Ckv, the key-value form of TPC-C (Vandevoort, Ketsman, Koch, Neven, PVLDB 2021).
 *
 * @param columns conflicts are per column, not per row.
 * @param atomic an update reads and writes in one statement.
 */
export function tpccKv(columns: boolean, atomic: boolean): TemplateSet {
  const split = (text = '') => (columns ? text.split(' ').filter(Boolean) : text ? ['*'] : []);
  const templates = TPCCKV.map((name, group): Template => {
    const statements = PROGRAMS[name].flatMap(([kind, row, reads, writes]) => {
      const access = { relation: row[0] as string, row };
      const both = { reads: split(reads), writes: split(writes) };
      const parts = kind === 'U' && !atomic ? [{ reads: both.reads }, { writes: both.writes }] : [both];
      return parts.map((part, i) => ({ text: `${kind} ${row} ${i}`, accesses: [{ ...access, ...part }] }));
    });
    const variables = [...new Set(PROGRAMS[name].map(([, row]) => row))].map((row) => ({
      name: row,
      entity: row[0] as string,
    }));
    return { name, group, variables, constraints: [], statements };
  });
  return { entities: [...'WDCOLS'].map((name) => ({ name })), templates };
}
