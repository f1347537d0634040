import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDocument } from '../shared/openapi/document.ts';
import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { installPackages } from './packages/install-packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const committed = fileURLToPath(new URL('../docs/openapi.json', import.meta.url));

const HELP = `Writes the OpenAPI document of the HTTP API, made from the schemas that check the requests
(shared/openapi), if the linter finds no problem in it.

  npm run openapi [-- --check] [-- --file <file>]

  --check         writes nothing; exits with 1 when the file is not up to date
  --file <file>   the file (default: docs/openapi.json, which the app serves)
  --help          shows this text`;

/** Returns the problems of the committed document, one line each, which say what to do. */
export async function checkOpenApi(file = committed): Promise<readonly string[]> {
  const text = await createText();
  const name = relative(root, file);
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new InputError(`${file} cannot be read (${error.code}): name a file with --file.`);
  });
  if (found === undefined) return [`${name} is missing: write it with npm run openapi.`];
  const stale = `${name} is stale: ${firstDifference(found, text)}. Write it again with npm run openapi.`;
  return [...(found === text ? [] : [stale]), ...(isJson(found) ? await lint(found) : [])];
}

async function writeOpenApi(file: string): Promise<readonly string[]> {
  const text = await createText();
  const problems = await lint(text);
  if (problems.length > 0) return problems;
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new InputError(
      `${file} cannot be written (${(error as NodeJS.ErrnoException).code}): name a file in an existing folder with --file.`,
    );
  }
  return [];
}

async function createText(): Promise<string> {
  // The project's own manifest has a version.
  const manifest = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as {
    version: string;
  };
  // Bicep reads no file of more than 1,048,576 characters.
  return `${JSON.stringify(createDocument(manifest.version), null, 1)}\n`;
}

async function lint(text: string): Promise<readonly string[]> {
  await installPackages();
  const { lintOpenApi } = await import('./packages/lint-openapi.ts');
  return lintOpenApi(text);
}

/** Returns whether a text is JSON: the linter throws on any other text. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function firstDifference(found: string, wanted: string): string {
  const lines = found.split('\n');
  const index = wanted.split('\n').findIndex((line, at) => line !== lines[at]);
  return index === -1 ? 'it has lines after its end' : `it differs from line ${index + 1} on`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runTool({
    help: HELP,
    options: { check: { type: 'boolean' }, file: { type: 'string' } },
    run: async (commandLine) => {
      const file = resolve(commandLine.text('file') ?? committed);
      const isCheck = commandLine.flag('check');
      const problems = await (isCheck ? checkOpenApi(file) : writeOpenApi(file));
      for (const problem of problems) console.error(problem);
      if (problems.length > 0) process.exitCode = 1;
      else
        console.log(`${relative(process.cwd(), file)} is ${isCheck ? 'up to date' : 'written'}.`);
    },
  });
}
