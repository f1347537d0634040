import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { runSmokeTest } from './smoke/run-smoke-test.ts';
import { parseRouterAddress } from './smoke/smoke-client.ts';

const DEFAULT_KEY_VARIABLE = 'SMART_ROUTER_API_KEY';

const HELP = `Sends a running router the requests of its users: health, ready, a routed answer, a streamed one,
the embedding cache, a wrong request, a request without a key, the OpenAPI file.

  npm run smoke -- --url <url> [--key-from <NAME>] [--timeout-seconds <n>] [--expect-cache]
                   [--allow-degraded]

  --url <url>              the router, or the API Management in front of it
  --key-from <NAME>        the environment variable that holds the caller's key
                           (default: ${DEFAULT_KEY_VARIABLE}; unset: no authentication)
  --timeout-seconds <n>    how long a fresh deployment may take until it answers (default: 120)
  --expect-cache           requires a miss and a hit of the embedding cache; otherwise a router with
                           the local embedder, which has no cache, passes too
  --allow-degraded         accepts a router whose embeddings or tables do not answer as ready
  --help                   shows this text

Prints one line for each check; exits with 1 when one fails. Costs four short answers.`;

/** Reads the key. Throws an InputError when the named variable is empty. */
function readKey(name: string | undefined): string {
  const key = process.env[name ?? DEFAULT_KEY_VARIABLE] ?? '';
  if (name !== undefined && key === '') {
    // The error does not repeat the name, since a user may have given the key itself.
    throw new InputError('--key-from must name an environment variable that holds the key.');
  }
  return key;
}

await runTool({
  help: HELP,
  options: {
    url: { type: 'string' },
    'key-from': { type: 'string' },
    'timeout-seconds': { type: 'string' },
    'expect-cache': { type: 'boolean' },
    'allow-degraded': { type: 'boolean' },
  },
  run: async (commandLine) => {
    const key = readKey(commandLine.text('key-from'));
    const passed = await runSmokeTest({
      url: parseRouterAddress(commandLine.required('url')),
      ...(key !== '' && { key }),
      timeoutMs: 1_000 * commandLine.integer('timeout-seconds', 120),
      mustSeeCache: commandLine.flag('expect-cache'),
      mayBeDegraded: commandLine.flag('allow-degraded'),
      print: (line) => console.log(line),
      note: (line) => console.error(line),
    });
    if (!passed) process.exitCode = 1;
  },
});
