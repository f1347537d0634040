import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../shared/matrix-factorization/stand-in-choice.ts';
import { thresholdForStrongShare } from '../../shared/policy/threshold.ts';
import { createRandom } from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';
import { post, startRouter } from '../support/router.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-calibrate-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const shipped = await loadRegistry('models');
const local = findScorer(shipped, 'local');
const { version } = local;
const { strong, weak } = unknownPairOf(local);
const defaultPair = { strong, weak };
const scorerName = `local@${version}`;

/** Creates a separate folder with the shipped scorer, as `npm run` finds it. */
async function copyModels(name: string): Promise<string> {
  const folder = join(root, name);
  await cp('models', folder, { recursive: true });
  return folder;
}

const WORDS =
  'please prove the integral of a hello pizza weather birthday cat movie coffee distributed quantum theorem and regression for me with one table'.split(
    ' ',
  );

/** Invents prompts, nearly all different. */
function inventPrompts(count: number, seed: number): string[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from(
      { length: 3 + Math.floor(random() * 12) },
      () => WORDS[Math.floor(random() * WORDS.length)],
    ).join(' '),
  );
}

async function writeSample(name: string, rows: readonly (string | object)[]): Promise<string> {
  const path = join(root, name);
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

/** Invents rows whose strong answers cost 10 and weak ones 1 USD per 1,000, and are sometimes better. */
function inventRows(count: number, seed: number): object[] {
  const random = createRandom(seed + 1_000);
  return inventPrompts(count, seed).map((prompt, index) => ({
    id: `r${index}`,
    source: 'invented',
    prompt,
    scores: {
      [defaultPair.strong]: Number(random() < 0.9),
      [defaultPair.weak]: Number(random() < 0.8),
    },
    costs: { [defaultPair.strong]: 0.01, [defaultPair.weak]: 0.001 },
  }));
}

const PROMPTS = inventPrompts(3_000, 1);
const sample = await writeSample('sample.txt', PROMPTS);
const few = await writeSample('few.txt', PROMPTS.slice(0, 60));
const rows = await writeSample('rows.jsonl', inventRows(6_000, 2));
let dryFolder: string;
beforeAll(async () => {
  dryFolder = await copyModels('dry');
});

function calibrate(...args: readonly string[]): Promise<ToolResult> {
  return runTool('model-calibrate', args);
}

function calibrateDry(...args: readonly string[]): Promise<ToolResult> {
  return calibrate(...args, '--models-folder', dryFolder, '--dry-run', '--json');
}

async function resultOf(...args: readonly string[]) {
  const result = await calibrateDry(...args);
  expect(result).toMatchObject({ code: 0 });
  return JSON.parse(result.stdout);
}

async function refusalOf(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await calibrateDry(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  const errors = stderr.split('\n').filter((line) => line.startsWith('Error: '));
  expect(errors).toHaveLength(1);
  return errors[0] ?? '';
}

describe('a calibration for a strong share', () => {
  let folder: string;
  let before: string;
  let first: ToolResult;
  const registry = (): Promise<string> => readFile(join(folder, 'registry.json'), 'utf8');
  const run = (...args: readonly string[]): Promise<ToolResult> =>
    calibrate('--prompts', sample, '--id', 'mine', '--models-folder', folder, ...args);

  beforeAll(async () => {
    folder = await copyModels('share');
    before = await registry();
    first = await run('--strong-share', '0.3');
  });

  test('tells percentiles and shares, and the exact threshold', async () => {
    expect(first).toMatchObject({ code: 0, stderr: `Registered mine@1 for ${scorerName}.\n` });
    expect(first.stdout).toMatch(/^target +30\.0% of the requests/m);
    expect(first.stdout).toMatch(/^threshold +above 70\.0% .*95%: 6\d\.\d% to 7\d\.\d%/m);
    expect(first.stdout).toMatch(/^held out +\d\d\.\d% \(95%: 2\d\.\d% to 3\d\.\d%\)/m);
    expect(first.stdout).toMatch(/^win rate +0\.\d{6,}/m);
  });

  test('is registered with its target, threshold, intervals and what it achieved', async () => {
    const calibration = findScorer(await loadRegistry(folder), 'local').calibrations.at(-1);
    expect(calibration).toMatchObject({
      id: 'mine',
      version: 1,
      data: 'sample.txt',
      rows: 2_000,
      ...defaultPair,
      target: { kind: 'strong-share', value: 0.3, basis: 'measured' },
      achieved: { rows: 1_000, value: calibration?.achieved?.strongShare },
    });
    const { threshold = 0, thresholdInterval: [low, high] = [1, 0], achieved } = calibration ?? {};
    expect(threshold).toBe(thresholdForStrongShare(calibration?.quantiles ?? [], 0.3));
    expect(low).toBeLessThan(threshold);
    expect(high).toBeGreaterThan(threshold);
    expect(Math.abs((achieved?.value ?? 0) - 0.3)).toBeLessThan(0.05);
    // 1.96 deviations of a share of 0.3 among 1,000 prompts are the expected width.
    expect((achieved?.interval[1] ?? 0) - (achieved?.interval[0] ?? 0)).toBeCloseTo(0.057, 2);
  });

  test('leaves all else of the registry as it was, and holds no prompt', async () => {
    const after = JSON.parse(await registry());
    const added = after.scorers.find(({ id }: { id: string }) => id === 'local').calibrations.pop();
    expect(added.id).toBe('mine');
    expect(`${JSON.stringify(after, null, 2)}\n`).toBe(before);
    for (const prompt of PROMPTS) expect(await registry()).not.toContain(prompt);
  });

  test('gets the next version when it is made again, and the earlier one stays', async () => {
    const { stderr } = await run('--strong-share', '0.5', '--seed', '2');
    expect(stderr).toContain('Registered mine@2');
    const { calibrations } = findScorer(await loadRegistry(folder), 'local');
    const own = calibrations.filter(({ id }) => id === 'mine');
    expect(own.map(({ version, target }) => [version, target?.value])).toEqual([
      [1, 0.3],
      [2, 0.5],
    ]);
  });

  test('holds in the running service, on prompts of the same kind, by name and version', async () => {
    const settings = { MODELS_FOLDER: folder, ROUTER_CALIBRATION: 'mine@1' };
    const router = await startRouter({ settings });
    try {
      const { body } = await post(`${router.url}/llm/route`, { prompts: inventPrompts(1_000, 9) });
      const { threshold } = JSON.parse(
        (await calibrate('--prompts', sample, '--strong-share', '0.3', '--dry-run', '--json'))
          .stdout,
      );
      expect(body.data[0].threshold).toBe(threshold);
      const strong = body.data.filter(({ tier }: { tier: string }) => tier === 'strong').length;
      expect(strong / 1_000).toBeGreaterThan(0.24);
      expect(strong / 1_000).toBeLessThan(0.36);
    } finally {
      await router.close();
    }
  });
});

describe.concurrent('model:calibrate', () => {
  test('gives the same for the same seed, and holds out others for another seed', async () => {
    const args = ['--prompts', sample, '--strong-share', '0.4'];
    const [one, again, other] = await Promise.all([
      calibrateDry(...args),
      calibrateDry(...args),
      calibrateDry(...args, '--seed', '2'),
    ]);
    expect(again.stdout).toBe(one.stdout);
    expect(JSON.parse(other.stdout).threshold).not.toBe(JSON.parse(one.stdout).threshold);
  });

  test('counts a prompt as often as it comes', async () => {
    const often = await writeSample('often.txt', [...PROMPTS.slice(0, 500), ...PROMPTS]);
    expect((await resultOf('--prompts', often, '--strong-share', '0.5')).rows).toBe(2_334);
  });

  test('takes bare prompts and messages of a JSON-lines file', async () => {
    const bare = PROMPTS.map((prompt, index) =>
      index % 2 ? { prompt } : { messages: [{ role: 'user', content: prompt }] },
    );
    const path = await writeSample('bare.jsonl', bare);
    const fromText = await resultOf('--prompts', sample, '--strong-share', '0.3');
    const fromRows = await resultOf('--prompts', path, '--strong-share', '0.3');
    expect({ ...fromRows, data: '' }).toEqual({ ...fromText, data: '' });
  });

  test('gives the largest strong share that the rows’ costs allow', async () => {
    const { achieved, target } = await resultOf('--prompts', rows, '--cost-per-1000', '5.5');
    expect(target).toEqual({ kind: 'cost-per-1000', value: 5.5, basis: 'measured' });
    // The cost is 1 + 9 x share = 5.5.
    expect(achieved.strongShare).toBeGreaterThan(0.45);
    expect(achieved.strongShare).toBeLessThan(0.55);
    expect(achieved.value).toBeCloseTo(1 + 9 * achieved.strongShare, 6);
  });

  test('takes stated prices where rows have no costs', async () => {
    const prices = ['--strong-cost', '10', '--weak-cost', '1', '--cost-per-1000', '5.5'];
    const { achieved, target } = await resultOf('--prompts', sample, ...prices);
    expect(target.basis).toBe('stated');
    expect(achieved.strongShare).toBeGreaterThan(0.45);
    expect(achieved.strongShare).toBeLessThan(0.55);
  });

  test('keeps a measured loss within its limit, with the upper end of its interval', async () => {
    const result = await resultOf('--prompts', rows, '--max-loss', '0.05');
    expect(result.target).toEqual({ kind: 'max-loss', value: 0.05, basis: 'measured' });
    expect(result.achieved.interval[0]).toBeLessThan(0.05);
    // With the weak model for all prompts, the loss would be 0.1.
    expect(result.achieved.strongShare).toBeGreaterThan(0.4);
    expect(result.achieved.strongShare).toBeLessThan(0.95);
  });

  test('says that a loss is predicted where no answer was graded', async () => {
    const predicted = ['--prompts', sample, '--predicted', '--max-loss'];
    const [, loss] = /loses just (0\.\d+)/.exec(await refusalOf(...predicted, '1')) ?? [];
    const args = [...predicted, String(Number(loss) / 2), '--models-folder', dryFolder];
    const { code, stdout } = await calibrate(...args, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^target .*predicted by the scorer/m);
  });

  test('leaves out rows that lack what the target needs, and says how many', async () => {
    const path = await writeSample('mixed.jsonl', [
      ...inventRows(4_000, 3),
      ...inventRows(50, 4).map((row) => ({ ...row, costs: undefined })),
    ]);
    const { code, stderr } = await calibrateDry('--prompts', path, '--cost-per-1000', '5');
    expect(stderr).toContain('50 of 4050 rows lack');
    expect(code).toBe(0);
  });

  test('does not take assumed scores for a measurement', async () => {
    const assumed = inventRows(600, 5).map((row) => ({ ...row, assumed: true }));
    const path = await writeSample('assumed.jsonl', assumed);
    expect(await refusalOf('--prompts', path, '--max-loss', '0.05')).toContain('--max-loss');
  });

  test('changes nothing in a dry run', async () => {
    const before = await readFile(join(dryFolder, 'registry.json'), 'utf8');
    expect((await resultOf('--prompts', sample, '--strong-share', '0.3')).registered).toBe(false);
    expect(await readFile(join(dryFolder, 'registry.json'), 'utf8')).toBe(before);
  });
});

describe.concurrent('model:calibrate refuses, in one line,', () => {
  const share = ['--strong-share', '0.3'];
  const of = (path: string, ...target: string[]): string[] => ['--prompts', path, ...target];

  test.each<[string, readonly string[], RegExp]>([
    ['no target', of(sample), /exactly one target/],
    ['two targets', of(sample, ...share, '--max-loss', '0.1'), /exactly one target/],
    ['no sample', share, /one sample/],
    ['two samples', of(sample, ...share, '--from-decisions'), /one sample/],
    ['a sample that is to be registered', of(sample, ...share, '--register'), /belongs to/],
    ['a share that is no number', of(sample, '--strong-share', 'NaN'), /--strong-share must be/],
    ['a share of 0', of(sample, '--strong-share', '0'), /from 0\.01 to 0\.99, got "0"/],
    ['a share above 1', of(sample, '--strong-share', '1.5'), /--strong-share must be/],
    ['an infinite cost', of(sample, '--cost-per-1000', 'Infinity'), /--cost-per-1000 must be/],
    ['a negative loss', of(sample, '--max-loss=-0.1'), /--max-loss must be/],
    [
      'one price without the other',
      of(sample, '--cost-per-1000', '5', '--weak-cost', '1'),
      /together/,
    ],
    ['an unknown scorer', of(sample, ...share, '--scorer', 'nobody'), /"nobody".*local@/],
    [
      'a model that the scorer does not know',
      of(sample, ...share, '--weak', 'nobody'),
      /--weak.*"nobody"/,
    ],
    ['a model over itself', of(sample, ...share, '--weak', defaultPair.strong), /itself/],
    ['a bad name', of(sample, ...share, '--id', 'Mine@1'), /--id/],
    ['a file that is not there', of(join(root, 'no.txt'), ...share), /cannot be read/],
    ['a file of another kind', of(join(root, 'x.csv'), ...share), /\.txt or \.jsonl/],
    ['a loss without gradings', of(sample, '--max-loss', '0.05'), /--predicted/],
    ['a cost without costs', of(sample, '--cost-per-1000', '5'), /--strong-cost/],
    [
      'a cost below the weak model’s',
      of(rows, '--cost-per-1000', '0.9'),
      /only the weak model costs 1, .*strong one costs 10/,
    ],
    [
      'a cost above the strong model’s',
      of(rows, '--cost-per-1000', '11'),
      /only the weak model costs 1, .*strong one costs 10/,
    ],
    [
      'a loss that the weak model keeps',
      of(rows, '--max-loss', '0.5'),
      /only the weak model loses just 0\.\d/,
    ],
    ['an embeddings file that is none', of(sample, ...share, '--embeddings', sample), /Error/],
  ])('%s', async (_, args, message) => {
    expect(await refusalOf(...args)).toMatch(message);
  });

  test('a file without a prompt', async () => {
    const path = await writeSample('empty.txt', ['', '  ']);
    expect(await refusalOf(...of(path, ...share))).toContain('does not contain any prompts');
  });

  test('a bad line, by its number and without its text', async () => {
    const path = await writeSample('bad.jsonl', [{ prompt: 'good' }, '{"prompt": "secret"']);
    const error = await refusalOf(...of(path, ...share));
    expect(error).toContain('bad.jsonl:2');
    expect(error).not.toContain('secret');
  });

  test('a sample that is too small, with the number of prompts that would do', async () => {
    // 3 x (1.96 / 0.05)^2 x 0.35 x 0.65: a third is held out, and 0.35 is within the tolerance.
    expect(await refusalOf(...of(few, ...share))).toMatch(/60 prompts is too small.* 1050 prompts/);
    const narrow = await refusalOf(...of(sample, ...share, '--tolerance', '0.01'));
    expect(narrow).toMatch(/3000 prompts is too small.*24\d{3} prompts.*--tolerance/);
    const wide = await calibrateDry(...of(few, ...share, '--tolerance', '0.5'));
    expect(wide.stderr).toContain('At least 300 prompts');
  });

  test('a small share that a small sample would promise by chance', async () => {
    const path = await writeSample('hundreds.txt', PROMPTS.slice(0, 400));
    expect(await refusalOf(...of(path, '--strong-share', '0.02'))).toMatch(/3354 prompts/);
  });

  test('win rates that are all the same', async () => {
    const path = await writeSample('same.txt', new Array(2_000).fill('hello'));
    expect(await refusalOf(...of(path, ...share))).toMatch(
      /All 2000 prompts have the same win rate/,
    );
  });

  test('a share that equal win rates make unreachable, with those that can be had', async () => {
    const path = await writeSample('tied.txt', [
      ...PROMPTS.slice(0, 1_500),
      ...new Array(1_500).fill(PROMPTS[0]),
    ]);
    const { code, stderr } = await calibrateDry(...of(path, '--strong-share', '0.5'));
    // One of the sides of the tied half may be near 0.5 by chance; then 0.25 and 0.75 are not.
    const others = await Promise.all(
      ['0.2', '0.35', '0.65', '0.8'].map((value) =>
        calibrateDry(...of(path, '--strong-share', value)),
      ),
    );
    const refused = [{ code, stderr }, ...others].filter((one) => one.code === 2);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const one of refused) {
      expect(one.stderr).toMatch(/cannot be reached: .*same win rate.* \d+\.\d% and \d+\.\d%/);
    }
  });
});

describe('recorded decisions', () => {
  type Handle = (request: IncomingMessage, response: ServerResponse, url: URL) => void;
  let handle: Handle = () => undefined;
  let asked: { readonly path: string; readonly key: unknown }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', key: request.headers['api-key'] });
    handle(request, response, new URL(request.url ?? '', 'http://localhost'));
  });
  let url: string;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const random = createRandom(5);
  const pairOf = ({ strong, weak }: typeof defaultPair) => ({
    scorer_strong: strong,
    scorer_weak: weak,
  });
  const recorded = Array.from({ length: 1_500 }, (_, index) => {
    const winRate = random();
    return {
      request_id: `d${index}`,
      scorer: index % 10 === 3 ? 'other@1' : scorerName,
      ...(index % 10 === 7 ? {} : { win_rate: winRate, threshold: 0.75, percentile: winRate }),
      ...pairOf(index % 10 === 5 ? { ...defaultPair, weak: 'another' } : defaultPair),
    };
  });

  /** Lists pages of `limit` decisions, newest first, starting after `after`. */
  const listPages: Handle = (_, response, { searchParams }) => {
    const from = recorded.findIndex((one) => one.request_id === searchParams.get('after')) + 1;
    const data = recorded.slice(from, from + Number(searchParams.get('limit')));
    const has_more = from + data.length < recorded.length;
    response.end(JSON.stringify({ object: 'list', data, has_more }));
  };

  function fromDecisions(answer: Handle, ...args: readonly string[]): Promise<ToolResult> {
    handle = answer;
    asked = [];
    return calibrateDry('--from-decisions', '--url', url, '--strong-share', '0.3', ...args);
  }

  test('are read page by page, those of this scorer with a win rate only', async () => {
    const { code, stdout, stderr } = await fromDecisions(listPages);
    expect(code).toBe(0);
    expect(stderr).toContain('1050 decisions');
    expect(stderr).toContain('150 of other scorers, 150 of other pairs, 150 without a win rate');
    expect(stderr).toMatch(/In force: the win rate 0.75, which 2\d\.\d% of them reach; .*25\.\d%/);
    const { threshold, data, name } = JSON.parse(stdout);
    expect({ data, name }).toEqual({ data: `decisions of ${url.slice(7)}`, name: 'decisions@1' });
    expect(threshold).toBeGreaterThan(0.64);
    expect(threshold).toBeLessThan(0.76);
    expect(asked).toHaveLength(15);
    expect(asked[1]?.path).toBe('/llm/decisions?limit=100&after=d99');
  });

  test('propose what the threshold in force promised, and are registered only when that is wished', async () => {
    handle = listPages;
    const folder = await copyModels('proposal');
    const registry = join(folder, 'registry.json');
    const before = await readFile(registry, 'utf8');
    const args = ['--from-decisions', '--url', url, '--json', '--models-folder', folder];
    const proposed = await calibrate(...args);
    expect(proposed.stderr).toContain('Nothing was registered: --register does so.');
    const { target, threshold } = JSON.parse(proposed.stdout);
    expect(target.kind).toBe('strong-share');
    expect(target.value).toBeCloseTo(0.25, 1);
    expect(threshold).toBeCloseTo(0.75, 1);
    expect(await readFile(registry, 'utf8')).toBe(before);
    const registered = await calibrate(...args, '--register');
    expect(registered.stderr).toContain('Registered decisions@1');
    expect(await readFile(registry, 'utf8')).not.toBe(before);
  });

  test('are asked for with the key of an environment variable', async () => {
    process.env['CALIBRATE_TEST_KEY'] = 'a-secret-key';
    const { code } = await fromDecisions(listPages, '--key-from', 'CALIBRATE_TEST_KEY');
    expect(code).toBe(0);
    expect(new Set(asked.map(({ key }) => key))).toEqual(new Set(['a-secret-key']));
  });

  test('are the newest only, as many as are wished', async () => {
    const { stderr } = await fromDecisions(listPages, '--decisions', '150');
    expect(asked.map(({ path }) => path)).toEqual([
      '/llm/decisions?limit=100',
      '/llm/decisions?limit=50&after=d99',
    ]);
    expect(stderr).toMatch(/105 prompts is too small/);
  });

  const status =
    (code: number, text = '{}', headers = {}): Handle =>
    (_, response) =>
      response.writeHead(code, headers).end(text);

  test.each<[string, Handle, RegExp]>([
    ['asks for a key', status(401), /answered 401/],
    ['has no such route', status(404), /answered 404/],
    ['fails', status(500), /answered 500/],
    ['does not answer with JSON', status(200, '<html>'), /answered 200/],
    ['answers with another shape', status(200, '{"data": 1}'), /does not answer with a list/],
    ['leads elsewhere', status(302, '', { location: 'https://example.com' }), /cannot be reached/],
    ['hangs up', (request) => request.socket.destroy(), /cannot be reached/],
    [
      'has no decision',
      status(200, '{"object":"list","data":[],"has_more":false}'),
      /no usable prompt/,
    ],
    [
      'has more and shows none',
      status(200, '{"data":[],"has_more":true}'),
      /gives no cursor to continue with/,
    ],
    [
      'repeats its page for ever',
      status(200, JSON.stringify({ data: [recorded[0]], has_more: true })),
      /gives no cursor to continue with/,
    ],
  ])('are refused from a service that %s', async (_, answer, message) => {
    const { code, stderr, stdout } = await fromDecisions(answer);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('without end are read up to the limit', async () => {
    const answer: Handle = (_, response) => {
      const page = Array.from({ length: 100 }, (__, index) => ({
        request_id: `${asked.length}-${index}`,
        scorer: scorerName,
        ...pairOf(defaultPair),
        win_rate: random(),
      }));
      response.end(JSON.stringify({ data: page, has_more: true }));
    };
    const { code } = await fromDecisions(answer, '--decisions', '2000');
    expect(code).toBe(0);
    expect(asked).toHaveLength(20);
  });

  test('cannot tell a loss or a cost: that is said before anything is asked', async () => {
    handle = listPages;
    asked = [];
    for (const target of [
      ['--max-loss', '0.1'],
      ['--cost-per-1000', '5'],
    ]) {
      await refusalOf('--from-decisions', '--url', url, ...target);
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ['an address that is none', ['--url', 'router'], /https address/],
    [
      'a key that would go in the clear',
      ['--url', 'http://a.example', '--key-from', 'CALIBRATE_TEST_KEY'],
      /https/,
    ],
    [
      'a variable without a key',
      ['--url', 'https://a.example', '--key-from', 'CALIBRATE_NO_KEY'],
      /--key-from must name/,
    ],
  ])('are refused with %s', async (_, args, message) => {
    process.env['CALIBRATE_TEST_KEY'] = 'a-secret-key';
    const error = await refusalOf('--from-decisions', '--strong-share', '0.3', ...args);
    expect(error).toMatch(message);
    expect(error).not.toMatch(/secret/);
  });
});
