import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { importWeights } from './model/import-weights.ts';
import { checkSha256, DEFAULT_HUB, fetchWeights, readWeights } from './model/weights-source.ts';

const HELP = `Turns RouteLLM's published matrix-factorization weights into a registered scorer.

  npm run model:import -- <model.safetensors> --embedder azure-openai/text-embedding-3-small
  npm run model:import -- --from-hub <owner/name> --embedder azure-openai/text-embedding-3-small

  --embedder <id>           the embedder of the training data, such as azure-openai/text-embedding-3-small
  --id <scorer>             the scorer's name in the registry (default: routellm)
  --scorer-version <text>   its version (default: 1); other versions of the scorer stay
  --replace                 replace a scorer of the same id and version
  --models <file.json>      the models' names in the order of the rows (default: RouteLLM's 64)
  --strong, --weak <model>  the default pair (default: gpt-4-1106-preview, mixtral-8x7b-instruct-v0.1)
  --models-folder <folder>  the folder of the registry (default: models)
  --sha256 <hex>            refuse a file with a different SHA-256
  --from-hub <owner/name>   fetch model.safetensors of this repository instead of reading a file
  --revision <name>         its commit or branch (default: main)
  --hub <url>               the hub's address (default: ${DEFAULT_HUB})
  --timeout-seconds <n>     the time limit of the whole download (default: 120)

The registered entry is printed on stdout; it is the version that the id alone means from now on.
Exit code 2 means that the input was refused and nothing was changed.`;

type Weights = { readonly bytes: Uint8Array; readonly source: string };

const namesSchema = z
  .array(z.string().min(1))
  .min(2)
  .refine((names) => new Set(names).size === names.length, 'two names are equal');

async function importScorer(commandLine: CommandLine): Promise<void> {
  const embedder = commandLine.required('embedder');
  const namesFile = commandLine.text('models');
  const models = namesFile === undefined ? undefined : await readNames(namesFile);
  const entry = await importWeights({
    ...(await takeWeights(commandLine)),
    embedder,
    models,
    id: commandLine.text('id'),
    version: commandLine.text('scorer-version'),
    isReplacing: commandLine.flag('replace'),
    strong: commandLine.text('strong'),
    weak: commandLine.text('weak'),
    modelsFolder: commandLine.text('models-folder') ?? 'models',
  });
  console.error(`Registered ${entry.id}@${entry.version}: ${entry.models.length} models.`);
  console.log(JSON.stringify(entry, null, 2));
}

async function takeWeights(commandLine: CommandLine): Promise<Weights> {
  const repository = commandLine.text('from-hub');
  const revision = commandLine.text('revision');
  const [path, ...more] = commandLine.positionals;
  if ((path === undefined) === (repository === undefined) || more.length > 0) {
    throw new InputError('Give one model.safetensors, or --from-hub <owner/name>.');
  }
  if (path !== undefined && revision !== undefined) {
    throw new InputError('--revision is of a repository: it goes with --from-hub.');
  }
  const bytes = path === undefined ? await fetchFromHub(commandLine) : await readWeights(path);
  const sha256 = commandLine.text('sha256');
  if (sha256 !== undefined) checkSha256(bytes, sha256);
  return {
    bytes,
    source: path === undefined ? `${repository} at ${revision ?? 'main'}` : 'a file',
  };
}

async function fetchFromHub(commandLine: CommandLine): Promise<Uint8Array> {
  const repository = commandLine.required('from-hub');
  const revision = commandLine.text('revision') ?? 'main';
  const hub = commandLine.text('hub') ?? DEFAULT_HUB;
  const timeoutMs = commandLine.integer('timeout-seconds', 120) * 1000;
  console.error(`Fetching the weights of ${repository} (${revision}) from ${hub} ...`);
  return fetchWeights({ repository, revision, hub, timeoutMs });
}

async function readNames(path: string): Promise<readonly string[]> {
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
    'scorer-version': { type: 'string' },
    replace: { type: 'boolean' },
    models: { type: 'string' },
    strong: { type: 'string' },
    weak: { type: 'string' },
    'models-folder': { type: 'string' },
    sha256: { type: 'string' },
    'from-hub': { type: 'string' },
    revision: { type: 'string' },
    hub: { type: 'string' },
    'timeout-seconds': { type: 'string' },
  },
  allowPositionals: true,
  run: importScorer,
});
