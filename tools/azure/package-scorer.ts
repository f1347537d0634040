import { readFile } from 'node:fs/promises';
import { InputError } from '../command-line/input-error.ts';
import { readAzdValues, setAzdValues } from './azd-environment.ts';

type Scorer = { readonly id: string; readonly version: string };

/** The package command's output: its chosen scorer, and every scorer that the package contains. */
type PackageScorers = Scorer & { readonly scorers: readonly Scorer[] };

/** The scorer that a package may lack because a hub could not be reached. */
const PUBLISHED = /^routellm(@|$)/;

/**
 * Sets ROUTER_SCORER of the azd environment. A value that the package contains stays. Without a
 * value it becomes the package's choice, and also for `routellm` if the package lacks the published
 * weights. Throws an InputError when the value names any other scorer that the package lacks.
 */
export async function notePackageScorer(file: string): Promise<void> {
  const packaged = JSON.parse(await readFile(file, 'utf8')) as PackageScorers;
  const values = { ...process.env, ...(await readAzdValues()) };
  const before = values['ROUTER_SCORER'] ?? '';
  const isHeld = packaged.scorers.some(
    ({ id, version }) => before === id || before === `${id}@${version}`,
  );
  if (isHeld) {
    if (before === 'local' && packaged.id !== 'local') {
      console.error(
        `ROUTER_SCORER stays local. The package also contains ${packaged.id}: azd env set ROUTER_SCORER ${packaged.id}`,
      );
    }
    return;
  }
  if (before !== '' && !PUBLISHED.test(before)) {
    const held = packaged.scorers.map(({ id, version }) => `${id}@${version}`).join(', ');
    throw new InputError(
      `ROUTER_SCORER names "${before}", which the package does not contain. It contains ${held}: name one of them (azd env set ROUTER_SCORER ${packaged.id}), or register yours in models.`,
    );
  }
  await setAzdValues({ ROUTER_SCORER: packaged.id });
  console.error(`ROUTER_SCORER is ${packaged.id}, which the package contains.`);
  // An existing app reads the setting that the last provisioning gave it.
  if ((values['AZURE_FUNCTION_NAME'] ?? '') !== '') {
    console.error('Run azd provision (or azd up) to give the app the new value.');
  }
}
