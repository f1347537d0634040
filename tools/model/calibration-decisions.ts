import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { InputError } from '../command-line/input-error.ts';
import { type AskRouter, RouterError } from '../running-router/ask-router.ts';
import { type Decision, readDecisions } from '../running-router/decisions.ts';

type DecisionsOptions = {
  readonly ask: AskRouter;
  /** `id@version` of the scorer: decisions of other scorers say nothing about this one. */
  readonly scorer: string;
  readonly pair: ModelPair;
  /** The largest number of decisions to read; the newest are read first. */
  readonly limit: number;
};

export type RecordedWinRates = {
  readonly winRates: readonly number[];
  readonly skipped: {
    readonly otherScorer: number;
    readonly otherPair: number;
    readonly noWinRate: number;
  };
  /** The threshold that most decisions were compared with; absent if there are no decisions. */
  readonly inForce?: {
    readonly threshold: number;
    /**
     * Share of the calibration's prompts that reach the threshold, as promised; absent if no
     * percentiles are known.
     */
    readonly promised?: number;
  };
};

/** Reads the win rates of the newest decisions, page by page. Throws an InputError when it cannot. */
export async function readRecordedWinRates(options: DecisionsOptions): Promise<RecordedWinRates> {
  const { ask, scorer, pair, limit } = options;
  const used: (Decision & { readonly win_rate: number })[] = [];
  const skipped = { otherScorer: 0, otherPair: 0, noWinRate: 0 };
  try {
    for await (const decision of readDecisions(ask, { limit })) {
      const { win_rate: winRate } = decision;
      if (winRate == null) skipped.noWinRate += 1;
      else if (decision.scorer !== scorer) skipped.otherScorer += 1;
      else if (!isOf(pair, decision)) skipped.otherPair += 1;
      else used.push({ ...decision, win_rate: winRate });
    }
  } catch (error) {
    if (error instanceof RouterError) throw new InputError(error.message);
    throw error;
  }
  const inForce = findThreshold(used);
  return { winRates: used.map((one) => one.win_rate), skipped, ...(inForce && { inForce }) };
}

function isOf(pair: ModelPair, { scorer_strong: strong, scorer_weak: weak }: Decision): boolean {
  return strong === pair.strong && weak === pair.weak;
}

function findThreshold(
  decisions: readonly (Decision & { readonly win_rate: number })[],
): RecordedWinRates['inForce'] {
  const groups = Map.groupBy(decisions, ({ threshold }) => threshold);
  const [most] = [...groups].toSorted(([, a], [, b]) => b.length - a.length);
  const threshold = most?.[0];
  if (most === undefined || threshold == null) return undefined;
  const known = most[1].flatMap(({ win_rate: winRate, percentile }) =>
    percentile == null ? [] : [{ winRate, percentile }],
  );
  if (known.length === 0) return { threshold };
  // Interpolates between the last win rate below the threshold and the first that reaches it.
  const below = known.filter(({ winRate }) => winRate < threshold);
  const above = known.filter(({ winRate }) => winRate >= threshold);
  const last = Math.max(0, ...below.map(({ percentile }) => percentile));
  const first = Math.min(1, ...above.map(({ percentile }) => percentile));
  return { threshold, promised: 1 - (last + first) / 2 };
}
