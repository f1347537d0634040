import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeRouteLlmWeights } from '../../test/fakes/routellm-weights.ts';
import { simulatorSettings } from '../local-services/local-services.ts';
import { OWN_MODELS } from '../package/copy-models.ts';
import { PROJECT_FOLDER, stageApp } from '../package/stage-app.ts';
import type { Program } from './servers.ts';

/** The packaged app, and weights of RouteLLM's layout for it. */
export type Stage = { readonly appFolder: string; readonly weightsFolder: string };

const SCORER = 'measured';

export async function makeStage(folder: string): Promise<Stage> {
  const stage = { appFolder: join(folder, 'app'), weightsFolder: join(folder, 'weights') };
  await stageApp(stage.appFolder, OWN_MODELS);
  await importWeights(stage.weightsFolder);
  return stage;
}

/** Imports made-up weights as the scorer `measured`. */
export async function importWeights(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const weights = join(folder, 'model.safetensors');
  await writeRouteLlmWeights(weights, { seed: 1 });
  const embedder = 'azure-openai/text-embedding-3-small';
  const options = ['--embedder', embedder, '--id', SCORER, '--models-folder', folder];
  const tool = join(PROJECT_FOLDER, 'tools/run.mjs');
  await promisify(execFile)(process.execPath, [tool, 'model-import', weights, ...options]);
}

/** The settings for every way to run the app: simulated deployments, no authentication, and defaults otherwise. */
export function routerSettings(simulatorUrl: string): Record<string, string | undefined> {
  return { ...simulatorSettings(simulatorUrl), ROUTER_AUTH: 'none', ROUTER_SCORER: 'local' };
}

/** The settings for embeddings from a deployment, which is called once for each prompt. */
export function embeddedSettings({ weightsFolder }: Stage): Record<string, string> {
  return { MODELS_FOLDER: weightsFolder, ROUTER_SCORER: SCORER };
}

export function routerProgram(
  { appFolder }: Stage,
  port: number,
  env: Readonly<Record<string, string | undefined>>,
): Program {
  return {
    script: ['dist/functions/server.js'],
    cwd: appFolder,
    env: { ...env, PORT: String(port), DRAIN_MS: '0' },
  };
}
