import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildApp } from '../tools/bundle/build-app.ts';
import { findCredentials } from './support/logged.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where what apps print is kept. */
    readonly loggedFolder: string;
  }
}

let loggedFolder: string;

/** The tests run what is deployed: the bundle. */
export async function setup({ provide }: TestProject): Promise<void> {
  loggedFolder = await mkdtemp(join(tmpdir(), 'smart-router-logged-'));
  provide('loggedFolder', loggedFolder);
  await buildApp();
}

/** No credential that an app or a caller of one was given in all these tests may have been printed. */
export async function teardown(): Promise<void> {
  const { characters, credentials, found } = findCredentials(loggedFolder);
  await rm(loggedFolder, { recursive: true });
  if (found.length > 0) throw new Error(`Credentials were logged: ${found.join(', ')}`);
  process.stdout.write(
    `None of ${credentials} credentials is in the ${characters} characters that apps have logged.\n`,
  );
}
