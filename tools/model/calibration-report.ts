import type { CalibrationTarget } from '../../shared/matrix-factorization/scorer-registry.ts';
import { percentileOf } from '../../shared/policy/threshold.ts';
import type { CalibrationResult } from './calibration.ts';
import { formatFigure } from './calibration-goal.ts';
import type { Interval } from './calibration-statistics.ts';

const MEANINGS: Readonly<Record<CalibrationTarget['kind'], string>> = {
  'strong-share': 'of the requests go to the strong model',
  'cost-per-1000': 'USD per 1,000 requests',
  'max-loss': 'mean score lost at most, compared with only the strong model',
};

const BASES: Readonly<Record<CalibrationTarget['basis'], string>> = {
  measured: '',
  stated: ', from the given prices',
  predicted: ', predicted by the scorer: no answer was graded',
};

type Calibrated = CalibrationResult & {
  /** `id@version` of the calibration, and of the scorer. */
  readonly name: string;
  readonly scorer: string;
  readonly pair: { readonly strong: string; readonly weak: string };
  readonly data: string;
  readonly target: CalibrationTarget;
};

/**
 * Formats the calibration for people: percentiles and shares, and the win rate itself once,
 * exactly, to be copied.
 */
export function formatCalibration(calibrated: Calibrated): string {
  const { target, quantiles, threshold, thresholdInterval, achieved } = calibrated;
  const figure = (value: number): string => formatFigure(target.kind, value);
  const place = (winRate: number): string => percent(percentileOf(quantiles, winRate));
  const lines = [
    ['calibration', `${calibrated.name} of the scorer ${calibrated.scorer}`],
    ['pair', `${calibrated.pair.strong} (strong) over ${calibrated.pair.weak} (weak)`],
    [
      'sample',
      `${calibrated.data}: ${calibrated.rows} prompts to choose from, ${achieved.rows} held out`,
    ],
    ['target', `${figure(target.value)} ${MEANINGS[target.kind]}${BASES[target.basis]}`],
    [
      'threshold',
      `above ${place(threshold)} of the prompts' win rates (95%: ${range(thresholdInterval, place)})`,
    ],
    ['held out', `${figure(achieved.value)} (95%: ${range(achieved.interval, figure)})`],
    ...(target.kind === 'strong-share'
      ? []
      : [['strong share', `${percent(achieved.strongShare)} of the held-out prompts`]]),
    [
      'win rate',
      threshold > 1
        ? `no prompt reaches it: set ROUTER_CALIBRATION to ${calibrated.name}`
        : `${threshold} (ROUTER_THRESHOLD)`,
    ],
  ];
  return lines.map(([name = '', text = '']) => `${name.padEnd(14)}${text}`).join('\n');
}

function range([low, high]: Interval, format: (value: number) => string): string {
  return `${format(low)} to ${format(high)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
