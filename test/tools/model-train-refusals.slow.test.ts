import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGradedRows, gradeAnswers, inventPrompts, toLines } from '../fakes/graded-rows.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-refusals-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const good = createGradedRows(120, 1);
const [line = ''] = good.split('\n');
/** Data files by name; `good` is valid. */
const DATA: Readonly<Record<string, string>> = {
  good,
  empty: '',
  blank: '\n\n',
  nan: `${good}${line.replace(/"strong":\d/, '"strong":NaN')}\n`,
  infinite: `${good}${line.replace(/"strong":\d/, '"strong":1e999')}\n`,
  above: `${good}${line.replace(/"strong":\d/, '"strong":1.5')}\n`,
  single: `${good}{"prompt": "p", "scores": {"strong": 1}}\n`,
  text: 'The quick brown fox jumps.\n'.repeat(200),
  equal: toLines(
    inventPrompts(120, 1).map(({ id, prompt, luck }) => ({
      id,
      prompt,
      scores: { strong: luck, weak: luck },
    })),
  ),
  ties: toLines(
    inventPrompts(120, 1).map(({ id, prompt }) => ({
      id,
      prompt,
      model_a: 'strong',
      model_b: 'weak',
      winner: 'tie',
    })),
  ),
  assumed: toLines(
    inventPrompts(120, 1).map((invented) => ({
      id: invented.id,
      prompt: invented.prompt,
      scores: gradeAnswers(invented),
      assumed: true,
    })),
  ),
  one: good.slice(0, good.indexOf('\n')),
};

const pathOf = (name: string): string => join(root, `${name}.jsonl`);
const models = join(root, 'models');
const before = join(root, 'before');

beforeAll(async () => {
  for (const [name, content] of Object.entries(DATA)) await writeFile(pathOf(name), content);
  const { code, stderr } = await train(['good']);
  if (code !== 0) throw new Error(stderr);
  await cp(models, before, { recursive: true });
});

function train(names: readonly string[], ...args: readonly string[]): Promise<ToolResult> {
  const id = args.includes('--id') ? [] : ['--id', 'tiny'];
  const folder = args.includes('--models-folder') ? [] : ['--models-folder', models];
  const data = names.flatMap((name) => ['--data', pathOf(name)]);
  const rest = ['--replace', '--folds', '2', '--even-if-worse'];
  return runTool('model-train', [...id, ...folder, ...data, ...rest, ...args]);
}

/** Expects exit code 2, and one line with the reason after any progress. */
function expectRefusal({ code, stdout, stderr }: ToolResult, reason: RegExp): void {
  expect(stderr).toMatch(reason);
  const errors = stderr.trim().split('\n');
  expect(errors.filter((one) => one.startsWith('Error: '))).toEqual([errors.at(-1)]);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
}

/** Returns all files of a folder with their contents. */
async function contentsOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const contents = await Promise.all(paths.map((path) => readFile(path, 'base64')));
  return new Map(paths.map((path, index) => [path.slice(folder.length), contents[index] ?? '']));
}

describe('model:train refuses, and leaves the registry and the scorer of that id alone,', () => {
  test.each<[string, readonly string[], readonly string[], RegExp]>([
    ['no data', [], [], /--data is missing/],
    ['no id', ['good'], ['--id', ''], /--id is missing/],
    ['an option that there is not', ['good'], ['--sed', '1'], /--sed/],
    ['a seed that is no number', ['good'], ['--seed', 'one'], /--seed must be a whole number/],
    ['a file that is missing', ['nowhere'], [], /cannot be read: .*ENOENT.*nowhere\.jsonl/],
    ['a folder as data', ['good'], ['--data', root], /cannot be read: .*EISDIR/],
    ['a test file that is missing', ['good'], ['--test', pathOf('nowhere')], /nowhere\.jsonl/],
    ['an empty file', ['empty'], [], /empty\.jsonl has no rows/],
    ['an empty file beside a good one', ['good', 'blank'], [], /blank\.jsonl has no rows/],
    ['a single row', ['one'], [], /1 rows are too few/],
    ['no row at all', ['good'], ['--max-rows', '0'], /0 rows are too few/],
    ['rows of which none is graded', ['assumed'], [], /some must be graded/],
    ['scores that are all equal', ['equal'], [], /score the same on every row/],
    ['preferences that are all ties', ['ties'], [], /score the same on every row/],
    ['a score that is NaN', ['nan'], [], /nan\.jsonl:121: not JSON/],
    ['a score that is infinite', ['infinite'], [], /infinite\.jsonl:121: the score of "strong"/],
    ['a score above 1', ['above'], [], /above\.jsonl:121: the score of "strong"/],
    ['a row of one model', ['single'], [], /single\.jsonl:121: .*two models/],
    ['a file of something else', ['text'], [], /text\.jsonl:1: not JSON\..*text\.jsonl:10: not/],
    ['more bad lines than allowed', ['text'], ['--max-bad-lines', '5'], /\(5\) allows/],
    ['a strong model that no row knows', ['good'], ['--strong', 'nobody'], /"nobody" \(--strong\)/],
    ['a weak model that no row knows', ['good'], ['--weak', 'nobody'], /"nobody" \(--weak\)/],
    [
      'a pair that is one model',
      ['good'],
      ['--strong', 'weak', '--weak', 'weak'],
      /--strong and --weak are both "weak"/,
    ],
    [
      'an unknown strategy',
      ['good'],
      ['--strategy', 'magic'],
      /factorization or clusters.*"magic"/,
    ],
    ['an embedder that is none', ['good'], ['--embedder', 'magic'], /embedder must be .*"magic"/],
    [
      'another local embedder',
      ['good'],
      ['--embedder', 'local/999'],
      /local\/999 is another version/,
    ],
    ['an id that is no name', ['good'], ['--id', 'Not An Id'], /scorer's id is not valid/],
    ['an id that leads elsewhere', ['good'], ['--id', '../evil'], /scorer's id is not valid/],
    ['a version that is none', ['good'], ['--scorer-version', '1/2'], /version is not valid/],
  ])('%s', async (_, names, args, reason) => {
    expectRefusal(await train(names, ...args), reason);
    expect(await contentsOf(models)).toEqual(await contentsOf(before));
    expect(existsSync(join(root, 'evil'))).toBe(false);
  });
});

describe('model:train', () => {
  test('names what the data knows when a model is not there', async () => {
    const { stderr } = await train(['good'], '--strong', 'nobody');
    expect(stderr).toContain('The data has middle, strong, weak.');
  });

  test('makes no folder for what it refuses', async () => {
    const folder = join(root, 'fresh');
    expectRefusal(await train(['equal'], '--models-folder', folder), /score the same/);
    const badId = ['--models-folder', folder, '--id', 'Not An Id'];
    expectRefusal(await train(['good'], ...badId), /not valid/);
    expect(existsSync(folder)).toBe(false);
  });

  test('refuses a models folder that cannot be written', async () => {
    const inside = join(pathOf('good'), 'models');
    expectRefusal(await train(['good'], '--models-folder', inside), /cannot be created: .*ENOTDIR/);
    expect(await readFile(pathOf('good'), 'utf8')).toBe(good);
  });

  test('refuses a registry that is not one, and keeps it', async () => {
    const folder = join(root, 'broken');
    await mkdir(folder);
    await writeFile(join(folder, 'registry.json'), '{"scorers": [{}]}');
    expectRefusal(await train(['good'], '--models-folder', folder), /registry\.json: scorers\.0/);
    expect(await readdir(folder)).toEqual(['registry.json']);
    expect(await readFile(join(folder, 'registry.json'), 'utf8')).toBe('{"scorers": [{}]}');
  });

  test('puts back what was there when a file cannot take its place', async () => {
    const folder = join(root, 'blocked');
    await cp(before, folder, { recursive: true });
    // A folder blocks the card, which is replaced after the scorer.
    await rm(join(folder, 'tiny', '1', 'card.md'));
    await mkdir(join(folder, 'tiny', '1', 'card.md', 'in-the-way'), { recursive: true });
    const was = await contentsOf(folder);
    const args = ['--models-folder', folder, '--seed', '9'];
    expectRefusal(await train(['good'], ...args), /Nothing was registered or changed/);
    expect(await contentsOf(folder)).toEqual(was);
  });
});
