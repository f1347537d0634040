import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// A stand-in for core tools, which are downloaded when they are installed: it writes down what it
// was started with, and whether what its settings name answers.
const FUNC = `#!/usr/bin/env node
const { writeFileSync } = require('node:fs');
(async () => {
  const url = process.env.AZURE_OPENAI_ENDPOINT + '/openai/v1/models';
  const models = await fetch(url, { headers: { 'api-key': process.env.AZURE_OPENAI_API_KEY } });
  const tables = /TableEndpoint=([^;]+)/.exec(process.env.TABLES_CONNECTION_STRING)[1];
  const table = await fetch(tables);
  writeFileSync(process.env.REPORT, JSON.stringify({
    arguments: process.argv.slice(2),
    folder: process.cwd(),
    runtime: process.env.FUNCTIONS_WORKER_RUNTIME,
    auth: process.env.ROUTER_AUTH,
    simulatorStatus: models.status,
    tablesAnswer: table.status > 0,
    built: require('node:fs').existsSync('dist/functions/index.js'),
  }));
  process.exit(3);
})();
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-func-'));
  await writeFile(join(folder, 'func'), FUNC);
  await chmod(join(folder, 'func'), 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(process.platform === 'win32')('npm run func', () => {
  test('starts func of the PATH on the build, with what it needs beside it, and ends as it ends', async () => {
    const report = join(folder, 'report.json');
    const env = { PATH: `${folder}${delimiter}${process.env['PATH']}`, REPORT: report };
    const { promise, resolve } = Promise.withResolvers<number | string | null | undefined>();
    execFile(process.execPath, ['tools/run.mjs', 'func', '--port', '7099'], { env }, (error) =>
      resolve(error?.code),
    );
    expect(await promise).toBe(3);
    expect(JSON.parse(await readFile(report, 'utf8'))).toEqual({
      arguments: ['start', '--port', '7099'],
      folder: process.cwd(),
      runtime: 'node',
      auth: 'none',
      simulatorStatus: 200,
      tablesAnswer: true,
      built: true,
    });
  });
});
