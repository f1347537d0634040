import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bicep } from './bicep.ts';
import { listFiles } from './work-folder.ts';

/**
 * Checks that each of `refused/*.bicepparam` is refused before anything is created, with the
 * message after every `// refused:` in it.
 */
export async function checkRefusals(folder: string, bicep: Bicep): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const name of await listFiles(join(folder, 'refused'), /\.bicepparam$/)) {
    const file = join('refused', name);
    const text = await readFile(join(folder, file), 'utf8');
    const wanted = [...text.matchAll(/^\/\/ refused: (.+?)\s*$/gm)].map(([, words = '']) => words);
    if (wanted.length === 0) {
      problems.push(`${file} must state the expected message, in a line "// refused: ...".`);
      continue;
    }
    const said = await bicep.evaluate(file).then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
    for (const words of wanted.filter((one) => !said.includes(one))) {
      problems.push(`${file} must be refused with "${words}"; the compiler said: ${said}`);
    }
  }
  return problems;
}
