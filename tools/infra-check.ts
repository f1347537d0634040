import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { findReadSettings } from './infra/app-settings.ts';
import { type Bicep, createBicep } from './infra/bicep.ts';
import { checkSerialDeployments } from './infra/check-deployments.ts';
import { checkDescriptions } from './infra/check-descriptions.ts';
import { checkRefusals } from './infra/check-refusals.ts';
import { checkSnapshot } from './infra/checks.ts';
import { compareSnapshots } from './infra/committed-snapshots.ts';
import { BICEP_VERSION, type Compiler, findCompiler, NoCompilerError } from './infra/compiler.ts';
import { normalise, operationsOf, type Snapshot } from './infra/snapshot.ts';
import { createSteps, type Steps } from './infra/steps.ts';
import {
  copyTemplates,
  listFiles,
  openApiFileOf,
  readIfThere,
  type WorkFolder,
} from './infra/work-folder.ts';

const HELP = `Checks the Bicep templates with the real compiler, without Azure: compiles and lints them, checks
their format, evaluates every parameter set, compares it with the committed snapshot and tests the
resources that it would create.

  npm run infra:check -- [--update] [--folder <folder>]

  --update            formats the templates and writes the snapshots, to be reviewed and committed
  --folder <folder>   the folder of the templates (default: infra)
  --help              shows this text

The compiler is Bicep ${BICEP_VERSION}: bicep on the PATH, else the Azure CLI's, else restored from NuGet by
dotnet into a cache folder. Where that version is not available, another version of the first two is used.
Exit codes: 1 when a check fails, 2 for bad input, 3 when there is no compiler.`;

const root = fileURLToPath(new URL('..', import.meta.url));
const modelsFolder = join(root, 'models');

const UPDATE_ADVICE =
  'If the change is intended, run npm run infra:check -- --update and commit the result.';

await runTool({
  help: HELP,
  options: { update: { type: 'boolean' }, folder: { type: 'string' } },
  run: async (commandLine) => {
    const folder = resolve(commandLine.text('folder') ?? join(root, 'infra'));
    await checkFolder(folder, commandLine.flag('update'));
  },
});

async function checkFolder(folder: string, update: boolean): Promise<void> {
  const start = performance.now();
  const sets = (await listFiles(join(folder, 'parameters'), /^[^/\\]+\.bicepparam$/)).map((name) =>
    name.slice(0, -'.bicepparam'.length),
  );
  if (sets.length === 0) throw new InputError(`There is no parameters/*.bicepparam in ${folder}.`);
  const compiler = await findCompilerOrExplain();
  if (compiler === undefined) return;
  const steps = createSteps();
  const fresh = await checkTemplates({ folder, update, sets, compiler, steps });
  if (fresh.size > 0) printTable(fresh);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.error(
    steps.failed === 0
      ? `All is well, in ${seconds} s.`
      : `${steps.failed} of the steps failed, in ${seconds} s.`,
  );
  if (steps.failed > 0) process.exitCode = 1;
}

async function findCompilerOrExplain(): Promise<Compiler | undefined> {
  try {
    const compiler = await findCompiler();
    console.error(`Bicep ${compiler.version} (${compiler.source})`);
    if (compiler.version !== BICEP_VERSION) {
      console.error(
        `The snapshots are those of ${BICEP_VERSION}, which is not available (${compiler.insteadOfPinned}): they may differ because of the version.`,
      );
    }
    return compiler;
  } catch (error) {
    if (!(error instanceof NoCompilerError)) throw error;
    console.error(`Error: ${error.message}`);
    process.exitCode = 3;
    return undefined;
  }
}

type Work = {
  readonly folder: string;
  readonly update: boolean;
  readonly sets: readonly string[];
  readonly compiler: Compiler;
  readonly steps: Steps;
};

/** Resolves to the evaluated parameter sets, none when the templates do not compile. */
async function checkTemplates(work: Work): Promise<ReadonlyMap<string, Snapshot>> {
  const { folder, update, sets, compiler, steps } = work;
  const copies = await copyTemplates(folder);
  const fresh = new Map<string, Snapshot>();
  try {
    const bicep = createBicep(compiler.program, copies.compiled);
    const other = createBicep(compiler.program, copies.formatted);
    // Only two processes run concurrently: each takes a core, and seconds to start.
    const [, compiles] = await Promise.all([
      steps.run('format', () => checkFormat(work, { bicep: other, copies })),
      steps.run('compile and lint', () => bicep.build()),
    ]);
    if (!compiles) return fresh;
    const template = await readIfThere(join(copies.compiled, 'main.json'));
    const document = (await readIfThere(openApiFileOf(copies.compiled))) ?? '{}';
    await Promise.all([
      steps.run('evaluate parameter sets', () => evaluate({ bicep, sets, fresh })),
      steps
        .run('compile parameter files', () => other.buildParameters())
        .then(() => steps.run('refuse what does not fit', () => checkRefusals(folder, other))),
    ]);
    if (fresh.size < sets.length) return fresh;
    await steps.run(update ? 'write snapshots' : 'compare snapshots', async () => {
      const problems = await compareSnapshots({ folder: join(folder, 'snapshots'), fresh, update });
      return problems.length === 0 ? [] : [...problems, UPDATE_ADVICE];
    });
    await steps.run('test what would be created', () =>
      checkResources({ document, template: template ?? '{}', fresh }),
    );
    return fresh;
  } finally {
    await copies.remove();
  }
}

async function checkFormat(
  { folder, update }: Work,
  { bicep, copies }: { readonly bicep: Bicep; readonly copies: WorkFolder },
): Promise<readonly string[]> {
  const problems = [...(await bicep.format())];
  for (const file of await listFiles(copies.formatted, /\.bicep(param)?$/)) {
    const [before, after] = await Promise.all([
      readIfThere(join(copies.compiled, file)),
      readIfThere(join(copies.formatted, file)),
    ]);
    if (before === after) continue;
    // A file that was edited in the meantime must not be overwritten.
    const isSame = update && (await readIfThere(join(folder, file))) === before;
    if (isSame) await cp(join(copies.formatted, file), join(folder, file));
    else problems.push(`${file} is not formatted: run npm run infra:check -- --update.`);
  }
  return problems;
}

type Evaluation = {
  readonly bicep: Bicep;
  readonly sets: readonly string[];
  readonly fresh: Map<string, Snapshot>;
};

async function evaluate({ bicep, sets, fresh }: Evaluation): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const set of sets) {
    try {
      fresh.set(set, normalise(await bicep.evaluate(join('parameters', `${set}.bicepparam`))));
    } catch (error) {
      problems.push(`${set}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}

type Created = {
  /** The OpenAPI document, as it was compiled in. */
  readonly document: string;
  /** `main.bicep`, compiled. */
  readonly template: string;
  readonly fresh: ReadonlyMap<string, Snapshot>;
};

async function checkResources({ document, template, fresh }: Created): Promise<readonly string[]> {
  const readByApp = await findReadSettings(modelsFolder);
  const expectations = { readByApp, documented: operationsOf(JSON.parse(document)), modelsFolder };
  const problems: string[] = [];
  for (const [set, snapshot] of fresh) {
    const found = await checkSnapshot(set, snapshot, expectations);
    problems.push(...found.map((problem) => `${set}: ${problem}`));
  }
  const hasDeployments = [...fresh.values()].some(({ resources }) =>
    resources.some(({ type }) => type === 'Microsoft.CognitiveServices/accounts/deployments'),
  );
  const compiled: unknown = JSON.parse(template);
  const ofTemplate = [
    ...checkDescriptions(compiled),
    ...(hasDeployments ? checkSerialDeployments(compiled) : []),
  ];
  return [...problems, ...ofTemplate.map((problem) => `main.bicep: ${problem}`)];
}

function printTable(fresh: ReadonlyMap<string, Snapshot>): void {
  const width = Math.max(...[...fresh.keys()].map((set) => set.length), 'parameter set'.length);
  console.log(`${'parameter set'.padEnd(width)}  resources  outputs`);
  for (const [set, { resources, outputs }] of fresh) {
    const counts = [
      String(resources.length).padStart(9),
      String(Object.keys(outputs).length).padStart(7),
    ];
    console.log(`${set.padEnd(width)}  ${counts.join('  ')}`);
  }
}
