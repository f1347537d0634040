import { load } from '../shared/matrix-factorization/scorer.ts';
import {
  findInUse,
  findScorer,
  loadRegistry,
  nameOf,
  type ScorerEntry,
} from '../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { useVersion } from './model/registry-file.ts';

const HELP = `Shows the registered versions of scorers, and chooses the one in use: the version that the id
alone means (ROUTER_SCORER=local).

  npm run model:use                  lists the versions
  npm run model:use -- local@1       from now on, "local" means version 1: rolls back, or forward again

  --models-folder <folder>  the folder of the registry (default: models)
  --json                    print JSON instead of text

Registering a scorer makes it the version in use of its id. Calibrations stay with the version that
they were made for. A running router keeps its scorer until it is started again. Exit code 2 means
that the input was refused and nothing was changed.`;

async function run(commandLine: CommandLine): Promise<void> {
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const [name, ...more] = commandLine.positionals;
  if (more.length > 0) throw new InputError('Name one version, such as local@1.');
  if (name !== undefined) await use(modelsFolder, name);
  const { scorers } = await loadRegistry(modelsFolder);
  const versions = scorers.map((entry) => describe(entry, findInUse(scorers, entry.id) === entry));
  console.log(
    commandLine.flag('json') ? JSON.stringify(versions, null, 2) : versions.map(toLine).join('\n'),
  );
}

async function use(modelsFolder: string, name: string): Promise<void> {
  if (!name.includes('@')) {
    throw new InputError(
      `"${name}" names no version: write <id>@<version>, such as ${name || 'local'}@1.`,
    );
  }
  const registry = await loadRegistry(modelsFolder);
  const entry = findScorer(registry, name, 'The command');
  const before = findInUse(registry.scorers, entry.id);
  // A version whose file is gone would keep the router from starting.
  await load(entry, modelsFolder);
  await useVersion(modelsFolder, entry);
  console.error(
    before === entry
      ? `"${entry.id}" means ${name}, as before.`
      : `"${entry.id}" means ${name} now${before === undefined ? '' : `, no longer ${nameOf(before)}`}. Start the router again, or deploy it, to use it.`,
  );
}

type Version = {
  readonly name: string;
  readonly inUse: boolean;
  readonly embedder: string;
  readonly trainedOn: string;
  readonly calibrations: readonly string[];
};

function describe(entry: ScorerEntry, inUse: boolean): Version {
  const { embedder, trainedOn, calibrations } = entry;
  const names = calibrations.map(({ id, version }) => `${id}@${version}`);
  return { name: nameOf(entry), inUse, embedder, trainedOn, calibrations: names };
}

function toLine({ name, inUse, embedder, trainedOn, calibrations }: Version): string {
  const known = calibrations.join(', ') || 'none';
  return `${inUse ? '*' : ' '} ${name}  ${embedder}  calibrations: ${known}  ${trainedOn}`;
}

await runTool({
  help: HELP,
  options: {
    'models-folder': { type: 'string' },
    json: { type: 'boolean' },
  },
  allowPositionals: true,
  run,
});
