import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Compiler, findCompiler } from '../../tools/infra/compiler.ts';
import { runTool } from '../fakes/run-tool.ts';

const run = promisify(execFile);

describe('finding the Bicep compiler', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'smart-router-compiler-'));
  });

  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  test('takes the one on the PATH of the pinned version', async () => {
    const program = await writeFakeCompiler(onPath(), '0.49.2');
    await writeFakeCompiler(ofAzureCli(), '0.49.2');

    expect(await find()).toEqual({ program, version: '0.49.2', source: 'PATH' });
  });

  test("takes the Azure CLI's of the pinned version before another one on the PATH", async () => {
    await writeFakeCompiler(onPath(), '9.9.9');
    const program = await writeFakeCompiler(ofAzureCli(), '0.49.2');
    await writeFakeCompiler(cache(), '0.49.2');

    expect(await find()).toEqual({ program, version: '0.49.2', source: 'az bicep' });
  });

  test('takes the one that was restored before others of another version', async () => {
    await writeFakeCompiler(onPath(), '9.9.9');
    await writeFakeCompiler(ofAzureCli(), '0.1.2');
    const program = await writeFakeCompiler(cache(), '0.49.2');

    expect(await find()).toEqual({ program, version: '0.49.2', source: 'cache' });
  });

  test('restores the pinned version rather than take another one', async () => {
    await writeFakeCompiler(onPath(), '9.9.9');
    await writeFakeDotnet();

    expect(await find()).toMatchObject({ version: '0.49.2', source: 'NuGet' });
  });

  test('takes another version on the PATH when the pinned one cannot be had, and says why', async () => {
    const program = await writeFakeCompiler(onPath(), '9.9.9');
    await writeFakeCompiler(ofAzureCli(), '0.1.2');

    expect(await find()).toEqual({
      program,
      version: '9.9.9',
      source: 'PATH',
      insteadOfPinned: 'there is no dotnet to restore it with',
    });
  });

  test("takes another version of the Azure CLI when the PATH's does not start", async () => {
    await writeProgram(join(onPath(), 'bicep'), 'exit 1');
    const program = await writeFakeCompiler(ofAzureCli(), '0.1.2');

    expect(await find()).toMatchObject({
      program,
      version: '0.1.2',
      source: 'az bicep',
      insteadOfPinned: expect.stringMatching(
        /^PATH has a compiler that does not start.*no dotnet/s,
      ),
    });
  });

  test('notes that the snapshots may differ by the version', async () => {
    await writeFakeCompiler(onPath(), '9.9.9');
    await mkdir(join(home, 'infra', 'parameters'), { recursive: true });
    await writeFile(join(home, 'infra', 'parameters', 'none.bicepparam'), '');
    const { stderr } = await runTool('infra-check', ['--folder', join(home, 'infra')], {
      PATH: onPath(),
      HOME: home,
      XDG_CACHE_HOME: join(home, 'cache'),
      AZURE_CONFIG_DIR: undefined,
    });

    expect(stderr).toMatch(
      /^Bicep 9\.9\.9 \(PATH\)\nThe snapshots are those of 0\.49\.2.*may differ/,
    );
  });

  test('says what to install and ends with 3 where none can be had', async () => {
    const env = { PATH: home, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };

    const failure = await run(process.execPath, ['tools/run.mjs', 'infra-check'], { env }).catch(
      (error: unknown) => error,
    );

    expect(failure).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/no Bicep compiler.*Install Bicep 0\.49\.2.*az bicep install/),
    });
  });

  test('leaves nothing in the cache when the restore fails, and says why', async () => {
    const words = 'error NU1101: Unable to find package';
    await writeProgram(join(home, 'bin', 'dotnet'), `echo "bicep.csproj : ${words}"; exit 1`);
    const env = { PATH: `${join(home, 'bin')}:/usr/bin:/bin`, HOME: home };

    await expect(findCompiler({ ...env, XDG_CACHE_HOME: join(home, 'cache') })).rejects.toThrow(
      words,
    );
    expect(await readdir(join(home, 'cache', 'smart-router', 'bicep'))).toEqual([]);
  });

  function onPath(): string {
    return join(home, 'bin');
  }

  function ofAzureCli(): string {
    return join(home, '.azure', 'bin');
  }

  function cache(): string {
    return join(home, 'cache', 'smart-router', 'bicep', '0.49.2', 'tools');
  }

  function find(): Promise<Compiler> {
    return findCompiler({ PATH: onPath(), HOME: home, XDG_CACHE_HOME: join(home, 'cache') });
  }

  /** Writes a fake dotnet, which restores a fake of the pinned version into the given folder. */
  async function writeFakeDotnet(): Promise<void> {
    const made = await writeFakeCompiler(join(home, 'made'), '0.49.2');
    const script = `PATH=/usr/bin:/bin
name=$(sed -n 's/.*PackageDownload Include="\\([^"]*\\)".*/\\1/p' "$2" | tr A-Z a-z)
mkdir -p "$4/$name/0.49.2/tools" && cp '${made}' "$4/$name/0.49.2/tools/bicep"`;
    await writeProgram(join(onPath(), 'dotnet'), script);
  }
});

function writeFakeCompiler(folder: string, version: string): Promise<string> {
  return writeProgram(join(folder, 'bicep'), `echo "Bicep CLI version ${version} (abcdef)"`);
}

async function writeProgram(path: string, script: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}
