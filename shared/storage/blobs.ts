import type { ContainerClient } from '@azure/storage-blob';
import type { LimitCall } from './call-limits.ts';
import { isNotFound, shareUntilFailure } from './tables.ts';

/** Texts that are too large for a row of a table. */
export type Blobs = {
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
  /** Removes all blobs whose names begin with the prefix; returns how many. */
  removeAll(prefix: string): Promise<number>;
};

/** Keeps texts in a container, which the first write creates if it does not exist. Each call is limited. */
export function createBlobs(load: () => Promise<ContainerClient>, limit: LimitCall): Blobs {
  const loadContainer = shareUntilFailure(load);
  return {
    write: async (name, text) => {
      const container = await loadContainer();
      const bytes = Buffer.from(text, 'utf8');
      const blob = container.getBlockBlobClient(name);
      const upload = () => limit((abortSignal) => blob.uploadData(bytes, { abortSignal }));
      try {
        await upload();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // In Azure the container is part of the deployment.
        await limit((abortSignal) => container.createIfNotExists({ abortSignal }));
        await upload();
      }
    },
    read: async (name) => {
      const container = await loadContainer();
      const blob = container.getBlockBlobClient(name);
      const bytes = await limit((abortSignal) =>
        blob.downloadToBuffer(0, undefined, { abortSignal }),
      );
      return bytes.toString('utf8');
    },
    removeAll: async (prefix) => {
      const container = await loadContainer();
      let removed = 0;
      try {
        const pages = container.listBlobsFlat({ prefix }).byPage();
        const next = () => limit(() => pages.next());
        for (let page = await next(); page.done !== true; page = await next()) {
          for (const { name } of page.value.segment.blobItems) {
            const blob = container.getBlobClient(name);
            await limit((abortSignal) => blob.deleteIfExists({ abortSignal }));
            removed += 1;
          }
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return removed;
    },
  };
}
