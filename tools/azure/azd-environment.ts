import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../command-line/input-error.ts';

const run = promisify(execFile);

/** azd answers at once; but it may wait for somebody to sign in. */
const AZD_MS = 60_000;

export type AzdValues = Readonly<Record<string, string | undefined>>;

/**
 * The values of the selected azd environment. Undefined when azd is not installed, or there is no
 * environment here.
 */
export async function findAzdValues(): Promise<AzdValues | undefined> {
  try {
    return await readAzdValues();
  } catch {
    return undefined;
  }
}

/** Throws an InputError that tells what azd said. */
export async function readAzdValues(): Promise<AzdValues> {
  const { stdout } = await azd(['env', 'get-values', '--output', 'json']);
  return JSON.parse(stdout) as Record<string, string>;
}

/** Sets values of the selected azd environment, all or none. Throws an InputError. */
export async function setAzdValues(values: Readonly<Record<string, string>>): Promise<void> {
  // By a file, since everybody on a machine may read the arguments of a command.
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-azd-'));
  try {
    const file = join(folder, 'values.env');
    // None of our values holds a quote, a dollar sign or a line break.
    const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
    await writeFile(file, lines.join(''), { mode: 0o600 });
    await azd(['env', 'set', '--file', file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function azd(args: readonly string[]): Promise<{ readonly stdout: string }> {
  try {
    return await run('azd', args, { timeout: AZD_MS });
  } catch (cause) {
    const { stderr = '', code } = cause as { stderr?: string; code?: string | number };
    const said = code === 'ENOENT' ? 'azd is not installed.' : stderr.trim();
    throw new InputError(`azd ${args.slice(0, 2).join(' ')} failed: ${said}`, { cause });
  }
}
