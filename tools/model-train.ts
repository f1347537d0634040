import { basename } from 'node:path';
import type { Calibration } from '../shared/matrix-factorization/scorer-registry.ts';
import { percentiles } from '../shared/policy/quantiles.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { calibrateOutcomes } from './model/calibrate-outcomes.ts';
import { writeCard } from './model/card.ts';
import type { ScorerHeader } from './model/onnx-graph.ts';
import { type ChosenPair, choosePair } from './model/pair-choice.ts';
import { learnedHashes } from './model/prompt-hashes.ts';
import { checkPlace, registerScorer } from './model/register-scorer.ts';
import { fileShares, type TrainedScorer, trainScorer } from './model/train-scorer.ts';
import { readTrainingCommand, TRAINING_HELP, TRAINING_OPTIONS } from './model/training-command.ts';
import { measureRows, toFigures } from './model/training-figures.ts';
import type { TrainingSet } from './model/training-set.ts';

const HELP = `Trains a scorer on graded answers and preferences, and registers it.

  npm run model:train -- --data <file.jsonl>... --id <scorer> [--strong <model> --weak <model>]

${TRAINING_HELP}
  --id <scorer>             the scorer's name in the registry
  --scorer-version <text>   its version (default: 1); other versions of the scorer stay
  --replace                 replace a scorer of the same id and version
  --test <file.jsonl>       rows to measure the finished scorer on, for its card; may be given again
  --models-folder <folder>  the folder of the registry (default: models)

Writes scorer.onnx, card.md and their data in <folder>/<id>/<version>, and the registry's entry, which
is printed on stdout and is the version that the id alone means from now on (npm run model:use goes
back to another). Exit code 2 means that the input was refused and nothing was changed.`;

/** The number of held-out rows below which quantiles are too coarse for a calibration. */
const FEW_ROWS = 300;

async function train(commandLine: CommandLine): Promise<void> {
  const id = commandLine.required('id');
  const version = commandLine.text('scorer-version') ?? '1';
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const isReplacing = commandLine.flag('replace');
  await checkPlace({ modelsFolder, id, version, isReplacing });
  const { set, strategy, seed, wish } = await readTrainingCommand(commandLine);
  const trained = trainScorer(set, { strategy, seed });
  const pair = choosePair(set, trained.strengths, wish);
  const winRateOf = winRatesOf(trained, pair);
  const validation = measureRows({ set, pair, rows: set.heldOutRows, winRateOf });
  const test = measureRows({ set, pair, rows: set.testRows, winRateOf });
  const header: ScorerHeader = {
    id,
    version,
    embedder: set.embedder,
    models: set.models,
    dimensions: set.embedded.denseColumns + set.embedded.sparseColumns,
  };
  const outcomes = calibrateOutcomes(set, pair, winRateOf);
  const dataFiles = commandLine.all('data').map((file) => basename(file));
  const entry = await registerScorer({
    modelsFolder,
    isReplacing,
    header,
    bytes: trained.writeGraph(header),
    defaultPair: { strong: pair.strong, weak: pair.weak },
    trainedOn: `${set.trainRows.length + set.heldOutRows.length} rows: ${dataFiles.join(', ')}`,
    training: {
      figures: {
        validation: toFigures(validation),
        ...(test.length > 0 && { test: toFigures(test) }),
      },
      calibrations: [{ ...calibrate(set, pair, winRateOf), ...(outcomes && { outcomes }) }],
      heldOutScores: trained.heldOutScores,
      promptHashes: learnedHashes(set),
      card: await writeCard({ header, pair, set, trained, seed, dataFiles, validation, test }),
    },
  });
  if (set.heldOutRows.length < FEW_ROWS) {
    console.error(
      `Only ${set.heldOutRows.length} rows were held out: calibrate the scorer before you set a strong share.`,
    );
  }
  console.error(`Registered ${entry.id}@${entry.version}: ${entry.models.length} models.`);
  console.log(JSON.stringify(entry, null, 2));
}

function winRatesOf(trained: TrainedScorer, { positions }: ChosenPair): (row: number) => number {
  return (row) => trained.winRateOf(row, positions.strong, positions.weak);
}

/** Calibrates with equal weight for each data file, since traffic does not resemble the largest benchmark. */
function calibrate(
  set: TrainingSet,
  { strong, weak }: ChosenPair,
  winRateOf: (row: number) => number,
): Calibration {
  const rows = [...set.heldOutRows];
  return {
    id: 'validation',
    version: 1,
    data: 'Held-out rows of the training data, each file counted alike.',
    rows: rows.length,
    strong,
    weak,
    quantiles: percentiles(rows.map(winRateOf), fileShares(set, rows)),
  };
}

await runTool({
  help: HELP,
  options: {
    ...TRAINING_OPTIONS,
    id: { type: 'string' },
    'scorer-version': { type: 'string' },
    replace: { type: 'boolean' },
    'models-folder': { type: 'string' },
  },
  run: train,
});
