import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTool } from '../fakes/run-tool.ts';

let folder: string;
let committed: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openapi-'));
  committed = await readFile('docs/openapi.json', 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('npm run openapi', () => {
  test('writes what is committed, the same each time', async () => {
    const file = join(folder, 'written.json');
    for (let round = 0; round < 2; round += 1) {
      const { code, stderr } = await runTool('openapi', ['--file', file]);
      expect([code, stderr]).toEqual([0, '']);
      expect(await readFile(file, 'utf8')).toBe(committed);
    }
    expect(await readdir(folder)).toEqual(['written.json']);
  });

  test('refuses a file that it cannot write, and says what to do', async () => {
    const file = join(folder, 'missing', 'openapi.json');
    const { code, stderr, stdout } = await runTool('openapi', ['--file', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Error: .* cannot be written \(ENOENT\): name a file .* with --file\.\n$/,
    );
    expect(stdout).toBe('');
  });

  test('refuses an option that it does not know', async () => {
    const { code, stderr } = await runTool('openapi', ['--chek']);
    expect(code).toBe(2);
    expect(stderr).toContain('--chek');
  });
});

describe('npm run openapi -- --check', () => {
  test('accepts the committed document', async () => {
    const { code, stdout, stderr } = await runTool('openapi', ['--check']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('up to date');
  });

  test('says where a stale document differs and how to write it anew', async () => {
    const file = join(folder, 'stale.json');
    const stale = committed.replace('"summary": "Is the router running?"', '"summary": "Is it?"');
    await writeFile(file, stale);
    const { code, stderr } = await runTool('openapi', ['--check', '--file', file]);
    expect(code).toBe(1);
    const line = stale.split('\n').findIndex((text) => text.includes('"Is it?"')) + 1;
    expect(stderr).toContain(`is stale: it differs from line ${line} on`);
    expect(stderr).toContain('npm run openapi');
    expect(await readFile(file, 'utf8')).toBe(stale);
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, -20)],
    ['longer', (text: string) => `${text}\n`],
  ])('finds a document that is %s', async (_, change) => {
    const file = join(folder, 'changed.json');
    await writeFile(file, change(committed));
    const { code, stderr } = await runTool('openapi', ['--check', '--file', file]);
    expect(code).toBe(1);
    expect(stderr).toContain('is stale');
  });

  test.each([
    ['two operations of one name', '"operationId": "ready"', '"operationId": "health"', 'unique'],
    ['an unknown security scheme', '"bearer": []', '"basic": []', 'security-defined'],
    ['an unknown component', 'schemas/Health"', 'schemas/Wealth"', 'no-unresolved-refs'],
    ['an unused component', 'schemas/Health"', 'schemas/Readiness"', 'no-unused-components'],
    ['a parameter of no path', '"name": "deployment"', '"name": "model"', 'path-parameters'],
    ['a wrong example', '"status": "online"', '"status": "on"', 'no-invalid-media-type-examples'],
    ['a word that OpenAPI lacks', '"summary": "This', '"sumary": "This', 'struct'],
  ])('lints: finds %s', async (_, before, after, rule) => {
    const file = join(folder, 'wrong.json');
    await writeFile(file, committed.replace(before, after));
    const { code, stderr } = await runTool('openapi', ['--check', '--file', file]);
    expect(code).toBe(1);
    expect(stderr).toContain(rule);
  });

  test('says that a document is missing', async () => {
    const { code, stderr } = await runTool('openapi', ['--check', '--file', join(folder, 'none')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is missing: write it with npm run openapi\.\n$/);
  });

  test('refuses a folder in the place of a file', async () => {
    const { code, stderr } = await runTool('openapi', ['--check', '--file', folder]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be read \(EISDIR\): name a file with --file\./);
  });
});
