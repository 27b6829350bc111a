import type { Design } from '../../design/design.ts';
import type { Engine } from '../../design/engine.ts';
import { type OperationLevel, robustness } from '../../robustness/index.ts';

/**
 * What can be said of any data, beside what was explored on the given rows: whether all operations stay serializable,
 * and the weakest level for each that keeps them so. Nothing where it could not be decided.
 */
export async function anyData(design: Design, engine: Engine, milliseconds: number): Promise<string[]> {
  if (milliseconds < 50 || design.components.length > 0 || !design.schema?.trim()) return [];
  if (
    design.operations.some(
      (operation) => operation.transaction === 'none' || operation.steps.some((step) => /^begin/i.test(step)),
    )
  )
    return [];
  const report = await robustness(design, engine, milliseconds);
  if (!report.analysed || report.robust === undefined) return [];
  const verdict = report.robust
    ? `Serializable for any data at the present levels (${report.bounds}).`
    : `Not serializable for every data at the present levels (${report.bounds}); whether a rule of yours breaks depends on it.`;
  const weakest = report.levels.filter((level) => level.weakest !== undefined && level.weakest !== level.present);
  return [
    verdict,
    ...(weakest.length > 0 ? [`Weakest levels that keep all operations serializable: ${list(report.levels)}.`] : []),
    ...(report.promotion
      ? [
          `With ${report.promotion.change} in ${report.promotion.operation}, step "${report.promotion.step}": ${list(report.promotion.levels)}.`,
        ]
      : []),
  ];
}

const list = (levels: readonly OperationLevel[]) =>
  levels.map(({ operation, present, weakest }) => `${operation} ${weakest ?? present}`).join(', ');
