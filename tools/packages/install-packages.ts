import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InputError } from '../command-line/input-error.ts';

const LOCK = new URL('package-lock.json', import.meta.url);
/** A file with the hash of the lock file from which the packages were installed. */
const MARK = new URL('node_modules/.installed', import.meta.url);

/**
 * Installs the packages that only some commands need, unless those of the lock file are already
 * installed. Throws an InputError when npm fails.
 */
export async function installPackages(): Promise<void> {
  const wanted = createHash('sha256')
    .update(await readFile(LOCK))
    .digest('hex');
  if ((await readFile(MARK, 'utf8').catch(() => undefined)) === wanted) return;
  console.error('Installing the packages for this command into tools/packages ...');
  if ((await runNpm(['ci', '--prefix', fileURLToPath(new URL('.', import.meta.url))])) !== 0) {
    throw new InputError(
      'The packages that this command needs could not be installed. Run npm ci in tools/packages, with access to the npm registry.',
    );
  }
  await writeFile(MARK, wanted);
}

/** Runs the npm that runs this command, else the one on the search path; resolves with its exit code. */
function runNpm(options: readonly string[]): Promise<number> {
  const { npm_execpath: npm } = process.env;
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  const child =
    npm === undefined
      ? spawn('npm', options, { stdio: [...stdio], shell: process.platform === 'win32' })
      : spawn(process.execPath, [npm, ...options], { stdio: [...stdio] });
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on('error', () => resolve(1));
  child.on('exit', (code) => resolve(code ?? 1));
  return promise;
}
