import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCompiler } from '../../tools/infra/compiler.ts';

const run = promisify(execFile);

describe('finding the Bicep compiler', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'smart-router-compiler-'));
  });

  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  it('takes the one on the PATH, whatever its version', async () => {
    const program = await writeFakeCompiler(join(home, 'bin'), '9.9.9');
    await writeFakeCompiler(join(home, '.azure', 'bin'), '0.1.2');

    expect(await findCompiler({ PATH: join(home, 'bin'), HOME: home })).toEqual({
      program,
      version: '9.9.9',
      source: 'PATH',
    });
  });

  it("takes the Azure CLI's when there is none on the PATH", async () => {
    const program = await writeFakeCompiler(join(home, '.azure', 'bin'), '0.1.2');

    expect(await findCompiler({ PATH: join(home, 'bin'), HOME: home })).toEqual({
      program,
      version: '0.1.2',
      source: 'az bicep',
    });
  });

  it('takes the one that was restored before', async () => {
    const cache = join(home, 'cache', 'smart-router', 'bicep', '0.49.2', 'tools');
    const program = await writeFakeCompiler(cache, '0.49.2');

    const found = await findCompiler({ PATH: '', HOME: home, XDG_CACHE_HOME: join(home, 'cache') });

    expect(found).toEqual({ program, version: '0.49.2', source: 'cache' });
  });

  it('says what to install and ends with 3 where none can be had', async () => {
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

  it('leaves nothing in the cache when the restore fails, and says why', async () => {
    const words = 'error NU1101: Unable to find package';
    await writeProgram(join(home, 'bin', 'dotnet'), `echo "bicep.csproj : ${words}"; exit 1`);
    const env = { PATH: `${join(home, 'bin')}:/usr/bin:/bin`, HOME: home };

    await expect(findCompiler({ ...env, XDG_CACHE_HOME: join(home, 'cache') })).rejects.toThrow(
      words,
    );
    expect(await readdir(join(home, 'cache', 'smart-router', 'bicep'))).toEqual([]);
  });
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
