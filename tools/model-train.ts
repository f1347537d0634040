import { basename } from 'node:path';
import type { Calibration } from '../shared/matrix-factorization/registry.ts';
import type { ModelPair } from '../shared/matrix-factorization/scorer-choice.ts';
import { localEmbedder } from '../shared/prompt-embedding/local-embedding.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { writeCard } from './model/card.ts';
import { chooseDefaultPair } from './model/default-pair.ts';
import {
  ALL_SOURCES,
  type EvaluationLine,
  evaluateRouter,
  rowsOfPair,
} from './model/evaluation.ts';
import type { Factorization } from './model/factorization.ts';
import { canonicalModel, type GradedRow, loadGradedRows } from './model/graded-rows.ts';
import { percentiles } from './model/quantiles.ts';
import { registerScorer } from './model/register-scorer.ts';
import { toGraphFactors, trainScorer, winRateOf } from './model/train-scorer.ts';
import { createTrainingSet, type TrainingSet } from './model/training-set.ts';

const HELP = `Trains a scorer on graded answers and registers it.

  npm run model:train -- --data <file.jsonl>... --id <scorer> [--strong <model> --weak <model>]

  --data <file.jsonl>       rows {id, source, prompt, scores: {model: 0..1}}; may be given again
  --id <scorer>             the scorer's name in the registry
  --scorer-version <text>   its version (default: 1)
  --embedder <id>           local, the only one that needs no calls (default)
  --strong, --weak <model>  the default pair (default: the best and the worst of the models that
                            most rows know)
  --test <file.jsonl>       rows to measure the finished scorer on, for its card; may be given again
  --seed <n>                the same seed and data give the same file (default: 1)
  --models-folder <folder>  where the registry is (default: models)

Writes <folder>/<id>/scorer.onnx, <folder>/<id>/card.md and the registry's entry, which is printed
on stdout. Exit code 2 means that the input was refused and nothing was changed.`;

type Trained = {
  readonly set: TrainingSet;
  readonly model: Factorization;
  readonly pair: ModelPair;
  readonly positions: { readonly strong: number; readonly weak: number };
};

async function train(commandLine: CommandLine): Promise<void> {
  const id = commandLine.required('id');
  checkEmbedder(commandLine.text('embedder') ?? 'local');
  const rows = await loadGradedRows(commandLine.all('data'));
  const testFiles = commandLine.all('test');
  const testRows = testFiles.length === 0 ? [] : await loadGradedRows(testFiles);
  const seed = commandLine.integer('seed', 1);
  const trained = trainOn(rows, seed, commandLine);
  const validationRows = trained.set.validationRows.flatMap((row) => rows[row] ?? []);
  const validation = await measure(trained, validationRows);
  const test = await measure(trained, testRows);
  const version = commandLine.text('scorer-version') ?? '1';
  const { set, model, pair } = trained;
  const dataFiles = commandLine.all('data');
  const { dimensions, id: embedder } = localEmbedder;
  const entry = await registerScorer({
    modelsFolder: commandLine.text('models-folder') ?? 'models',
    graph: {
      id,
      version,
      embedder,
      models: set.models,
      dimensions,
      ...toGraphFactors(model, dimensions),
    },
    defaultPair: pair,
    trainedOn: `${rows.length} graded prompts: ${dataFiles.map((file) => basename(file)).join(', ')}`,
    figures: {
      validation: toFigures(validation),
      ...(test.length > 0 && { test: toFigures(test) }),
    },
    calibrations: [calibrate(trained, validationRows)],
    card: await writeCard({
      id,
      version,
      embedder,
      pair,
      modelCount: set.models.length,
      rank: model.rank,
      seed,
      dataFiles,
      rows,
      heldOut: set.validationRows.length,
      validation,
      test,
    }),
  });
  console.error(`Registered ${entry.id}@${entry.version}: ${entry.models.length} models.`);
  console.log(JSON.stringify(entry, null, 2));
}

function checkEmbedder(embedder: string): void {
  if (embedder === 'local' || embedder === localEmbedder.id) return;
  throw new InputError(
    `--embedder must be local (${localEmbedder.id}), got "${embedder}": others would need a call for every row.`,
  );
}

function trainOn(rows: readonly GradedRow[], seed: number, commandLine: CommandLine): Trained {
  console.error(`Embedding ${rows.length} rows ...`);
  const set = createTrainingSet(rows, localEmbedder.dimensions, (text) =>
    localEmbedder.embed(text),
  );
  if (set.trainRows.length === 0 || set.validationRows.length === 0) {
    throw new InputError(`${rows.length} rows are too few: some must be held out.`);
  }
  const chosen = chooseDefaultPair(set);
  const pair = {
    strong: canonicalModel(commandLine.text('strong') ?? chosen.strong),
    weak: canonicalModel(commandLine.text('weak') ?? chosen.weak),
  };
  const positions = { strong: findModel(set, pair.strong), weak: findModel(set, pair.weak) };
  if (pair.strong === pair.weak) {
    throw new InputError(`--strong and --weak are both "${pair.strong}".`);
  }
  const model = trainScorer({ set, seed, report: (line) => console.error(line) });
  return { set, model, pair, positions };
}

function findModel({ models }: TrainingSet, name: string): number {
  const position = models.indexOf(name);
  if (position !== -1) return position;
  throw new InputError(`No row has a score of "${name}". The data knows ${models.join(', ')}.`);
}

async function measure(trained: Trained, rows: readonly GradedRow[]): Promise<EvaluationLine[]> {
  const { pair } = trained;
  const known = rowsOfPair(rows, pair);
  if (known.length === 0) return [];
  return evaluateRouter('scorer', (prompt) => predict(trained, prompt), { rows: known, pair });
}

function predict({ model, positions }: Trained, prompt: string): number {
  return winRateOf(model, localEmbedder.embed(prompt), positions);
}

function calibrate(trained: Trained, rows: readonly GradedRow[]): Calibration {
  return {
    id: 'validation',
    data: 'Held-out rows of the training data, of all its sources.',
    rows: rows.length,
    ...trained.pair,
    quantiles: percentiles(rows.map(({ prompt }) => predict(trained, prompt))),
  };
}

function toFigures(lines: readonly EvaluationLine[]): Record<string, unknown> {
  return Object.fromEntries(
    lines.map(({ source, quality }) => [source === ALL_SOURCES ? 'all' : source, quality ?? null]),
  );
}

await runTool({
  help: HELP,
  options: {
    data: { type: 'string', multiple: true },
    id: { type: 'string' },
    'scorer-version': { type: 'string' },
    embedder: { type: 'string' },
    strong: { type: 'string' },
    weak: { type: 'string' },
    test: { type: 'string', multiple: true },
    seed: { type: 'string' },
    'models-folder': { type: 'string' },
  },
  run: train,
});
