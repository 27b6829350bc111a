import { HAZARD_CUES, TROUBLE_CUES } from '../vocabulary/hazard-cues.ts';
import { HARMLESS_SIGNALS, HAZARD_CONDITIONS } from '../vocabulary/hazard-signals.ts';
import { HAZARD_IDS, type Hazard } from '../vocabulary/hazards.ts';
import { SAFEGUARDS, type Safeguard } from '../vocabulary/safeguards.ts';
import { SIGNAL_CUES } from '../vocabulary/signal-cues.ts';
import { SIGNAL_IDS, type Signal } from '../vocabulary/signals.ts';
import { flatten, matchAny } from './phrases.ts';

/** What the words of a problem and the given signals say. */
export interface Reading {
  /** Signals that are true or false, with the words they were read from; `given` for those that were given. */
  readonly signals: ReadonlyMap<Signal, { readonly is: boolean; readonly from: string }>;
  /** Damage that the words report, with those words. */
  readonly symptoms: ReadonlyMap<Hazard, string>;
  /** Safeguards that the words name. */
  readonly safeguards: readonly Safeguard[];
  /** Words of somebody who has a problem, whatever it is. */
  readonly trouble: string | undefined;
}

/** Origin of a signal that was given and not read from words. */
export const GIVEN = 'given';

/** Reads signals, damage and safeguards from words; what is given goes before what is read. */
export function read(problem: string, given: ReadonlyMap<Signal, boolean>): Reading {
  const text = flatten(problem);
  const signals = new Map<Signal, { is: boolean; from: string }>();
  for (const id of SIGNAL_IDS) {
    const known = given.get(id);
    const { found, denied } = matchAny(text, known === undefined ? SIGNAL_CUES[id] : [], true);
    if (known !== undefined) signals.set(id, { is: known, from: GIVEN });
    else if (found !== undefined) signals.set(id, { is: true, from: found });
    else if (denied !== undefined) signals.set(id, { is: false, from: denied });
  }
  const symptoms = new Map<Hazard, string>();
  for (const id of HAZARD_IDS) {
    const { found } = matchAny(text, HAZARD_CUES[id] ?? [], false);
    if (found !== undefined) symptoms.set(id, found);
  }
  const safeguards = SAFEGUARDS.filter(({ cues }) => matchAny(text, cues, true).found !== undefined);
  return { signals, symptoms, safeguards, trouble: matchAny(text, TROUBLE_CUES, true).found };
}

/** The same reading with one signal set. */
export function assume(reading: Reading, signal: Signal, is: boolean): Reading {
  return { ...reading, signals: new Map([...reading.signals, [signal, { is, from: 'assumed' }]]) };
}

const isTrue = (reading: Reading, id: Signal) => reading.signals.get(id)?.is === true;

/** Hazards to rule out: those whose damage is reported, and those that the facts make likely, unless safeguarded. */
export function openHazards(reading: Reading): Hazard[] {
  const covered = new Set(reading.safeguards.flatMap(({ covers }) => covers));
  return HAZARD_IDS.filter((id) => {
    if (reading.symptoms.has(id)) return !covered.has(id);
    const conditions = HAZARD_CONDITIONS[id] ?? [];
    return !covered.has(id) && conditions.some((all) => all.every((signal) => isTrue(reading, signal)));
  });
}

/** Hazards that the facts would raise if the safeguards were not there. */
export function safeguardedHazards(reading: Reading): Hazard[] {
  const open = new Set(openHazards(reading));
  return openHazards({ ...reading, safeguards: [] }).filter((id) => !open.has(id));
}

/**
 * Whether a reading without open hazards is sound enough to say so. Silence is not enough: either the words name a
 * safeguard, or they describe plain data in one place and nobody complains.
 */
export function isSound(reading: Reading): boolean {
  if (reading.safeguards.length > 0) return true;
  const plain = isTrue(reading, 'plain-crud') || isTrue(reading, 'single-database');
  const harmless = SIGNAL_IDS.every((id) => !isTrue(reading, id) || HARMLESS_SIGNALS.includes(id));
  return plain && harmless && reading.trouble === undefined;
}
