import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

type Hook = Readonly<Record<'posix' | 'windows', { readonly shell: string; readonly run: string }>>;

type AzureYaml = {
  readonly name: string;
  readonly infra: { readonly path: string; readonly module: string };
  readonly services: { readonly api: Record<string, unknown> & { hooks: Record<string, Hook> } };
  readonly workflows: { readonly up: { readonly steps: readonly { readonly azd: string }[] } };
  readonly hooks: Readonly<Record<string, Hook>>;
};

type Workflow = {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly if?: string;
        readonly permissions?: Readonly<Record<string, string>>;
        readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
      }
    >
  >;
};

async function readYaml<T>(path: string): Promise<T> {
  return parse(await readFile(path, 'utf8'), { strict: true, uniqueKeys: true }) as T;
}

async function readScripts(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  return Object.keys(scripts);
}

describe('azure.yaml', () => {
  test('deploys what the package command makes, as it is', async () => {
    const { name, infra, services } = await readYaml<AzureYaml>('azure.yaml');
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(services.api).toMatchObject({
      project: '.',
      host: 'function',
      language: 'ts',
      dist: 'dist-package/app',
      remoteBuild: false,
    });
    await expect(readFile(`${infra.path}/${infra.module}.bicep`, 'utf8')).resolves.toContain(
      'output',
    );
  });

  test('packages before it provisions, since the package decides the scorer', async () => {
    const { workflows } = await readYaml<AzureYaml>('azure.yaml');
    const steps = workflows.up.steps.map(({ azd }) => azd);
    expect(steps).toEqual(['package --all', 'provision', 'deploy --all']);
  });

  test('calls scripts that are there, in the same way on each system', async () => {
    const { hooks, services } = await readYaml<AzureYaml>('azure.yaml');
    const all = { ...hooks, ...services.api.hooks };
    expect(Object.keys(all).toSorted()).toEqual(['postdeploy', 'prepackage', 'preprovision']);
    const scripts = await readScripts();
    for (const [name, { posix, windows }] of Object.entries(all)) {
      expect(posix).toMatchObject({ shell: 'sh', run: `npm run azd:${name}` });
      expect(windows).toMatchObject({ shell: 'pwsh', run: posix.run });
      expect(scripts).toContain(`azd:${name}`);
    }
  });
});

describe.each(await readdir('.github/workflows'))('the workflow %s', (file) => {
  const path = `.github/workflows/${file}`;

  test('pins every action by its commit, with the version beside it', async () => {
    const text = await readFile(path, 'utf8');
    const { jobs } = await readYaml<Workflow>(path);
    const used = Object.values(jobs).flatMap(({ steps }) =>
      steps.flatMap(({ uses }) => uses ?? []),
    );
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) {
      expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      expect(text).toMatch(new RegExp(`${action} # v\\d+\\.\\d+\\.\\d+\\n`));
    }
  });

  test('holds and asks for no secret, and may write nothing', async () => {
    const text = await readFile(path, 'utf8');
    expect(text).not.toMatch(/secrets\.|secrets:|GITHUB_TOKEN|client-secret|creds:/i);
    const { permissions, jobs } = await readYaml<Workflow>(path);
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      const { 'id-token': _, ...others } = job.permissions ?? permissions;
      expect(others).toEqual({ contents: 'read' });
    }
  });

  test('runs scripts that are there', async () => {
    const text = await readFile(path, 'utf8');
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name);
    const scripts = await readScripts();
    expect(named.filter((name) => !scripts.includes(String(name)))).toEqual([]);
  });
});

test('deploys nothing where nobody has set Azure up', async () => {
  const { jobs } = await readYaml<Workflow>('.github/workflows/deploy.yml');
  expect(jobs['deploy']?.if).toBe("vars.AZURE_CLIENT_ID != ''");
});
