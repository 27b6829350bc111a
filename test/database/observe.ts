import { type Answer, pause, type Server } from '../support/server.ts';

/** Sessions with their statements, and whose turn it is. */
export interface Schedule {
  /** Statements of each session, the last one ends its transaction. */
  readonly sessions: readonly (readonly string[])[];
  /** Session of each turn; a turn of a session that waits or is done is skipped. */
  readonly turns: readonly number[];
}

/** One turn: what was sent, and which statements were done when everything was at rest again. */
export interface Turn {
  readonly session: number;
  readonly statement: number;
  /** Done since the turn before, in the order in which they were seen to be done. */
  readonly done: readonly { readonly session: number; readonly statement: number; readonly answer: Answer }[];
  /** Sessions that wait now. */
  readonly waiting: readonly number[];
}

/**
 * Takes a real server through a schedule, one statement at a time. After each it waits until every session is done
 * or waits for a lock. Once the turns are used up, sessions go on in order until all are done.
 */
export async function observe(server: Server, schedule: Schedule): Promise<Turn[]> {
  const next = schedule.sessions.map(() => 0);
  const running = new Map<number, { statement: number; answer?: Answer }>();
  const arrived: number[] = [];
  const turns: Turn[] = [];
  const remaining = () => schedule.sessions.flatMap((own, i) => ((next[i] as number) < own.length ? [i] : []));

  const take = async (session: number): Promise<void> => {
    const statement = next[session] as number;
    next[session] = statement + 1;
    const entry: { statement: number; answer?: Answer } = { statement };
    running.set(session, entry);
    const sql = schedule.sessions[session]?.[statement] as string;
    const finished = server.run(session, sql).then((answer) => {
      entry.answer = answer;
      arrived.push(session);
    });
    await Promise.race([finished, pause(4)]);
    const done: Turn['done'][number][] = [];
    for (;;) {
      await settle();
      const fresh = arrived.splice(0).map((by) => {
        const { statement: index, answer } = running.get(by) as { statement: number; answer: Answer };
        running.delete(by);
        return { session: by, statement: index, answer };
      });
      done.push(...fresh);
      // A failed transaction is rolled back and its session stops; that may let others go on.
      const failed = fresh.filter(({ answer }) => 'error' in answer);
      for (const { session: by } of failed) {
        await server.run(by, 'rollback');
        next[by] = schedule.sessions[by]?.length ?? 0;
      }
      if (failed.length === 0) break;
    }
    turns.push({ session, statement, done, waiting: [...running.keys()].sort() });
  };

  /** Until every running statement is done or waits for one that is at rest. */
  const settle = async (): Promise<void> => {
    const deadline = performance.now() + 5000;
    for (;;) {
      const open = [...running].flatMap(([session, entry]) => (entry.answer ? [] : [session]));
      if (open.length === 0) return;
      const waiting = await server.waiting(open);
      const stillOpen = open.filter((session) => !running.get(session)?.answer);
      if (stillOpen.every((session) => waiting.has(session)) && !cyclic(waiting)) {
        await pause(1);
        const again = await server.waiting(stillOpen);
        if (stillOpen.every((session) => again.has(session) && !running.get(session)?.answer) && !cyclic(again)) return;
      }
      if (performance.now() > deadline) throw new Error(`schedule does not come to rest: ${JSON.stringify(schedule)}`);
      await pause(1);
    }
  };

  for (const session of schedule.turns) {
    if (!running.has(session) && (next[session] as number) < (schedule.sessions[session]?.length ?? 0)) {
      await take(session);
    }
  }
  for (let rest = remaining(); rest.length > 0; rest = remaining()) {
    const session = rest.find((candidate) => !running.has(candidate));
    if (session === undefined) throw new Error(`nobody can go on: ${JSON.stringify(schedule)}`);
    await take(session);
  }
  return turns;
}

/** Whether sessions wait for each other in a circle: then the server will soon abort one of them. */
function cyclic(waiting: ReadonlyMap<number, readonly number[] | undefined>): boolean {
  const reaches = (from: number, target: number, seen: Set<number>): boolean =>
    (waiting.get(from) ?? []).some((next) => {
      if (next === target) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, target, seen);
    });
  return [...waiting.keys()].some((session) => reaches(session, session, new Set()));
}
