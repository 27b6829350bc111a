import { z } from 'zod';
import { CONCURRENCY_CONTROL_IDS } from '../vocabulary/concurrency-control.ts';
import { CONSISTENCY_MODEL_IDS } from '../vocabulary/consistency-models.ts';
import { PHENOMENON_IDS } from '../vocabulary/phenomena.ts';

/** How a statement about a database is known, strongest first. */
export const EVIDENCE_GRADES = ['executed', 'hermitage', 'documentation', 'jepsen', 'paper'] as const;

const text = z.string().trim().min(3).max(700);
const id = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens');
const day = z.iso.date();

/** Ids of entries of `evidence`; the loader checks that they exist. */
const cites = z.array(z.string()).min(1);

const evidence = z.strictObject({
  grade: z.enum(EVIDENCE_GRADES),
  /** Document and section, or engine, version and schedule. */
  source: text,
  url: z.url().optional(),
  /** Version of the system that the source speaks of. */
  version: z.string().optional(),
  /** Day of the source itself, where it has one. */
  date: z.union([day, z.string().regex(/^\d{4}(-\d{2})?$/)]).optional(),
  /** Day on which somebody read the source (or ran the schedule) for this file. */
  checked: day,
});

const remark = z.strictObject({ text, evidence: cites });

/** Where a cell applies. What is absent does not matter. */
const condition = z.strictObject({
  /** Version range, e.g. `>=11.6.2 <12`. */
  versions: z.string().optional(),
  storageEngine: z.string().optional(),
  settings: z.record(z.string(), z.string()).optional(),
  /** E.g. `primary`, `standby`, `sharded`, `multi-region`. */
  topology: z.string().optional(),
});

const phenomenon = z.strictObject({
  is: z.enum(['prevented', 'possible', 'depends', 'unknown', 'inapplicable']),
  /** What it depends on, or why it does not apply. */
  note: text.optional(),
  evidence: z.array(z.string()).default([]),
});

/** How a conflict shows itself to the application. */
const conflict = z.strictObject({
  shows: z.enum(['waits', 'error', 'silent']),
  /** SQLSTATE or error code and name, e.g. `40001`. */
  code: z.string().optional(),
  text,
  /** Whether running the whole transaction again is the right answer. */
  retry: z.boolean().optional(),
  evidence: cites,
});

const level = z.strictObject({
  id,
  /** As the database spells it, e.g. `REPEATABLE READ`. */
  name: z.string(),
  aliases: z.array(z.string()).default([]),
  /** Whether a session gets this level when nobody chooses. */
  default: z.boolean().default(false),
  /** Conditions of this cell. Of several cells of one level the first is assumed when the question leaves it open. */
  when: condition.optional(),
  /** The consistency model it really gives. */
  model: z.strictObject({ is: z.enum(CONSISTENCY_MODEL_IDS), note: text.optional(), evidence: cites }),
  /** The class that the explorer runs; absent where none fits. */
  concurrencyControl: z.enum(CONCURRENCY_CONTROL_IDS).optional(),
  /** What the level does, in one or two sentences. */
  summary: text,
  phenomena: z.record(z.enum(PHENOMENON_IDS), phenomenon),
  conflicts: z.array(conflict).default([]),
  /** Statement or client setting that chooses the level. */
  set: z.string().optional(),
  /** What an application must do at this level. */
  application: z.array(text).min(1),
});

/** A script of two sessions; each step is `T1: statement` or `T2: statement`, with an optional `-- comment`. */
const script = z.strictObject({
  phenomenon: z.enum(PHENOMENON_IDS),
  /** Levels at which the script shows the phenomenon; all where absent. */
  levels: z.array(id).optional(),
  setup: z.array(z.string()).default([]),
  steps: z.array(z.string().regex(/^T[1-3]: /, 'must begin with "T1: ", "T2: " or "T3: "')).min(3),
  outcome: text,
  evidence: z.array(z.string()).default([]),
});

const remedy = z.strictObject({
  name: z.string(),
  against: z.array(z.enum(PHENOMENON_IDS)).min(1),
  /** Levels at which it works; all where absent. */
  levels: z.array(id).optional(),
  code: z.string().optional(),
  text,
  evidence: cites,
});

/** Frontmatter of a file in `databases/`. */
export const databaseSchema = z.strictObject({
  id,
  name: z.string(),
  aliases: z.array(z.string()).default([]),
  kind: z.enum([
    'relational',
    'document',
    'key-value',
    'wide-column',
    'graph',
    'log',
    'queue',
    'object-store',
    'search',
    'analytical',
    'coordination',
    'ledger',
  ]),
  /** Versions that the file speaks of. */
  versions: z.string(),
  /** Day of the last check of the whole file. */
  checked: day,
  /** Dialect of generated scripts; absent where the system has no SQL transactions of several statements. */
  session: z
    .strictObject({
      dialect: z.enum(['postgresql', 'mysql', 'sqlserver', 'oracle', 'db2', 'sqlite', 'generic']),
      /** How a session begins a transaction at `{level}` (the level's name). */
      begin: z.string(),
      commit: z.string().default('COMMIT'),
      rollback: z.string().default('ROLLBACK'),
    })
    .optional(),
  summary: text,
  evidence: z.record(z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/), evidence),
  levels: z.array(level).min(1),
  scripts: z.array(script).default([]),
  remedies: z.array(remedy).default([]),
  /** What replicas, pools, autocommit and levels that differ between sessions do to the guarantees. */
  deployment: z.strictObject({
    replicas: z.array(remark).default([]),
    pools: z.array(remark).default([]),
    autocommit: z.array(remark).default([]),
    mixedLevels: z.array(remark).default([]),
  }),
  traps: z.array(remark).default([]),
  /** Jepsen results that still matter. */
  jepsen: z
    .array(
      z.strictObject({
        version: z.string(),
        date: day,
        claimed: text.optional(),
        found: text,
        stillMatters: text,
        evidence: cites,
      }),
    )
    .default([]),
});

/** A database: its frontmatter and its prose. */
export type Database = z.infer<typeof databaseSchema> & { readonly body: string };
/** One cell: a level under conditions. */
export type Level = z.infer<typeof level>;
/** A source with its grade. */
export type Evidence = z.infer<typeof evidence>;
