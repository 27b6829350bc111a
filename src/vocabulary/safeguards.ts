import type { Hazard } from './hazards.ts';
import type { Phrase } from './signal-cues.ts';

/** A property of a design that takes the sting out of hazards. */
export interface Safeguard {
  readonly name: string;
  readonly cues: readonly Phrase[];
  /** Hazards that do no harm where it is really there. */
  readonly covers: readonly Hazard[];
  /** What must stay true for that. */
  readonly rests: string;
}

/** What makes a design sound without a further pattern. A phrase behind "no" or "not" does not count. */
export const SAFEGUARDS: readonly Safeguard[] = [
  {
    name: 'content-addressed, immutable output',
    cues: [
      'key|name|path|address .. hash|sha*|digest|checksum .. content|source|bytes|version',
      'hash|sha*|digest|checksum of the|its|their content|source|bytes',
      'content addressed',
      'thumbs sha*',
    ],
    covers: [
      'duplicate-effect',
      'lost-update',
      'zombie-writer',
      'out-of-order-apply',
      'partial-effect',
      'split-brain',
      'key-collision',
    ],
    rests:
      'Equal names mean equal bytes: the work must be deterministic for its name, and objects are written whole and never changed.',
  },
  {
    name: 'deterministic recompute with atomic publish',
    cues: [
      'pure function',
      'same input* .. same|identical',
      'same|identical result|output|files|bytes',
      're running gives the same',
      'replac* .. one|single atomic commit',
      'switches|flips|swaps .. pointer|atomically',
      'atomic commit|swap|rename|publish|overwrite',
    ],
    covers: [
      'duplicate-effect',
      'partial-effect',
      'incomplete-window',
      'out-of-order-apply',
      'lost-event',
      'silent-drift',
      'lost-effect',
      'stale-read',
      'non-convergence',
      'dual-write',
    ],
    rests:
      'The input is immutable and fixed for a run, the code version is recorded, and readers see only published results.',
  },
  {
    name: 'lock for efficiency only',
    cues: [
      'lock .. only|merely|just .. saves|save|avoid*|efficiency',
      'without|work without the lock|it',
      'to avoid doing the same work',
      'double work is harmless',
    ],
    covers: ['zombie-writer', 'split-brain', 'lost-update'],
    rests: 'Two holders at once must do no harm; the lock may be lost at any moment.',
  },
  {
    name: 'uniqueness declared in the database',
    cues: [
      'unique constraint|index|key',
      'on conflict',
      'primary key .. rejects|conflict',
      'exclusion constraint|exclude using',
    ],
    covers: ['duplicate-effect', 'phantom', 'lost-update'],
    rests: 'The constraint covers every state of the row, and the effect commits in the same transaction as the row.',
  },
  {
    name: 'conditional write in one statement',
    cues: [
      'update .. set .. where .. and|n|version',
      'where id and version',
      'row count',
      'single|one statement',
      'compare and set|swap',
      'if match|etag',
      'one|single atomic statement|update',
    ],
    covers: ['lost-update', 'write-skew'],
    rests: 'The condition is part of the write, and the number of rows it changed is checked.',
  },
  {
    name: 'periodic repair',
    cues: [
      'sweeper|sweeps',
      'reaper .. missing',
      'checks|check .. compare|against .. settlement|totals',
      'reconciles|reconciled nightly|daily',
    ],
    covers: ['lost-effect', 'silent-drift', 'lost-event'],
    rests: 'The comparison reaches everything, and somebody sees it when it stops.',
  },
  {
    name: 'one user on one device',
    cues: ['one|single person|user on|in .. phone|device|laptop', 'without sync'],
    covers: ['lost-update', 'stale-read', 'non-convergence'],
    rests: 'There is no second copy that is written.',
  },
];
