import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { hasWrk, sendByWrk } from './wrk.ts';

export type LoadOrder = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in turn. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** True: the time to the first content is taken; false: that of the whole answer. */
  readonly isStreamed: boolean;
};

export type LoadResult = {
  /** Of the answers, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  /** Answers that were no success, or did not come. */
  readonly errors: number;
  readonly elapsedMs: number;
};

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
