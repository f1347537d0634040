import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { runSmokeTest } from './smoke/run-smoke-test.ts';
import { parseRouterAddress } from './smoke/smoke-client.ts';

const DEFAULT_KEY_VARIABLE = 'SMART_ROUTER_API_KEY';

const HELP = `Asks a running router what its users will ask: health, ready, a routed answer, a streamed one,
the embedding cache, a wrong request, a request without a key, the OpenAPI file.

  npm run smoke -- --url <url> [--key-from <NAME>] [--timeout-seconds <n>] [--expect-cache]
                   [--allow-degraded]

  --url <url>              the router, or the API Management before it
  --key-from <NAME>        the environment variable that holds the caller's key
                           (default: ${DEFAULT_KEY_VARIABLE}; unset: the door is open)
  --timeout-seconds <n>    how long a fresh deployment may take until it answers (default: 120)
  --expect-cache           the embedding cache must be seen to miss and to hit; without it a router
                           with the local embedder, which has none, passes too
  --allow-degraded         a router whose embeddings or tables do not answer may pass as ready
  --help                   this text

Prints a line a check; ends with exit code 1 when one fails. Costs four short answers.`;

/** Throws an InputError when the variable that is named has no key in it. */
function readKey(name: string | undefined): string {
  const key = process.env[name ?? DEFAULT_KEY_VARIABLE] ?? '';
  if (name !== undefined && key === '') {
    // The name is left out: somebody may have written the key itself there.
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
