// Starts one of the tools on a Node that can run it.
// Plain JavaScript on purpose: it must be able to say what is wrong on any Node.
//   node tools/run.mjs <tool> [arguments...]      runs tools/<tool>.ts
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [tool = '', ...rest] = process.argv.slice(2);
const file = fileURLToPath(new URL(`${tool}.ts`, import.meta.url));
if (!/^[a-z][a-z-]*$/.test(tool) || !existsSync(file)) {
  console.error(
    `There is no tool named "${tool}". The scripts in package.json list what there is.`,
  );
  process.exit(2);
}

// npm ends without a word to what it runs when it is told to: then this is to end, too, where the
// system tells (not on Windows).
if (process.env['npm_lifecycle_event'] !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 1_000).unref();
}

// vitest's floor; type stripping needs a flag below 22.18 and is on by default from there.
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 12);
const bundled = bundledNode();
const self = [fileURLToPath(import.meta.url), tool, ...rest];
if (major !== 24 && existsSync(bundled)) {
  runIn(bundled, self, runHere);
} else {
  await runHere();
}

/** Where npm puts the Node 24 that comes along for this system; not every npm links it for scripts. */
function bundledNode() {
  const { platform, arch } = process;
  const system = `${platform === 'win32' ? 'win' : platform}-${arch}`;
  const name = system === 'darwin-arm64' ? `node-bin-${system}` : `node-${system}`;
  const binary = platform === 'win32' ? 'node.exe' : 'node';
  return fileURLToPath(new URL(`../node_modules/${name}/bin/${binary}`, import.meta.url));
}

async function runHere() {
  if (!isNewEnough) {
    console.error(
      `Smart Router needs Node 22.12 or newer (best: 24) and this is ${process.version}.\n` +
        'npm ci brings Node 24 along as an optional package, which could not be installed here.\n' +
        'Run npm ci again with access to the npm registry, or install Node 24 from your usual source.',
    );
    process.exit(1);
  }
  if (!process.features.typescript) {
    const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
    runIn(process.execPath, [...flags, ...self], (error) => {
      throw error;
    });
    return;
  }
  // Type stripping still warns on some releases; the warning tells a user nothing.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(warning.stack);
  });
  process.argv = [process.argv[0], file, ...rest];
  // Started in the place of another process (below): whoever ends that one means this one.
  process.channel?.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  await import(pathToFileURL(file).href);
}

/** Runs a program in this one's place: same streams, same signals, same end. */
function runIn(program, programArguments, onError) {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(program, programArguments, { stdio });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('error', onError);
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
