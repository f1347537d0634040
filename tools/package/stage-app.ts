import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScorerRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { bundleApp } from '../bundle/build-app.ts';
import { copyModels } from './copy-models.ts';
import { listFiles } from './list-files.ts';
import { packageOf, writeNotices } from './third-party-notices.ts';

export const PROJECT_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/** The system that Azure runs the app on, independent of the system that packages it. */
const SYSTEM = 'linux/x64';

/**
 * Packages that are not bundled, since they load a native library next to them, and the files that
 * each needs.
 */
const RUNTIME: readonly { readonly folder: string; readonly files: RegExp }[] = [
  {
    folder: 'node_modules/onnxruntime-node',
    // Files are listed by name, since an install script that was allowed to run adds libraries for
    // graphics cards.
    files: new RegExp(
      `^(package\\.json|dist/[^/]+\\.js|bin/napi-v\\d+/${SYSTEM}/(libonnxruntime\\.so[\\d.]*|onnxruntime_binding\\.node))$`,
    ),
  },
  {
    folder: 'node_modules/onnxruntime-common',
    // The package's other half is for bundlers and import statements.
    files: /^(package\.json|dist\/cjs\/([^/]+\.js|package\.json))$/,
  },
];

type ProjectManifest = {
  readonly name: string;
  readonly version: string;
  readonly main: string;
  readonly engines: Readonly<Record<string, string>>;
};

export async function readManifest(): Promise<ProjectManifest> {
  // This is the project's own manifest, which has these fields.
  const text = await readFile(join(PROJECT_FOLDER, 'package.json'), 'utf8');
  return JSON.parse(text) as ProjectManifest;
}

/**
 * Writes everything that the app needs in Azure into an empty folder, and resolves to its scorers.
 * Source maps are left out: they are as large as the bundle, and Node reads them only when told to.
 * Throws a ConfigError when the models do not fit.
 */
export async function stageApp(folder: string, modelsFolder: string): Promise<ScorerRegistry> {
  const registry = await copyModels(modelsFolder, join(folder, 'models'));
  const { name, version, main, engines } = await readManifest();
  const metafile = await bundleApp(join(folder, dirname(main)), { sourcemap: false });
  const manifest = { name, version, type: 'module', main, engines };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(join(PROJECT_FOLDER, 'host.json'), join(folder, 'host.json'));
  for (const { folder: part, files } of RUNTIME) await copyRuntime(folder, part, files);
  const bundled = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? (packageOf(file) ?? []) : []));
  const packages = [...bundled, ...RUNTIME.map((part) => part.folder)];
  await writeFile(
    join(folder, 'THIRD-PARTY-NOTICES.txt'),
    await writeNotices(PROJECT_FOLDER, packages),
  );
  return registry;
}

async function copyRuntime(folder: string, part: string, files: RegExp): Promise<void> {
  const source = join(PROJECT_FOLDER, part);
  const wanted = (await listFiles(source)).filter((file) => files.test(file));
  for (const file of wanted) {
    const target = join(folder, part, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(source, file), target);
  }
}
