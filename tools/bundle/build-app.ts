import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, stop } from 'esbuild';
import { bundleDashboard } from './bundle-dashboard.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = join(root, 'dist/functions');

/** What bundled CommonJS packages call. */
export const REQUIRE_BANNER = {
  js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
};

/**
 * Bundles the function app into `dist/functions`. Packages that a request may never need (Azure
 * SDKs, the tokenizer) stay behind dynamic imports and so in files of their own: a start loads
 * only what it uses. An app that is being started meanwhile finds the old build or the new one.
 */
export async function buildApp(): Promise<void> {
  await mkdir(join(root, 'dist'), { recursive: true });
  const fresh = await mkdtemp(join(root, 'dist/build-'));
  try {
    await bundleApp(fresh, { sourcemap: true });
    await replaceTarget(fresh);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Writes the bundle, with the dashboard, into an empty folder. Resolves to what went into which of its files. */
export async function bundleApp(
  outdir: string,
  { sourcemap }: { readonly sourcemap: boolean },
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    // What runs in a thread of its own is a file of its own.
    entryPoints: {
      index: 'functions/index.ts',
      server: 'functions/server.ts',
      'sqlite-worker': 'shared/vector-stores/sqlite-worker.ts',
    },
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // Not the names: logs give those of errors, and keeping them beside others would cost a call a function
    // at each start.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap,
    sourcesContent: false,
    // The worker supplies @azure/functions-core; onnxruntime finds its binary beside its own files.
    // sqlite-vec is not in a package: it is for one machine.
    external: ['@azure/functions-core', 'onnxruntime-node', 'sqlite-vec'],
    banner: REQUIRE_BANNER,
    metafile: true,
    logLevel: 'warning',
  });
  const dashboard = await bundleDashboard(root, join(outdir, 'dashboard'));
  // Its process would run on for as long as this one.
  await stop();
  return {
    inputs: { ...metafile.inputs, ...dashboard.inputs },
    outputs: { ...metafile.outputs, ...dashboard.outputs },
  };
}

/** Others have their content in their names, so they can be put in place before index.js and index.html. */
async function replaceTarget(fresh: string): Promise<void> {
  const files = await listFiles(fresh);
  const chunksFirst = files.toSorted((a, b) => Number(isIndex(a)) - Number(isIndex(b)));
  for (const file of chunksFirst) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await rename(join(fresh, file), join(target, file));
  }
  for (const file of await listFiles(target)) {
    if (!files.includes(file)) await rm(join(target, file), { force: true });
  }
}

function isIndex(file: string): boolean {
  return basename(file).startsWith('index.');
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
