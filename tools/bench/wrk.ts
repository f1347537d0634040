import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadOrder, LoadResult } from './load-order.ts';

const run = promisify(execFile);

/** Returns whether wrk can be run. It takes a tenth of the processor time of a client on Node. */
export async function hasWrk(): Promise<boolean> {
  // wrk exits with a code other than 0 even here; without wrk there is no exit code.
  const code = await run('wrk', ['--version']).then(
    () => 0,
    (error: { readonly code?: unknown }) => error.code,
  );
  return typeof code === 'number';
}

/** Returns the script for wrk: it sends the requests and prints the results as JSON, with times in µs. */
function scriptOf({ headers, bodies }: LoadOrder): string {
  const lists = bodies.map((body) => `  ${JSON.stringify(body)},`).join('\n');
  const named = Object.entries(headers)
    .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
    .join('\n');
  return `wrk.method = "POST"
${named}
local bodies = {
${lists}
}
local requests = {}
local sent = 0
init = function()
  for index, body in ipairs(bodies) do requests[index] = wrk.format(nil, nil, nil, body) end
end
request = function()
  sent = sent + 1
  return requests[sent % #requests + 1]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\n{"p50":%d,"p99":%d,"answers":%d,"errors":%d,"elapsed":%d}\\n',
    latency:percentile(50), latency:percentile(99), summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, summary.duration))
end
`;
}

type Told = Readonly<Record<'p50' | 'p99' | 'answers' | 'errors' | 'elapsed', number>>;

export async function sendByWrk(order: LoadOrder): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-wrk-'));
  try {
    const script = join(folder, 'load.lua');
    await writeFile(script, scriptOf(order));
    const { connections, seconds, url } = order;
    const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script];
    const { stdout } = await run('wrk', [...options, url]);
    // The last line is printed by the script.
    const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Told;
    return {
      p50: told.p50 / 1_000,
      p99: told.p99 / 1_000,
      answers: told.answers - told.errors,
      errors: told.errors,
      elapsedMs: told.elapsed / 1_000,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
