import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export type FakeAzd = {
  /** Variables for the environment of a process that calls azd. */
  readonly env: Readonly<Record<string, string | undefined>>;
  values(): Promise<Readonly<Record<string, string>>>;
  /** The received command lines, one per line. */
  calls(): Promise<string>;
  remove(): Promise<void>;
};

/** The token that azd prints for Azure Resource Manager. */
export const FAKE_TOKEN = 'token-of-the-fake-azd';

/** `none`: no environment is selected. `broken`: the selected one cannot be read. */
export type FakeAzdEnvironment = 'selected' | 'none' | 'broken';

// It answers like azd: values as JSON, a file that godotenv can read, a token with its expiry.
const PROGRAM = String.raw`
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const [state, log] = [__dirname + '/values.json', __dirname + '/calls.log'];
const args = process.argv.slice(2);
const command = args.join(' ');
appendFileSync(log, command + '\n');
const { environment, values } = JSON.parse(readFileSync(state, 'utf8'));

function parse(text) {
  const found = {};
  for (let rest = text; rest.trim() !== ''; ) {
    const [head, name, quote] = /^\s*(\w+)=(['"])/.exec(rest) ?? fail('unexpected character');
    let end = head.length;
    while (rest[end] !== quote || rest[end - 1] === '\\') {
      if (end === rest.length) fail('unterminated quoted value');
      end += 1;
    }
    const value = rest.slice(head.length, end);
    found[name] = quote === "'" ? value : value.replace(/\\(.)/g, '$1').replace(/\$\{?\w+\}?/g, '');
    rest = rest.slice(end + 1);
  }
  return found;
}

function fail(message) {
  console.error('ERROR: ' + message);
  process.exit(1);
}

if (command === 'env list --output json') {
  const one = { Name: 'router-dev', IsDefault: true };
  console.log(JSON.stringify(environment === 'none' ? [] : [one]));
} else if (command.startsWith('env ') && environment === 'none') {
  fail('ensuring environment exists: environment not specified');
} else if (command.startsWith('env ') && environment === 'broken') {
  fail('loading .env: unexpected character');
} else if (command === 'env get-values --output json') {
  console.log(JSON.stringify(values));
} else if (command.startsWith('env set --file ')) {
  Object.assign(values, parse(readFileSync(args[3], 'utf8')));
  writeFileSync(state, JSON.stringify({ environment, values }));
} else if (command.startsWith('auth token ') && values.SIGNED_OUT === undefined) {
  const expiresOn = new Date(Date.now() + 3_600_000).toISOString();
  console.log(JSON.stringify({ token: '${FAKE_TOKEN}', expiresOn }));
} else {
  fail('not signed in, or no such command');
}
`;

/** Creates a program named azd in its own folder, with one environment that has these values. */
export async function createFakeAzd(
  values: Readonly<Record<string, string>>,
  environment: FakeAzdEnvironment = 'selected',
): Promise<FakeAzd> {
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-fake-azd-'));
  await writeFile(join(folder, 'azd'), `#!${process.execPath}${PROGRAM}`);
  await chmod(join(folder, 'azd'), 0o755);
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
  await writeFile(join(folder, 'values.json'), JSON.stringify({ environment, values }));
  await writeFile(join(folder, 'calls.log'), '');
  return {
    env: { PATH: `${folder}${delimiter}${process.env['PATH']}` },
    values: async () => JSON.parse(await readFile(join(folder, 'values.json'), 'utf8')).values,
    calls: () => readFile(join(folder, 'calls.log'), 'utf8'),
    remove: () => rm(folder, { recursive: true }),
  };
}
