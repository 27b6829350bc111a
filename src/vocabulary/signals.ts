/**
 * Facts about a problem that decide between patterns. Each is a yes/no question, so that
 * `recommend-pattern` can ask exactly those whose answer would change its ranking.
 */
export const SIGNALS = {
  // requests and effects
  'client-retries': 'Does a client or gateway retry a request whose answer it did not get?',
  'external-effect': 'Does an operation cause an effect outside the database (payment, mail, another service)?',
  'multi-hop': 'Does a request pass several hops, each with retries of its own?',
  'third-party-webhook': 'Do changes arrive as webhooks of a third party?',
  'scarce-stock': 'Is something scarce handed out (seats, stock, budget)?',
  'human-wait': 'Does a person or another slow step stand between choosing and finishing?',
  money: 'Is money, credit or a quota counted?',
  // one database
  'single-database': 'Does all the data of the decision live in one transactional database?',
  'read-modify-write': 'Is a value read, changed in the application and written back?',
  'single-row-invariant': 'Does the rule concern one row only?',
  'multi-row-invariant': 'Does a rule span several rows (at least one, at most n, sum, no overlap)?',
  uniqueness: 'Must a value be unique?',
  'no-overlap': 'Must intervals not overlap?',
  'known-rows': 'Are the rows to protect known before the decision?',
  'hot-row': 'Is one row or key written at a very high rate?',
  'plain-crud': 'Is it plain create, read, update, delete without a rule between rows or systems?',
  // replication and coordination
  'reads-from-replicas': 'Are reads served by replicas or followers?',
  'own-write-visible': 'Must users see their own change at once?',
  'automatic-failover': 'Is a new leader promoted automatically?',
  'no-loss': 'Must an acknowledged write survive the loss of a node?',
  'multi-region': 'Is data written in more than one region?',
  'leaderless-store': 'Does the store accept writes on any replica (Dynamo style)?',
  'lock-or-lease': 'Does a lock or a lease protect a write to another system?',
  'exactly-one-leader': 'Must exactly one process act at a time?',
  'offline-edits': 'Do people edit offline or concurrently, with a merge later?',
  'wall-clock-order': 'Does the order of events rest on wall clocks of several machines?',
  'causal-dependency': 'Must an effect never be visible without its cause?',
  'cross-shard': 'Does an operation or rule span shards or services?',
  'beyond-one-node': 'Does the data or the write rate outgrow one large machine?',
  // dataflow
  'two-systems-written': 'Does one operation write two systems (database and broker, cache, index)?',
  'publishes-events': 'Must other systems learn of each change?',
  'consumes-messages': 'Does a consumer apply messages that may be delivered more than once?',
  'order-per-key': 'Must changes of one entity be applied in order?',
  'many-consumers': 'Do several independent consumers read the same stream?',
  replay: 'Must history be replayed?',
  'independent-jobs': 'Is the work a set of independent jobs of uneven length?',
  'audit-history': 'Is the full history of changes needed (audit, questions about the past)?',
  'derived-view': 'Is a search index, read model or other derived copy kept?',
  backfill: 'Is a derived copy filled or refilled while writes go on?',
  'multi-service-workflow': 'Does a business process span several services and take a while?',
  'deletes-matter': 'Must deletions reach every copy?',
  'same-fact-twice': 'Do two systems hold the same fact?',
  // stream and batch
  'time-windows': 'Are results computed per hour, day or session from events that may come late?',
  'external-sink': 'Does a stream job write to a store or service outside the stream processor?',
  'periodic-recompute': 'Is a result recomputed from stored input on a schedule?',
  enrichment: 'Are events joined with facts that change?',
  // evolution
  'schema-change': 'Does a column, key, type or store change while the system runs?',
  'independent-deploys': 'Do producers and consumers of a format deploy independently?',
  'personal-data': 'Is personal data kept that may have to be erased?',
  'system-of-record': 'Is this the only place where the data exists?',
  // overload and blast radius
  cache: 'Does a cache stand in front of a store?',
  'unequal-rates': 'Can producers outrun consumers, or clients retry together?',
  'shared-control-plane': 'Does one shared service or shard stop everything when it is down?',
  'global-config': 'Do configuration or policy changes reach all nodes within seconds?',
} as const;

/** Identifier of a signal. */
export type Signal = keyof typeof SIGNALS;

/** All signals. */
export const SIGNAL_IDS = Object.keys(SIGNALS) as [Signal, ...Signal[]];
