import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const shared = fileURLToPath(new URL('../../../shared', import.meta.url));

test('without sqlite-vec, the error says how to install it', async () => {
  // Outside this project, so that no node_modules folder is found.
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-no-engine-'));
  for (const file of [
    'base/errors.ts',
    'vector-stores/sqlite-database.ts',
    'vector-stores/sqlite-worker.ts',
  ]) {
    await cp(join(shared, file), join(folder, file));
  }
  const script = join(folder, 'open.ts');
  await writeFile(
    script,
    `import { openDatabase } from './vector-stores/sqlite-database.ts';
openDatabase(':memory:').catch(({ status, code, message }) => console.log(JSON.stringify({ status, code, message })));`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(JSON.parse(stdout)).toEqual({
    status: 501,
    code: 'vector_engine_missing',
    message: expect.stringContaining('npm install sqlite-vec'),
  });
  await rm(folder, { recursive: true, force: true });
});
