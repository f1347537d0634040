import { toThreadError } from './thread-errors.ts';

export function isThreadId(id: string): boolean {
  return /^thread_[0-9a-f]{32}$/.test(id);
}

/** Throws what is wrong with a request as it is; all else is the storage's. */
export async function orUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toThreadError(error);
  }
}
