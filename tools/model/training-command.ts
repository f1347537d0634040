import { LOCAL_EMBEDDER } from '../../shared/prompt-embedding/local-embedder.ts';
import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';
import { openEmbedder } from './embedders.ts';
import { leaveOutModels, readLeftOutModels } from './leave-out-models.ts';
import { canonicalModel } from './model-names.ts';
import type { RoutingRow } from './routing-rows.ts';
import { sampleRows } from './sample-rows.ts';
import { STRATEGIES, type Strategy } from './train-scorer.ts';
import { createTrainingSet, type TrainingSet } from './training-set.ts';

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;

/** The options of commands that train. */
export const TRAINING_OPTIONS = {
  data: list,
  test: list,
  embedder: text,
  embeddings: text,
  strategy: text,
  strong: text,
  weak: text,
  seed: text,
  'leave-out': text,
  'max-rows': text,
  'max-bad-lines': text,
} as const;

export const TRAINING_HELP = `  --data <file.jsonl>       rows in the format of docs/data-format.md; may be given again. Each file
                            is learned as one kind of data, so keep related rows in one file
  --embedder <id>           local (default), or an embedding model such as
                            azure-openai/text-embedding-3-small, called with the app's settings
  --embeddings <file>       keeps computed embeddings, so that an interrupted run continues where
                            it stopped; or has embeddings from another source
  --strategy <name>         factorization (default), or clusters
  --strong, --weak <model>  the default pair (default: the best and the worst of the models that
                            most rows know)
  --seed <n>                the same seed and data give the same result (default: 1)
  --leave-out <file.json>   a list of models that are in the data and are not to be learnt
  --max-rows <n>            keep an even sample of a larger file (default: 200000, about 2 GB)
  --max-bad-lines <n>       skip up to this many bad lines of the data (default: 0)`;

/** The models that the command line names, if any. */
export type PairWish = { readonly strong?: string; readonly weak?: string };

export type TrainingCommand = {
  readonly set: TrainingSet;
  readonly strategy: Strategy;
  readonly seed: number;
  readonly wish: PairWish;
  /** The prompts of the rows to learn from. */
  readonly prompts: readonly string[];
};

type Start = {
  /** The embedder of a scorer to start from. */
  readonly embedder?: string;
  /** Whether there may be as few rows as there are, also none. */
  readonly mayBeFew?: boolean;
};

/** Reads the options, and reads and embeds the data. Throws an InputError for unusable options or data. */
export async function readTrainingCommand(
  commandLine: CommandLine,
  start: Start = {},
): Promise<TrainingCommand> {
  const strategy = readStrategy(commandLine);
  const seed = commandLine.integer('seed', 1);
  const { set, prompts } = await loadSet(commandLine, seed, start);
  return { set, strategy, seed, prompts, wish: readWish(commandLine, set.models) };
}

function readStrategy(commandLine: CommandLine): Strategy {
  const name = commandLine.text('strategy') ?? STRATEGIES[0];
  const found = STRATEGIES.find((strategy) => strategy === name);
  if (found !== undefined) return found;
  throw new InputError(`--strategy must be ${STRATEGIES.join(' or ')}, got "${name}".`);
}

async function loadSet(
  commandLine: CommandLine,
  seed: number,
  { embedder: given = LOCAL_EMBEDDER.id, mayBeFew = false }: Start,
): Promise<Pick<TrainingCommand, 'set' | 'prompts'>> {
  const options = {
    mayBeEmpty: mayBeFew,
    maxRows: commandLine.integer('max-rows', 200_000),
    maxBad: commandLine.integer('max-bad-lines', 0),
    seed,
    report: (line: string) => console.error(line),
  };
  if (commandLine.all('data').length === 0) {
    throw new InputError('--data is missing: --help describes the options.');
  }
  const embeddingsFile = commandLine.text('embeddings');
  const embedder = await openEmbedder({
    embedder: commandLine.text('embedder') ?? given,
    ...(embeddingsFile !== undefined && { embeddingsFile }),
  });
  try {
    const leftOutFile = commandLine.text('leave-out');
    const leftOut =
      leftOutFile === undefined ? new Set<string>() : await readLeftOutModels(leftOutFile);
    const train = [];
    for (const path of commandLine.all('data')) {
      train.push(leaveOutModels(await sampleRows(path, options), leftOut));
    }
    const test = [];
    for (const path of commandLine.all('test')) test.push(await sampleRows(path, options));
    // An unknown model is reported before embeddings are paid for.
    readWish(commandLine, modelsIn(train.flat()));
    const set = await createTrainingSet({ train, test: test.flat(), mayBeFew }, embedder);
    return { set, prompts: train.flat().map(({ prompt }) => prompt) };
  } finally {
    await embedder.close();
  }
}

function modelsIn(rows: readonly RoutingRow[]): readonly string[] {
  const names = rows.flatMap(({ scores, preference }) =>
    preference ? [preference.modelA, preference.modelB] : [...(scores?.keys() ?? [])],
  );
  return [...new Set(names)].sort();
}

function readWish(commandLine: CommandLine, models: readonly string[]): PairWish {
  const strong = findModel(commandLine, 'strong', models);
  const weak = findModel(commandLine, 'weak', models);
  if (strong !== undefined && strong === weak) {
    throw new InputError(`--strong and --weak are both "${strong}".`);
  }
  return { ...(strong !== undefined && { strong }), ...(weak !== undefined && { weak }) };
}

function findModel(commandLine: CommandLine, side: 'strong' | 'weak', models: readonly string[]) {
  const name = commandLine.text(side);
  if (name === undefined) return undefined;
  const model = canonicalModel(name);
  if (models.includes(model)) return model;
  throw new InputError(
    `No training row has the model "${name}" (--${side}). The data has ${models.join(', ')}.`,
  );
}
