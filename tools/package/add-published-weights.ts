import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';
import { importWeights } from '../model/import-weights.ts';
import { checkSha256, fetchWeights, HubError } from '../model/weights-source.ts';

const pinSchema = z.object({
  /** The scorer's name in the registry. */
  id: z.string(),
  embedder: z.string(),
  /** The repository on the hub, as `owner/name`. */
  repository: z.string(),
  revision: z.string(),
  sha256: z.string(),
});

/** One exact file on the hub, and none that may replace it one day. */
export type WeightsPin = Readonly<z.infer<typeof pinSchema>>;

/** Reads a pin. Throws an InputError when the file is not one. */
export async function readPin(path: string | URL): Promise<WeightsPin> {
  try {
    return pinSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new InputError(`${path} does not name published weights: ${String(error)}`);
  }
}

type Hub = { readonly hub: string; readonly timeoutMs: number };

/**
 * Fetches the pinned weights and registers them in a models folder. Resolves to the reason when the
 * hub does not provide them. Throws an InputError when the hub provides a file that differs from
 * the pinned one.
 */
export async function addPublishedWeights(
  { id, embedder, repository, revision, sha256 }: WeightsPin,
  { hub, timeoutMs }: Hub,
  modelsFolder: string,
): Promise<{ readonly problem?: string }> {
  try {
    const bytes = await fetchWeights({ repository, revision, hub, timeoutMs });
    checkSha256(bytes, sha256);
    await importWeights({
      bytes,
      embedder,
      id,
      source: `${repository} at ${revision}`,
      modelsFolder,
    });
    return {};
  } catch (error) {
    if (error instanceof HubError) return { problem: error.message };
    throw error;
  }
}
