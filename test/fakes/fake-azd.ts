import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export type FakeAzd = {
  /** For the environment of what calls azd. */
  readonly env: Readonly<Record<string, string | undefined>>;
  values(): Promise<Readonly<Record<string, string>>>;
  /** The command lines it was called with, a line each. */
  calls(): Promise<string>;
  remove(): Promise<void>;
};

/** What azd shows as a token for Azure Resource Manager. */
export const FAKE_TOKEN = 'token-of-the-fake-azd';

// As azd does it: values as JSON, a file of NAME='value' lines, a token with its end.
const PROGRAM = `#!${process.execPath}
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const { parseEnv } = require('node:util');
const [state, log] = [__dirname + '/values.json', __dirname + '/calls.log'];
const args = process.argv.slice(2);
const command = args.join(' ');
appendFileSync(log, command + '\\n');
const values = JSON.parse(readFileSync(state, 'utf8'));
if (command === 'env get-values --output json') console.log(JSON.stringify(values));
else if (command.startsWith('env set --file ')) {
  Object.assign(values, parseEnv(readFileSync(args[3], 'utf8')));
  writeFileSync(state, JSON.stringify(values));
} else if (command.startsWith('auth token ') && values.SIGNED_OUT === undefined) {
  const expiresOn = new Date(Date.now() + 3_600_000).toISOString();
  console.log(JSON.stringify({ token: '${FAKE_TOKEN}', expiresOn }));
} else {
  console.error('azd: not signed in, or no such command');
  process.exit(1);
}
`;

/** A program named azd in a folder of its own, with one environment that has these values. */
export async function createFakeAzd(values: Readonly<Record<string, string>>): Promise<FakeAzd> {
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-fake-azd-'));
  await writeFile(join(folder, 'azd'), PROGRAM);
  await chmod(join(folder, 'azd'), 0o755);
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
  await writeFile(join(folder, 'values.json'), JSON.stringify(values));
  await writeFile(join(folder, 'calls.log'), '');
  return {
    env: { PATH: `${folder}${delimiter}${process.env['PATH']}` },
    values: async () => JSON.parse(await readFile(join(folder, 'values.json'), 'utf8')),
    calls: () => readFile(join(folder, 'calls.log'), 'utf8'),
    remove: () => rm(folder, { recursive: true }),
  };
}
