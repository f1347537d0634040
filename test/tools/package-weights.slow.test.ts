import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { resolveScorer } from '../../shared/matrix-factorization/scorer-choice.ts';
import { loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { createRouteLlmWeights, toSafetensors } from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';
import { importSyntheticScorer } from '../support/synthetic-scorer.ts';

const ownModels = fileURLToPath(new URL('../../models', import.meta.url));
const weights = toSafetensors(createRouteLlmWeights({ seed: 11 }));
const revision = '0123456789abcdef0123456789abcdef01234567';

let folder: string;
let pin: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-weights-'));
  pin = join(folder, 'pin.json');
  await writeFile(
    pin,
    JSON.stringify({
      id: 'routellm',
      embedder: 'azure-openai/text-embedding-3-small',
      repository: 'owner/name',
      revision,
      sha256: createHash('sha256').update(weights).digest('hex'),
    }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function startHub(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let outs = 0;
async function packageFrom(
  hub: string,
  more: readonly string[] = [],
): Promise<ToolResult & { readonly out: string }> {
  outs += 1;
  const out = join(folder, `out-${outs}`);
  const source = ['--with-published-weights', '--pin', pin, '--hub', hub];
  const result = await runTool('package', [
    ...['--out', out, ...source, '--timeout-seconds', '2', ...more],
  ]);
  return { ...result, out };
}

async function scorerOf(out: string): Promise<unknown> {
  return JSON.parse(await readFile(join(out, 'scorer.json'), 'utf8'));
}

describe('package --with-published-weights', () => {
  test('adds the weights of the pinned revision, which route, and leaves the models as they are', async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await startHub((request, response) => {
      asked.push(request.url);
      response.end(weights);
    });
    const { code, stdout, stderr, out } = await packageFrom(url);
    expect(code).toBe(0);
    expect(stderr).not.toContain('WARNING');
    expect(asked).toEqual([`/owner/name/resolve/${revision}/model.safetensors`]);
    expect(stdout).toContain('Scorer: routellm@1\n');
    expect(await scorerOf(out)).toMatchObject({
      id: 'routellm',
      version: '1',
      scorers: [{ id: 'local' }, { id: 'encoder' }, { id: 'routellm', version: '1' }],
    });
    expect(existsSync(join(ownModels, 'routellm'))).toBe(false);
    const { scorers } = await loadRegistry(join(out, 'app/models'));
    expect(scorers.map(({ id }) => id)).toEqual(['local', 'encoder', 'routellm']);
    expect(scorers[2]?.trainedOn).toContain(`owner/name at ${revision}`);
    const [zip = ''] = (await readdir(out)).filter((name) => name.endsWith('.zip'));
    const verified = await runTool('package-verify', ['--zip', join(out, zip)]);
    expect(verified.stdout).toMatch(/win rate 0\.\d+, scorer routellm@1/);
    expect(verified.code).toBe(0);
    // The settings of a deployment work with either of its scorers.
    for (const [name, weak] of [
      ['routellm', 'mixtral-8x7b-instruct-v0.1'],
      ['local', 'mixtral-8x7b'],
    ] as const) {
      const { pair } = resolveScorer(
        { scorers },
        {
          name,
          strong: 'gpt-4-1106-preview',
          weak: 'mixtral-8x7b-instruct-v0.1',
          needsCalibration: false,
        },
      );
      expect(pair).toEqual({ strong: 'gpt-4-1106-preview', weak });
    }
  });

  test.each<[string, (hub: { url: string; server: Server }) => Promise<void>, RegExp]>([
    ['has no such file', () => Promise.resolve(), /answered 404/],
    [
      'refuses connections',
      async ({ server }) => {
        await new Promise((resolve) => {
          server.close(resolve);
        });
      },
      /cannot be fetched: .*ECONNREFUSED/,
    ],
  ])('warns and goes on with the local scorer when the hub %s', async (_, spoil, problem) => {
    const hub = await startHub((_request, response) => response.writeHead(404).end());
    await spoil(hub);
    const { code, stdout, stderr, out } = await packageFrom(hub.url);
    expect(stderr).toMatch(problem);
    expect(stderr).toMatch(/^WARNING: the local scorer is used instead/m);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Scorer: local@/m);
    expect(await scorerOf(out)).toMatchObject({ id: 'local' });
    expect((await readdir(join(out, 'app/models'))).toSorted()).toEqual([
      'encoder',
      'local',
      'registry.json',
    ]);
  });

  test('asks no hub for weights that are in the models folder', async () => {
    const own = await importSyntheticScorer();
    onTestFinished(() => own.remove());
    const { code, stdout, stderr } = await packageFrom('http://127.0.0.1:9', [
      ...['--models-folder', own.modelsFolder],
    ]);
    expect(stderr).not.toContain('WARNING');
    expect(stdout).toContain('Scorer: routellm@1\n');
    expect(code).toBe(0);
  });

  test('refuses another file than the pinned one, and writes nothing', async () => {
    const other = toSafetensors(createRouteLlmWeights({ seed: 12 }));
    const { url } = await startHub((_, response) => response.end(other));
    const { code, stdout, stderr, out } = await packageFrom(url);
    expect(stderr).toContain(createHash('sha256').update(other).digest('hex'));
    expect(stderr).toContain(createHash('sha256').update(weights).digest('hex'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await readdir(out)).toEqual([]);
  });

  test('refuses a pin that names no weights', async () => {
    await writeFile(join(folder, 'no-pin.json'), '{}');
    const args = ['--out', join(folder, 'unused'), '--pin', join(folder, 'no-pin.json')];
    const { code, stderr } = await runTool('package', args);
    expect(stderr).toContain('does not name published weights');
    expect(code).toBe(2);
  });
});
