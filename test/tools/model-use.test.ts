import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  findScorer,
  loadRegistry,
  nameOf,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { registerScorer } from '../../tools/model/register-scorer.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';
import { post, startRouter } from '../support/router.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-use-'));
const folder = join(root, 'models');
afterAll(() => rm(root, { recursive: true, force: true }));

const { version: shipped } = findScorer(await loadRegistry('models'), 'local');

/** Registers the shipped file once more, as another version. */
beforeAll(async () => {
  await cp('models', folder, { recursive: true });
  const entry = findScorer(await loadRegistry(folder), 'local');
  await registerScorer({
    modelsFolder: folder,
    header: { ...entry, version: 'next' },
    bytes: await readFile(join(folder, entry.file)),
    defaultPair: entry.defaultPair,
    trainedOn: 'the same rows',
  });
});

const use = (...args: readonly string[]): Promise<ToolResult> =>
  runTool('model-use', ['--models-folder', folder, ...args]);

const registryText = () => readFile(join(folder, 'registry.json'), 'utf8');

/** Starts the app on the folder and returns the scorer that it decides with. */
async function scorerOf(name: string): Promise<string> {
  const router = await startRouter({ settings: { MODELS_FOLDER: folder, ROUTER_SCORER: name } });
  try {
    const { body } = await post(`${router.url}/llm/route`, { prompt: 'Name three rivers.' });
    return body.scorer;
  } finally {
    await router.close();
  }
}

describe('npm run model:use', () => {
  test('lists the versions and marks the one in use, which registering chose', async () => {
    const { code, stdout } = await use();
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^  local@${shipped} .*calibrations: validation@1`, 'm'));
    expect(stdout).toMatch(/^\* local@next .*calibrations: none {2}the same rows$/m);
    const listed: { readonly name: string }[] = JSON.parse((await use('--json')).stdout);
    expect(listed.filter(({ name }) => name.startsWith('local@'))).toMatchObject([
      { name: `local@${shipped}`, inUse: false },
      { name: 'local@next', inUse: true },
    ]);
  });

  test('rolls back and forward, and the app follows unless it names a version', async () => {
    expect(await scorerOf('local')).toBe('local@next');
    const { code, stderr, stdout } = await use(`local@${shipped}`);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `"local" means local@${shipped} now, no longer local@next. Start the router again, or deploy it, to use it.\n`,
    });
    expect(stdout).toMatch(new RegExp(`^\\* local@${shipped} `, 'm'));
    expect(await scorerOf('local')).toBe(`local@${shipped}`);
    expect(await scorerOf('local@next')).toBe('local@next');
    expect((await use('local@next')).code).toBe(0);
    expect(nameOf(findScorer(await loadRegistry(folder), 'local'))).toBe('local@next');
  });

  test('leaves the calibrations with their versions, and calibrates the version in use', async () => {
    const sample = join(root, 'sample.txt');
    const prompts = Array.from({ length: 2_000 }, (_, row) => `Explain ${row} and ${row % 7}.`);
    await writeFile(sample, prompts.join('\n'));
    const calibrate = (id: string, ...args: readonly string[]) =>
      runTool('model-calibrate', [
        ...['--prompts', sample, '--strong-share', '0.3', '--tolerance', '0.2', '--id', id],
        ...['--models-folder', folder, ...args],
      ]);
    await use('local@next');
    expect((await calibrate('new')).stderr).toBe('Registered new@1 for local@next.\n');
    const old = await calibrate('old', '--scorer', `local@${shipped}`);
    expect(old.stderr).toBe(`Registered old@1 for local@${shipped}.\n`);
    await use(`local@${shipped}`);
    const idsOf = async (name: string) =>
      findScorer(await loadRegistry(folder), name).calibrations.map(({ id }) => id);
    expect(new Set(await idsOf('local'))).toEqual(new Set(['validation', 'old']));
    expect(await idsOf('local@next')).toEqual(['new']);
  });

  test.each([
    [['local'], '"local" names no version: write <id>@<version>, such as local@1.'],
    [['local@9'], 'names "local@9", which is not registered. Known: local@'],
    [['local@1', 'local@2'], 'Name one version, such as local@1.'],
  ])('refuses %j and changes nothing', async (args, problem) => {
    const before = await registryText();
    const { code, stdout, stderr } = await use(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(problem);
    expect(await registryText()).toBe(before);
  });

  test('refuses a version whose file is gone', async () => {
    await use(`local@${shipped}`);
    const before = await registryText();
    const file = join(folder, 'local/next/scorer.onnx');
    await rename(file, `${file}.away`);
    const { code, stderr } = await use('local@next');
    await rename(`${file}.away`, file);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot be read');
    expect(await registryText()).toBe(before);
  });
});
