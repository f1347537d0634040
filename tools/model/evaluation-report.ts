import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import type { EvaluationLine, EvaluationSettings } from './evaluation.ts';
import type { AucLine } from './evaluation-auc.ts';
import type { CurveFamily } from './evaluation-curves.ts';
import { ALL_SOURCES } from './evaluation-scopes.ts';
import { decimals, formatComparison, formatEvaluation } from './evaluation-table.ts';

/** Everything that an evaluation found, as written to `report.json`. It contains no prompt. */
export type EvaluationReport = {
  readonly pair: ModelPair;
  /** Names of the data files, without their folders. */
  readonly data: readonly string[];
  readonly scorers: readonly {
    readonly name: string;
    readonly version: string;
    readonly embedder: string;
    /** The two of the scorer's models that stand for the pair. */
    readonly pair: ModelPair;
  }[];
  readonly settings: EvaluationSettings;
  readonly lines: readonly EvaluationLine[];
  readonly curves: readonly CurveFamily[];
  readonly auc?: readonly AucLine[];
};

/** Formats the table and the comparison of the scorers below it, for a terminal. */
export function formatReport({ lines, auc = [] }: Pick<EvaluationReport, 'lines' | 'auc'>): string {
  const comparisons = lines
    .filter(({ source }) => source === ALL_SOURCES)
    .flatMap((line) => line.comparisons?.map((one) => formatComparison(line, one)) ?? []);
  const aucs = auc.map(
    ({ router, lower, higher, auc: value }) =>
      `${router}: AUC ${decimals(value)} of ${higher} above ${lower}.`,
  );
  const table = lines.length === 0 ? [] : [formatEvaluation(lines), ''];
  return [...table, ...comparisons, ...aucs].join('\n');
}
