import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, stop } from 'esbuild';
import { bundleDashboard } from './bundle-dashboard.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = join(root, 'dist/functions');

/** Defines `require`, which bundled CommonJS packages call. */
export const REQUIRE_BANNER = {
  js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
};

/**
 * Bundles the function app into `dist/functions`. Packages that a request may never need (Azure
 * SDKs, the tokenizer) stay behind dynamic imports and so in separate files: a start loads only the
 * code that it uses. An app that starts during a build finds the old build or the new one.
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

/** Writes the bundle, with the dashboard, into an empty folder. Resolves to the inputs of each file. */
export async function bundleApp(
  outdir: string,
  { sourcemap }: { readonly sourcemap: boolean },
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    // Code that runs in its own thread is a separate file.
    entryPoints: {
      index: 'functions/index.ts',
      server: 'functions/server.ts',
      'encoder-worker': 'shared/sentence-encoder/encoder-worker.ts',
      'sqlite-worker': 'shared/vector-stores/sqlite-worker.ts',
    },
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // Identifiers are not minified: logs contain the names of errors, and keeping names in another way would
    // cost a call for each function at each start.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap,
    sourcesContent: false,
    // The worker supplies @azure/functions-core; onnxruntime finds its binary next to its own files.
    // sqlite-vec is not packaged: it is only for a single machine.
    external: ['@azure/functions-core', 'onnxruntime-node', 'sqlite-vec'],
    banner: REQUIRE_BANNER,
    metafile: true,
    logLevel: 'warning',
  });
  const dashboard = await bundleDashboard(root, join(outdir, 'dashboard'));
  // Otherwise esbuild's process would run as long as this one.
  await stop();
  return {
    inputs: { ...metafile.inputs, ...dashboard.inputs },
    outputs: { ...metafile.outputs, ...dashboard.outputs },
  };
}

/**
 * Moves the files into place, index.js and index.html last: the names of all others contain a hash of their
 * content.
 */
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
