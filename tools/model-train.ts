import { basename } from 'node:path';
import type { ScorerEntry } from '../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { writeCard } from './model/card.ts';
import { readBase } from './model/correct-scorer.ts';
import { readFolds } from './model/cross-validation.ts';
import { findReference } from './model/find-reference.ts';
import { learnScorer, type MadeScorer, startFrom } from './model/made-scorer.ts';
import { checkPlace, registerScorer } from './model/register-scorer.ts';
import {
  compareScorers,
  formatScorerComparison,
  type ScorerComparison,
} from './model/scorer-comparison.ts';
import { readTrainingCommand, TRAINING_HELP, TRAINING_OPTIONS } from './model/training-command.ts';
import { byRouter, measureRows, toFigures } from './model/training-figures.ts';

const HELP = `Trains a scorer on graded answers and preferences, and registers it.

  npm run model:train -- --data <file.jsonl>... --id <scorer> [--strong <model> --weak <model>]
  npm run model:train -- --data <file.jsonl>... --id <scorer> --from local

${TRAINING_HELP}
  --id <scorer>             the scorer's name in the registry
  --scorer-version <text>   its version (default: 1); other versions of the scorer stay
  --replace                 replace a scorer of the same id and version
  --from <scorer>           start from a registered scorer, and correct it only as far as the rows prove
                            that this makes it better; with few rows it stays as it is
  --folds <n>               the number of parts for the comparison at the end (default: 5)
  --even-if-worse           register also a scorer that is worse than the length of the prompt
  --test <file.jsonl>       rows to measure the finished scorer on, for its card; may be given again
  --models-folder <folder>  the folder of the registry (default: models)

Writes scorer.onnx, card.md and their data in <folder>/<id>/<version>, and the registry's entry, which
is printed on stdout and is the version that the id alone means from now on (npm run model:use goes
back to another). Ends with a comparison with --from, or with the scorer that comes with the router,
and with the length of the prompt, by cross-validation. Exit code 2 means that the input was refused
and nothing was changed.`;

/** The number of held-out rows below which quantiles are too coarse for a calibration. */
const FEW_ROWS = 300;

async function train(commandLine: CommandLine): Promise<void> {
  const id = commandLine.required('id');
  const version = commandLine.text('scorer-version') ?? '1';
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const isReplacing = commandLine.flag('replace');
  await checkPlace({ modelsFolder, id, version, isReplacing });
  const folds = readFolds(commandLine);
  const from = readFrom(commandLine);
  const reference = await findReference(modelsFolder, from ?? 'local', '--from');
  const base = from === undefined ? undefined : await readBase(reference);
  const start = base && { embedder: base.entry.embedder, mayBeFew: true };
  const command = await readTrainingCommand(commandLine, start);
  const { set } = command;
  const dataFiles = commandLine.all('data').map((file) => basename(file));
  const options = { folds, files: dataFiles.join(', ') };
  const made = base ? await startFrom(base, command, options) : learnScorer(command, options);
  const comparison = await compareScorers({
    ...made,
    ...command,
    reference,
    name: `${id}@${version}`,
  });
  refuseWorse(commandLine, comparison);
  const { trained, models, pair, validated } = made;
  const validation = measureRows({
    set,
    pair,
    rows: validated.heldOutRows,
    winRateOf: made.unseenWinRateOf,
  });
  const winRateOf = (row: number) =>
    trained.winRateOf(row, pair.positions.strong, pair.positions.weak);
  const test = measureRows({ set, pair, rows: set.testRows, winRateOf });
  const header = { id, version, embedder: set.embedder, models, dimensions: made.dimensions };
  const card = { header, pair, set: validated, trained, seed: command.seed, dataFiles };
  const entry = await registerScorer({
    modelsFolder,
    isReplacing,
    header,
    bytes: trained.writeGraph(header),
    defaultPair: { strong: pair.strong, weak: pair.weak },
    trainedOn: made.trainedOn,
    training: {
      figures: {
        validation: toFigures(validation),
        ...(test.length > 0 && { test: toFigures(test) }),
        ...(comparison.lines.length > 0 && { crossValidation: byRouter(comparison.lines) }),
      },
      calibrations: made.calibrations,
      ...(made.heldOutScores && { heldOutScores: made.heldOutScores }),
      promptHashes: made.promptHashes,
      card: await writeCard({ ...card, validation, test, comparison }),
    },
  });
  report(entry, made, comparison);
}

function readFrom(commandLine: CommandLine): string | undefined {
  const from = commandLine.text('from');
  for (const name of from === undefined ? [] : ['strategy', 'embedder']) {
    if (commandLine.text(name) === undefined) continue;
    throw new InputError(`--${name} is that of the scorer that --from names: leave it out.`);
  }
  return from;
}

function refuseWorse(commandLine: CommandLine, comparison: ScorerComparison): void {
  if (!comparison.isWorse || commandLine.flag('even-if-worse')) return;
  console.error(formatScorerComparison(comparison));
  throw new InputError(
    'Nothing was registered or changed, since the scorer is worse than the length of the prompt. Train it on more rows, start --from another scorer, or give --even-if-worse.',
  );
}

function report(entry: ScorerEntry, { validated }: MadeScorer, comparison: ScorerComparison): void {
  const heldOut = validated.heldOutRows.length;
  if (heldOut < FEW_ROWS) {
    console.error(
      `Only ${heldOut} rows were held out: calibrate the scorer before you set a strong share.`,
    );
  }
  console.error(`Registered ${entry.id}@${entry.version}: ${entry.models.length} models.`);
  console.log(JSON.stringify(entry, null, 2));
  console.error(formatScorerComparison(comparison));
}

await runTool({
  help: HELP,
  options: {
    ...TRAINING_OPTIONS,
    id: { type: 'string' },
    'scorer-version': { type: 'string' },
    replace: { type: 'boolean' },
    from: { type: 'string' },
    folds: { type: 'string' },
    'even-if-worse': { type: 'boolean' },
    'models-folder': { type: 'string' },
  },
  run: train,
});
