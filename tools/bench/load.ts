import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadResult } from './load-order.ts';
import { hasWrk, sendByWrk } from './wrk.ts';

export type Load = {
  /** What sends plain requests. */
  readonly by: 'wrk' | 'autocannon';
  /** One at a time. */
  send(order: LoadOrder): Promise<LoadResult>;
  close(): void;
};

/**
 * Sends load from a process of its own, so that what it takes is not what is measured: plain requests by
 * wrk where it may be used and there is one, else by autocannon, and streams by our own client.
 */
export async function startLoad(mayUseWrk: boolean): Promise<Load> {
  const isByWrk = mayUseWrk && (await hasWrk());
  const child = fork(fileURLToPath(new URL('load-child.ts', import.meta.url)));
  return {
    by: isByWrk ? 'wrk' : 'autocannon',
    send: async (order) => {
      if (isByWrk && !order.isStreamed) return sendByWrk(order);
      child.send(order);
      const [result] = (await once(child, 'message')) as [LoadResult | { failed: string }];
      if ('failed' in result) throw new Error(`The load failed: ${result.failed}`);
      return result;
    },
    close: () => void child.kill(),
  };
}
