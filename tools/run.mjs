// Starts one of the tools, or another program of the project, on a Node that can run it.
// Plain JavaScript on purpose: it must be able to say what is wrong on any Node.
//   node tools/run.mjs <tool> [arguments...]      runs tools/<tool>.ts
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

// vitest's floor; type stripping needs a flag below 22.18 and is on by default from there.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `Smart Router needs Node 22.12 or newer (best: 24) and this is ${process.version}.\n` +
      'npm ci brings Node 24 along as the optional package "node", which could not be installed here.\n' +
      'Run npm ci again with access to the npm registry, or install Node 24 from your usual source.',
  );
  process.exit(1);
}

const [tool = '', ...rest] = process.argv.slice(2);
const file = fileURLToPath(new URL(`${tool}.ts`, import.meta.url));
if (!/^[a-z][a-z/-]*$/.test(tool) || !existsSync(file)) {
  console.error(
    `There is no tool named "${tool}". The scripts in package.json list what there is.`,
  );
  process.exit(2);
}

if (process.features.typescript) {
  // Type stripping still warns on some Node 24 releases; the warning tells a user nothing.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(warning.stack);
  });
  process.argv = [process.argv[0], file, ...rest];
  await import(pathToFileURL(file).href);
} else {
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, file, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
