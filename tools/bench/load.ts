import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadResult } from './load-order.ts';
import { hasWrk, sendByWrk } from './wrk.ts';

export type Load = {
  /** The program that sends plain requests. */
  readonly by: 'wrk' | 'autocannon';
  /** Carries out one order at a time. */
  send(order: LoadOrder): Promise<LoadResult>;
  close(): void;
};

/**
 * Sends load from a separate process, so that its own usage is not measured: plain requests with wrk
 * where it is allowed and installed, else with autocannon, and streams with the project's own client.
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
