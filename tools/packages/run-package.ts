import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * Runs a command of an installed package on this Node, and returns its exit code. The package is
 * installed in this folder or in the project.
 */
export async function runPackage(
  name: string,
  command: string,
  commandArguments: readonly string[],
): Promise<number> {
  const own = new URL(`node_modules/${name}/`, import.meta.url);
  const folder = existsSync(own) ? own : new URL(`../../node_modules/${name}/`, import.meta.url);
  const manifest = JSON.parse(await readFile(new URL('package.json', folder), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const bin = typeof manifest.bin === 'string' ? manifest.bin : (manifest.bin[command] ?? '');
  const file = fileURLToPath(new URL(bin, folder));
  const child = spawn(process.execPath, [file, ...commandArguments], { stdio: 'inherit' });
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on('exit', (code) => resolve(code ?? 1));
  return promise;
}
