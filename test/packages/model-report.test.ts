import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runTool } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-report-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const SECRET = 'the secret words of a prompt';
const ROWS = [1, 1, 0, 1].map((strong, index) => ({
  id: String(index),
  prompt: `${SECRET} ${index}`,
  scores: { strong, weak: index === 1 ? 1 : 0 },
  costs: { strong: 10, weak: 2 },
}));

/** Evaluates the local scorer on rows, with a report in a folder. */
async function evaluate(out: string, rows: readonly object[], ...more: readonly string[]) {
  const data = `${root}/rows.jsonl`;
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
  const pair = ['--strong', 'strong', '--weak', 'weak'];
  const standIns = ['--scorer-strong', 'gpt-4-1106-preview', '--scorer-weak', 'mixtral-8x7b'];
  const options = ['--data', data, '--out', out, ...pair, ...standIns, ...more];
  return runTool('model-evaluate', options);
}

async function readReport(out: string): Promise<{ readonly html: string; readonly json: string }> {
  expect((await readdir(out)).sort()).toEqual(['report.html', 'report.json']);
  return {
    html: await readFile(join(out, 'report.html'), 'utf8'),
    json: await readFile(join(out, 'report.json'), 'utf8'),
  };
}

test('writes a report that needs no network and holds no prompt', async () => {
  const out = join(root, 'plain');
  const { code, stdout } = await evaluate(out, ROWS, '--json');
  expect(code).toBe(0);
  const { html, json } = await readReport(out);
  expect(JSON.parse(json)).toEqual(JSON.parse(stdout));
  expect(json + html + stdout).not.toContain(SECRET);
  expect(json + html).not.toContain(root);
  expect(html.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(
    /https?:|<script|<link|url\((?!#)/,
  );
  for (const part of ['strong calls', 'Quality against cost', 'exactly as predicted', 'oracle']) {
    expect(html).toContain(part);
  }
  expect(html.match(/<svg/g)).toHaveLength(6);
});

test('escapes what the data names, in the report', async () => {
  const named = ROWS.map((row) => ({ ...row, source: '<img src=x onerror=1>' }));
  const out = join(root, 'escaped');
  await evaluate(out, named, '--min-rows', '1');
  const { html } = await readReport(out);
  expect(html).toContain('&lt;img src=x');
  expect(html).not.toContain('<img');
});

test('refuses a folder that cannot be made, in one line', async () => {
  const out = join(root, 'rows.jsonl', 'below-a-file');
  const { code, stdout, stderr } = await evaluate(out, ROWS);
  expect(stderr).toMatch(/below-a-file cannot be created/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect([code, stdout]).toEqual([2, '']);
});
