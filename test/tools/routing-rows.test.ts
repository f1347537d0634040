import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../tools/command-line/input-error.ts';
import {
  loadRoutingRows,
  parseRoutingRow,
  type RoutingRow,
  readRoutingRows,
} from '../../tools/model/routing-rows.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-rows-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const good = '{"id":"1","source":"s","prompt":"p","scores":{"a":1,"b":0}}';
const strict = { maxBad: 0, report: () => undefined };

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(root, name);
  await writeFile(path, content);
  return path;
}

describe('a row', () => {
  test('has scores and costs by the names that models have in scorers', () => {
    const row = parseRoutingRow({
      id: 7,
      source: 's',
      category: 'c',
      prompt: ' What? ',
      scores: { 'Mixtral-8x7B-Instruct-v0.1': 0.5, strong: 1 },
      costs: { strong: 0.01 },
    });
    expect(row).toEqual({
      id: '7',
      source: 's',
      category: 'c',
      prompt: 'What?',
      scores: new Map([
        ['mixtral-8x7b', 0.5],
        ['strong', 1],
      ]),
      costs: new Map([['strong', 0.01]]),
      assumed: false,
    } satisfies RoutingRow);
  });

  test.each([
    ['model_a', 1],
    ['model_b', 0],
    ['tie', 0.5],
    [0.8, 0.8],
  ])('with the winner %s gives the first model a win of %d', (winner, winA) => {
    const row = parseRoutingRow({ prompt: 'p', model_a: 'x', model_b: 'y', winner });
    expect(row.preference).toEqual({ modelA: 'x', modelB: 'y', winA });
    expect(row.scores).toBeUndefined();
  });

  test('with messages is scored by the newest ask, as the service does', () => {
    const messages = [
      { role: 'user', content: 'Name a river.' },
      { role: 'assistant', content: 'answer' },
      { role: 'user', content: [{ type: 'text', text: 'What is the capital of Peru?' }] },
      { role: 'tool', content: 'result' },
    ];
    expect(parseRoutingRow({ messages, scores: { a: 1, b: 0 } }).prompt).toBe(
      'What is the capital of Peru?',
    );
  });

  test('without id and source gets the same id for the same prompt, and a default source', () => {
    const [first, second, other] = ['p', 'p', 'q'].map((prompt) =>
      parseRoutingRow({ prompt, scores: { a: 1, b: 0 }, model_a: null, costs: null }),
    );
    expect(first).toMatchObject({ source: 'default', id: second?.id });
    expect(other?.id).not.toBe(first?.id);
  });
});

describe('a row is refused by file and line for', () => {
  test.each([
    ['a line that is not JSON', '{"id":', /bad\.jsonl:3: not JSON/],
    ['NaN', good.replace('1,"b"', 'NaN,"b"'), /bad\.jsonl:3: not JSON/],
    ['a list', '[]', /bad\.jsonl:3/],
    ['no prompt', good.replace('"prompt":"p",', ''), /bad\.jsonl:3: .*prompt or messages/],
    ['prompt and messages', good.replace('"prompt"', '"messages":[],"prompt"'), /either a prompt/],
    ['a prompt without text', good.replace('"p"', '" "'), /bad\.jsonl:3: .*no text/],
    ['no outcome', '{"prompt":"p"}', /bad\.jsonl:3: .*either scores, or model_a/],
    ['both outcomes', good.replace('"id"', '"winner":"tie","id"'), /either scores, or model_a/],
    ['a score above 1', good.replace('1,"b"', '1.5,"b"'), /the score of "a"/],
    ['an infinite score', good.replace('1,"b"', '1e999,"b"'), /the score of "a"/],
    ['a score that is text', good.replace('1,"b"', '"1","b"'), /the score of "a"/],
    ['a score that is null', good.replace('1,"b"', 'null,"b"'), /the score of "a"/],
    ['one model', good.replace(',"b":0', ''), /bad\.jsonl:3: .*two models/],
    ['a negative cost', good.replace('"id"', '"costs":{"a":-1},"id"'), /the cost of "a"/],
    ['half a preference', '{"prompt":"p","model_a":"x","winner":"tie"}', /model_a, model_b and/],
    [
      'a model preferred to itself under another name',
      '{"prompt":"p","model_a":"mixtral-8x7b","model_b":"Mixtral-8x7B-Instruct-v0.1","winner":1}',
      /both "mixtral-8x7b"/,
    ],
    [
      'an unknown winner',
      '{"prompt":"p","model_a":"x","model_b":"y","winner":"x"}',
      /winner: must be "model_a", "model_b", "tie"/,
    ],
    ['a winner above 1', '{"prompt":"p","model_a":"x","model_b":"y","winner":2}', /winner/],
  ])('%s', async (_, line, message) => {
    const path = await file('bad.jsonl', `${good}\n\n${line}\n`);
    const loaded = loadRoutingRows([path], strict);
    await expect(loaded).rejects.toThrow(message);
    await expect(loaded).rejects.toThrow(InputError);
  });

  test('a text that is not UTF-8, without quoting it', async () => {
    const path = await file(
      'latin1.jsonl',
      Buffer.from(good.replace('"p"', '"caf\xe9"'), 'latin1'),
    );
    await expect(loadRoutingRows([path], strict)).rejects.toThrow(/latin1\.jsonl:1: not JSON\.$/);
  });
});

describe('bad lines', () => {
  test('are all named at once, up to ten', async () => {
    const path = await file('many.jsonl', 'bad\n'.repeat(12));
    const loaded = loadRoutingRows([path], strict);
    await expect(loaded).rejects.toThrow(/many\.jsonl:1: .*many\.jsonl:10: not JSON\.$/);
  });

  test('are left out and told of as long as there are no more than tolerated', async () => {
    const path = await file('some.jsonl', `bad\n${good}\nworse\n${good}`);
    const told: string[] = [];
    const report = (line: string): number => told.push(line);
    expect(await loadRoutingRows([path], { maxBad: 2, report })).toHaveLength(2);
    expect(told).toEqual([
      `Left out: ${path}:1: not JSON.`,
      `Left out: ${path}:3: not JSON.`,
      '2 bad lines were left out.',
    ]);
    await expect(loadRoutingRows([path], { maxBad: 1, report })).rejects.toThrow(/\(1\) allows/);
  });

  test('do not hide that a file has no rows or is not there', async () => {
    const empty = await file('empty.jsonl', '\n\r\n');
    await expect(loadRoutingRows([empty], strict)).rejects.toThrow(/no rows/);
    const missing = join(root, 'missing.jsonl');
    await expect(loadRoutingRows([missing], strict)).rejects.toThrow(/missing\.jsonl/);
    await expect(loadRoutingRows([root], strict)).rejects.toThrow(InputError);
  });
});

describe('reading', () => {
  test('takes a byte order mark, Windows line ends and a last line without an end', async () => {
    const path = await file('windows.jsonl', `\uFEFF${good}\r\n\r\n${good}`);
    expect(await loadRoutingRows([path], strict)).toHaveLength(2);
  });

  test('puts lines together that chunks cut, within a character too', async () => {
    const long = good.replace('"p"', JSON.stringify('€'.repeat(1_000_000)));
    const path = await file('long.jsonl', `${long}\n${good}\n`);
    const [first, second] = await loadRoutingRows([path], strict);
    expect(first?.prompt).toBe('€'.repeat(1_000_000));
    expect(second?.prompt).toBe('p');
  });

  test('skips a line of 100 MB without holding it', async () => {
    const path = join(root, 'giant.jsonl');
    const stream = createWriteStream(path);
    const piece = 'x'.repeat(1024 * 1024);
    for (let part = 0; part < 100; part += 1) {
      if (!stream.write(piece)) await once(stream, 'drain');
    }
    stream.end(`\n${good}\n`);
    await once(stream, 'finish');
    const told: string[] = [];
    const options = { maxBad: 1, report: (line: string) => told.push(line) };
    expect(await loadRoutingRows([path], options)).toHaveLength(1);
    expect(told[0]).toMatch(/giant\.jsonl:1: longer than \d+ bytes/);
  });

  test('is a stream: the first row comes before a bad line far behind it is seen', async () => {
    const path = await file('late.jsonl', `${good}\n`.repeat(50_000).concat('bad\n'));
    const rows = readRoutingRows([path], strict);
    expect((await rows.next()).value).toMatchObject({ id: '1' });
    await rows.return(undefined);
  });
});
