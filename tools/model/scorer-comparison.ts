import { load } from '../../shared/matrix-factorization/scorer.ts';
import { nameOf } from '../../shared/matrix-factorization/scorer-registry.ts';
import { embeddingOf } from './embedded-rows.ts';
import { openEmbedder } from './embedders.ts';
import { type EvaluationLine, evaluate, LENGTH } from './evaluation.ts';
import { ALL_SOURCES } from './evaluation-scopes.ts';
import { formatComparison, formatEvaluation } from './evaluation-table.ts';
import type { Reference } from './find-reference.ts';
import { nearestPair } from './nearest-pair.ts';
import type { ChosenPair } from './pair-choice.ts';
import { gradedPrompt } from './training-figures.ts';
import type { TrainingSet } from './training-set.ts';

type Compared = {
  readonly set: TrainingSet;
  readonly pair: ChosenPair;
  /** The prompts of the set's first rows. */
  readonly prompts: readonly string[];
  readonly reference: Reference;
  /** The new scorer's name. */
  readonly name: string;
  /** Its win rate of a row, by a scorer that was not trained on it; undefined with too few rows. */
  readonly crossValidated: ((row: number) => number) | undefined;
};

export type ScorerComparison = {
  /** Figures of the new scorer, of the reference and of the baselines, over all rows. */
  readonly lines: readonly EvaluationLine[];
  /** One sentence that says which scorer to use, and why. */
  readonly recommendation: string;
  /** Whether the length of a prompt alone routes better than the new scorer. */
  readonly isWorse: boolean;
};

/** Fewer rows decide nothing. */
const MIN_ROWS = 30;

/** Compares a new scorer with a registered one and with the length of the prompt, on the same rows. */
export async function compareScorers(compared: Compared): Promise<ScorerComparison> {
  const { set, pair, name, crossValidated, reference } = compared;
  const rows = [...set.trainRows, ...set.heldOutRows].sort((a, b) => a - b);
  const known = rows.flatMap((row) => {
    const graded = gradedPrompt(set, row, pair);
    return graded === undefined ? [] : [{ row, graded }];
  });
  if (crossValidated === undefined || known.length < MIN_ROWS) {
    return undecided(
      `${known.length} rows grade ${pair.strong} and ${pair.weak}, which is too few to compare scorers`,
    );
  }
  const scored = known.map(({ row }) => row);
  // A scorer may be trained anew under the name of the one that it is compared with.
  const own = nameOf(reference.entry);
  const referenceName = own === name ? `${own} before` : own;
  const lines = evaluate(
    known.map(({ graded }) => graded),
    [
      { router: referenceName, winRates: await scoreWith(compared, scored) },
      { router: name, winRates: scored.map(crossValidated) },
    ],
  ).filter(({ source }) => source === ALL_SOURCES);
  return recommend(lines, name, referenceName);
}

/** Scores the rows with the reference, by the pair of its models that is nearest to the rows' pair. */
async function scoreWith(
  { set, pair, prompts, reference: { entry, modelsFolder } }: Compared,
  rows: readonly number[],
): Promise<number[]> {
  const scorer = await load(entry, modelsFolder);
  const nearest = nearestPair(entry, pair);
  const winRates: number[] = [];
  if (entry.embedder === set.embedder) {
    for (const row of rows) {
      winRates.push(await scorer.predictWinRate(embeddingOf(set.embedded, row), nearest));
    }
    return winRates;
  }
  const embedder = await openEmbedder({ embedder: entry.embedder, dimensions: entry.dimensions });
  const items = rows.map((row) => ({ id: String(row), text: prompts[row] ?? '' }));
  try {
    for await (const embedding of embedder.embedAll(items)) {
      winRates.push(await scorer.predictWinRate(embedding, nearest));
    }
  } finally {
    await embedder.close();
  }
  return winRates;
}

function recommend(
  lines: readonly EvaluationLine[],
  name: string,
  reference: string,
): ScorerComparison {
  const own = lines.find(({ router }) => router === name);
  const [toLength, toReference] = [LENGTH, reference].map((other) =>
    own?.comparisons?.find(({ than }) => than === other),
  );
  if (own?.quality === undefined || toLength === undefined || toReference === undefined) {
    return {
      ...undecided('the strong model is not better on these rows, so nothing can be routed'),
      lines,
    };
  }
  const isWorse = toLength.apgr < 0;
  const isBetter = toReference.apgr > 0;
  const isProven = (toReference.interval?.[0] ?? 0) > 0;
  const advice = isWorse
    ? `Do not use ${name}: the length of the prompt alone routes these rows better.`
    : isProven
      ? `Use ${name}: it routes these rows better than ${reference}, and better than the length of the prompt.`
      : isBetter
        ? `Keep ${reference} until you have more rows: ${name} is better on these, but by no more than chance can do.`
        : `Keep ${reference}: ${name} does not route these rows better.`;
  const facts = [toReference, toLength].map((comparison) => formatComparison(own, comparison));
  return { lines, isWorse, recommendation: `${advice} ${facts.join(' ')}` };
}

function undecided(reason: string): ScorerComparison {
  return {
    lines: [],
    isWorse: false,
    recommendation: `No scorer can be recommended: ${reason}. Measure it with model:evaluate before you use it.`,
  };
}

/** Formats the table and the recommendation. */
export function formatScorerComparison({ lines, recommendation }: ScorerComparison): string {
  const table = lines.length === 0 ? [] : [formatEvaluation(lines), ''];
  return [...table, recommendation].join('\n');
}
