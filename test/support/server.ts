/** What a real server answered to a statement. Values are text, as the server prints them. */
export type Answer =
  | { readonly rows: readonly (readonly (string | null)[])[]; readonly count: number }
  | { readonly error: string; readonly message: string };

/** Several sessions of one real server. */
export interface Server {
  readonly version: string;
  /** Sends a statement on a session; resolves when it is done, which may be after other sessions went on. */
  readonly run: (session: number, sql: string) => Promise<Answer>;
  /** Sessions that wait for a lock now, with those they wait for where the server tells. */
  readonly waiting: (sessions: readonly number[]) => Promise<Map<number, readonly number[] | undefined>>;
  readonly close: () => Promise<void>;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether a missing server is an error: in continuous integration nothing is skipped. */
export const SERVERS_REQUIRED = process.env.CI === 'true';

/** Opens a server, or says why there is none. */
export async function tryOpen(open: () => Promise<Server>): Promise<{ server?: Server; reason: string }> {
  try {
    const server = await open();
    return { server, reason: server.version };
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    if (SERVERS_REQUIRED) throw new Error(`CI needs this server: ${reason}`);
    return { reason: `skipped: ${reason}` };
  }
}
