import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { measureAucs } from './model/evaluation-auc.ts';
import { formatReport } from './model/evaluation-report.ts';
import { readAucSources } from './model/evaluation-wish.ts';
import { choosePair } from './model/pair-choice.ts';
import { trainScorer } from './model/train-scorer.ts';
import {
  readTrainingCommand,
  TRAINING_HELP,
  TRAINING_OPTIONS,
  type TrainingCommand,
} from './model/training-command.ts';
import { measureRows } from './model/training-figures.ts';
import { HELD_OUT_ONE_IN, type TrainingSet } from './model/training-set.ts';

const HELP = `Measures how well a scorer that is trained on some of the data routes the rest of it.

  npm run model:cross-validate -- --data <file.jsonl>... [--folds 5] [--strong <model> --weak <model>]

${TRAINING_HELP}
  --folds <n>               the number of trainings, each without another part (default: 5)
  --auc <source>:<source>   how often a win rate of the second source is above one of the first;
                            their rows may be "assumed"
  --json                    print JSON instead of a table

Nothing is registered. Exit code 2 means that the input was refused.`;

async function crossValidate(commandLine: CommandLine): Promise<void> {
  const folds = readFolds(commandLine);
  const aucSources = readAucSources(commandLine.text('auc'));
  const command = await readTrainingCommand(commandLine);
  const { set } = command;
  const { pair, winRates } = predictWithoutOwn(command, folds);
  const rows = [...set.trainRows, ...set.heldOutRows].sort((a, b) => a - b);
  const lines = measureRows({ set, pair, rows, winRateOf: (row) => winRates[row] ?? Number.NaN });
  const scored = rows.flatMap((row) => set.rows[row] ?? []);
  const byRow = new Map([['scorer', rows.map((row) => winRates[row] ?? Number.NaN)]]);
  const report = {
    pair: { strong: pair.strong, weak: pair.weak },
    folds,
    lines,
    ...(aucSources && { auc: measureAucs(scored, byRow, aucSources) }),
  };
  console.log(commandLine.flag('json') ? JSON.stringify(report, null, 2) : formatReport(report));
}

function readFolds(commandLine: CommandLine): number {
  const folds = commandLine.integer('folds', 5);
  if (folds >= 2 && folds <= 20) return folds;
  throw new InputError(`--folds must be from 2 to 20, got ${folds}.`);
}

/** Predicts each row's win rate with a scorer that has not seen its fold. */
function predictWithoutOwn({ set, strategy, seed, wish }: TrainingCommand, folds: number) {
  const foldOf = new Map<number, number>();
  for (const row of [...set.trainRows, ...set.heldOutRows]) {
    // These digits of the hash did not decide which rows are held out.
    foldOf.set(row, Math.floor((set.rows[row]?.hash ?? 0) / HELD_OUT_ONE_IN) % folds);
  }
  const winRates = new Float64Array(set.rows.length);
  let pair: ReturnType<typeof choosePair> | undefined;
  for (let fold = 0; fold < folds; fold += 1) {
    console.error(`Fold ${fold + 1} of ${folds}`);
    const trained = trainScorer(
      without(set, (row) => foldOf.get(row) === fold),
      { strategy, seed },
    );
    pair ??= choosePair(set, trained.strengths, wish);
    const { strong, weak } = pair.positions;
    for (const [row, own] of foldOf) {
      if (own === fold) winRates[row] = trained.winRateOf(row, strong, weak);
    }
  }
  return { pair: pair ?? choosePair(set, new Float64Array(set.models.length), wish), winRates };
}

function without(set: TrainingSet, isLeftOut: (row: number) => boolean): TrainingSet {
  return {
    ...set,
    trainRows: set.trainRows.filter((row) => !isLeftOut(row)),
    heldOutRows: set.heldOutRows.filter((row) => !isLeftOut(row)),
  };
}

await runTool({
  help: HELP,
  options: {
    ...TRAINING_OPTIONS,
    folds: { type: 'string' },
    auc: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: crossValidate,
});
