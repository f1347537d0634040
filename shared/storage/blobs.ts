import type { ContainerClient } from '@azure/storage-blob';
import { isNotFound, shareUntilFailure } from './tables.ts';

/** Texts that are too large for a row of a table. */
export type Blobs = {
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
  /** Removes all blobs whose names begin with the prefix; returns how many. */
  removeAll(prefix: string): Promise<number>;
};

const TIMEOUT_MS = 20_000;

/** Keeps texts in a container, which the first write creates if it does not exist. */
export function createBlobs(load: () => Promise<ContainerClient>): Blobs {
  const loadContainer = shareUntilFailure(load);
  return {
    write: async (name, text) => {
      const container = await loadContainer();
      const bytes = Buffer.from(text, 'utf8');
      const limit = { abortSignal: AbortSignal.timeout(TIMEOUT_MS) };
      const upload = () => container.getBlockBlobClient(name).uploadData(bytes, limit);
      try {
        await upload();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // In Azure the container is part of the deployment.
        await container.createIfNotExists(limit);
        await upload();
      }
    },
    read: async (name) => {
      const container = await loadContainer();
      const limit = { abortSignal: AbortSignal.timeout(TIMEOUT_MS) };
      const bytes = await container.getBlockBlobClient(name).downloadToBuffer(0, undefined, limit);
      return bytes.toString('utf8');
    },
    removeAll: async (prefix) => {
      const container = await loadContainer();
      let removed = 0;
      try {
        for await (const { name } of container.listBlobsFlat({ prefix })) {
          await container.getBlobClient(name).deleteIfExists();
          removed += 1;
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return removed;
    },
  };
}
