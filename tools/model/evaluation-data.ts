import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { InputError } from '../command-line/input-error.ts';
import type { GradedPrompt } from './evaluation-scopes.ts';
import type { BadLineTolerance } from './json-lines.ts';
import { hashPrompt } from './prompt-hashes.ts';
import { type RoutingRow, readRoutingRows } from './routing-rows.ts';

export type EvaluationData = {
  readonly paths: readonly string[];
  readonly tolerance: BadLineTolerance;
  readonly pair: ModelPair;
  /** Sources whose rows are scored even if they are not graded. */
  readonly alsoSources: readonly string[];
};

/** A row that is scored, without its text. */
export type ScoredRow = {
  readonly source: string;
  readonly characters: number;
  /** The hash by which a scorer knows the prompts that it was trained on. */
  readonly hash: number;
  /** Grades; absent where the outcome of the pair is unknown, or only assumed. */
  readonly graded?: GradedPrompt;
};

/** Reads the data once and keeps its numbers. Throws an InputError when there is nothing to measure. */
export async function collectRows(data: EvaluationData): Promise<readonly ScoredRow[]> {
  const { paths, tolerance, pair } = data;
  const rows: ScoredRow[] = [];
  const models = new Set<string>();
  let count = 0;
  for await (const row of readRoutingRows(paths, tolerance)) {
    count += 1;
    for (const model of modelsOf(row)) models.add(model);
    const scored = selectRow(row, data);
    if (scored !== undefined) rows.push(scored);
  }
  if (count === 0) throw new InputError('The data has no rows: --data names JSON lines.');
  for (const model of [pair.strong, pair.weak]) {
    if (models.has(model)) continue;
    const known = [...models].sort().join(', ');
    throw new InputError(`No row of the data knows "${model}". It knows ${known}.`);
  }
  for (const source of data.alsoSources) {
    if (rows.some((row) => row.source === source)) continue;
    throw new InputError(`--auc: no row of the data has the source "${source}".`);
  }
  checkGap(rows, data);
  return rows;
}

/** Returns the row's numbers, or undefined if the row is not scored. */
export function selectRow(
  row: RoutingRow,
  { pair, alsoSources }: Pick<EvaluationData, 'pair' | 'alsoSources'>,
): ScoredRow | undefined {
  const { source, prompt, assumed, costs } = row;
  const known = { source, characters: prompt.length, hash: hashPrompt(prompt) };
  const scores = assumed ? undefined : scoresOf(row, pair);
  if (scores === undefined) {
    return alsoSources.includes(source) ? known : undefined;
  }
  const [strong, weak] = [costs?.get(pair.strong), costs?.get(pair.weak)];
  const hasCosts = strong !== undefined && weak !== undefined;
  return {
    ...known,
    graded: {
      source,
      characters: prompt.length,
      ...scores,
      ...(hasCosts && { costs: { strong, weak } }),
    },
  };
}

/**
 * Returns the pair's scores. A preference counts as 1 for the winner, 0 for the other, and half
 * each for a tie.
 */
function scoresOf(
  { scores, preference }: RoutingRow,
  pair: ModelPair,
): Pick<GradedPrompt, 'strong' | 'weak'> | undefined {
  if (preference !== undefined) {
    const { modelA, modelB, winA } = preference;
    if (modelA === pair.strong && modelB === pair.weak) return { strong: winA, weak: 1 - winA };
    if (modelA === pair.weak && modelB === pair.strong) return { strong: 1 - winA, weak: winA };
    return undefined;
  }
  const [strong, weak] = [scores?.get(pair.strong), scores?.get(pair.weak)];
  return strong === undefined || weak === undefined ? undefined : { strong, weak };
}

function modelsOf({ scores, preference }: RoutingRow): Iterable<string> {
  return scores?.keys() ?? (preference ? [preference.modelA, preference.modelB] : []);
}

function checkGap(rows: readonly ScoredRow[], { pair, alsoSources }: EvaluationData): void {
  const { strong, weak } = pair;
  const graded = rows.flatMap((row) => row.graded ?? []);
  if (graded.length === 0) {
    if (alsoSources.length > 0) return;
    throw new InputError(
      `No row of the data grades both "${strong}" and "${weak}" (rows marked "assumed" prove nothing).`,
    );
  }
  const gap = graded.reduce((sum, row) => sum + row.strong - row.weak, 0) / graded.length;
  if (gap > 0) return;
  const areEqual = graded.every((row) => row.strong === row.weak);
  throw new InputError(
    areEqual
      ? `"${strong}" and "${weak}" score the same on every row: there is no gap to recover.`
      : `"${strong}" is not better than "${weak}" on these ${graded.length} rows (mean difference ${gap.toFixed(3)}): there is no gap to recover.`,
  );
}
