import { readFile } from 'node:fs/promises';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { KEY_VARIABLE, RouterError, readRouter } from './running-router/ask-router.ts';
import {
  type Change,
  createRegistryClient,
  type Entry,
  type RegistryClient,
} from './running-router/registry-client.ts';

const HELP = `Shows and changes the deployments of a running router, without a restart.

  npm run models -- list
  npm run models -- add <file>                 one definition as JSON, or a list of them
  npm run models -- remove <name>
  npm run models -- pause <name>
  npm run models -- resume <name>
  npm run models -- history <name>
  npm run models -- rollback <name> <version>

  --url <url>        the router (default: SMART_ROUTER_URL, else http://127.0.0.1:7071)
  --key-from <NAME>  the environment variable that holds an admin's key (default: ${KEY_VARIABLE})
  --probe            with add: first sends each deployment one tiny question, and adds none when one
                     does not answer
  --json             prints the router's answers as JSON
  --help             shows this text

A definition has a name, an endpoint, and the fields of docs/models.md. All definitions of a file are
checked before the first is added.`;

type Command = {
  readonly parameters: readonly string[];
  readonly run: (
    client: RegistryClient,
    values: readonly string[],
    options: Options,
  ) => Promise<void>;
};

type Options = { readonly isJson: boolean; readonly isProbed: boolean };

const COMMANDS: Readonly<Record<string, Command>> = {
  list: {
    parameters: [],
    run: async (client, _, { isJson }) => {
      const entries = await client.list();
      print(isJson ? entries : tableOf(entries.map(toRow)));
      if (!isJson) for (const entry of entries) printStandIn(entry);
    },
  },
  add: { parameters: ['file'], run: add },
  remove: {
    parameters: ['name'],
    run: async (client, [name = ''], { isJson }) => {
      const removed = await client.remove(name);
      const now = removed.reverts_to ? ': what the settings say holds again' : '';
      print(isJson ? removed : `${name} is removed${now}.`);
    },
  },
  pause: {
    parameters: ['name'],
    run: (client, values, options) => enable(client, values, { ...options, enabled: false }),
  },
  resume: {
    parameters: ['name'],
    run: (client, values, options) => enable(client, values, { ...options, enabled: true }),
  },
  history: {
    parameters: ['name'],
    run: async (client, [name = ''], { isJson }) => {
      const changes = await client.history(name);
      const rows = changes.map(toHistoryRow);
      print(isJson ? changes : tableOf(rows));
    },
  },
  rollback: {
    parameters: ['name', 'version'],
    run: async (client, [name = '', version = ''], { isJson }) => {
      if (!/^[1-9]\d{0,8}$/.test(version)) {
        throw new InputError(`The version must be a whole number from 1, got "${version}".`);
      }
      const entry = await client.rollback(name, Number(version));
      print(isJson ? entry : `${name} is as in version ${version} (now version ${entry.version}).`);
    },
  },
};

await runTool({
  help: HELP,
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    'key-from': { type: 'string' },
    probe: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (commandLine) => {
    const [name = '', ...values] = commandLine.positionals;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined || values.length !== command.parameters.length) {
      const usage = command?.parameters.map((parameter) => ` <${parameter}>`).join('');
      throw new InputError(
        usage === undefined
          ? `There is no command "${name}": there are ${Object.keys(COMMANDS).join(', ')}.`
          : `Write it as: npm run models -- ${name}${usage}`,
      );
    }
    const options = { isJson: commandLine.flag('json'), isProbed: commandLine.flag('probe') };
    try {
      await command.run(createClient(commandLine), values, options);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      console.error(`Error: ${plain(error.message)}`);
      process.exitCode = 1;
    }
  },
});

function createClient(commandLine: CommandLine): RegistryClient {
  const { url, key } = readRouter(commandLine);
  return createRegistryClient(url, key);
}

async function add(
  client: RegistryClient,
  [file = '']: readonly string[],
  { isJson, isProbed }: Options,
): Promise<void> {
  const definitions = await readDefinitions(file);
  for (const { name, ...definition } of definitions) {
    const query = `?dry_run=true${isProbed ? '&probe=true' : ''}`;
    const { probe } = await client.put(name, definition, query);
    if (probe !== undefined) console.error(plain(describeProbe(name, probe)));
    if (probe?.ok === false) throw new RouterError(`${name} does not answer: nothing was added.`);
  }
  const added: Entry[] = [];
  for (const { name, ...definition } of definitions) {
    const entry = await client.put(name, definition);
    added.push(entry);
    if (isJson) continue;
    print(`${name} is version ${entry.version}.`);
    printStandIn(entry);
  }
  if (isJson) print(added);
}

function describeProbe(name: string, probe: NonNullable<Entry['probe']>): string {
  const { ok, status = 'nothing', latency_ms: ms, error } = probe;
  return `${name} answered ${status} after ${ms} ms${ok ? '.' : `: ${error?.message ?? 'no more is known'}`}`;
}

type NamedDefinition = { readonly name: string } & Readonly<Record<string, unknown>>;

async function readDefinitions(file: string): Promise<readonly NamedDefinition[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file} cannot be read: ${String(error)}`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file} 
is not JSON: ${String(error)}`);
  }
  const { data = json } = (json ?? {}) as { readonly data?: unknown };
  const all: readonly unknown[] = Array.isArray(data) ? data : [data];
  if (all.length > 0 && all.every(hasName)) return all;
  throw new InputError(
    `${file} must contain one definition or a list of definitions, each with a "name".`,
  );
}

function hasName(value: unknown): value is NamedDefinition {
  return (
    typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
  );
}

async function enable(
  client: RegistryClient,
  [name = '']: readonly string[],
  { isJson, enabled }: Options & { readonly enabled: boolean },
): Promise<void> {
  const entry = await client.patch(name, { enabled });
  print(
    isJson ? entry : `${name} is ${enabled ? 'enabled' : 'paused'} (version ${entry.version}).`,
  );
}

function toRow(entry: Entry): Readonly<Record<string, string>> {
  const { name, model, deployment, price, enabled = true, weight = 1 } = entry;
  return {
    name,
    model: model ?? deployment ?? name,
    state: enabled ? 'enabled' : 'paused',
    weight: String(weight),
    price: price ? `${price.input}/${price.output}` : '?',
    'scored as': scoredAsOf(entry),
    source: entry.source,
    version: String(entry.version),
  };
}

function scoredAsOf({ scored_as: scoredAs }: Entry): string {
  if (scoredAs === undefined) return '-';
  return `${scoredAs.model}${scoredAs.stand_in ? ' (STAND-IN)' : ''}`;
}

/** Says why another model stands for that of the deployment. */
function printStandIn({ name, model, deployment, scored_as: scoredAs }: Entry): void {
  if (!scoredAs?.stand_in) return;
  print(
    plain(
      `STAND-IN: ${name} (${model ?? deployment ?? name}) is scored as ${scoredAs.model}: ${scoredAs.why}.`,
    ),
  );
}

function toHistoryRow({
  version,
  at = '',
  by,
  action,
  changed,
}: Change): Readonly<Record<string, string>> {
  return { version: String(version), at, by, action, changed: changed.join(', ') };
}

function tableOf(rows: readonly Readonly<Record<string, string>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => plain(row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => plain(cell).padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))]
    .map(line)
    .join('\n');
}

function print(what: string | object): void {
  console.log(typeof what === 'string' ? what : JSON.stringify(what, undefined, 2));
}

/** Removes control characters from a server's text, since a terminal would act on them. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
