import { ENCODER_EMBEDDER } from './encoder-embedder.ts';
import { LOCAL_EMBEDDER } from './local-embedder.ts';

/** The embedders that run in this process, without a call. */
export const OWN_EMBEDDERS = [LOCAL_EMBEDDER, ENCODER_EMBEDDER] as const;

export type OwnEmbedder = (typeof OWN_EMBEDDERS)[number];

/** Returns the embedder of an id; undefined for one that calls a deployment, or of another version. */
export function findOwnEmbedder(id: string): OwnEmbedder | undefined {
  return OWN_EMBEDDERS.find((one) => one.id === id);
}

/** Whether an id names a version of such an embedder, which may be another one than this app has. */
export function isOwnId(id: string): boolean {
  return OWN_EMBEDDERS.some((one) => id.startsWith(one.id.replace(/\d{1,9}$/, '')));
}
