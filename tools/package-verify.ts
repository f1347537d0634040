import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { type LocalHost, startLocalHost } from './local-host/local-host.ts';
import { simulatorSettings } from './local-services/local-services.ts';
import { PROJECT_FOLDER, readManifest } from './package/stage-app.ts';
import { unzip } from './package/unzip.ts';
import { startSimulator } from './upstream-simulator/simulator.ts';

const HELP = `Unpacks the output of npm run package into an empty folder and runs it there in the local host,
with simulated deployments. Only files of the package can be loaded. Needs linux/x64, like Azure.

  npm run package:verify -- [--zip <file>] [--scorer <id>]

  --zip <file>     the package (default: dist-package/smart-router-<version>.zip)
  --scorer <id>    the scorer (default: the one in the package's scorer.json, else local)
  --help           shows this text

Prints the answers. Exit code 1 means that the package does not work.`;

const DEADLINE_MS = 60_000;

async function verify(commandLine: CommandLine): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new InputError(
      `The package is for linux/x64 and cannot be started on ${process.platform}/${process.arch}.`,
    );
  }
  const { name, version } = await readManifest();
  const usual = join(PROJECT_FOLDER, 'dist-package', `${name}-${version}.zip`);
  const zip = resolve(commandLine.text('zip') ?? usual);
  const scorer = commandLine.text('scorer') ?? (await readScorer(dirname(zip)));
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'smart-router-package-'));
  try {
    await unzip(zip, folder);
    await run(folder, scorer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readScorer(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'scorer.json'), 'utf8').catch(() => '{"id":"local"}');
  // npm run package has written this file.
  return (JSON.parse(text) as { id: string }).id;
}

async function run(folder: string, scorer: string): Promise<void> {
  const simulator = await startSimulator();
  const start = performance.now();
  let host: LocalHost | undefined;
  try {
    const runtime = createRequire(join(folder, 'package.json')).resolve('onnxruntime-node');
    console.log(`onnxruntime-node: ${relative(folder, runtime)}`);
    host = await startLocalHost({
      appFolder: folder,
      env: {
        ...simulatorSettings(simulator.url),
        ROUTER_AUTH: 'none',
        ROUTER_SCORER: scorer,
        // This process's environment is not passed on: neither NODE_PATH nor a models folder.
        languageWorkers__node__arguments: `--max-http-header-size=65536 --import=${new URL('package/only-inside.ts', import.meta.url)}`,
      },
    });
    await ask(host.url, start);
  } catch (error) {
    console.error(`The package does not work: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  } finally {
    await host?.close();
    await simulator.close();
  }
}

/** Calls the packaged app, and throws when an answer is wrong. */
async function ask(url: string, start: number): Promise<void> {
  const health = await call(`${url}/health`);
  if (health.text !== '{"status":"online"}') throw new Error(`/health says ${health.text}`);
  const ready = await call(`${url}/ready`);
  const chat = await call(`${url}/llm/openai/deployments/smart-router/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Prove that the square root of 2 is irrational.' }),
  });
  const milliseconds = Math.round(performance.now() - start);
  const { selected_model: model } = JSON.parse(chat.text) as { selected_model?: string };
  const winRate = Number(chat.headers.get('x-smart-router-win-rate') ?? 'none');
  if (model === undefined || !(winRate > 0 && winRate < 1)) {
    throw new Error(`the chat answer has no selected_model or no win rate: ${chat.text}`);
  }
  console.log(`/health: ${health.text}\n/ready: ${ready.text}`);
  console.log(
    `chat: selected_model ${model}, win rate ${winRate}, scorer ${chat.headers.get('x-smart-router-scorer')}`,
  );
  console.log(`First answer after ${milliseconds} ms, the start included.`);
}

type Answer = { readonly text: string; readonly headers: Headers };

async function call(url: string, request?: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(DEADLINE_MS) });
  const text = await response.text();
  if (response.status === 200) return { text, headers: response.headers };
  throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text}`);
}

await runTool({
  help: HELP,
  options: { zip: { type: 'string' }, scorer: { type: 'string' } },
  run: verify,
});
