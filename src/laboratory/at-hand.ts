import { EngineAbsent, type EngineKind, failure, type Laboratory, type OpenOptions } from './engine.ts';
import { ENGINES, EVIDENCE_ENGINES } from './engines/index.ts';

/** A way to get evidence: an engine with the settings to try. */
export interface Candidate {
  readonly name: string;
  readonly open: () => Promise<Laboratory>;
}

const SNAPSHOT_ISOLATION = 'innodb_snapshot_isolation';

/**
 * All engines that might be at hand. MariaDB is tried with both values of the setting that decides its REPEATABLE READ;
 * a server without the setting is absent for them and tried as it is.
 */
export function candidates(options: OpenOptions = {}): Candidate[] {
  const plain = ({ id, open }: EngineKind): Candidate => ({ name: id, open: () => open(options) });
  return [...ENGINES, ...EVIDENCE_ENGINES].flatMap((kind) => {
    if (kind.id !== 'mysql-server') return [plain(kind)];
    const settings = ['OFF', 'ON'].map(
      (value): Candidate => ({
        name: `${kind.id}, ${SNAPSHOT_ISOLATION}=${value}`,
        open: () => kind.open({ ...options, settings: { [SNAPSHOT_ISOLATION]: value } }),
      }),
    );
    const without: Candidate = {
      name: kind.id,
      open: async () => {
        const laboratory = await kind.open(options);
        if (laboratory.facts.settings[SNAPSHOT_ISOLATION] === undefined) return laboratory;
        await laboratory.close();
        throw new EngineAbsent(`the server has ${SNAPSHOT_ISOLATION}, and both its values are tried`);
      },
    };
    return [...settings, without];
  });
}

/**
 * Opens a candidate, works with it and closes it, whatever happens.
 *
 * @returns the reason why the engine is absent, or what the work gave.
 */
export async function withLaboratory<T>(
  candidate: Candidate,
  work: (laboratory: Laboratory) => Promise<T>,
): Promise<{ readonly absent: string } | { readonly result: T }> {
  let laboratory: Laboratory;
  try {
    laboratory = await candidate.open();
  } catch (error) {
    if (error instanceof EngineAbsent) return { absent: failure(error).message };
    throw error;
  }
  try {
    return { result: await work(laboratory) };
  } finally {
    await laboratory.close();
  }
}
