import type { Limits } from './engine.ts';

/** What a watchdog asks and does. */
export interface Watched {
  readonly limits: Limits;
  /** Bytes that the scratch database holds now; undefined where the engine cannot say. */
  readonly size: () => Promise<number | undefined>;
  /** Ends the statement from outside, whatever it catches. */
  readonly kill: (reason: string) => Promise<void>;
}

const PERIOD = 250;
const GRACE = 1_000;

/**
 * Guards one statement against what the engine's own limits cannot: a session may switch its time limit off or catch
 * the cancellation, and no setting bounds the size of tables. Looks from time to time while the statement runs.
 *
 * @returns a function that ends the watch.
 */
export function watch(watched: Watched): () => void {
  const started = Date.now();
  let over = false;
  let timer = setTimeout(look, PERIOD);
  async function look() {
    const reason = await exceeded().catch(() => undefined);
    if (over) return;
    if (reason === undefined) timer = setTimeout(look, PERIOD);
    else await watched.kill(reason).catch(() => {});
  }
  async function exceeded(): Promise<string | undefined> {
    const { statement, bytes } = watched.limits;
    if (Date.now() - started > statement + GRACE) return `ended after ${statement} ms, the limit for a statement`;
    const size = await watched.size();
    return size !== undefined && size > bytes
      ? `ended because the scratch database holds more than ${Math.round(bytes / 1024 / 1024)} MiB`
      : undefined;
  }
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
