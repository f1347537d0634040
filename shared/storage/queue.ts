import { StorageTimeoutError } from './call-limits.ts';

/**
 * Runs work with the same name one at a time, and work with different names concurrently. What waits while
 * the storage does not answer fails with the work before it: it would only wait longer.
 */
export type Queue = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export function createQueue(): Queue {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const before = last.get(name) ?? Promise.resolve();
    const result = before.then(work, (error: unknown) => {
      if (isTimeout(error)) throw error;
      return work();
    });
    last.set(name, result);
    const forget = () => {
      if (last.get(name) === result) last.delete(name);
    };
    result.then(forget, forget);
    return result;
  };
}

/** Whether an error is, or was made of, a call that the storage did not answer. */
function isTimeout(error: unknown): boolean {
  const errors = error instanceof Error ? [error, error.cause] : [];
  return errors.some((one) => one instanceof StorageTimeoutError);
}
