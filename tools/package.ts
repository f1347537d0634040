import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  findInUse,
  loadRegistry,
  type ScorerEntry,
} from '../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { DEFAULT_HUB } from './model/weights-source.ts';
import { addPublishedWeights, readPin, type WeightsPin } from './package/add-published-weights.ts';
import { copyModels, OWN_MODELS } from './package/copy-models.ts';
import { findExcess, formatSizes } from './package/size-report.ts';
import { PROJECT_FOLDER, readManifest, stageApp } from './package/stage-app.ts';
import { listEntries, zipFolder } from './package/zip-folder.ts';

const HELP = `Packages the app for Azure Functions (linux/x64), ready to be deployed: the bundle,
the models and the ONNX runtime. Nothing is installed or built in Azure.

  npm run package -- [--models-folder <folder>] [--with-published-weights] [--out <folder>]

  --models-folder <folder>  the registry and its scorers (default: the project's models)
  --with-published-weights  adds RouteLLM's published weights, unless the models folder has a scorer
                            of that id already. When the hub cannot be reached, a warning is shown and
                            the package does without them; when the hub sends another file than the
                            pinned one, the package is refused
  --pin <file.json>         the pin of these weights (default: tools/model/published-weights.json)
  --hub <url>               the hub that has them (default: ${DEFAULT_HUB})
  --timeout-seconds <n>     the time limit of their download (default: 60)
  --out <folder>            the folder for the package (default: dist-package)
  --help                    shows this text

Writes app/ (the unpacked package), smart-router-<version>.zip and scorer.json ({"id","version"}: the
value for ROUTER_SCORER, and "scorers": all scorers in the package). Prints the size of each part in
bytes, the scorer and the path of the zip.
Exit code 2 means that the input was refused; an earlier package is replaced only on success.`;

/** The file that the deployment's hook reads. */
const SCORER_FILE = 'scorer.json';
const DEFAULT_PIN = new URL('model/published-weights.json', import.meta.url);

async function packageApp(commandLine: CommandLine): Promise<void> {
  const out = resolve(commandLine.text('out') ?? join(PROJECT_FOLDER, 'dist-package'));
  if (existsSync(join(out, 'app')) && !existsSync(join(out, SCORER_FILE))) {
    throw new InputError(
      `${join(out, 'app')} exists and is not a package of this tool: choose another --out.`,
    );
  }
  const draft = await makeDraft(out);
  try {
    await writeDraft(commandLine, draft, out);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Creates a draft inside the folder itself, so that complete files can be renamed into place. */
async function makeDraft(out: string): Promise<string> {
  try {
    await mkdir(out, { recursive: true });
    return await mkdtemp(join(out, '.draft-'));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new InputError(`Nothing can be written to ${out} (${reason}): choose another --out.`);
  }
}

async function writeDraft(commandLine: CommandLine, draft: string, out: string): Promise<void> {
  const pin = await readPin(commandLine.text('pin') ?? DEFAULT_PIN);
  const { models, problem } = await prepareModels(commandLine, pin, draft);
  console.error('Bundling the app ...');
  const { scorers } = await stageApp(join(draft, 'app'), models);
  const scorer = chooseScorer(scorers, pin.id);
  if (problem !== undefined) {
    console.error(
      `WARNING: the published weights are not in this package: ${problem}\nWARNING: the ${scorer.id} scorer is used instead (set the template's parameter scorer, or ROUTER_SCORER, to it). Package it again when the hub can be reached.`,
    );
  }
  console.error('Zipping it ...');
  const zip = await zipFolder(join(draft, 'app'));
  const entries = listEntries(zip);
  const excess = findExcess(entries, zip.length);
  if (excess !== undefined) {
    console.error(`Error: ${excess}`);
    process.exitCode = 1;
    return;
  }
  const { name, version } = await readManifest();
  const zipName = `${name}-${version}.zip`;
  await writeFile(join(draft, zipName), zip);
  const all = scorers.map(({ id, version }) => ({ id, version }));
  await writeFile(join(draft, SCORER_FILE), `${JSON.stringify({ ...scorer, scorers: all })}\n`);
  for (const part of ['app', zipName, SCORER_FILE]) await replace(draft, out, part);
  console.log(formatSizes(entries, zip.length));
  console.log(`\nScorer: ${scorer.id}@${scorer.version}\nPackage: ${join(out, zipName)}`);
}

type Models = {
  readonly models: string;
  /** The reason why the requested published weights are missing. */
  readonly problem?: string;
};

async function prepareModels(
  commandLine: CommandLine,
  pin: WeightsPin,
  draft: string,
): Promise<Models> {
  const given = commandLine.text('models-folder') ?? OWN_MODELS;
  if (!commandLine.flag('with-published-weights')) return { models: given };
  const registered = findInUse((await loadRegistry(given)).scorers, pin.id);
  if (registered !== undefined) {
    console.error(`The models folder has ${pin.id}@${registered.version}: the hub is not called.`);
    return { models: given };
  }
  const hub = commandLine.text('hub') ?? DEFAULT_HUB;
  const timeoutMs = commandLine.integer('timeout-seconds', 60) * 1000;
  const models = join(draft, 'models');
  await copyModels(given, models);
  console.error(`Fetching the weights of ${pin.repository} from ${hub} ...`);
  return { models, ...(await addPublishedWeights(pin, { hub, timeoutMs }, models)) };
}

/**
 * Returns the published weights' scorer if present, else the project's own, else the first one, in
 * the version in use.
 */
function chooseScorer(
  scorers: readonly ScorerEntry[],
  published: string,
): Pick<ScorerEntry, 'id' | 'version'> {
  const find = (id = '') => findInUse(scorers, id);
  const chosen = find(published) ?? find('local') ?? find(scorers[0]?.id);
  if (chosen === undefined)
    throw new InputError('The registry of the models folder has no scorer.');
  return { id: chosen.id, version: chosen.version };
}

async function replace(draft: string, out: string, part: string): Promise<void> {
  // An earlier package is deleted with the draft, since renaming a folder is faster than deleting it.
  if (existsSync(join(out, part))) await rename(join(out, part), join(draft, `earlier-${part}`));
  await rename(join(draft, part), join(out, part));
}

await runTool({
  help: HELP,
  options: {
    'models-folder': { type: 'string' },
    'with-published-weights': { type: 'boolean' },
    pin: { type: 'string' },
    hub: { type: 'string' },
    'timeout-seconds': { type: 'string' },
    out: { type: 'string' },
  },
  run: packageApp,
});
