import { cache } from './cache.ts';
import { clock } from './clock.ts';
import type { ComponentKind } from './component.ts';
import { lock } from './lock.ts';
import { log } from './log.ts';
import { queue } from './queue.ts';
import { service } from './service.ts';
import { store } from './store.ts';

/** All kinds of components besides the database. */
export const COMPONENT_KINDS: readonly ComponentKind[] = [service, store, cache, queue, log, lock, clock];
