import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeRouteLlmWeights } from '../fakes/routellm-weights.ts';

export type SyntheticScorer = {
  /** The value for MODELS_FOLDER; the scorer's id there is `routellm`. */
  readonly modelsFolder: string;
  remove(): Promise<void>;
};

/** Creates weights in RouteLLM's layout, and imports them as users import the published ones. */
export async function importSyntheticScorer(): Promise<SyntheticScorer> {
  const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-models-'));
  const weights = join(modelsFolder, 'model.safetensors');
  await writeRouteLlmWeights(weights, { seed: 7 });
  await promisify(execFile)(process.execPath, [
    'tools/run.mjs',
    'model-import',
    weights,
    ...['--embedder', 'azure-openai/text-embedding-3-small'],
    ...['--id', 'routellm', '--models-folder', modelsFolder],
  ]);
  return { modelsFolder, remove: () => rm(modelsFolder, { recursive: true }) };
}
