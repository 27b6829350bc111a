import { z } from 'zod';
import type { Catalogue } from '../catalogue/load.ts';
import { renderIsolationLevel } from '../render/isolation-level.ts';
import { detail, limited, shortText, textMap } from './arguments.ts';
import { explain, overview } from './isolation/answers.ts';
import { compare } from './isolation/compare.ts';
import { list } from './isolation/list.ts';
import { anomalyOf, type Question, sideOf } from './isolation/question.ts';
import { defineTool } from './tool.ts';

const input = z.strictObject({
  database: shortText('e.g. postgres, "mysql 8.0"; empty lists all'),
  level: shortText('e.g. RR; empty: overview'),
  version: shortText(),
  settings: textMap('Also storageEngine, topology'),
  anomaly: shortText('e.g. "lost update", G2'),
  compareWith: z.preprocess(joinReference, limited(200)).optional().describe('e.g. "oracle serializable"'),
  detail: detail(),
});

/** `{database, level}` is as good as `"database level"`. */
function joinReference(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const { database, version, level, ...unknown } = value as Record<string, unknown>;
  if (Object.keys(unknown).length > 0) return value;
  return [database, version, level].filter((part) => part !== undefined).join(' ');
}

const output = z.strictObject({
  summary: z.string(),
  levels: z.array(
    z.strictObject({
      database: z.string(),
      level: z.string(),
      model: z.string().optional(),
      more: z.string().optional(),
    }),
  ),
  phenomena: z
    .array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        is: z.string(),
        other: z.string().optional(),
        note: z.string().optional(),
        evidence: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  /** Lists of sentences by section; nobody computes on them, and the definition is sent with every conversation. */
  sections: z.record(z.string(), z.array(z.string())),
});

type Input = z.output<typeof input>;
/** Structured answer of `explain-isolation-level`. */
export type IsolationAnswer = z.output<typeof output>;

/** What isolation and consistency levels of databases really are, with evidence. */
export const explainIsolationLevel = defineTool({
  name: 'explain-isolation-level',
  title: 'Explain isolation level',
  description:
    'What an isolation or consistency level of a database really guarantees: anomalies with evidence, conflicts, script, remedies, traps.',
  input,
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: async (given, { catalogue }) => answer(given, catalogue()),
  render: renderIsolationLevel,
});

function answer(given: Input, { databases, notices }: Catalogue): IsolationAnswer {
  const question: Question = {
    full: given.detail === 'full',
    anomaly: given.anomaly?.trim() ? anomalyOf(given.anomaly) : undefined,
    notices: notices.filter((notice) => notice.startsWith('databases/')),
  };
  if (!given.database?.trim()) return list(given.level?.trim() ?? '', databases, question);
  const side = sideOf(given.database, given, databases);
  if (given.compareWith?.trim()) return compare(side, given.compareWith, databases, question);
  return side.choice === undefined ? overview(side, question) : explain(side, side.choice, question);
}
