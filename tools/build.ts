import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles the function app into `dist/functions`. Packages that a request may never need (Azure
 * SDKs, the tokenizer) stay behind dynamic imports and so in files of their own: a start loads
 * only what it uses.
 */
export async function buildApp(): Promise<void> {
  await rm(`${root}/dist/functions`, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['functions/index.ts'],
    outdir: 'dist/functions',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    // The worker supplies @azure/functions-core; onnxruntime finds its binary beside its own files.
    external: ['@azure/functions-core', 'onnxruntime-node'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

if (import.meta.main || process.argv[1] === fileURLToPath(import.meta.url)) await buildApp();
