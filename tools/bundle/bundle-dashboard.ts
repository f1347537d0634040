import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Metafile } from 'esbuild';

/**
 * Bundles the dashboard into a folder: a page, a script, a style sheet and an icon, whose names
 * contain a hash of their content. Resolves to the inputs of each file.
 */
export async function bundleDashboard(root: string, outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['dashboard/main.tsx'],
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    publicPath: 'dashboard',
    outdir,
    bundle: true,
    loader: { '.svg': 'file' },
    format: 'esm',
    target: ['chrome120', 'firefox120', 'safari17'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  });
  const files = Object.keys(metafile.outputs).map((file) => basename(file));
  const nameOf = (ending: string) => `dashboard/${files.find((file) => file.endsWith(ending))}`;
  const page = await readFile(join(root, 'dashboard/index.html'), 'utf8');
  const filled = page
    .replace('{icon}', nameOf('.svg'))
    .replace('{style}', nameOf('.css'))
    .replace('{script}', nameOf('.js'));
  await writeFile(join(outdir, 'index.html'), filled);
  return metafile;
}
