import { buildApp } from '../tools/build.ts';

/** The tests run what is deployed: the bundle. */
export async function setup(): Promise<void> {
  await buildApp();
}
