import { type EvaluationLine, evaluate } from './evaluation.ts';
import type { GradedPrompt } from './evaluation-scopes.ts';
import type { ChosenPair } from './pair-choice.ts';
import type { TrainingSet } from './training-set.ts';

/** The name of the trained scorer in its own figures. */
const SCORER = 'scorer';

type Measured = {
  readonly set: TrainingSet;
  readonly pair: ChosenPair;
  readonly rows: Iterable<number>;
  /** Returns the predicted win rate of the pair for a row. */
  readonly winRateOf: (row: number) => number;
};

/** Measures win rates on the rows that grade the pair. Returns nothing when there are none. */
export function measureRows({ set, pair, rows, winRateOf }: Measured): EvaluationLine[] {
  const graded: GradedPrompt[] = [];
  const winRates: number[] = [];
  for (const row of rows) {
    const prompt = gradedPrompt(set, row, pair);
    if (prompt === undefined) continue;
    graded.push(prompt);
    winRates.push(winRateOf(row));
  }
  return graded.length === 0 ? [] : evaluate(graded, [{ router: SCORER, winRates }]);
}

/** Returns the grades of the pair for a row; undefined when they are not known or only assumed. */
export function gradedPrompt(
  { rows }: TrainingSet,
  row: number,
  pair: ChosenPair,
): GradedPrompt | undefined {
  const { scores, source = '', characters = 0, assumed } = rows[row] ?? {};
  const [strong, weak] = [scores?.get(pair.strong), scores?.get(pair.weak)];
  if (assumed !== false || strong === undefined || weak === undefined) return undefined;
  return { source, strong, weak, characters };
}

/** Returns the figures of the scorer itself, by source, for the registry. */
export function toFigures(lines: readonly EvaluationLine[]): Record<string, unknown> {
  return figuresBy(
    'source',
    lines.filter(({ router }) => router === SCORER),
  );
}

/** Returns the figures of several routers over the same rows. */
export function byRouter(lines: readonly EvaluationLine[]): Record<string, unknown> {
  return figuresBy('router', lines);
}

function figuresBy(
  name: 'source' | 'router',
  lines: readonly EvaluationLine[],
): Record<string, unknown> {
  return Object.fromEntries(
    lines.map(({ prompts, quality, intervals, calibrationError, ...line }) => [
      line[name],
      {
        prompts,
        ...(quality && { apgr: quality.apgr, cpt50: quality.cpt50, cpt80: quality.cpt80 }),
        ...(intervals && { apgrInterval: intervals.apgr }),
        ...(calibrationError !== undefined && { calibrationError }),
      },
    ]),
  );
}
