import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../command-line/input-error.ts';

const run = promisify(execFile);

/** Time limit in milliseconds. azd answers immediately, but it may wait for somebody to sign in. */
const AZD_MS = 60_000;

export type AzdValues = Readonly<Record<string, string | undefined>>;

/**
 * Reads the values of the selected azd environment. Returns undefined when azd is not installed, or
 * no environment is selected. Throws an InputError with azd's message when the values cannot be
 * read.
 */
export async function findAzdValues(): Promise<AzdValues | undefined> {
  try {
    return await readAzdValues();
  } catch (error) {
    if (isMissing(error) || !(await isSelected())) return undefined;
    throw error;
  }
}

/** Reads the values of the selected azd environment. Throws an InputError with azd's message. */
export async function readAzdValues(): Promise<AzdValues> {
  return (await askAzd(['env', 'get-values'])) as Record<string, string>;
}

/** Sets values of the selected azd environment, all or none. Throws an InputError. */
export async function setAzdValues(values: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quote(name, value)}\n`);
  // The values go through a file, since all users of a machine can read the arguments of a command.
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-azd-'));
  try {
    const file = join(folder, 'values.env');
    await writeFile(file, lines.join(''), { mode: 0o600 });
    await azd(['env', 'set', '--file', file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Quotes a value for godotenv, which azd uses. Text between single quotes is literal, but cannot
 * contain a single quote; between double quotes, a backslash and a dollar sign are special.
 */
function quote(name: string, value: string): string {
  const isPlain = !/[\r\n]/.test(value);
  if (isPlain && !/'|\\$/.test(value)) return `'${value}'`;
  if (isPlain && !/["$\\]/.test(value)) return `"${value}"`;
  throw new InputError(
    `${name} has a line break, a backslash at its end, or a single quote together with ", $ or \\, and cannot be passed to azd.`,
  );
}

async function isSelected(): Promise<boolean> {
  const all = ((await askAzd(['env', 'list'])) ?? []) as readonly AzdEnvironment[];
  const name = process.env['AZURE_ENV_NAME'];
  return all.some((one) => one.IsDefault || one.Name === name);
}

type AzdEnvironment = { readonly Name: string; readonly IsDefault: boolean };

async function askAzd(command: readonly string[]): Promise<unknown> {
  const { stdout } = await azd([...command, '--output', 'json']);
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new InputError(`azd ${command.join(' ')} gave no JSON.`, { cause });
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof InputError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

async function azd(args: readonly string[]): Promise<{ readonly stdout: string }> {
  try {
    return await run('azd', args, { timeout: AZD_MS });
  } catch (cause) {
    const { stderr = '', code } = cause as { stderr?: string; code?: string | number };
    const said =
      code === 'ENOENT' ? 'azd is not installed.' : stderr.trim() || 'it gave no answer.';
    throw new InputError(`azd ${args.slice(0, 2).join(' ')} failed: ${said}`, { cause });
  }
}
