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
    readonly trainedOn: string;
    /** How many of the measured prompts it was trained on; absent where it keeps no list of them. */
    readonly seenPrompts?: number;
  }[];
  readonly settings: EvaluationSettings;
  readonly lines: readonly EvaluationLine[];
  readonly curves: readonly CurveFamily[];
  readonly auc?: readonly AucLine[];
};

/** Formats the table and the comparison of the scorers below it, for a terminal. */
export function formatReport({
  lines,
  scorers = [],
  auc = [],
}: Pick<EvaluationReport, 'lines' | 'auc'> & Partial<EvaluationReport>): string {
  const comparisons = lines
    .filter(({ source }) => source === ALL_SOURCES)
    .flatMap((line) => line.comparisons?.map((one) => formatComparison(line, one)) ?? []);
  const aucs = auc.map(
    ({ router, lower, higher, auc: value }) =>
      `${router}: AUC ${decimals(value)} of ${higher} above ${lower}.`,
  );
  const table = lines.length === 0 ? [] : [formatEvaluation(lines), ''];
  const training = scorers.map((scorer) => describeTraining(scorer, lines[0]?.prompts ?? 0));
  return [...table, ...comparisons, ...aucs, ...training].join('\n');
}

/** Says whether the figures of a scorer are of prompts that it was trained on. */
export function describeTraining(
  { name, trainedOn, seenPrompts }: EvaluationReport['scorers'][number],
  prompts: number,
): string {
  if (seenPrompts === undefined) {
    return `${name}: not known whether it was trained on any of these prompts, since it keeps no list of its own (${trainedOn}).`;
  }
  if (seenPrompts === 0) return `${name}: trained on none of these prompts (${trainedOn}).`;
  return `WARNING: ${name} was trained on ${seenPrompts} of these ${prompts} prompts, so its figures are too good (${trainedOn}).`;
}
