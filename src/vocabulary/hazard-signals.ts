import type { Hazard } from './hazards.ts';
import type { Signal } from './signals.ts';

/**
 * Facts that together make a hazard likely enough to be ruled out: any one of the combinations is enough.
 * A hazard that is absent here is only raised when somebody reports its damage.
 */
export const HAZARD_CONDITIONS: Readonly<Partial<Record<Hazard, readonly (readonly Signal[])[]>>> = {
  'lost-update': [['read-modify-write'], ['offline-edits'], ['scarce-stock', 'human-wait']],
  'write-skew': [['multi-row-invariant']],
  phantom: [['no-overlap'], ['uniqueness', 'cross-shard']],
  'duplicate-effect': [
    ['client-retries', 'external-effect'],
    ['client-retries', 'money'],
    ['consumes-messages', 'external-effect'],
    ['consumes-messages', 'money'],
    ['third-party-webhook'],
    ['multi-hop', 'client-retries'],
    ['external-sink'],
  ],
  'unknown-outcome': [['client-retries', 'external-effect']],
  'partial-effect': [['multi-service-workflow'], ['cross-shard', 'money']],
  'dual-write': [['two-systems-written']],
  'lost-acknowledged-write': [
    ['automatic-failover', 'no-loss'],
    ['automatic-failover', 'reads-from-replicas'],
  ],
  'split-brain': [['exactly-one-leader']],
  'zombie-writer': [['lock-or-lease']],
  'broken-session-guarantee': [['reads-from-replicas', 'own-write-visible']],
  'stale-read': [['reads-from-replicas'], ['cache', 'money']],
  'stale-cache-fill': [
    ['cache', 'reads-from-replicas'],
    ['cache', 'two-systems-written'],
  ],
  'clock-order': [['wall-clock-order']],
  'causality-violation': [['causal-dependency']],
  'non-convergence': [['multi-region', 'read-modify-write'], ['multi-region', 'money'], ['offline-edits']],
  'lost-event': [['publishes-events', 'order-per-key']],
  'out-of-order-apply': [['consumes-messages', 'order-per-key'], ['third-party-webhook'], ['backfill']],
  'resurrected-delete': [['deletes-matter'], ['backfill', 'derived-view']],
  'incomplete-window': [['time-windows']],
  'silent-drift': [['same-fact-twice', 'money']],
  overload: [['unequal-rates']],
  'retry-storm': [['unequal-rates', 'client-retries']],
  'shared-fate': [['shared-control-plane']],
  'bad-rollout': [['global-config']],
  'hot-spot': [['hot-row', 'beyond-one-node']],
  'incompatible-schema': [['independent-deploys'], ['schema-change', 'consumes-messages']],
  'unrecoverable-loss': [],
  'unerasable-data': [['personal-data']],
  'key-collision': [],
};

/** Facts that raise no hazard by themselves. */
export const HARMLESS_SIGNALS: readonly Signal[] = [
  'plain-crud',
  'single-database',
  'single-row-invariant',
  'known-rows',
  'system-of-record',
  'money',
  'human-wait',
  'periodic-recompute',
];
