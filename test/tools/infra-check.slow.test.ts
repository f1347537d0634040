import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCompiler } from '../../tools/infra/compiler.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const hasCompiler = await findCompiler().then(
  () => true,
  () => false,
);

const TEMPLATE = `targetScope = 'subscription'

@description('Required. The name.')
param name string

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-\${name}'
  location: 'swedencentral'
}
`;
const PARAMETERS = `using '../main.bicep'

param name = readEnvironmentVariable('NAME_OF_NOTHING', 'tiny')
`;

/** The tests run one after another on one folder, since every run starts the compiler several times. */
describe.skipIf(!hasCompiler)('npm run infra:check on a tiny template', () => {
  let root: string;
  let folder: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'smart-router-infra-test-'));
    folder = join(root, 'infra');
    await mkdir(join(folder, 'parameters'), { recursive: true });
    await writeFile(join(folder, 'main.bicep'), TEMPLATE);
    await writeFile(join(folder, 'parameters', 'tiny.bicepparam'), PARAMETERS);
  });

  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  function check(...options: readonly string[]): Promise<ToolResult> {
    return runTool('infra-check', ['--folder', folder, ...options]);
  }

  test('fails on a warning of the compiler and on a wrong format', {
    timeout: 120_000,
  }, async () => {
    await writeFile(join(folder, 'main.bicep'), `${TEMPLATE}\nvar   unused = 1\n`);

    const { code, stderr } = await check();

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /not ok {2}compile and lint .*\n {2}main\.bicep\(\d+,\d+\) : Warning no-unused-vars/,
    );
    expect(stderr).toMatch(/not ok {2}format .*\n {2}main\.bicep is not formatted/);
  });

  test('writes the format and the snapshot when told to', { timeout: 120_000 }, async () => {
    await writeFile(join(folder, 'main.bicep'), TEMPLATE.replace('param name', 'param   name'));

    const { code, stdout, stderr } = await check('--update');

    expect(stderr).not.toContain('not ok');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^tiny +1 +0$/m);
    expect(await readFile(join(folder, 'main.bicep'), 'utf8')).toBe(TEMPLATE);
    const snapshot: unknown = JSON.parse(await readFile(snapshotFile(), 'utf8'));
    expect(snapshot).toMatchObject({ resources: [{ name: 'rg-tiny' }] });
  });

  test('shows what a change does to the resources, a missing description, and a bad parameter that is taken', {
    timeout: 120_000,
  }, async () => {
    const changed = TEMPLATE.replace("'rg-", "'group-").replace(
      'Required. The name.',
      'See above.',
    );
    await writeFile(join(folder, 'main.bicep'), changed);
    await mkdir(join(folder, 'refused'));
    const refusal = `using '../main.bicep'\n\n// refused: BCP033\nparam name = `;
    await writeFile(join(folder, 'refused', 'number.bicepparam'), `${refusal}3\n`);
    await writeFile(join(folder, 'refused', 'text.bicepparam'), `${refusal}'fits'\n`);
    const committed = await readFile(snapshotFile(), 'utf8');

    const { code, stderr } = await check();

    expect(code).toBe(1);
    expect(stderr).toMatch(/not ok {2}compare snapshots/);
    expect(stderr).toMatch(/^ *- .*"name": "rg-tiny"/m);
    expect(stderr).toMatch(/^ *\+ .*"name": "group-tiny"/m);
    expect(stderr).toContain('npm run infra:check -- --update');
    expect(stderr).toMatch(/not ok {2}refuse .*\n {2}refused\/text\.bicepparam must be refused/);
    expect(stderr).not.toContain('refused/number.bicepparam');
    expect(stderr).toContain('main.bicep: parameters: name must have its own description.');
    expect(await readFile(snapshotFile(), 'utf8')).toBe(committed);
  });

  test('refuses a folder without parameter sets', async () => {
    const { code, stderr } = await runTool('infra-check', ['--folder', root]);

    expect(code).toBe(2);
    expect(stderr).toMatch(/^Error: There is no parameters\/\*\.bicepparam/);
  });

  function snapshotFile(): string {
    return join(folder, 'snapshots', 'tiny.json');
  }
});
