import { z } from 'zod';
import { closestSentence, ruledOut } from '../catalogue/constraints.ts';
import type { Database } from '../catalogue/database.ts';
import type { Catalogue } from '../catalogue/load.ts';
import { findDatabase } from '../catalogue/lookup.ts';
import { closestNames, compact, find, words } from '../catalogue/names.ts';
import type { Pattern } from '../catalogue/pattern.ts';
import { flatten } from '../catalogue/phrases.ts';
import { decidingQuestions, disprovingQuestions, type Question } from '../catalogue/questions.ts';
import { type Ranked, rank, severityOf } from '../catalogue/ranking.ts';
import { GIVEN, isSound, openHazards, type Reading, read, safeguardedHazards } from '../catalogue/reading.ts';
import { indexPatterns, type PatternSearch, terms } from '../catalogue/search.ts';
import { withinBudget } from '../render/budget.ts';
import { patternDocument, renderRecommendation } from '../render/recommendation.ts';
import { plain } from '../render/style.ts';
import { clip, filled, nonEmpty, short } from '../render/text.ts';
import { CONSISTENCY_MODELS } from '../vocabulary/consistency-models.ts';
import { HAZARDS, type Hazard } from '../vocabulary/hazards.ts';
import type { Phenomenon } from '../vocabulary/phenomena.ts';
import { SIGNAL_IDS, SIGNALS, type Signal } from '../vocabulary/signals.ts';
import { detail, flagMap, prose, shortText, textList } from './arguments.ts';
import { defineTool, ToolError } from './tool.ts';

const input = z.strictObject({
  problem: prose('The design or symptom, in words'),
  signals: flagMap('Answers to questions asked, by id'),
  stack: textList('e.g. kafka'),
  constraints: textList('e.g. "no Kafka"'),
  id: shortText('One pattern, whole'),
  detail: detail(),
});

const lines = z.array(z.string()).optional();

const output = z.strictObject({
  verdict: z.string(),
  summary: z.string(),
  patterns: z
    .array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        why: z.array(z.string()),
        whyNot: lines,
        tradeoffs: lines,
        controls: lines,
      }),
    )
    .optional(),
  /** Lists of sentences: hazards, questions, read (what was taken as known), notes. */
  sections: z.record(z.string(), z.array(z.string())),
  document: z.string().optional(),
});

type Input = z.output<typeof input>;
/** Structured answer of `recommend-pattern`. */
export type Recommendation = z.output<typeof output>;

/** Patterns for a problem in words, or one pattern whole. */
export const recommendPattern = defineTool({
  name: 'recommend-pattern',
  title: 'Recommend pattern',
  description:
    'Ranks patterns for a data problem: why, why not, costs, hazards, questions that would change the order; or says that none is needed.',
  input,
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: async (given, { catalogue }) => answer(given, catalogue()),
  render: renderRecommendation,
});

function answer(given: Input, catalogue: Catalogue): Recommendation {
  if (given.id?.trim()) return whole(given.id, catalogue);
  const signals = knownSignals(given.signals ?? {});
  const problem = given.problem?.trim() ?? '';
  if (problem === '' && signals.size === 0)
    throw new ToolError(
      'Give a problem in words (what is stored where, who writes, what may be retried, what goes wrong), or signals, or the id of a pattern.',
    );
  const everything = [problem, ...(given.stack ?? []), ...(given.constraints ?? [])].join('. ');
  const reading = read(everything, signals);
  const text = searchOf(catalogue.patterns).score([problem, ...(given.stack ?? [])].join('\n'));
  const patterns = patternList(catalogue.patterns);
  const constraints = given.constraints ?? [];
  const banned = (pattern: Pattern) => constraints.find((constraint) => ruledOut(constraint, pattern));
  const all = rank(patterns, reading, text);
  // What a constraint rules out goes last; it stays in the list so that its reason is seen.
  const ranked = [...all.filter(({ pattern }) => !banned(pattern)), ...all.filter(({ pattern }) => banned(pattern))];
  const open = openHazards(reading);
  const problemTerms = new Set(terms(everything));
  const context: Context = { given, catalogue, reading, ranked, open, problemTerms, constraints, text, patterns };
  return open.length === 0 && isSound(reading) ? none(context) : some(context);
}

interface Context {
  readonly given: Input;
  readonly catalogue: Catalogue;
  readonly reading: Reading;
  readonly ranked: readonly Ranked[];
  readonly open: readonly Hazard[];
  readonly problemTerms: ReadonlySet<string>;
  readonly constraints: readonly string[];
  readonly text: ReadonlyMap<string, number>;
  readonly patterns: readonly Pattern[];
}

const searches = new WeakMap<ReadonlyMap<string, Pattern>, PatternSearch>();
function searchOf(patterns: ReadonlyMap<string, Pattern>): PatternSearch {
  const known = searches.get(patterns) ?? indexPatterns(patterns.values());
  searches.set(patterns, known);
  return known;
}

const lists = new WeakMap<ReadonlyMap<string, Pattern>, readonly Pattern[]>();
function patternList(patterns: ReadonlyMap<string, Pattern>): readonly Pattern[] {
  const known = lists.get(patterns) ?? [...patterns.values()];
  lists.set(patterns, known);
  return known;
}

function knownSignals(given: Record<string, boolean>): Map<Signal, boolean> {
  const result = new Map<Signal, boolean>();
  for (const [name, is] of Object.entries(given)) {
    const id = SIGNAL_IDS.find((one) => compact(one) === compact(name));
    if (id === undefined)
      throw new ToolError(
        `There is no signal "${clip(name)}". Closest: ${closestNames(name, SIGNAL_IDS).join(', ')}. Allowed: ${SIGNAL_IDS.join(', ')}.`,
      );
    result.set(id, is);
  }
  return result;
}

/** One pattern with its body. */
function whole(given: string, { patterns, notices }: Catalogue): Recommendation {
  const entries = [...patterns.values()].map((value) => ({ value, names: [value.id, value.name] }));
  const pattern = find(given, entries)?.values[0];
  if (pattern === undefined)
    throw new ToolError(
      `There is no pattern "${clip(given)}". Closest: ${closestNames(given, [...patterns.keys()]).join(', ')}. Allowed: ${[...patterns.keys()].join(', ')}.`,
    );
  const notes = notices.filter((notice) => notice.startsWith(`patterns/${pattern.id} `));
  return {
    verdict: 'pattern',
    summary: pattern.summary,
    document: patternDocument(pattern),
    sections: filled({ notes }),
  };
}

// --- answers

const ORDER = 'The order is by what words and facts have in common with each pattern; it is no measure of certainty.';
const WORDS_ONLY =
  'No fact and no damage was recognised in the words, so the order rests on wording alone: answer the questions with "signals" first.';
const NO_HAZARD = ' No hazard is evident so far.';
const PLAIN = 'None of these patterns: nothing in the words points to a hazard that one of them removes.';
const KEEP =
  'None of these patterns is needed: the hazards that the words suggest do no harm, because of what the design already has.';

function none(context: Context): Recommendation {
  const { reading, ranked, given } = context;
  const covered = safeguardedHazards(reading);
  const safe = covered.length > 0;
  const asked = given.detail === 'full' ? 6 : 3;
  const questions = disprovingQuestions(context.patterns, reading, context.text, asked);
  const hazards = covered.map((hazard) => {
    const by = reading.safeguards.filter(({ covers }) => covers.includes(hazard)).map(({ name }) => name);
    return `${HAZARDS[hazard].name}: harmless here as long as this holds: ${by.join('; ')}.`;
  });
  const rests = reading.safeguards.map(({ name, rests }) => `Keep: ${name}. ${rests}`);
  const crud = reading.signals.get('single-database')?.is === true || reading.signals.get('plain-crud')?.is === true;
  const nearest = ranked.find(({ pattern, against }) => against.length === 0 && context.text.has(pattern.id));
  return {
    verdict: 'none',
    summary: [
      safe ? KEEP : PLAIN,
      safe || !crud ? '' : 'Plain create, read, update and delete in one database, with its constraints, is enough.',
      'This rests on the description alone; the questions name facts that would change it.',
    ]
      .filter(Boolean)
      .join(' '),
    sections: filled({
      hazards,
      questions: questions.map(questionLine),
      read: readLines(reading),
      notes: [
        ...rests,
        ...stackNotes(context),
        ...(nearest === undefined || safe ? [] : [`Closest by words only: ${nearest.pattern.id}.`]),
        ...notices(context),
      ],
    }),
  };
}

/** Share of the first score below which a pattern is not listed. */
const TAIL = 0.15;

interface Limits {
  readonly shown: number;
  readonly detailed: number;
  readonly each: number;
  readonly text: number;
  readonly hazards: number;
  readonly read: number;
}
const FULL: Limits = { shown: 10, detailed: 10, each: 20, text: Number.POSITIVE_INFINITY, hazards: 20, read: 60 };
/** Ever tighter limits for a default answer; the first that fits the budget is used. */
const LIMITS: readonly Limits[] = [
  { shown: 5, detailed: 5, each: 2, text: 260, hazards: 6, read: 16 },
  { shown: 5, detailed: 3, each: 2, text: 260, hazards: 6, read: 14 },
  { shown: 5, detailed: 3, each: 2, text: 200, hazards: 6, read: 12 },
  { shown: 5, detailed: 3, each: 1, text: 200, hazards: 5, read: 10 },
  { shown: 5, detailed: 2, each: 1, text: 170, hazards: 5, read: 8 },
  { shown: 5, detailed: 2, each: 1, text: 140, hazards: 4, read: 6 },
];
const TIGHT: Limits = { shown: 5, detailed: 1, each: 1, text: 110, hazards: 3, read: 4 };

function some(context: Context): Recommendation {
  const { reading, ranked, given, open } = context;
  const full = given.detail === 'full';
  const known = [...reading.signals.values()].some(({ is }) => is) || reading.symptoms.size > 0;
  const count = full ? 6 : 3;
  // Without a hazard the order hangs on words; what would raise one is worth more than what would reorder the list.
  const questions =
    open.length === 0
      ? disprovingQuestions(context.patterns, reading, context.text, count)
      : decidingQuestions(context.patterns, reading, context.text, ranked, count);
  const worstFirst = [...open].sort(
    (a, b) => Number(reading.symptoms.has(b)) - Number(reading.symptoms.has(a)) || severityOf(b) - severityOf(a),
  );
  const listed = worthListing(ranked, context.text);
  const build = (shortening: number): Recommendation => {
    const limits = full ? FULL : (LIMITS[shortening] ?? TIGHT);
    const shown = listed.slice(0, limits.shown);
    const first = shown[0];
    return {
      verdict: 'patterns',
      summary:
        first === undefined
          ? PLAIN
          : `${first.pattern.name} first. ${known ? ORDER : WORDS_ONLY}${known && open.length === 0 ? NO_HAZARD : ''}`,
      patterns: shown.map((one, i) => entry(one, context, limits, i < limits.detailed)),
      sections: filled({
        hazards: worstFirst.slice(0, limits.hazards).map((hazard) => {
          const said = reading.symptoms.get(hazard);
          const { name, severity, meaning } = HAZARDS[hazard];
          return `${name} (${severity}): ${meaning} ${said === undefined ? 'Likely from the facts.' : `Your words: "${said.trim()}".`}`;
        }),
        questions: questions.map(questionLine),
        read: readLines(reading).slice(0, limits.read),
        notes: [
          ...reading.safeguards.map(({ name, rests }) =>
            short(`Already there, it seems: ${name}. ${rests}`, limits.text),
          ),
          ...stackNotes(context),
          ...notices(context),
          `Give an id for a pattern whole${full ? '' : ', or detail "full" for more patterns and all their points'}.`,
        ],
      }),
    };
  };
  return full ? build(0) : withinBudget(build, (one) => renderRecommendation(one, plain), LIMITS.length);
}

/** Patterns for which a fact, a hazard or much of the wording speaks, as long as they are not far behind the first. */
function worthListing(ranked: readonly Ranked[], text: ReadonlyMap<string, number>): Ranked[] {
  const top = ranked[0]?.score ?? 0;
  const most = Math.max(1e-9, ...text.values());
  return ranked.filter(
    ({ score, fits, removes, pattern }, i) =>
      i === 0 || (score > TAIL * top && (fits.length + removes.length > 0 || (text.get(pattern.id) ?? 0) > most / 2)),
  );
}

function entry(
  ranked: Ranked,
  context: Context,
  limits: Limits,
  detailed: boolean,
): NonNullable<Recommendation['patterns']>[number] {
  const { pattern, fits, against, removes } = ranked;
  const { reading, problemTerms, constraints } = context;
  const cut = (text: string) => short(text, limits.text);
  const like = closestSentence(pattern.signals, problemTerms, 2);
  const why = [
    cut(pattern.summary),
    ...(removes.length === 0 ? [] : [`Removes ${removes.map((hazard) => HAZARDS[hazard].name).join(', ')}.`]),
    ...fits.slice(0, detailed ? 4 : 2).map((signal) => fact(signal, reading)),
    ...(like === undefined || !detailed ? [] : [cut(`Reads like: ${like}`)]),
  ];
  const ban = constraints.find((constraint) => ruledOut(constraint, pattern));
  const constraintTerms = new Set(terms(constraints.join(' ')));
  const caution =
    closestSentence(pattern.notWhen, problemTerms, 2) ??
    closestSentence(pattern.tradeoffs, constraintTerms, 2) ??
    pattern.notWhen[0];
  const whyNot = [
    ...(ban === undefined ? [] : [`Your constraint "${clip(ban)}" speaks against it.`]),
    ...against.map((signal) => fact(signal, reading)),
    ...pattern.fits
      .filter((signal) => reading.signals.get(signal)?.is === false)
      .map((signal) => fact(signal, reading)),
    ...(caution === undefined ? [] : [cut(caution)]),
    ...(limits === FULL ? pattern.notWhen.filter((sentence) => sentence !== caution) : []),
  ];
  const controls = pattern.controls.map(({ watch, threshold }) =>
    threshold === undefined ? watch : `${watch}: ${threshold}`,
  );
  return {
    id: pattern.id,
    name: pattern.name,
    why,
    ...(detailed || ban !== undefined || against.length > 0 ? nonEmpty('whyNot', whyNot) : {}),
    ...(detailed ? nonEmpty('tradeoffs', pattern.tradeoffs.slice(0, limits.each).map(cut)) : {}),
    ...(detailed ? nonEmpty('controls', controls.slice(0, limits.each).map(cut)) : {}),
  };
}

// --- parts

/** A signal as its question with the answer and where that came from. */
function fact(signal: Signal, reading: Reading): string {
  const known = reading.signals.get(signal);
  if (known === undefined) return SIGNALS[signal];
  const from = known.from === GIVEN ? 'given' : `your words: "${known.from.trim()}"`;
  return `${SIGNALS[signal]} ${known.is ? 'Yes' : 'No'} (${from}).`;
}

function readLines(reading: Reading): string[] {
  return [...reading.signals].map(
    ([signal, { is, from }]) => `${is ? '' : 'not '}${signal}${from === GIVEN ? '' : ` ("${clip(from.trim())}")`}`,
  );
}

const questionLine = ({ signal, yes, no }: Question) => `${signal}: ${SIGNALS[signal]} If yes, ${yes}; if no, ${no}.`;

const notices = ({ catalogue }: Context) => catalogue.notices.filter((notice) => notice.startsWith('patterns/'));

/** Which phenomenon of a database decides whether a hazard can happen inside it. */
const INSIDE: readonly (readonly [Hazard, Phenomenon])[] = [
  ['lost-update', 'P4'],
  ['write-skew', 'G2-item'],
  ['phantom', 'G2'],
  ['read-skew', 'G-single'],
  ['dirty-read', 'G1a'],
];

/** What the default level of each named database does about the hazards found. */
function stackNotes({ given, catalogue, open }: Context): string[] {
  const notes: string[] = [];
  for (const database of namedDatabases(given, catalogue.databases).slice(0, 2)) {
    const level = database.levels.find((one) => one.default) ?? database.levels[0];
    if (level === undefined) continue;
    const states = INSIDE.filter(([hazard]) => open.includes(hazard)).map(
      ([hazard, id]) => `${HAZARDS[hazard].name} (${id}) ${level.phenomena[id].is}`,
    );
    if (states.length === 0) continue;
    notes.push(
      `${database.name} at its default, ${level.name} (really ${CONSISTENCY_MODELS[level.model.is].name}): ${states.join(', ')}. explain-isolation-level has the evidence.`,
    );
  }
  return notes;
}

function namedDatabases({ stack = [], problem = '' }: Input, databases: ReadonlyMap<string, Database>): Database[] {
  const found = new Set<Database>();
  for (const name of stack) {
    const reference = findDatabase(name, databases.values());
    if (reference !== undefined && reference.typo === undefined) found.add(reference.database);
  }
  const text = flatten(problem);
  for (const database of databases.values()) {
    const names = [database.id, database.name, ...database.aliases].map(words).filter((name) => name.length >= 4);
    if (names.some((name) => text.includes(` ${name} `))) found.add(database);
  }
  return [...found];
}
