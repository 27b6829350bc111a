/**
 * Consistency models and which implies which.
 *
 * Every history that satisfies a model also satisfies all models in its `implies`. Edges and proscribed phenomena
 * follow jepsen.io/consistency and Adya's thesis. Serializable implies neither linearizable nor any session
 * guarantee; snapshot isolation and repeatable read are incomparable.
 */
export const CONSISTENCY_MODELS = {
  'strict-serializable': {
    name: 'strict serializable',
    implies: ['serializable', 'linearizable', 'strong-session-serializable'],
    meaning: 'As if transactions ran one after the other, in an order that agrees with real time.',
  },
  'strong-session-serializable': {
    name: 'strong session serializable',
    implies: ['serializable', 'strong-session-snapshot-isolation'],
    meaning: 'Serializable, and each session sees its own transactions in order.',
  },
  serializable: {
    name: 'serializable',
    implies: ['repeatable-read', 'snapshot-isolation'],
    meaning: 'As if transactions ran one after the other in some order.',
  },
  'strong-session-snapshot-isolation': {
    name: 'strong session snapshot isolation',
    implies: ['snapshot-isolation'],
    meaning: 'Snapshot isolation, and each session sees its own earlier writes.',
  },
  'snapshot-isolation': {
    name: 'snapshot isolation',
    implies: ['parallel-snapshot-isolation', 'consistent-view', 'prefix'],
    meaning: 'All reads come from one snapshot; of two concurrent writers of a row only one commits.',
  },
  prefix: {
    name: 'prefix consistency',
    implies: ['causal-cerone'],
    meaning: 'Every snapshot is a prefix of one order of all commits.',
  },
  'parallel-snapshot-isolation': {
    name: 'parallel snapshot isolation',
    implies: ['causal-cerone', 'monotonic-atomic-view'],
    meaning: 'Snapshot isolation per site; two readers may see independent commits in opposite orders (long fork).',
  },
  'causal-cerone': {
    name: 'causal transactions',
    implies: ['read-atomic'],
    meaning: 'Transactions become visible whole and never before what they depend on.',
  },
  'read-atomic': {
    name: 'read atomic',
    implies: ['monotonic-atomic-view'],
    meaning: 'All or none of a transaction is visible to another.',
  },
  'repeatable-read': {
    name: 'repeatable read',
    implies: ['cursor-stability', 'monotonic-atomic-view'],
    meaning: 'Rows that were read do not change until commit; conditions may match new rows.',
  },
  'consistent-view': {
    name: 'consistent view (PL-2+)',
    implies: ['cursor-stability', 'monotonic-atomic-view'],
    meaning: 'No read skew.',
  },
  'cursor-stability': {
    name: 'cursor stability',
    implies: ['read-committed'],
    meaning: 'Read committed without lost updates through a cursor.',
  },
  'monotonic-atomic-view': {
    name: 'monotonic atomic view',
    implies: ['read-committed'],
    meaning: 'Once one effect of a transaction is seen, all its effects are seen.',
  },
  'read-committed': {
    name: 'read committed',
    implies: ['read-uncommitted'],
    meaning: 'Only committed and final values are read.',
  },
  'read-uncommitted': {
    name: 'read uncommitted',
    implies: [],
    meaning: 'Writes do not interleave; reads may see uncommitted data.',
  },
  linearizable: {
    name: 'linearizable',
    implies: ['sequential'],
    meaning: 'One object behaves as a single copy: a read that begins after a write ended sees it.',
  },
  sequential: {
    name: 'sequential',
    implies: ['causal'],
    meaning: 'One order of all operations that agrees with the order in each process, not with real time.',
  },
  causal: {
    name: 'causal',
    implies: ['pram', 'writes-follow-reads'],
    meaning: 'Operations that depend on each other are seen in that order everywhere.',
  },
  pram: {
    name: 'PRAM',
    implies: ['monotonic-reads', 'monotonic-writes', 'read-your-writes'],
    meaning: 'The writes of each process are seen in its order.',
  },
  'writes-follow-reads': {
    name: 'writes follow reads',
    implies: [],
    meaning: 'A write is ordered after what its session had read.',
  },
  'monotonic-reads': { name: 'monotonic reads', implies: [], meaning: 'A session never goes back to an older state.' },
  'monotonic-writes': { name: 'monotonic writes', implies: [], meaning: 'The writes of a session apply in its order.' },
  'read-your-writes': { name: 'read your writes', implies: [], meaning: 'A session sees its own earlier writes.' },
  'bounded-staleness': {
    name: 'bounded staleness',
    implies: ['eventual'],
    meaning: 'Reads lag behind by at most a stated time or number of versions.',
  },
  'consistent-prefix': {
    name: 'consistent prefix',
    implies: ['eventual'],
    meaning: 'Reads see writes without gaps, possibly late.',
  },
  eventual: {
    name: 'eventual consistency',
    implies: [],
    meaning: 'Replicas agree once writes stop; before that a read may return any earlier value.',
  },
  none: { name: 'no isolation', implies: [], meaning: 'Operations of different clients interleave freely.' },
} as const;

/** Identifier of a consistency model, e.g. `snapshot-isolation`. */
export type ConsistencyModel = keyof typeof CONSISTENCY_MODELS;

/** All models, strongest first. */
export const CONSISTENCY_MODEL_IDS = Object.keys(CONSISTENCY_MODELS) as [ConsistencyModel, ...ConsistencyModel[]];

/** Whether every history that satisfies `stronger` also satisfies `weaker` (reflexive). */
export function implies(stronger: ConsistencyModel, weaker: ConsistencyModel): boolean {
  if (stronger === weaker) return true;
  const direct: readonly ConsistencyModel[] = CONSISTENCY_MODELS[stronger].implies;
  return direct.some((next) => implies(next, weaker));
}
