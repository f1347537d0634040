import type { CalibrationTarget } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';

/** The target that the threshold should reach. */
export type CalibrationGoal = CalibrationTarget & {
  /** Largest allowed distance of the figure from its promised value, in the unit of the target. */
  readonly tolerance: number;
  /** Cost of 1,000 requests to each model in USD; absent if the rows give the cost of each request. */
  readonly prices?: { readonly strong: number; readonly weak: number };
};

type Kind = CalibrationTarget['kind'];

export const TARGETS: readonly Kind[] = ['strong-share', 'cost-per-1000', 'max-loss'];

/**
 * Range of strong shares. The app keeps 101 quantiles: nearer to 0 or 1 a share is a guess between
 * the last two.
 */
const SHARES = { min: 0.01, max: 0.99 };

const LEAST = 1e-9;

/** Formats a share in percent, a cost in USD, a loss as a part of 1. */
export function formatFigure(kind: Kind, figure: number): string {
  switch (kind) {
    case 'strong-share':
      return `${(100 * figure).toFixed(1)}%`;
    case 'cost-per-1000':
      return String(Number(figure.toPrecision(4)));
    case 'max-loss':
      return figure.toFixed(4);
  }
}

/** Reads the target and its options. Throws an InputError when something does not fit. */
export function readGoal(commandLine: CommandLine): CalibrationGoal {
  const given = TARGETS.filter((kind) => commandLine.text(kind) !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    throw new InputError(
      `Give exactly one target: ${TARGETS.map((name) => `--${name}`).join(', ')}.`,
    );
  }
  const prices = readPrices(commandLine, kind);
  const isPredicted = commandLine.flag('predicted');
  if (isPredicted && kind !== 'max-loss') {
    throw new InputError('--predicted needs --max-loss: only a loss can be predicted.');
  }
  const value = readNumber(commandLine, kind, rangeOf(kind)) ?? 0;
  const tolerance = readNumber(commandLine, 'tolerance', { min: LEAST, max: 1 });
  return {
    kind,
    value,
    basis: isPredicted ? 'predicted' : prices === undefined ? 'measured' : 'stated',
    tolerance: toleranceOf(kind, value, tolerance),
    ...(prices && { prices }),
  };
}

/** Returns the goal of a strong share, with the default tolerance. */
export function shareGoal(share: number): CalibrationGoal {
  const value = Math.min(Math.max(share, SHARES.min), SHARES.max);
  return {
    kind: 'strong-share',
    value,
    basis: 'measured',
    tolerance: toleranceOf('strong-share', value, undefined),
  };
}

function rangeOf(kind: Kind): Range {
  switch (kind) {
    case 'strong-share':
      return SHARES;
    case 'cost-per-1000':
      return { min: LEAST };
    case 'max-loss':
      return { min: LEAST, max: 1 };
  }
}

/**
 * Returns the tolerance: 0.05 for a share, a tenth of a cost, 0.02 for a loss. It is at most half
 * of a small share and at most a small loss itself: a share of "0.02, give or take 0.05" would
 * promise nothing.
 */
function toleranceOf(kind: Kind, value: number, given: number | undefined): number {
  switch (kind) {
    case 'strong-share':
      return given ?? Math.min(0.05, value / 2, (1 - value) / 2);
    case 'cost-per-1000':
      return value * (given ?? 0.1);
    case 'max-loss':
      return given ?? Math.min(0.02, value);
  }
}

function readPrices(commandLine: CommandLine, kind: Kind): CalibrationGoal['prices'] {
  const strong = readNumber(commandLine, 'strong-cost', { min: 0 });
  const weak = readNumber(commandLine, 'weak-cost', { min: 0 });
  if (strong === undefined && weak === undefined) return undefined;
  if (kind !== 'cost-per-1000') {
    throw new InputError('--strong-cost and --weak-cost need --cost-per-1000.');
  }
  if (strong === undefined || weak === undefined) {
    throw new InputError('--strong-cost and --weak-cost are needed together.');
  }
  return { strong, weak };
}

type Range = { readonly min: number; readonly max?: number };

function readNumber(commandLine: CommandLine, name: string, range: Range): number | undefined {
  const text = commandLine.text(name);
  if (text === undefined) return undefined;
  const { min, max = 1e9 } = range;
  const value = /^(\d+(\.\d*)?|\.\d+)(e-?\d{1,3})?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InputError(`--${name} must be a number from ${min} to ${max}, got "${text}".`);
}
