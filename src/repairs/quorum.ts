import type { Repair } from './repair.ts';

/** Read and write quorums that overlap: w + r > n. */
export const quorum: Repair = {
  id: 'overlapping-quorums',
  cost: 3,
  patterns: ['leaderless-quorum'],
  apply: (design) => {
    const weak = design.components.filter(
      ({ kind, n, r, w }) => kind === 'store' && typeof n === 'number' && n > 1 && size(r, n) + size(w, n) <= n,
    );
    if (weak.length === 0) return [];
    const majority = (n: unknown) => Math.floor(Number(n) / 2) + 1;
    return [
      {
        title: `Overlapping quorums (w + r > n) in ${weak.map((store) => store.name).join(', ')}`,
        change: weak.map((store) => `${store.name}: r: ${majority(store.n)}, w: ${majority(store.n)}`),
        design: {
          ...design,
          components: design.components.map((store) =>
            weak.includes(store) ? { ...store, r: majority(store.n), w: majority(store.n) } : store,
          ),
        },
      },
    ];
  },
};

const size = (given: unknown, n: number) => (typeof given === 'number' ? given : Math.floor(n / 2) + 1);
