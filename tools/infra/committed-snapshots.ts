import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatSnapshot, type Snapshot } from './snapshot.ts';
import { listFiles, readIfThere } from './work-folder.ts';

const SHOWN_LINES = 200;

type Comparison = {
  /** The folder of the committed snapshots. */
  readonly folder: string;
  /** Evaluated snapshots by the names of their sets. */
  readonly fresh: ReadonlyMap<string, Snapshot>;
  /** Whether to write differences instead of reporting them. */
  readonly update: boolean;
};

/** Compares the evaluated snapshots with the committed ones; resolves to the differences. */
export async function compareSnapshots(comparison: Comparison): Promise<readonly string[]> {
  const { folder, fresh, update } = comparison;
  const problems: string[] = [];
  for (const [set, snapshot] of fresh) {
    const file = join(folder, `${set}.json`);
    const text = formatSnapshot(snapshot);
    const committed = await readIfThere(file);
    if (committed === text) continue;
    if (update) await replace(file, { folder, text });
    else problems.push(`${set}: ${await explain(committed, text)}`);
  }
  for (const name of await listFiles(folder, /\.json$/)) {
    if (fresh.has(name.slice(0, -'.json'.length))) continue;
    if (update) await rm(join(folder, name));
    else problems.push(`${name} belongs to no parameter set.`);
  }
  return problems;
}

async function replace(
  file: string,
  { folder, text }: { readonly folder: string; readonly text: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.draft`, text);
  await rename(`${file}.draft`, file);
}

async function explain(committed: string | undefined, text: string): Promise<string> {
  if (committed === undefined) return 'no snapshot is committed.';
  const lines = await difference(committed, text);
  const shown = lines.slice(0, SHOWN_LINES);
  const rest = lines.length - shown.length;
  return [
    'differs from the committed snapshot:',
    ...shown,
    ...(rest > 0 ? [`(${rest} more)`] : []),
  ].join('\n');
}

/** Returns the differences as git shows them, or nothing if there is no git. */
async function difference(before: string, after: string): Promise<readonly string[]> {
  const work = await mkdtemp(join(tmpdir(), 'smart-router-difference-'));
  try {
    await writeFile(join(work, 'before'), before);
    await writeFile(join(work, 'after'), after);
    const options = ['diff', '--no-index', '--no-color', '--no-ext-diff', 'before', 'after'];
    const output = await new Promise<string>((resolve) => {
      // git exits with 1 when there is a difference.
      execFile('git', options, { cwd: work, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout) =>
        resolve(stdout),
      );
    });
    const lines = output.trimEnd().split('\n');
    return lines.slice(lines.findIndex((line) => line.startsWith('@@')));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
