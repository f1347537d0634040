/** Work that no request waits for. It is tracked, and cannot fail the process. */
export type Background = {
  run(work: Promise<unknown>): void;
  /** Waits for the work under way, at most this long. */
  drain(timeoutMs: number): Promise<void>;
};

export function createBackground(onFailure: (error: unknown) => void): Background {
  const underWay = new Set<Promise<unknown>>();
  return {
    run: (work) => {
      const settled = work.catch(onFailure).finally(() => underWay.delete(settled));
      underWay.add(settled);
    },
    drain: async (timeoutMs) => {
      const { promise: timeout, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([Promise.all(underWay), timeout]);
      clearTimeout(timer);
    },
  };
}
