import { readFile } from 'node:fs/promises';
import { readAzdValues, setAzdValues } from './azd-environment.ts';

/** Tells the azd environment which scorer the package holds: `file` says it as `{"id": ...}`. */
export async function notePackageScorer(file: string): Promise<void> {
  const { id } = JSON.parse(await readFile(file, 'utf8')) as { readonly id: string };
  const { ROUTER_SCORER: before, AZURE_FUNCTION_NAME: app = '' } = await readAzdValues();
  if (id === before) return;
  await setAzdValues({ ROUTER_SCORER: id });
  console.error(`ROUTER_SCORER is ${id}, which the package holds.`);
  // An app that is there already reads the setting that the last provisioning gave it.
  if (app !== '') console.error('Run azd provision (or azd up), so that the app is told.');
}
