/** Kinds of statements: insert; select, update, delete by key (k) or by predicate (p). */
export type StatementKind = 'ins' | 'ksel' | 'psel' | 'kupd' | 'pupd' | 'kdel' | 'pdel';

/** A statement of a basic transaction program. */
export interface ProgramStatement {
  readonly type: StatementKind;
  readonly rel: string;
  /** Columns that are read, written, and used by the predicate. */
  readonly rs?: readonly string[];
  readonly ws?: readonly string[] | null;
  readonly pr?: readonly string[];
  /** Writes all columns. */
  readonly all?: boolean;
  readonly tag?: string;
  /** `[f, tag]`: the row of the statement `tag` is the parent, by foreign key f, of this statement's row. */
  readonly parents?: readonly (readonly [string, string])[];
}

/** A program: statements, choices and loops in sequence. */
export type Program = readonly (ProgramStatement | { readonly loop: Program } | { readonly alt: readonly Program[] })[];

/** What counts as a conflict: whole rows or columns, and whether foreign keys are known. */
export interface Granularity {
  readonly columns: boolean;
  readonly foreignKeys: boolean;
}

/** An edge of the summary graph between two statements of unfolded programs. */
export interface SummaryEdge {
  readonly from: number;
  readonly fromStatement: number;
  readonly to: number;
  readonly toStatement: number;
  /** The target may commit first: only an antidependency can be so. */
  readonly counterflow: boolean;
}

/** Programs without loops and choices, with all dependencies that their instances can have. */
export interface SummaryGraph {
  /** Name of the program that each path unfolds. */
  readonly names: readonly string[];
  readonly paths: readonly (readonly ProgramStatement[])[];
  readonly edges: readonly SummaryEdge[];
}

/** All paths through a program; loops run 0, 1 and 2 times, which is enough (EDBT 2023). */
export function unfold(program: Program): ProgramStatement[][] {
  let paths: ProgramStatement[][] = [[]];
  for (const part of program) {
    let next: ProgramStatement[][];
    if ('loop' in part) {
      const once = unfold(part.loop);
      const twice = once.flatMap((a, i) => once.map((b, j) => [...tagged(a, `${i}'`), ...tagged(b, `${j}"`)]));
      next = [[], ...once, ...twice];
    } else if ('alt' in part) next = part.alt.flatMap(unfold);
    else next = [[part]];
    paths = paths.flatMap((head) => next.map((tail) => [...head, ...tail]));
  }
  return paths;
}

/** Two rounds of a loop work on different rows: tags inside it are told apart. */
function tagged(statements: readonly ProgramStatement[], mark: string): ProgramStatement[] {
  const own = new Set(statements.map((statement) => statement.tag));
  return statements.map((statement) => ({
    ...statement,
    ...(statement.tag && { tag: statement.tag + mark }),
    ...(statement.parents && {
      parents: statement.parents.map(([f, tag]) => [f, own.has(tag) ? tag + mark : tag] as const),
    }),
  }));
}

/** A table cell: never, always, when column sets meet (C), when what the row read / the predicate read is written (R, P). */
type Cell = '-' | 'T' | 'C' | 'R' | 'P' | 'PR';

const KINDS: readonly StatementKind[] = ['ins', 'ksel', 'psel', 'kupd', 'pupd', 'kdel', 'pdel'];
const table = (rows: readonly string[]) => rows.map((row) => row.split(' ') as Cell[]);

/** Whether a dependency of one statement on another is possible when the first one's transaction commits first. */
const FORWARD = table([
  '- C T C T T T',
  '- - - C C T T',
  'T - - C C T T',
  '- C C C C T T',
  'T C C C C T T',
  '- - T - T - T',
  'T - T C T T T',
]);
/** The same when the second one's transaction commits first. */
const COUNTERFLOW = table([
  '- - - - - - -',
  '- - - R R R R',
  'T - - PR PR T T',
  '- - - - - - -',
  'T - - P P T T',
  '- - - - - - -',
  'T - - P P T T',
]);

/** Builds the summary graph of unfolded programs (Vandevoort, Ketsman, Koch, Neven: EDBT 2023). */
export function summaryGraph(programs: Readonly<Record<string, Program>>, granularity: Granularity): SummaryGraph {
  const names: string[] = [];
  const paths: ProgramStatement[][] = [];
  for (const [name, program] of Object.entries(programs)) {
    for (const path of unfold(program)) {
      if (path.length === 0) continue;
      names.push(name);
      paths.push(path);
    }
  }
  const edges: SummaryEdge[] = [];
  paths.forEach((p, from) => {
    paths.forEach((q, to) => {
      p.forEach((a, fromStatement) => {
        q.forEach((b, toStatement) => {
          if (a.rel !== b.rel) return;
          const cell = (of: Cell[][]) => of[KINDS.indexOf(a.type)]?.[KINDS.indexOf(b.type)] ?? '-';
          const edge = { from, fromStatement, to, toStatement };
          if (holds(cell(FORWARD), a, b, granularity)) edges.push({ ...edge, counterflow: false });
          const excluded = granularity.foreignKeys && parentLocked(p, fromStatement, q, toStatement);
          if (holds(cell(COUNTERFLOW), a, b, granularity, excluded)) edges.push({ ...edge, counterflow: true });
        });
      });
    });
  });
  return { names, paths, edges };
}

function holds(cell: Cell, a: ProgramStatement, b: ProgramStatement, of: Granularity, excluded = false): boolean {
  const set = (columns: readonly string[] | null | undefined) =>
    columns?.length ? (of.columns ? columns : ['*']) : [];
  const everything = (s: ProgramStatement) => s.all || s.type === 'ins' || s.type === 'kdel' || s.type === 'pdel';
  const reads = (s: ProgramStatement) => set(s.rs);
  const predicate = (s: ProgramStatement) => set(s.pr);
  const meets = (x: readonly string[], s: ProgramStatement) =>
    everything(s) ? x.length > 0 : x.some((column) => set(s.ws).includes(column));
  const touched = (s: ProgramStatement) => [...reads(s), ...predicate(s), ...(everything(s) ? [] : set(s.ws))];
  switch (cell) {
    case '-':
      return false;
    case 'T':
      return true;
    case 'C':
      if (everything(a) && everything(b)) return true;
      return (
        meets(touched(b), a) || meets([...reads(a), ...predicate(a)], b) || (everything(b) && touched(a).length > 0)
      );
    case 'R':
      return !excluded && meets(reads(a), b);
    case 'P':
      return meets(predicate(a), b);
    case 'PR':
      return meets(reads(a), b) || meets(predicate(a), b);
  }
}

const WRITES_BY_KEY: ReadonlySet<StatementKind> = new Set(['kupd', 'ins', 'kdel']);

/** Both transactions write the same parent row, and this one before the read: they cannot overlap there. */
function parentLocked(p: readonly ProgramStatement[], at: number, q: readonly ProgramStatement[], to: number): boolean {
  const read = p[at];
  if (read?.type !== 'ksel') return false;
  return (read.parents ?? []).some(([f, tag]) => {
    const before = p.some((s, i) => i < at && s.tag === tag && WRITES_BY_KEY.has(s.type));
    const other = (q[to]?.parents ?? []).find(([g]) => g === f)?.[1];
    return before && q.some((s) => s.tag === other && other !== undefined && WRITES_BY_KEY.has(s.type));
  });
}

/** Whether some edge that may be against commit order lies on a cycle (Alomari and Fekete 2015); none: robust at RC. */
export function hasTypeOneCycle(graph: SummaryGraph): boolean {
  const reach = reachability(graph);
  return graph.edges.some((edge) => edge.counterflow && reach[edge.to]?.[edge.from]);
}

const READS: ReadonlySet<StatementKind> = new Set(['ksel', 'psel', 'pupd', 'pdel']);

/**
 * Whether there is a cycle of the narrower kind of EDBT 2023: an edge into a program, a counterflow edge out of it, an
 * edge in commit order elsewhere on it, and the first of them counterflow, an antidependency, or into a later statement.
 * None: robust at multi-version READ COMMITTED, for any number of instances and any data.
 */
export function hasTypeTwoCycle(graph: SummaryGraph): boolean {
  const reach = reachability(graph);
  const forward = graph.edges.filter((edge) => !edge.counterflow);
  // closed[a][b]: some edge in commit order leads on the way from b back to a.
  const size = graph.paths.length;
  const closed = Array.from({ length: size }, () => new Uint8Array(size));
  for (const edge of forward) {
    for (let a = 0; a < size; a++) {
      if (!reach[edge.to]?.[a]) continue;
      for (let b = 0; b < size; b++) if (reach[b]?.[edge.from]) (closed[a] as Uint8Array)[b] = 1;
    }
  }
  for (const out of graph.edges) {
    if (!out.counterflow) continue;
    for (const into of graph.edges) {
      if (into.to !== out.from || !closed[into.from]?.[out.to]) continue;
      const source = graph.paths[into.from]?.[into.fromStatement]?.type;
      if (into.counterflow || out.fromStatement < into.toStatement || (source && READS.has(source))) return true;
    }
  }
  return false;
}

/** reach[a][b]: b can be reached from a by edges, or is a. */
function reachability(graph: SummaryGraph): readonly Uint8Array[] {
  const size = graph.paths.length;
  const reach = Array.from({ length: size }, (_, i) => {
    const row = new Uint8Array(size);
    row[i] = 1;
    return row;
  });
  for (const edge of graph.edges) (reach[edge.from] as Uint8Array)[edge.to] = 1;
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      if (!reach[i]?.[k]) continue;
      for (let j = 0; j < size; j++) if (reach[k]?.[j]) (reach[i] as Uint8Array)[j] = 1;
    }
  }
  return reach;
}
