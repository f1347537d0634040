import { basename } from 'node:path';
import type { ModelPair } from '../shared/matrix-factorization/scorer-choice.ts';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../shared/matrix-factorization/stand-in-choice.ts';
import { percentileOf } from '../shared/policy/threshold.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { calibrate } from './model/calibration.ts';
import { readRecordedWinRates } from './model/calibration-decisions.ts';
import { type CalibrationGoal, readGoal, shareGoal, TARGETS } from './model/calibration-goal.ts';
import { addCalibration, nextVersion } from './model/calibration-registry.ts';
import { formatCalibration } from './model/calibration-report.ts';
import { scorePrompts } from './model/calibration-sample.ts';
import type { WeighedPrompt } from './model/calibration-threshold.ts';
import { createWeigh, missingFacts } from './model/calibration-weights.ts';
import { canonicalModel } from './model/model-names.ts';
import { createRandom } from './model/random.ts';
import { createAskRouter, readRouter } from './running-router/ask-router.ts';

const HELP = `Turns a target into a threshold with a sample of your own prompts, and registers it.

  npm run model:calibrate -- --prompts <file> --strong-share 0.3
  npm run model:calibrate -- --from-decisions [--strong-share 0.3]

  --prompts <file>          .txt with one prompt per line, or .jsonl with rows {prompt | messages,
                            scores?: {model: 0..1}, costs?: {model: USD}}
  --from-decisions          the win rates in a router's decision log (GET /llm/decisions): proposes a
                            threshold, and changes nothing without --register
  --url <url>               the router (default: SMART_ROUTER_URL, else http://127.0.0.1:7071)
  --key-from <NAME>         the environment variable that holds an admin's key (default:
                            SMART_ROUTER_API_KEY)
  --decisions <n>           read the n newest decisions (default: 20000)

One target (default with --from-decisions: the share that the threshold in force promised):
  --strong-share <share>    the share of requests for the strong model, 0.01 to 0.99
  --cost-per-1000 <USD>     the most that 1,000 requests may cost; from the rows' costs, or from
                            --strong-cost and --weak-cost, USD per 1,000 requests of each model
  --max-loss <score>        the most mean score, 0 to 1, that may be lost compared with only the strong
                            model; from the rows' scores, or with --predicted from the win rates

  --tolerance <n>           how far the figure may be off (default: 0.05 of a share, 0.1 = a tenth
                            of a cost, 0.02 of a loss; less for small ones)
  --scorer <id>             a registered scorer (default: local)
  --strong, --weak <model>  two of its models (default: its pair for unknown models)
  --id <name>               the calibration's name (default: prompts, or decisions); an existing
                            calibration of that name stays, and this becomes its next version
  --seed <n>                decides which third of the prompts is held out (default: 1)
  --embeddings <file>       embeddings of the prompts, for a scorer whose embedder needs calls
  --max-bad-lines <n>       leave out up to n bad lines of --prompts (default: 0)
  --models-folder <folder>  the folder of the registry (default: models)
  --json                    print JSON instead of text
  --register                add the proposal of --from-decisions to the registry
  --dry-run                 change nothing

Exit code 2 means that the input was refused, such as a sample too small for the promise, and that
nothing was changed.`;

type Sample = {
  readonly goal: CalibrationGoal;
  readonly prompts: readonly WeighedPrompt[];
  /** The name of the file or host, as recorded in the registry. */
  readonly data: string;
};

type Source = {
  readonly entry: ScorerEntry;
  readonly modelsFolder: string;
  readonly pair: ModelPair;
};

type SourceWithGoal = Source & { readonly goal: CalibrationGoal };

async function run(commandLine: CommandLine): Promise<void> {
  const seed = commandLine.integer('seed', 1);
  const isRecorded = checkSource(commandLine);
  const id = readId(commandLine, isRecorded);
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const entry = findScorer(await loadRegistry(modelsFolder), commandLine.text('scorer') ?? 'local');
  const pair = readPair(commandLine, entry);
  const source = { entry, modelsFolder, pair };
  const sample = isRecorded
    ? await readDecisions(commandLine, source)
    : await readPrompts(commandLine, { ...source, goal: readGoal(commandLine) });
  const { goal } = sample;
  const result = calibrate(sample.prompts, goal, createRandom(seed));
  const { kind, value, basis } = goal;
  const { rows, quantiles, threshold, thresholdInterval, achieved } = result;
  const calibration = {
    id,
    version: nextVersion(entry, id),
    data: sample.data,
    rows,
    ...pair,
    target: { kind, value, basis },
    threshold,
    thresholdInterval,
    achieved,
    quantiles,
  };
  const isProposal = isRecorded && !commandLine.flag('register');
  const isDryRun = isProposal || commandLine.flag('dry-run');
  if (!isDryRun) await addCalibration(modelsFolder, entry, calibration);
  const name = `${id}@${calibration.version}`;
  const scorer = `${entry.id}@${entry.version}`;
  console.error(
    isDryRun
      ? `Nothing was registered${isProposal ? ': --register does so' : ''}.`
      : `Registered ${name} for ${scorer}.`,
  );
  const percentile = percentileOf(quantiles, threshold);
  console.log(
    commandLine.flag('json')
      ? JSON.stringify({ scorer, name, registered: !isDryRun, percentile, ...calibration }, null, 2)
      : formatCalibration({ ...result, name, scorer, pair, data: sample.data, target: goal }),
  );
}

/** Returns whether the sample is of recorded decisions. */
function checkSource(commandLine: CommandLine): boolean {
  const isRecorded = commandLine.flag('from-decisions');
  if ((commandLine.text('prompts') === undefined) !== isRecorded) {
    throw new InputError('Give one sample: --prompts <file> or --from-decisions.');
  }
  if (!isRecorded && commandLine.flag('register')) {
    throw new InputError('--register belongs to --from-decisions: a sample is registered anyway.');
  }
  return isRecorded;
}

function readId(commandLine: CommandLine, isRecorded: boolean): string {
  const id = commandLine.text('id') ?? (isRecorded ? 'decisions' : 'prompts');
  if (id === 'auto' || id === 'shipped') {
    throw new InputError(
      `--id must not be "${id}": ROUTER_CALIBRATION=${id} names no calibration.`,
    );
  }
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return id;
  throw new InputError(
    `--id must be 1 to 64 lower-case letters, digits, ".", "_" or "-", got "${id}".`,
  );
}

function readPair(commandLine: CommandLine, entry: ScorerEntry): ModelPair {
  const { id, models } = entry;
  function find(tier: 'strong' | 'weak'): string {
    const name = commandLine.text(tier) ?? unknownPairOf(entry)[tier];
    const known = [name, canonicalModel(name)].find((one) => models.includes(one));
    if (known !== undefined) return known;
    throw new InputError(
      `--${tier}: the scorer ${id} does not know "${name}". It knows ${models.join(', ')}.`,
    );
  }
  const pair = { strong: find('strong'), weak: find('weak') };
  if (pair.strong !== pair.weak) return pair;
  throw new InputError(
    `--strong and --weak are both "${pair.strong}": a model has no win rate over itself.`,
  );
}

async function readPrompts(commandLine: CommandLine, source: SourceWithGoal): Promise<Sample> {
  const path = commandLine.required('prompts');
  const embeddingsFile = commandLine.text('embeddings');
  const tolerance = {
    maxBad: commandLine.integer('max-bad-lines', 0),
    report: (line: string) => console.error(line),
  };
  const weigh = createWeigh(source.goal, source.pair);
  const options = { ...source, path, tolerance, ...(embeddingsFile && { embeddingsFile }) };
  const prompts = await scorePrompts(options, weigh);
  return { goal: source.goal, prompts: usable(prompts, source), data: basename(path) };
}

async function readDecisions(commandLine: CommandLine, source: Source): Promise<Sample> {
  const { entry, pair } = source;
  const given = readWishedGoal(commandLine);
  // This is checked before anything is fetched: a decision has neither scores nor the other model's cost.
  if (given) usable([createWeigh(given, pair)(0.5)], { ...source, goal: given });
  const { url, key } = readRouter(commandLine);
  const { winRates, skipped, inForce } = await readRecordedWinRates({
    ask: createAskRouter(url, key, '/llm'),
    scorer: `${entry.id}@${entry.version}`,
    pair,
    limit: commandLine.integer('decisions', 20_000),
  });
  console.error(
    `${winRates.length} decisions with a win rate of ${entry.id}@${entry.version}; left out: ${skipped.otherScorer} of other scorers, ${skipped.otherPair} of other pairs, ${skipped.noWinRate} without a win rate.`,
  );
  const goal = given ?? promisedShare(inForce?.promised);
  if (inForce !== undefined && winRates.length > 0) {
    const strong = winRates.filter((winRate) => winRate >= inForce.threshold).length;
    console.error(
      `In force: the win rate ${inForce.threshold}, which ${percent(strong / winRates.length)} of them reach${inForce.promised === undefined ? '' : `; the calibration promised ${percent(inForce.promised)}`}.`,
    );
  }
  const weigh = createWeigh(goal, pair);
  const prompts = usable(
    winRates.map((winRate) => weigh(winRate)),
    { ...source, goal },
  );
  return { goal, prompts, data: `decisions of ${url.host}` };
}

/** Returns the target, or undefined where none is given. */
function readWishedGoal(commandLine: CommandLine): CalibrationGoal | undefined {
  const isGiven = TARGETS.some((target) => commandLine.text(target) !== undefined);
  return isGiven ? readGoal(commandLine) : undefined;
}

function promisedShare(share: number | undefined): CalibrationGoal {
  if (share !== undefined) return shareGoal(share);
  throw new InputError('The decisions do not contain the promised share: give a target.');
}

/** Returns the prompts that have all values that the goal needs. */
function usable(
  prompts: readonly (WeighedPrompt | undefined)[],
  { goal, pair }: SourceWithGoal,
): readonly WeighedPrompt[] {
  const known = prompts.filter((prompt) => prompt !== undefined);
  const missing = prompts.length - known.length;
  if (known.length === 0 && missing > 0) throw missingFacts(goal, pair);
  if (missing > 0) {
    console.error(
      `${missing} of ${prompts.length} rows lack what --${goal.kind} needs and are left out.`,
    );
  }
  return known;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

await runTool({
  help: HELP,
  options: {
    prompts: { type: 'string' },
    'from-decisions': { type: 'boolean' },
    url: { type: 'string' },
    'key-from': { type: 'string' },
    register: { type: 'boolean' },
    decisions: { type: 'string' },
    'strong-share': { type: 'string' },
    'cost-per-1000': { type: 'string' },
    'strong-cost': { type: 'string' },
    'weak-cost': { type: 'string' },
    'max-loss': { type: 'string' },
    predicted: { type: 'boolean' },
    tolerance: { type: 'string' },
    scorer: { type: 'string' },
    strong: { type: 'string' },
    weak: { type: 'string' },
    id: { type: 'string' },
    seed: { type: 'string' },
    embeddings: { type: 'string' },
    'max-bad-lines': { type: 'string' },
    'models-folder': { type: 'string' },
    json: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  run,
});
