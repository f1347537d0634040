import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildApp } from '../tools/bundle/build-app.ts';
import type { Azurite } from '../tools/local-services/azurite.ts';
import { startSharedAzurite } from './support/azurite.ts';
import { findCredentials } from './support/logged.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where what apps print is kept. */
    readonly loggedFolder: string;
    /** Where the storage accounts are noted that test files have taken. */
    readonly accountsFolder: string;
    /** The connection string of the shared emulator's usual account. */
    readonly azurite: string;
  }
}

let folder: string;
let azurite: Azurite;

/** Builds what is deployed, which the tests run, and starts the emulator that they share. */
export async function setup({ provide }: TestProject): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-tests-'));
  const [loggedFolder, accountsFolder] = [join(folder, 'logged'), join(folder, 'accounts')];
  await Promise.all([mkdir(loggedFolder), mkdir(accountsFolder)]);
  // Each of the many processes that tests start takes what an earlier one has compiled.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  [azurite] = await Promise.all([startSharedAzurite(), buildApp()]);
  provide('loggedFolder', loggedFolder);
  provide('accountsFolder', accountsFolder);
  provide('azurite', azurite.connectionString);
}

/** No credential that an app or a caller of one was given in all these tests may have been printed. */
export async function teardown(): Promise<void> {
  await azurite.close();
  const { characters, credentials, found } = findCredentials(join(folder, 'logged'));
  // A process that is just ending may still be writing what it has compiled.
  await rm(folder, { recursive: true, maxRetries: 10 });
  if (found.length > 0) throw new Error(`Credentials were logged: ${found.join(', ')}`);
  process.stdout.write(
    `None of ${credentials} credentials is in the ${characters} characters that apps have logged.\n`,
  );
}
