// Starts one of the tools on a Node that can run it.
// It is plain JavaScript so that it can report a problem on any Node.
//   node tools/run.mjs <tool> [arguments...]      runs tools/<tool>.ts
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [tool = '', ...rest] = process.argv.slice(2);
const file = fileURLToPath(new URL(`${tool}.ts`, import.meta.url));
if (!/^[a-z][a-z-]*$/.test(tool) || !existsSync(file)) {
  console.error(`There is no tool named "${tool}". The scripts in package.json list the tools.`);
  process.exit(2);
}

// When npm is told to end, it does not tell the program that it runs. This process ends as well when its
// parent is gone, which the system shows except on Windows.
if (process.env['npm_lifecycle_event'] !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 1_000).unref();
}

// The oldest Node for vitest; type stripping needs a flag before 22.18 and is on by default since.
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 12);
const bundled = bundledNode();
const self = [fileURLToPath(import.meta.url), tool, ...rest];
if (major !== 24 && existsSync(bundled)) {
  runIn(bundled, self, runHere);
} else {
  await runHere();
}

/** Returns the path of the Node 24 that npm installs for this system; not every npm links it for scripts. */
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
  // Type stripping still prints a warning on some releases, which is of no use to a user.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(warning.stack);
  });
  process.argv = [process.argv[0], file, ...rest];
  // When this process was started instead of another one (below), it ends with that one.
  process.channel?.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  await import(pathToFileURL(file).href);
}

/** Runs a program instead of this one, with the same streams, signals and exit code. */
function runIn(program, programArguments, onError) {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(program, programArguments, { stdio });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('error', onError);
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
