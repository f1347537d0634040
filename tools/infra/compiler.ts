import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../../shared/base/settings-reader.ts';

const run = promisify(execFile);

/** Version of the committed snapshots: another version may evaluate a template differently. */
export const BICEP_VERSION = '0.49.2';

/** NuGet's packages. Apple's and Windows' ARM machines also run programs for other processors. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'darwin-x64': 'osx-x64',
  'darwin-arm64': 'osx-x64',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-x64',
};

const RESTORE_TIMEOUT_MS = 180_000;

export type Compiler = {
  /** The path of the program. */
  readonly program: string;
  readonly version: string;
  /** Origin of the program: `PATH`, `az bicep`, `cache` or `NuGet`. */
  readonly source: string;
  /** The reason why its version is not the pinned one. */
  readonly insteadOfPinned?: string;
};

/** No compiler can be found; the message says what to install. */
export class NoCompilerError extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(
      `There is no Bicep compiler (${reason}). Install Bicep ${BICEP_VERSION} so that bicep is on the PATH, or the Azure CLI and run az bicep install, or the .NET SDK, with which it is restored from NuGet.`,
    );
    this.name = 'NoCompilerError';
    this.reason = reason;
  }
}

/**
 * Finds the Bicep compiler of the pinned version: on the PATH, the Azure CLI's, or restored from
 * NuGet into a cache folder. Without it, takes another version on the PATH or of the Azure CLI.
 * Throws a NoCompilerError.
 */
export async function findCompiler(env: Environment = process.env): Promise<Compiler> {
  const installed: Compiler[] = [];
  const reasons: string[] = [];
  for (const { source, find } of INSTALLED) {
    const program = await find(env);
    if (program === undefined) continue;
    try {
      const compiler = await describe(program, source);
      if (compiler.version === BICEP_VERSION) return compiler;
      installed.push(compiler);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  try {
    return await restoreCompiler(env);
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  const [other] = installed;
  if (other === undefined) throw new NoCompilerError(reasons.join('; '));
  return { ...other, insteadOfPinned: reasons.join('; ') };
}

/** Places to look, in order. `az bicep` has no snapshots, but the program that it runs has. */
const INSTALLED = [
  { source: 'PATH', find: (env: Environment) => findOnPath('bicep', env) },
  { source: 'az bicep', find: findAzureCliCompiler },
];

function reasonOf(error: unknown): string {
  // Any other error concerns files, such as a cache folder that cannot be written.
  return error instanceof NoCompilerError ? error.reason : String(error);
}

async function findAzureCliCompiler(env: Environment): Promise<string | undefined> {
  const folder = env['AZURE_CONFIG_DIR'] ?? join(homeOf(env), '.azure');
  const program = join(folder, 'bin', programName('bicep'));
  return (await isProgram(program)) ? program : undefined;
}

async function describe(program: string, source: string): Promise<Compiler> {
  let text: string;
  try {
    text = (await run(program, ['--version'])).stdout;
  } catch (cause) {
    throw new NoCompilerError(`${source} has a compiler that does not start: ${String(cause)}`);
  }
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0];
  if (version === undefined)
    throw new NoCompilerError(`${source} has a compiler of an unknown version`);
  return { program, version, source };
}

async function restoreCompiler(env: Environment): Promise<Compiler> {
  const cache = join(env['XDG_CACHE_HOME'] || join(homeOf(env), '.cache'), 'smart-router', 'bicep');
  const target = join(cache, BICEP_VERSION);
  const program = join(target, 'tools', programName('bicep'));
  if (await isProgram(program)) return describe(program, 'cache');
  const system = PACKAGES[`${process.platform}-${process.arch}`];
  if (system === undefined) {
    throw new NoCompilerError(`NuGet has no compiler for ${process.platform}-${process.arch}`);
  }
  const dotnet = await findOnPath('dotnet', env);
  if (dotnet === undefined) throw new NoCompilerError('there is no dotnet to restore it with');
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'restore-'));
  try {
    const restored = await restore(dotnet, {
      draft,
      name: `Azure.Bicep.CommandLine.${system}`,
      env,
    });
    await chmod(join(restored, 'tools', programName('bicep')), 0o755);
    // Another process may have been faster, with the same files.
    await rename(restored, target).catch(() => undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return describe(program, 'NuGet');
}

/** Restores a package; resolves to its folder. */
async function restore(
  dotnet: string,
  { draft, name, env }: { draft: string; name: string; env: Environment },
): Promise<string> {
  // The project has no framework, so that no SDK restores anything else.
  const project = `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netstandard2.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
  </PropertyGroup>
  <ItemGroup><PackageDownload Include="${name}" Version="[${BICEP_VERSION}]" /></ItemGroup>
</Project>
`;
  const file = join(draft, 'bicep.csproj');
  await writeFile(file, project);
  const packages = join(draft, 'packages');
  try {
    await run(dotnet, ['restore', file, '--packages', packages], {
      env: { ...env, DOTNET_NOLOGO: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' },
      timeout: RESTORE_TIMEOUT_MS,
    });
  } catch (cause) {
    const { stdout = '' } = cause as { stdout?: string };
    const line = stdout.split('\n').find((one) => one.includes('error')) ?? String(cause);
    throw new NoCompilerError(
      `dotnet could not restore ${name}: ${line.replace(/^.*error/, 'error').trim()}`,
    );
  }
  return join(packages, name.toLowerCase(), BICEP_VERSION);
}

async function findOnPath(name: string, env: Environment): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const program = join(folder, programName(name));
    if (await isProgram(program)) return program;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function programName(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

function homeOf(env: Environment): string {
  return env['HOME'] ?? env['USERPROFILE'] ?? '.';
}
