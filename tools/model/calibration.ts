import { percentiles } from '../../shared/policy/quantiles.ts';
import { InputError } from '../command-line/input-error.ts';
import { type CalibrationGoal, formatFigure } from './calibration-goal.ts';
import {
  bootstrapInterval,
  HELD_OUT_ONE_IN,
  type Interval,
  split,
  standardDeviation,
} from './calibration-statistics.ts';
import {
  chooseThreshold,
  figureAt,
  figureOf,
  NORMAL_95,
  reachableFigures,
  type SortedPrompts,
  strongShareAt,
  type WeighedPrompt,
} from './calibration-threshold.ts';

/**
 * With fewer held-out prompts no interval of a mean is reliable: 3% of the prompts can be missing
 * entirely.
 */
const FEWEST_HELD_OUT = 100;

/**
 * The held-out part has 1/n of the variance, and the part that the threshold comes from adds half
 * of that.
 */
const BOTH_PARTS = Math.sqrt(1 + 1 / (HELD_OUT_ONE_IN - 1));

export type CalibrationResult = {
  /** Number of prompts that the threshold and the quantiles come from. */
  readonly rows: number;
  readonly quantiles: number[];
  readonly threshold: number;
  readonly thresholdInterval: Interval;
  /** Figures on the held-out prompts, in the unit of the target. */
  readonly achieved: {
    readonly rows: number;
    readonly value: number;
    readonly interval: Interval;
    readonly strongShare: number;
  };
};

/**
 * Chooses a threshold on two thirds of the prompts and tries it on the others. Throws an InputError
 * when the target is out of reach, when the sample is too small to promise the figure within the
 * tolerance, or when the held-out prompts contradict it.
 */
export function calibrate(
  prompts: readonly WeighedPrompt[],
  goal: CalibrationGoal,
  random: () => number,
): CalibrationResult {
  const sorted = [...prompts].sort((a, b) => a.winRate - b.winRate);
  checkDifferent(sorted);
  if (sorted.length < HELD_OUT_ONE_IN * FEWEST_HELD_OUT) {
    throw tooSmall(sorted.length, promptsNeeded(knownDeviation(goal) ?? 0, goal.tolerance));
  }
  checkRange(sorted, goal);
  const { fit, heldOut } = split(sorted, random);
  const threshold = chooseThreshold(fit, goal);
  checkReached(fit, threshold, goal);
  const value = figureAt(heldOut, threshold);
  const interval = bootstrapInterval(heldOut, (sample) => figureAt(sample, threshold), random);
  checkPromise({ sorted, heldOut, threshold, value, interval, goal });
  return {
    rows: fit.length,
    quantiles: percentiles(fit.map(({ winRate }) => winRate)),
    threshold,
    thresholdInterval: bootstrapInterval(fit, (sample) => chooseThreshold(sample, goal), random),
    achieved: {
      rows: heldOut.length,
      value,
      interval,
      strongShare: strongShareAt(heldOut, threshold),
    },
  };
}

function checkDifferent(sorted: SortedPrompts): void {
  const [least, most] = [sorted.at(0)?.winRate, sorted.at(-1)?.winRate];
  if (least === undefined) throw new InputError('The sample has no usable prompt.');
  if (sorted.length > 1 && least === most) {
    throw new InputError(
      `All ${sorted.length} prompts have the same win rate: no threshold separates them, so all of them go to one model. The scorer cannot route these prompts.`,
    );
  }
}

/** Throws unless the two ends of the threshold leave a range to choose from. */
function checkRange(sorted: SortedPrompts, goal: CalibrationGoal): void {
  if (goal.kind === 'strong-share') return;
  const alwaysWeak = figureAt(sorted, Number.POSITIVE_INFINITY);
  const alwaysStrong = figureAt(sorted, Number.NEGATIVE_INFINITY);
  const [wanted, weak, strong] = [goal.value, alwaysWeak, alwaysStrong].map((figure) =>
    formatFigure(goal.kind, figure),
  );
  if (goal.kind === 'max-loss') {
    if (goal.value < alwaysWeak) return;
    throw new InputError(
      `A loss of ${wanted} is out of range: even using only the weak model loses just ${weak}, so there is nothing to choose. Ask for a smaller loss.`,
    );
  }
  if (alwaysStrong <= alwaysWeak) {
    throw new InputError(
      `The strong model costs no more than the weak one (${strong} and ${weak} USD per 1,000 requests): a budget does not choose between them.`,
    );
  }
  if (goal.value >= alwaysWeak && goal.value < alwaysStrong) return;
  throw new InputError(
    `${wanted} USD per 1,000 requests are out of reach: using only the weak model costs ${weak}, using only the strong one costs ${strong}. Ask for a budget in between.`,
  );
}

/** Prompts with equal win rates go to the same model, which can leave a gap around the target. */
function checkReached(fit: SortedPrompts, threshold: number, goal: CalibrationGoal): void {
  const { kind, value, tolerance } = goal;
  if (kind === 'max-loss') {
    if (threshold > 0) return;
    throw new InputError(
      `No prompt can go to the weak model with a loss that is reliably within ${formatFigure(kind, value)}: the upper end of its 95% interval is above it from the first prompt on. Give more prompts, or allow a greater loss.`,
    );
  }
  if (Math.abs(figureAt(fit, threshold) - value) <= tolerance) return;
  let [below, above] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { figure } of reachableFigures(fit)) {
    if (figure <= value) below = Math.max(below, figure);
    else above = Math.min(above, figure);
  }
  throw new InputError(
    `The target ${formatFigure(kind, value)} cannot be reached: too many prompts have the same win rate, and such prompts go to the same model. The nearest reachable values are ${formatFigure(kind, below)} and ${formatFigure(kind, above)}.`,
  );
}

type Tried = {
  readonly sorted: SortedPrompts;
  readonly heldOut: SortedPrompts;
  readonly threshold: number;
  readonly value: number;
  readonly interval: Interval;
  readonly goal: CalibrationGoal;
};

/** Throws unless the held-out figure is known to the tolerance and does not contradict the target. */
function checkPromise({ sorted, heldOut, threshold, value, interval, goal }: Tried): void {
  const root = Math.sqrt(heldOut.length);
  // The wider deviation of the interval and of all prompts counts, unless the target itself determines it.
  const deviation =
    knownDeviation(goal) ??
    Math.max(
      standardDeviation(sorted.map((prompt) => figureOf(prompt, threshold))),
      ((interval[1] - interval[0]) / 2 / NORMAL_95) * root,
    );
  const halfWidth = (NORMAL_95 * deviation) / root;
  if (halfWidth > goal.tolerance) {
    throw tooSmall(sorted.length, promptsNeeded(deviation, goal.tolerance), { ...goal, halfWidth });
  }
  const isConfirmed =
    goal.kind === 'max-loss'
      ? interval[0] <= goal.value
      : Math.abs(value - goal.value) <= goal.tolerance;
  if (isConfirmed) return;
  // Both parts are samples, so their difference varies more than one part by this factor.
  const needed = promptsNeeded(deviation * BOTH_PARTS, goal.tolerance);
  throw new InputError(
    `The held-out prompts do not confirm the promise: they give ${formatFigure(goal.kind, value)} instead of ${formatFigure(goal.kind, goal.value)}, with an allowed difference of ${formatFigure(goal.kind, goal.tolerance)}. ${sorted.length < needed ? `With ${needed} prompts this would hardly happen by chance.` : 'That is more than chance: give more prompts of the expected kind.'}`,
  );
}

/**
 * Returns the deviation of one prompt's contribution, if the target alone determines it: that of
 * the share within the tolerance that is hardest to measure, the one nearest to a half.
 */
function knownDeviation({ kind, value, tolerance }: CalibrationGoal): number | undefined {
  if (kind !== 'strong-share') return undefined;
  const share = Math.min(Math.max(0.5, value - tolerance), value + tolerance);
  return Math.sqrt(share * (1 - share));
}

/**
 * Returns the number of prompts for which the held-out interval of 1.96 deviations is within the
 * tolerance.
 */
function promptsNeeded(deviation: number, tolerance: number): number {
  const heldOut = Math.ceil(((NORMAL_95 * deviation) / tolerance) ** 2);
  return HELD_OUT_ONE_IN * Math.max(FEWEST_HELD_OUT, heldOut);
}

function tooSmall(
  prompts: number,
  needed: number,
  known?: Pick<CalibrationGoal, 'kind' | 'tolerance'> & { readonly halfWidth: number },
): InputError {
  const why =
    known &&
    `: its held-out third determines the figure to ${formatFigure(known.kind, known.halfWidth)} up or down, but ${formatFigure(known.kind, known.tolerance)} is promised`;
  return new InputError(
    `A sample of ${prompts} prompts is too small${why ?? ''}. At least ${needed} prompts are needed${known ? ', or a greater --tolerance' : ''}.`,
  );
}
