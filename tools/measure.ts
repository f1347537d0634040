import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { importWeights } from './bench/stage.ts';
import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { type LoadOptions, load, quantile, type Sample, type Target } from './measure/load.ts';

const HELP = `npm run measure [-- --rounds <n>]

Measures on this machine, over loopback, the router with made-up weights of RouteLLM's layout and
simulated deployments: the start to the first routed answer, the latency added to calling the
simulator directly with the embedding in memory, and the worker's memory after 10,000 requests;
and with the local scorer, the decisions on 1,000 prompts of 500 characters in one request. Counts
the lines of code, too.

  --rounds <n>  how often each case is measured, direct and routed in turn (default: 5)`;

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
let rounds = 0;

await runTool({
  help: HELP,
  options: { rounds: { type: 'string' } },
  run: async (commandLine) => {
    rounds = commandLine.integer('rounds', 5);
    if (rounds < 1 || rounds > 100) {
      throw new InputError(`--rounds must be a whole number from 1 to 100, got ${rounds}.`);
    }
    await measure();
  },
});

async function measure(): Promise<void> {
  const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-measure-'));
  try {
    await importWeights(modelsFolder);
    const measured = { MODELS_FOLDER: modelsFolder, ROUTER_SCORER: 'measured' };
    await measureStart(measured);
    await withApp(measured, async ({ url, simulatorUrl, pid }) => {
      await measureLatency(url, simulatorUrl);
      await measureMemory(url, pid);
    });
    await withApp({ MODELS_FOLDER: 'models', ROUTER_SCORER: 'local' }, measureBatch);
    await measureLines();
  } finally {
    await rm(modelsFolder, { recursive: true });
  }
}

type Settings = Readonly<Record<string, string>>;
type RunningApp = { readonly url: string; readonly simulatorUrl: string; readonly pid: number };

/** The app as `npm start` starts it, in a process of its own. */
async function withApp(settings: Settings, use: (app: RunningApp) => Promise<void>) {
  const child = spawn(process.execPath, [join(root, 'tools/run.mjs'), 'start', '--port', '0'], {
    env: { ...process.env, ...settings, LOG_LEVEL: 'warning' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    const match = /is at (\S+) {2}\(deployments: simulated at ([^;]+);/.exec(output);
    const [, url, simulatorUrl] = match ?? [];
    if (url === undefined || simulatorUrl === undefined) continue;
    child.stdout.resume();
    await use({ url, simulatorUrl, pid: child.pid ?? 0 });
    break;
  }
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

/** Lines that are not empty, of the sources that git knows, by top folder. */
async function measureLines(): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '*.ts', '*.mjs'], { cwd: root });
  const lines = new Map<string, number>();
  for (const file of stdout.trim().split('\n')) {
    const text = await readFile(join(root, file), 'utf8');
    const folder = file.includes('/') ? (file.split('/')[0] ?? '') : '.';
    const count = text.split('\n').filter((line) => line.trim() !== '').length;
    lines.set(folder, (lines.get(folder) ?? 0) + count);
  }
  const list = [...lines].map(([folder, count]) => `${folder} ${count}`).join(', ');
  const { stdout: size } = await run('du', ['-sm', join(root, 'node_modules')]);
  console.log(`Lines of code: ${list}\nnode_modules: ${size.split('\t')[0]} MB`);
}

async function measureStart(settings: Settings): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    await withApp(settings, async ({ url }) => {
      await load(routed(url, false), { connections: 1, requests: 1, stream: false });
      times.push(performance.now() - startedAt);
    });
  }
  const [median, low, high] = [0.5, 0, 1].map((q) => (quantile(times, q) / 1000).toFixed(2));
  console.log(`Start to first routed answer: median ${median} s (${low} to ${high} s)\n`);
}

function bodyOf(stream: boolean): string {
  const messages = [{ role: 'user', content: 'Which city is the capital of France?' }];
  return JSON.stringify({ messages, stream });
}

function routed(url: string, stream: boolean): Target {
  const path = '/llm/openai/deployments/smart-router/chat/completions';
  return { name: 'routed', url: url + path, headers: {}, body: bodyOf(stream) };
}

function direct(simulatorUrl: string, stream: boolean): Target {
  const path = '/openai/deployments/weak/chat/completions?api-version=2024-10-21';
  const headers = { 'api-key': 'key-of-the-simulator' };
  return { name: 'direct', url: simulatorUrl + path, headers, body: bodyOf(stream) };
}

async function measureLatency(url: string, simulatorUrl: string): Promise<void> {
  console.log('Latency in ms: medians over the rounds (lowest to highest); own: by the header');
  for (const stream of [false, true]) {
    const targets = [direct(simulatorUrl, stream), routed(url, stream)];
    for (const connections of [1, 16]) {
      const options = { connections, requests: connections * 200, stream };
      const kind = stream ? 'streamed, first token' : 'plain';
      printCase(`${kind}, ${connections} connection(s)`, await measureCase(targets, options));
    }
  }
}

/** In turn, so that both see the same machine; the first round only warms up. */
async function measureCase(targets: readonly Target[], options: LoadOptions) {
  const results: Sample[][][] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const samples: Sample[][] = [];
    for (const target of targets) samples.push(await load(target, options));
    results.push(samples);
  }
  return results.slice(1);
}

/** `results[round]` holds the samples of the direct and of the routed requests. */
function printCase(name: string, results: readonly (readonly Sample[][])[]): void {
  for (const q of [0.5, 0.99]) {
    const pairs = results.map(([directSamples = [], routedSamples = []]) => ({
      direct: quantile(
        directSamples.map(({ ms }) => ms),
        q,
      ),
      routed: quantile(
        routedSamples.map(({ ms }) => ms),
        q,
      ),
      own: quantile(
        routedSamples.map(({ overheadMs }) => overheadMs),
        q,
      ),
    }));
    const columns = [
      ['direct', pairs.map((pair) => pair.direct)],
      ['routed', pairs.map((pair) => pair.routed)],
      ['added', pairs.map((pair) => pair.routed - pair.direct)],
      ['ratio', pairs.map((pair) => pair.routed / pair.direct)],
      ['own', pairs.map((pair) => pair.own)],
    ] as const;
    const text = columns.map(([column, numbers]) => `${column} ${spread(numbers)}`).join('  ');
    console.log(`  ${name}, p${q * 100}: ${text}`);
  }
}

function spread(numbers: readonly number[]): string {
  const [median, low, high] = [0.5, 0, 1].map((q) => quantile(numbers, q).toFixed(2));
  return `${median} (${low} to ${high})`;
}

async function measureMemory(url: string, pid: number): Promise<void> {
  const before = await workerRssMb(pid);
  await load(routed(url, false), { connections: 16, requests: 10_000, stream: false });
  const after = await workerRssMb(pid);
  console.log(`\nWorker memory: ${after} MB after 10,000 more requests, ${before} MB before`);
}

/** The first is of an app that has answered nothing before. */
async function measureBatch({ url }: RunningApp): Promise<void> {
  const text =
    'Explain in plain words why a heat pump still warms a house in winter, with figures. ';
  const prompts = Array.from({ length: 1_000 }, (_, index) =>
    `${index} ${text.slice(index % text.length)}${text.repeat(6)}`.slice(0, 500),
  );
  const body = JSON.stringify({ prompts });
  const target = { name: 'batch', url: `${url}/llm/route`, headers: {}, body };
  const [first, ...more] = await load(target, {
    connections: 1,
    requests: rounds + 1,
    stream: false,
  });
  const later = spread(more.map(({ ms }) => ms));
  console.log(`\nDecisions on 1,000 prompts, in ms: first ${first?.ms.toFixed(0)}, then ${later}`);
}

/** Of the worker among the children of `npm start`, in MiB. */
async function workerRssMb(parentPid: number): Promise<string> {
  const { stdout } = await run('ps', ['-A', '-o', 'ppid=,rss=,args=']);
  const line = stdout
    .split('\n')
    .map((one) => one.trim().split(/\s+/))
    .find(
      ([ppid, , ...rest]) => ppid === String(parentPid) && rest.join(' ').includes('worker.ts'),
    );
  return (Number(line?.[1]) / 1024).toFixed(0);
}
