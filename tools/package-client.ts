import { execFile } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { runTool } from './command-line/run-tool.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'shared/client');

const HELP = `Packs the client library as a tarball without dependencies:
ECMAScript module, CommonJS and types of "smart-router/client".

  npm run package:client -- [--out <folder>]

  --out <folder>   the folder for the tarball (default: dist-package)
  --help           shows this text

Prints the path of the tarball.`;

const README = `# smart-router/client

Calls a Smart Router. Runs wherever \`fetch\` is: Node 18 or newer, browsers, Deno, workers.

\`\`\`ts
import { SmartRouterClient } from 'smart-router/client';

const client = new SmartRouterClient({ baseUrl: 'http://localhost:7071', useCase: 'support' });

await client.healthCheck();
const answer = await client.chatCompletion({ prompt: 'What is the capital of France?' });
console.log(answer.response, answer.selected_model, answer.routing.winRate);

const stream = await client.chatCompletion({ prompt: 'Tell me a story.', stream: true });
for await (const chunk of stream) console.log(chunk.choices[0]?.delta.content ?? '');
\`\`\`

A failed call throws a \`RouterResponseError\` (answered with an error), a \`RouterConnectionError\`
(not or not fully answered) or a \`RouterTimeoutError\` (too late). The types say the rest.
`;

type ProjectManifest = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
};

/** Packs the library; resolves to the path of `<name>-<version>.tgz` in `outFolder`. */
async function packageClient(outFolder: string): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'smart-router-client-'));
  try {
    const folder = join(work, 'package');
    await mkdir(join(folder, 'client'), { recursive: true });
    await bundle(folder);
    await emitTypes(work, join(folder, 'client'));
    await writeManifest(folder);
    await writeFile(join(folder, 'README.md'), README);
    await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
    return await pack(folder, outFolder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bundle(folder: string): Promise<void> {
  const formats = { esm: 'index.js', cjs: 'index.cjs' } as const;
  for (const format of ['esm', 'cjs'] as const) {
    await build({
      entryPoints: [join(sources, 'index.ts')],
      outfile: join(folder, 'client', formats[format]),
      bundle: true,
      platform: 'neutral',
      format,
      target: 'es2022',
      logLevel: 'warning',
    });
  }
}

/** Writes the types for both module systems from one emission, so that they cannot differ. */
async function emitTypes(work: string, folder: string): Promise<void> {
  const emitted = join(work, 'types');
  const settings = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: 'es2022',
      // The library of browsers without Node's types ensures that the client runs wherever fetch exists.
      lib: ['es2022', 'dom'],
      types: [],
      module: 'nodenext',
      declaration: true,
      emitDeclarationOnly: true,
      allowImportingTsExtensions: true,
      rootDir: sources,
      outDir: emitted,
    },
    files: [join(sources, 'index.ts')],
  };
  await writeFile(join(work, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  await runOrExplain(process.execPath, [tsc, '-p', work]);
  for (const file of await readdir(emitted)) {
    const text = await readFile(join(emitted, file), 'utf8');
    for (const kind of ['js', 'cjs']) {
      const name = file.replace(/\.ts$/, kind === 'js' ? '.ts' : '.cts');
      // The compiler does not change the import specifiers in declarations.
      const own = text.replaceAll(/(from ')(\.\/[\w-]+)\.ts(')/g, `$1$2.${kind}$3`);
      await writeFile(join(folder, name), own);
    }
  }
}

async function writeManifest(folder: string): Promise<void> {
  // The project's own manifest has these fields.
  const project = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as ProjectManifest;
  const entry = './client/index';
  const manifest = {
    name: project.name,
    version: project.version,
    description: 'The client library of Smart Router.',
    license: project.license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=18' },
    exports: {
      './client': {
        import: { types: `${entry}.d.ts`, default: `${entry}.js` },
        require: { types: `${entry}.d.cts`, default: `${entry}.cjs` },
      },
      './package.json': './package.json',
    },
  };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Packs the folder; the tarball gets its final name once it is complete. */
async function pack(folder: string, outFolder: string): Promise<string> {
  await mkdir(outFolder, { recursive: true });
  const draft = await mkdtemp(join(outFolder, '.draft-'));
  try {
    await runNpm(['pack', folder, '--pack-destination', draft, '--ignore-scripts', '--silent']);
    const [name] = await readdir(draft);
    if (name === undefined) throw new Error('npm pack wrote no tarball.');
    const tarball = join(outFolder, name);
    await rename(join(draft, name), tarball);
    return tarball;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function runNpm(args: readonly string[]): Promise<void> {
  // npm sets this variable for its scripts. It is needed on Windows, where the npm command is not a program.
  const { npm_execpath: npm } = process.env;
  if (npm?.endsWith('npm-cli.js')) return runOrExplain(process.execPath, [npm, ...args]);
  return runOrExplain('npm', args);
}

/** Runs a program; an error contains its output, since an exit code alone explains nothing. */
async function runOrExplain(program: string, args: readonly string[]): Promise<void> {
  try {
    await run(program, args);
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args[0]} failed:\n${stdout}${stderr}`, { cause });
  }
}

await runTool({
  help: HELP,
  options: { out: { type: 'string' } },
  run: async (commandLine) => {
    console.error('Packing the client library...');
    const outFolder = commandLine.text('out') ?? join(root, 'dist-package');
    console.log(await packageClient(resolve(outFolder)));
  },
});
