import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { ENCODER_EMBEDDER } from '../../shared/prompt-embedding/encoder-embedder.ts';
import { createScorerGraph } from '../../tools/model/onnx-graph.ts';
import { createRandom } from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT = 40_000_000;

let folder: string;
let packaged: ToolResult;
let zip: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-packaging-'));
  packaged = await runTool('package', ['--out', join(folder, 'out')]);
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
  zip = join(folder, 'out', `smart-router-${version}.zip`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function copyOwnModels(name: string): Promise<string> {
  const models = join(folder, name);
  await cp(join(project, 'models'), models, { recursive: true });
  return models;
}

async function listFiles(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((file) => join(file.parentPath, file.name).slice(path.length + 1)).toSorted();
}

async function hashes(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await listFiles(path)) {
    found[file] = createHash('sha256')
      .update(await readFile(join(path, file)))
      .digest('hex');
  }
  return found;
}

/** Returns the Unix modes in a zip's directory: APPNOTE.TXT 4.3.12, external attributes. */
function modesOf(bytes: Buffer): Map<string, number> {
  const modes = new Map<string, number>();
  let at = bytes.readUInt32LE(bytes.length - 6);
  while (bytes.readUInt32LE(at) === 0x02014b50) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const end = at + 46 + (name ?? 0);
    modes.set(bytes.toString('utf8', at + 46, end), bytes.readUInt32LE(at + 38) >>> 16);
    at = end + (extra ?? 0) + (comment ?? 0);
  }
  return modes;
}

describe('the package', () => {
  test('has the bundle, the settings, the models and the runtime for linux/x64, and nothing else', async () => {
    expect(packaged).toMatchObject({ code: 0 });
    const app = join(folder, 'out/app');
    const files = await listFiles(app);
    expect((await readdir(app)).toSorted()).toEqual([
      'THIRD-PARTY-NOTICES.txt',
      'dist',
      'host.json',
      'models',
      'node_modules',
      'package.json',
    ]);
    // There is no vector engine and no SDK: the parts that are needed are bundled.
    expect((await readdir(join(app, 'node_modules'))).toSorted()).toEqual([
      'onnxruntime-common',
      'onnxruntime-node',
    ]);
    expect(files.filter((file) => file.includes('/bin/'))).toEqual(
      ['libonnxruntime.so.1', 'onnxruntime_binding.node'].map(
        (file) => `node_modules/onnxruntime-node/bin/napi-v6/linux/x64/${file}`,
      ),
    );
    expect(files).toContain('dist/functions/index.js');
    expect(files).toContain('dist/functions/encoder-worker.js');
    expect(files.filter((file) => /\.(map|ts)$/.test(file))).toEqual([]);
    expect(files.filter((file) => file.startsWith('models/'))).toEqual([
      'models/encoder/1/card.md',
      'models/encoder/1/held-out-scores.bin',
      'models/encoder/1/scorer.onnx',
      'models/encoder/LICENSE',
      'models/encoder/encoder.md',
      'models/encoder/encoder.onnx',
      'models/encoder/vocabulary.txt',
      'models/local/card.md',
      'models/local/held-out-scores.bin',
      'models/local/scorer.onnx',
      'models/local/word-vectors.bin',
      'models/local/word-vectors.md',
      'models/registry.json',
    ]);
  });

  test('has a manifest without dependencies, so that nothing is installed in Azure', async () => {
    const own = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
    const manifest = JSON.parse(await readFile(join(folder, 'out/app/package.json'), 'utf8'));
    const { name, version, type, main, engines } = own;
    expect(manifest).toEqual({ name, version, type, main, engines });
  });

  test('names the licence of what it passes on', async () => {
    const notices = await readFile(join(folder, 'out/app/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['openai', 'zod', '@azure/functions', 'onnxruntime-node']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\([\\w. -]+\\)$`, 'm'));
    }
    expect(notices).not.toContain('vitest');
  });

  test('is zipped as it is unpacked, with unix modes, below the limit', async () => {
    const bytes = await readFile(zip);
    const unzipped = Object.entries(unzipSync(bytes)).map(([name, content]) => [
      name,
      createHash('sha256').update(content).digest('hex'),
    ]);
    expect(Object.fromEntries(unzipped)).toEqual(await hashes(join(folder, 'out/app')));
    expect(bytes.length).toBeLessThan(LIMIT);
    const modes = modesOf(bytes);
    expect(modes.size).toBe(unzipped.length);
    expect(modes.get('host.json')).toBe(0o100644);
    const library = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1';
    expect(modes.get(library)).toBe(0o100755);
  });

  test('is reported by part, with its scorer and its path', async () => {
    const { size } = await stat(zip);
    const all = size.toLocaleString('en-US').replaceAll(',', '\\,');
    for (const part of ['bundle', 'models', 'onnxruntime', 'other']) {
      expect(packaged.stdout).toMatch(new RegExp(`^${part} +\\d+ +[\\d,]+ +[\\d,]+$`, 'm'));
    }
    expect(packaged.stdout).toMatch(new RegExp(`^all .*${all}$`, 'm'));
    const { scorers } = await loadRegistry(join(project, 'models'));
    const [{ version } = { version: '' }] = scorers;
    expect(packaged.stdout).toContain(`Scorer: local@${version}\nPackage: ${zip}\n`);
    expect(JSON.parse(await readFile(join(folder, 'out/scorer.json'), 'utf8'))).toEqual({
      id: 'local',
      version,
      scorers: scorers.map((one) => ({ id: one.id, version: one.version })),
    });
  });

  test('is the same again, whatever else is in the folder of the models and however old it is', async () => {
    const models = await copyOwnModels('same');
    await writeFile(join(models, 'notes.txt'), 'mine');
    await writeFile(join(models, 'local/training.jsonl'), '{}');
    const again = ['--out', join(folder, 'again'), '--models-folder', models];
    expect(await runTool('package', again)).toMatchObject({ code: 0 });
    const [name = ''] = (await readdir(join(folder, 'again'))).filter((one) =>
      one.endsWith('.zip'),
    );
    expect((await readFile(join(folder, 'again', name))).equals(await readFile(zip))).toBe(true);
  });
});

describe('package refuses', () => {
  async function refusal(models: string): Promise<string> {
    const out = join(folder, 'out');
    const before = await hashes(out);
    const { code, stdout, stderr } = await runTool('package', [
      ...['--out', out, '--models-folder', models],
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await hashes(out)).toEqual(before);
    return stderr;
  }

  test('to put itself in the place of something else, or of a file', async () => {
    const mine = join(folder, 'mine');
    await mkdir(join(mine, 'app'), { recursive: true });
    await writeFile(join(mine, 'app/precious.txt'), 'mine');
    const other = await runTool('package', ['--out', mine]);
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not a package of this tool'),
    });
    expect(await readFile(join(mine, 'app/precious.txt'), 'utf8')).toBe('mine');
    const file = await runTool('package', ['--out', join(mine, 'app/precious.txt')]);
    expect(file).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('choose another --out'),
    });
  });

  test('a folder without a registry', async () => {
    expect(await refusal(join(folder, 'nowhere'))).toContain('registry.json');
  });

  test('a registry without a scorer', async () => {
    const models = await copyOwnModels('empty');
    await writeFile(join(models, 'registry.json'), '{"scorers":[]}');
    expect(await refusal(models)).toContain('has no scorer');
  });

  test('a scorer that is not the file of its entry', async () => {
    const models = await copyOwnModels('other');
    await writeFile(join(models, 'local/scorer.onnx'), 'other');
    expect(await refusal(models)).toContain('SHA-256');
  });

  test('held-out scores and word vectors that are not', async () => {
    const models = await copyOwnModels('damaged');
    await writeFile(join(models, 'local/word-vectors.bin'), 'damaged');
    expect(await refusal(models)).toContain('word vectors');
    await rm(join(models, 'local/held-out-scores.bin'));
    expect(await refusal(models)).toContain('held-out scores');
  });
});

test('package fails, and names the largest parts, when the zip is too large', async () => {
  const models = await copyOwnModels('large');
  const registry = JSON.parse(await readFile(join(models, 'registry.json'), 'utf8'));
  const [entry] = registry.scorers;
  const random = createRandom(1);
  const scores = Float32Array.from({ length: 60_000 * entry.models.length }, random);
  await writeFile(join(models, 'local/held-out-scores.bin'), scores);
  const sha256 = createHash('sha256').update(scores).digest('hex');
  Object.assign(entry.heldOutScores, { rows: 60_000, sha256 });
  await writeFile(join(models, 'registry.json'), JSON.stringify(registry));
  const out = join(folder, 'large-out');
  const result = await runTool('package', ['--out', out, '--models-folder', models]);
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(/40,000,000.*libonnxruntime\.so\.1.*local\/held-out-scores\.bin/);
  expect(await readdir(out)).toEqual([]);
});

/** Writes a folder of models with a small scorer on the sentence encoder alone. */
async function writeEncoderScorer(name: string): Promise<string> {
  const { id: embedder, dimensions } = ENCODER_EMBEDDER;
  const header = { id: 'sentences', version: '1', embedder, dimensions, models: ['big', 'small'] };
  const graph = createScorerGraph(header);
  const weights = Float32Array.from({ length: 2 * dimensions }, createRandom(1));
  graph.constant('weights', [dimensions, 2], weights);
  graph.node('MatMul', ['embedding', 'weights'], 'scores');
  const file = graph.finish();
  const models = join(folder, name);
  await mkdir(models);
  await writeFile(join(models, 'sentences.onnx'), file);
  const entry = {
    ...header,
    file: 'sentences.onnx',
    sha256: createHash('sha256').update(file).digest('hex'),
    defaultPair: { strong: 'big', weak: 'small' },
    trainedOn: 'nothing',
  };
  await writeFile(join(models, 'registry.json'), JSON.stringify({ scorers: [entry] }));
  return models;
}

describe('a package with a scorer on the sentence encoder', () => {
  test('has the encoder, and runs it in its thread with what is in the package alone', async () => {
    const models = await writeEncoderScorer('with-encoder');
    const out = join(folder, 'encoder-out');
    const made = await runTool('package', ['--out', out, '--models-folder', models]);
    expect(made).toMatchObject({ code: 0 });
    expect(await listFiles(join(out, 'app/models/encoder'))).toEqual(
      expect.arrayContaining(['LICENSE', 'encoder.md', 'encoder.onnx', 'vocabulary.txt']),
    );
    const zipped = (await readdir(out)).find((name) => name.endsWith('.zip')) ?? '';
    const verify = ['--zip', join(out, zipped), '--scorer', 'sentences'];
    const { code, stdout } = await runTool('package-verify', verify);
    expect(stdout).toContain('"embedder":"encoder/1"');
    expect(stdout).toMatch(/win rate 0\.\d+, scorer sentences@1/);
    expect(code).toBe(0);
  });

  test('is refused with a damaged encoder', async () => {
    const models = await writeEncoderScorer('damaged-encoder');
    await mkdir(join(models, 'encoder'));
    for (const file of ['encoder.onnx', 'vocabulary.txt']) {
      await writeFile(join(models, 'encoder', file), 'damaged');
    }
    const out = join(folder, 'damaged-encoder-out');
    const { code, stderr } = await runTool('package', ['--out', out, '--models-folder', models]);
    expect(stderr).toContain('encoder.onnx is damaged or another file');
    expect(code).toBe(2);
  });
});

describe('package:verify', () => {
  test('routes a prompt with what is in the package alone', async () => {
    const { code, stdout } = await runTool('package-verify', ['--zip', zip]);
    expect(stdout).toContain('onnxruntime-node: node_modules/onnxruntime-node/dist/index.js');
    expect(stdout).toContain('/health: {"status":"online"}');
    expect(stdout).toContain('"status":"ready"');
    expect(stdout).toMatch(/selected_model gpt-5\.6-\w+, win rate 0\.\d+, scorer local@\d+/);
    expect(stdout).toMatch(/First answer after \d+ ms/);
    expect(code).toBe(0);
  });

  test.each<[string, (files: Record<string, Uint8Array>) => void, RegExp]>([
    [
      'loads something from elsewhere',
      (files) => {
        const elsewhere = pathToFileURL(join(project, 'shared/base/errors.ts')).href;
        const index = Buffer.from(files['dist/functions/index.js'] ?? '');
        files['dist/functions/index.js'] = Buffer.concat([
          Buffer.from(`import ${JSON.stringify(elsewhere)};`),
          index,
        ]);
      },
      /outside of the package.*shared\/base\/errors\.ts/,
    ],
    [
      'lacks the runtime',
      (files) => {
        for (const name of Object.keys(files)) {
          if (name.startsWith('node_modules/')) delete files[name];
        }
      },
      /does not work: .*onnxruntime-node/,
    ],
    [
      'lacks the models',
      (files) => {
        delete files['models/registry.json'];
      },
      /registry\.json/,
    ],
  ])('fails for a package that %s', async (name, change, message) => {
    const files = unzipSync(await readFile(zip));
    change(files);
    const path = join(folder, `${name}.zip`);
    await writeFile(path, zipSync(files, { level: 0 }));
    const { code, stderr } = await runTool('package-verify', ['--zip', path]);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  test('refuses a file that is no package', async () => {
    const { code, stderr } = await runTool('package-verify', ['--zip', join(folder, 'nothing')]);
    expect(stderr).toContain('npm run package');
    expect(code).toBe(2);
  });
});
