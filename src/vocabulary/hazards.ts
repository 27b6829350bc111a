/** How bad the usual outcome of a hazard is for the people who own the data. */
export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** Severities, worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

interface HazardEntry {
  readonly name: string;
  readonly meaning: string;
  readonly severity: Severity;
}

const hazards = {
  'logic-error': {
    name: 'logic error',
    severity: 'high',
    meaning: 'The rule breaks when requests run one after the other, without any fault.',
  },
  // transactions
  'dirty-write': { name: 'dirty write', severity: 'high', meaning: 'Writes of two transactions mix.' },
  'dirty-read': { name: 'dirty read', severity: 'high', meaning: 'A decision rests on data that was never committed.' },
  'read-skew': { name: 'read skew', severity: 'medium', meaning: 'A reader combines rows of different moments.' },
  'lost-update': { name: 'lost update', severity: 'high', meaning: 'A write erases another that it had not seen.' },
  'write-skew': {
    name: 'write skew',
    severity: 'high',
    meaning: 'Each writer kept the rule by what it read; together they break it.',
  },
  phantom: {
    name: 'phantom',
    severity: 'high',
    meaning: 'A row that was absent at the check is there at the decision.',
  },
  // effects and requests
  'duplicate-effect': {
    name: 'duplicate effect',
    severity: 'critical',
    meaning: 'A retried or redelivered request takes effect twice.',
  },
  'lost-effect': {
    name: 'lost effect',
    severity: 'critical',
    meaning: 'A request that was acknowledged or accepted never takes effect.',
  },
  'partial-effect': {
    name: 'partial effect',
    severity: 'high',
    meaning: 'A crash leaves some steps of an operation done and others not.',
  },
  'unknown-outcome': {
    name: 'unknown outcome',
    severity: 'high',
    meaning: 'After a time-out nobody knows whether the effect happened.',
  },
  'key-collision': {
    name: 'key collision',
    severity: 'high',
    meaning: 'Two intents share an identifier, and one is swallowed or gets the answer of the other.',
  },
  'dual-write': {
    name: 'dual write',
    severity: 'high',
    meaning: 'Two stores are written without a common commit and differ for ever.',
  },
  // replication and coordination
  'lost-acknowledged-write': {
    name: 'lost acknowledged write',
    severity: 'critical',
    meaning: 'A failover discards what a client was told is safe.',
  },
  'stale-read': {
    name: 'stale read',
    severity: 'medium',
    meaning: 'A replica or a cache answers with an older state.',
  },
  'broken-session-guarantee': {
    name: 'broken session guarantee',
    severity: 'medium',
    meaning: 'A user does not see their own write, or goes back in time.',
  },
  'split-brain': { name: 'split brain', severity: 'critical', meaning: 'Two nodes both act as the leader.' },
  'zombie-writer': {
    name: 'zombie writer',
    severity: 'critical',
    meaning: 'A holder whose lease expired goes on writing.',
  },
  'clock-order': {
    name: 'ordering by wall clock',
    severity: 'high',
    meaning: 'Skewed clocks decide which write survives.',
  },
  'causality-violation': {
    name: 'causality violation',
    severity: 'medium',
    meaning: 'An effect is seen without its cause.',
  },
  'long-fork': {
    name: 'long fork',
    severity: 'medium',
    meaning: 'Two readers see independent writes in opposite orders.',
  },
  // dataflow
  'lost-event': { name: 'lost event', severity: 'high', meaning: 'A consumer passes over an event for ever.' },
  'out-of-order-apply': {
    name: 'out-of-order apply',
    severity: 'high',
    meaning: 'An older change is applied over a newer one.',
  },
  'stale-cache-fill': {
    name: 'stale cache fill',
    severity: 'medium',
    meaning: 'A reader caches an old value after the invalidation.',
  },
  'non-convergence': { name: 'non-convergence', severity: 'high', meaning: 'Copies of the same data stay different.' },
  'resurrected-delete': {
    name: 'resurrected delete',
    severity: 'high',
    meaning: 'A deleted row comes back from a late message or backfill.',
  },
  'incomplete-window': {
    name: 'incomplete window',
    severity: 'medium',
    meaning: 'A result is published before its late events, or depends on arrival order.',
  },
  'silent-drift': { name: 'silent drift', severity: 'high', meaning: 'Two systems differ and nobody notices.' },
  // overload and blast radius
  overload: {
    name: 'overload collapse',
    severity: 'critical',
    meaning: 'Work that waits outgrows the capacity to drain it; the system does not recover by itself.',
  },
  'retry-storm': {
    name: 'retry storm',
    severity: 'high',
    meaning: 'Retries or refills multiply the load that caused them.',
  },
  'shared-fate': { name: 'shared fate', severity: 'critical', meaning: 'One component takes everything down.' },
  'bad-rollout': {
    name: 'bad rollout',
    severity: 'critical',
    meaning: 'A wrong value or schema reaches every node at once.',
  },
  'hot-spot': { name: 'hot spot', severity: 'medium', meaning: 'One key or shard takes most of the load.' },
  // evolution
  'incompatible-schema': {
    name: 'incompatible schema',
    severity: 'high',
    meaning: 'A reader cannot understand what a writer of another version wrote.',
  },
  'unrecoverable-loss': {
    name: 'unrecoverable loss',
    severity: 'critical',
    meaning: 'Data is gone and no tested backup brings it back.',
  },
  'unerasable-data': {
    name: 'unerasable data',
    severity: 'medium',
    meaning: 'Personal data cannot be removed everywhere it was copied.',
  },
  'id-exhaustion': {
    name: 'identifier exhaustion',
    severity: 'high',
    meaning: 'An identifier outgrows a type that carries it.',
  },
} as const satisfies Record<string, HazardEntry>;

/** Hazards by their standard names, with the severity of the usual outcome. */
export const HAZARDS: Readonly<Record<Hazard, HazardEntry>> = hazards;

/** Identifier of a hazard, e.g. `lost-update`. */
export type Hazard = keyof typeof hazards;

/** All hazards. */
export const HAZARD_IDS = Object.keys(hazards) as [Hazard, ...Hazard[]];
