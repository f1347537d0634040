import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { writeProjectionGraph } from './model/projection-graph.ts';
import { registerScorer } from './model/register-scorer.ts';
import { toScorerFactors } from './model/routellm-scorer.ts';
import { parseSafetensors } from './model/safetensors.ts';
import { fetchWeights, readWeights } from './model/weights-source.ts';

const HELP = `Turns RouteLLM's published matrix-factorization weights into a registered scorer.

  npm run model:import -- <model.safetensors> --embedder azure-openai/text-embedding-3-small
  npm run model:import -- --from-hub <owner/name> --embedder azure-openai/text-embedding-3-small

  --embedder <id>           what the weights were trained on, such as azure-openai/text-embedding-3-small
  --id <scorer>             the scorer's name in the registry (default: routellm)
  --models <file.json>      the models' names in the order of the rows (default: RouteLLM's 64)
  --strong, --weak <model>  the default pair (default: gpt-4-1106-preview, mixtral-8x7b-instruct-v0.1)
  --models-folder <folder>  where the registry is (default: models)
  --from-hub <owner/name>   fetch model.safetensors of this repository instead of reading a file
  --hub <url>               the hub's address (default: https://huggingface.co)
  --timeout-seconds <n>     for the whole download (default: 120)

The registered entry is printed on stdout. Exit code 2 means that the input was refused and nothing
was changed.`;

const DEFAULT_MODELS = new URL('model/routellm-models.json', import.meta.url);

/** How many numbers Azure OpenAI's embedding models give unless asked for fewer. */
const KNOWN_DIMENSIONS: ReadonlyMap<string, number> = new Map([
  ['azure-openai/text-embedding-3-small', 1536],
  ['azure-openai/text-embedding-3-large', 3072],
  ['azure-openai/text-embedding-ada-002', 1536],
]);

const namesSchema = z
  .array(z.string().min(1))
  .min(2)
  .refine((names) => new Set(names).size === names.length, 'two names are equal');

async function importScorer(commandLine: CommandLine): Promise<void> {
  const embedder = commandLine.required('embedder');
  const models = await readNames(commandLine.text('models') ?? DEFAULT_MODELS);
  const bytes = await takeWeights(commandLine);
  const dimensions = KNOWN_DIMENSIONS.get(embedder);
  const factors = toScorerFactors(parseSafetensors(bytes), {
    models: models.length,
    ...(dimensions !== undefined && { dimensions }),
  });
  const rank = factors.modelFactors.length / models.length;
  const header = {
    id: commandLine.text('id') ?? 'routellm',
    version: '1',
    embedder,
    models,
    dimensions: factors.projection.length / rank,
  };
  const entry = await registerScorer({
    modelsFolder: commandLine.text('models-folder') ?? 'models',
    header,
    bytes: writeProjectionGraph(header, factors),
    defaultPair: {
      strong: commandLine.text('strong') ?? 'gpt-4-1106-preview',
      weak: commandLine.text('weak') ?? 'mixtral-8x7b-instruct-v0.1',
    },
    trainedOn: `Imported weights in RouteLLM's layout (${commandLine.text('from-hub') ?? 'from a file'}).`,
  });
  console.error(`Registered ${entry.id}@${entry.version}: ${entry.models.length} models.`);
  console.log(JSON.stringify(entry, null, 2));
}

async function takeWeights(commandLine: CommandLine): Promise<Uint8Array> {
  const repository = commandLine.text('from-hub');
  const [path, ...more] = commandLine.positionals;
  if ((path === undefined) === (repository === undefined) || more.length > 0) {
    throw new InputError('Give one model.safetensors, or --from-hub <owner/name>.');
  }
  if (path !== undefined) return readWeights(path);
  const hub = commandLine.text('hub') ?? 'https://huggingface.co';
  const timeoutMs = commandLine.integer('timeout-seconds', 120) * 1000;
  console.error(`Fetching the weights of ${repository} from ${hub} ...`);
  return fetchWeights(repository ?? '', hub, timeoutMs);
}

async function readNames(path: string | URL): Promise<readonly string[]> {
  try {
    return namesSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new InputError(
      `--models must name a JSON file with a list of different model names: ${String(error)}`,
    );
  }
}

await runTool({
  help: HELP,
  options: {
    embedder: { type: 'string' },
    id: { type: 'string' },
    models: { type: 'string' },
    strong: { type: 'string' },
    weak: { type: 'string' },
    'models-folder': { type: 'string' },
    'from-hub': { type: 'string' },
    hub: { type: 'string' },
    'timeout-seconds': { type: 'string' },
  },
  allowPositionals: true,
  run: importScorer,
});
