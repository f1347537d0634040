// Runs after npm ci. Deletes the unused files of two large packages: onnxruntime's libraries for other
// systems, and the headers that come with Node 24 for building addons.
// It is plain JavaScript so that any Node that runs npm can run it.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
// npm run package takes the libraries for Azure, which runs Linux on x64, from here.
const kept = ['linux/x64', `${process.platform}/${process.arch}`];

const libraries = join(modules, 'onnxruntime-node/bin/napi-v6');
for (const platform of list(libraries)) {
  for (const architecture of list(join(libraries, platform))) {
    const folder = join(libraries, platform, architecture);
    if (!kept.includes(`${platform}/${architecture}`)) rmSync(folder, { recursive: true });
  }
}
for (const name of list(modules)) {
  const isNode = /^node-(?:bin-)?(?:darwin|linux|win)-/.test(name);
  if (isNode) rmSync(join(modules, name, 'include'), { recursive: true, force: true });
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
