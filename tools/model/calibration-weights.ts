import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { InputError } from '../command-line/input-error.ts';
import type { CalibrationGoal } from './calibration-goal.ts';
import type { WeighedPrompt } from './calibration-threshold.ts';

/** Facts about a prompt of the sample, in addition to its win rate. */
export type KnownFacts = {
  /** Graded answers by model, from 0 to 1. */
  readonly scores?: ReadonlyMap<string, number>;
  /** USD of one request, by model. */
  readonly costs?: ReadonlyMap<string, number>;
};

/** Returns what a prompt adds to the figure of the goal, or undefined when the facts are unknown. */
export type Weigh = (winRate: number, facts?: KnownFacts) => WeighedPrompt | undefined;

export function createWeigh(goal: CalibrationGoal, pair: ModelPair): Weigh {
  const { kind, basis, prices } = goal;
  switch (kind) {
    case 'strong-share':
      return (winRate) => ({ winRate, ifStrong: 1, ifWeak: 0 });
    case 'cost-per-1000':
      return (winRate, { costs } = {}) => {
        const ifStrong = prices?.strong ?? perThousand(costs?.get(pair.strong));
        const ifWeak = prices?.weak ?? perThousand(costs?.get(pair.weak));
        if (ifStrong === undefined || ifWeak === undefined) return undefined;
        return { winRate, ifStrong, ifWeak };
      };
    case 'max-loss':
      return (winRate, { scores } = {}) => {
        const [strong, weak] = [scores?.get(pair.strong), scores?.get(pair.weak)];
        if (basis === 'predicted') return { winRate, ifStrong: 0, ifWeak: predictedLoss(winRate) };
        if (strong === undefined || weak === undefined) return undefined;
        return { winRate, ifStrong: 0, ifWeak: strong - weak };
      };
  }
}

/** Returns an error that names the facts that the goal needs and the sample lacks. */
export function missingFacts({ kind }: CalibrationGoal, pair: ModelPair): InputError {
  const models = `${pair.strong} and ${pair.weak}`;
  return new InputError(
    kind === 'max-loss'
      ? `--max-loss is measured on graded answers of ${models}, but the sample has none. Add "scores" to its rows, or --predicted to trust the scorer's own win rates instead.`
      : `--cost-per-1000 needs the cost of a request with ${models}, which the sample lacks. Add "costs" to its rows, or give --strong-cost and --weak-cost.`,
  );
}

function perThousand(cost: number | undefined): number | undefined {
  return cost === undefined ? undefined : 1000 * cost;
}

/**
 * Returns the loss that a win rate predicts. A win rate stands for 0.5 + (strong - weak) / 2, so
 * that the difference is 2 (win rate - 0.5). Predictions that the weak model is better are ignored:
 * they would pay for losses elsewhere.
 */
function predictedLoss(winRate: number): number {
  return Math.max(0, 2 * (winRate - 0.5));
}
