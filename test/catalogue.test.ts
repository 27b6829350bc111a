import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseCell, matchVersion } from '../src/catalogue/cells.ts';
import { danglingReferences } from '../src/catalogue/check.ts';
import { ruledOut } from '../src/catalogue/constraints.ts';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { findDatabase, findLevel, findPhenomenon } from '../src/catalogue/lookup.ts';
import { closestNames, compact, find, words } from '../src/catalogue/names.ts';
import { flatten, matchAny } from '../src/catalogue/phrases.ts';
import { openHazards, read } from '../src/catalogue/reading.ts';
import { terms } from '../src/catalogue/search.ts';
import { HAZARD_CUES, TROUBLE_CUES } from '../src/vocabulary/hazard-cues.ts';
import { HAZARD_CONDITIONS } from '../src/vocabulary/hazard-signals.ts';
import { HAZARD_IDS } from '../src/vocabulary/hazards.ts';
import { PHENOMENA, PHENOMENON_IDS } from '../src/vocabulary/phenomena.ts';
import { SAFEGUARDS } from '../src/vocabulary/safeguards.ts';
import { SIGNAL_CUES } from '../src/vocabulary/signal-cues.ts';
import { SIGNAL_IDS } from '../src/vocabulary/signals.ts';

const catalogue = loadCatalogue();

describe('our own files', () => {
  test('every reference between them leads somewhere', () => {
    expect(danglingReferences(catalogue)).toEqual([]);
  });

  test('names of databases are unambiguous', () => {
    const owners = new Map<string, Set<string>>();
    for (const { id, name, aliases } of catalogue.databases.values())
      for (const one of [id, name, ...aliases])
        owners.set(compact(one), (owners.get(compact(one)) ?? new Set()).add(id));
    expect(
      [...owners].filter(([, ids]) => ids.size > 1).map(([name, ids]) => `${name}: ${[...ids].join(', ')}`),
    ).toEqual([]);
  });

  test('every level is found by its own name', () => {
    const lost: string[] = [];
    for (const database of catalogue.databases.values())
      for (const cell of database.levels)
        if (!findLevel(cell.name, database)?.values.includes(cell)) lost.push(`${database.id}: ${cell.name}`);
    expect(lost).toEqual([]);
  });

  test('every cell can be selected by its conditions', () => {
    const hidden: string[] = [];
    for (const database of catalogue.databases.values()) {
      for (const cell of database.levels) {
        const { storageEngine, topology, settings = {}, versions } = cell.when ?? {};
        const version = versions === undefined ? undefined : /[>^~=]=?\s*(\d[\d.]*)/.exec(versions)?.[1];
        const choice = chooseCell(findLevel(cell.name, database)?.values ?? [], {
          version: version === undefined || version.includes('.') ? version : `${version}.0.0`,
          settings: { ...settings, ...(storageEngine ? { storageEngine } : {}), ...(topology ? { topology } : {}) },
        });
        if (choice?.cell !== cell) hidden.push(`${database.id}: ${cell.name} ${JSON.stringify(cell.when)}`);
      }
    }
    expect(hidden).toEqual([]);
  });

  test('every pattern is reachable: some hazard it removes can be raised', () => {
    const raised = new Set([...Object.keys(HAZARD_CONDITIONS), ...Object.keys(HAZARD_CUES)]);
    const unreachable = [...catalogue.patterns.values()].filter(
      ({ removes }) => !removes.some((one) => raised.has(one)),
    );
    expect(unreachable.map(({ id }) => id)).toEqual([]);
  });
});

describe('names', () => {
  test.each([
    ['Repeatable-Read', 'repeatable read'],
    ['READ_COMMITTED', 'read committed'],
    ['PostgreSQL 15.3.', 'postgresql 15.3'],
    ['acks=-1', 'acks minus 1'],
    ['  a  .b ', 'a b'],
  ])('%s', (given, plain) => expect(words(given)).toBe(plain));

  test('a name is found exactly, or with one slip in four letters, and never two things at once', () => {
    const entries = [
      { value: 1, names: ['read committed', 'rc'] },
      { value: 2, names: ['read uncommitted', 'ru'] },
    ];
    expect(find('Read-Committed', entries)).toEqual({ values: [1], typo: undefined });
    expect(find('read commited', entries)).toEqual({ values: [1], typo: 'read committed' });
    expect(find('rx', entries)).toBeUndefined();
    expect(find('', entries)).toBeUndefined();
    expect(find('something else', entries)).toBeUndefined();
    expect(closestNames('uncommited', ['rc', 'read uncommitted', 'snapshot'], 1)).toEqual(['read uncommitted']);
  });

  test('every name and alias of a database leads to it, with a version too', () => {
    const all = [...catalogue.databases.values()];
    for (const database of all) {
      for (const name of [database.id, database.name, ...database.aliases]) {
        expect(findDatabase(name, all)?.database.id, name).toBe(database.id);
        const versioned = findDatabase(`${name} 7.2`, all);
        expect([versioned?.database.id, versioned?.version], name).toEqual([database.id, '7.2']);
      }
    }
  });

  test('every name of a phenomenon leads to it', () => {
    for (const id of PHENOMENON_IDS)
      for (const name of [id, PHENOMENA[id].name, ...PHENOMENA[id].aliases])
        expect(findPhenomenon(name)?.values, name).toEqual([id]);
  });
});

test.each([
  ['11.7', '>=11.6.2', 'yes'],
  ['11', '>=11.6.2', 'open'],
  ['10', '>=11.6.2', 'no'],
  ['12', '>=11.6.2', 'yes'],
  ['12.2', '>=12 <12.4', 'yes'],
  ['12', '>=12 <12.4', 'open'],
  ['16', '>=12 <12.4', 'no'],
  [undefined, '>=12', 'open'],
  ['nonsense', '>=12', 'open'],
])('version %s in %s: %s', (version, range, match) => expect(matchVersion(version, range)).toBe(match));

describe('phrases', () => {
  const found = (text: string, phrase: string, negatable = true) =>
    matchAny(flatten(text), [phrase], negatable).found?.trim();

  test('words, endings, alternatives and gaps', () => {
    expect(found('The client retries.', 'retry|retries')).toBe('retries');
    expect(found('We are retrying it', 'retr*')).toBe('retrying');
    expect(found('saved and then published', 'save* .. publish*')).toBe('saved and then published');
    expect(found('It is saved. Others publish.', 'save* .. publish*')).toBeUndefined();
    expect(found('unlocked', 'lock*')).toBeUndefined();
    expect(found('Version 2.1 billion', '2.1|2 billion')).toBe('2.1 billion');
  });
  test('a negated phrase does not count, unless it is damage', () => {
    expect(found('There is no cache.', 'cache')).toBeUndefined();
    expect(found('We never really retry', 'retry')).toBeUndefined();
    expect(found('No lock. The cache is large.', 'cache')).toBe('cache');
    expect(found('nobody noticed', 'nobody noticed', false)).toBe('nobody noticed');
    expect(matchAny(flatten('without a cache, no replicas'), ['replicas'], true).denied?.trim()).toBe('replicas');
  });
  test('every cue is well formed', () => {
    const all = [
      ...Object.values(SIGNAL_CUES).flat(),
      ...Object.values(HAZARD_CUES).flat(),
      ...TROUBLE_CUES,
      ...SAFEGUARDS.flatMap(({ cues }) => cues),
    ];
    const odd = all.filter(
      (phrase) => !/^[\p{Ll}\p{N}%.*| ]+$/u.test(phrase) || /^\.\.|\.\.$|\|\||\| | \|/.test(phrase),
    );
    expect(odd).toEqual([]);
    expect(Object.keys(SIGNAL_CUES)).toEqual(expect.arrayContaining([...SIGNAL_IDS]));
  });
  test('a long text takes time in proportion to its length', () => {
    const text = 'we retry the charge and the cache is old while orders are saved and then '.repeat(270);
    const start = performance.now();
    read(text, new Map());
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

test('what is given goes before what is read', () => {
  const reading = read('The client retries the payment at the card processor.', new Map([['client-retries', false]]));
  expect(reading.signals.get('client-retries')).toEqual({ is: false, from: 'given' });
  expect(openHazards(reading)).not.toContain('unknown-outcome');
  expect(openHazards(read('The client retries the payment at the card processor.', new Map()))).toContain(
    'unknown-outcome',
  );
});

test('hazards of conditions and cues exist', () => {
  for (const id of [...Object.keys(HAZARD_CONDITIONS), ...Object.keys(HAZARD_CUES)]) expect(HAZARD_IDS).toContain(id);
});

test('terms of a search', () => {
  expect(terms('Retries, retried and the retrying of Retry')).toEqual(['retry', 'retry', 'retry', 'retry']);
  expect(terms('The lost updates are losing')).toEqual(['lost', 'updat', 'los']);
  expect(terms('status bus process')).toEqual(['status', 'bus', 'process']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const term of terms(text)) expect(term).toMatch(/^[\p{L}\p{N}]+$/u);
    }),
  );
});

test('a constraint rules out what carries its word', () => {
  const cdc = catalogue.patterns.get('cdc');
  const log = catalogue.patterns.get('log-broker');
  if (cdc === undefined || log === undefined) throw new Error('patterns are missing');
  expect(ruledOut('no Kafka', log)).toBe(true);
  expect(ruledOut('we cannot use Kafka', log)).toBe(true);
  expect(ruledOut('Kafka is there already', log)).toBe(false);
  expect(ruledOut('no', log)).toBe(false);
});
