import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const TIMEOUT_MS = 180_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;
/** Templates can read the environment; only variables that a program needs to run are passed on. */
const KEPT = /^(PATH|HOME|USERPROFILE|TMPDIR|TEMP|TMP|SYSTEMROOT|LANG|LC_.*|DOTNET_.*)$/i;

/** No real subscription is used: an all-zero one keeps the names derived from it stable. */
const TARGET = [
  ...['--subscription-id', '00000000-0000-0000-0000-000000000000'],
  ...['--location', 'swedencentral'],
];

const snapshotSchema = z.object({
  predictedResources: z.array(
    z.looseObject({ id: z.string(), type: z.string(), name: z.string() }),
  ),
  diagnostics: z.array(z.unknown()),
  outputs: z.record(z.string(), z.unknown()),
});
export type RawSnapshot = Readonly<z.infer<typeof snapshotSchema>>;

/** The compiler, run in one folder that it may write to. */
export type Bicep = {
  /** Compiles and lints every template. Resolves to the compiler's messages, none when all is well. */
  build(): Promise<readonly string[]>;
  /**
   * Does the same for the parameter files next to the templates; others give the same messages when
   * evaluated.
   */
  buildParameters(): Promise<readonly string[]>;
  /** Formats every template and parameter file in place. */
  format(): Promise<readonly string[]>;
  /** Evaluates a parameter file without Azure. Throws with the compiler's messages. */
  evaluate(parameterFile: string): Promise<RawSnapshot>;
};

export function createBicep(program: string, folder: string): Bicep {
  async function run(...options: readonly string[]): Promise<readonly string[]> {
    const { stderr, isOk } = await start(program, options, folder);
    const lines = stderr
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .map((line) => line.replaceAll(`${folder}/`, '').replaceAll(`${folder}\\`, ''));
    if (lines.length === 0 && !isOk) return [`bicep ${options[0]} failed without a message.`];
    return [...new Set(lines)];
  }
  return {
    build: () => run('build', '--pattern', '**/*.bicep'),
    buildParameters: () => run('build-params', '--pattern', '*.bicepparam'),
    format: () => run('format', '--pattern', '**/*.bicep*'),
    async evaluate(parameterFile) {
      const lines = await run('snapshot', parameterFile, '--mode', 'overwrite', ...TARGET);
      if (lines.length > 0) throw new Error(lines.join('\n'));
      const written = parameterFile.replace(/\.bicepparam$/, '.snapshot.json');
      const json: unknown = JSON.parse(await readFile(join(folder, written), 'utf8'));
      const snapshot = snapshotSchema.parse(json);
      if (snapshot.diagnostics.length > 0) throw new Error(JSON.stringify(snapshot.diagnostics));
      return snapshot;
    },
  };
}

function start(
  program: string,
  options: readonly string[],
  cwd: string,
): Promise<{ readonly stderr: string; readonly isOk: boolean }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...options],
      { cwd, env, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES },
      (error, _stdout, stderr) => {
        // A number is the program's own exit code; with any other value it did not run.
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ stderr, isOk: error === null });
      },
    );
  });
}
