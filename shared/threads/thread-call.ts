import type { Call } from '../base/answer.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { toThreadError } from './thread-errors.ts';

export function isThreadId(id: string): boolean {
  return /^thread_[0-9a-f]{32}$/.test(id);
}

/** `Idempotency-Key`: with the same one nothing is added twice. It is kept as a hash. */
export function readKey({ header }: Pick<Call, 'header'>): string | undefined {
  const key = header('idempotency-key');
  if (key === null) return undefined;
  if (key.length >= 1 && key.length <= 256) return key;
  throw new InvalidRequestError('Idempotency-Key must have 1 to 256 characters.', {
    param: 'Idempotency-Key',
  });
}

/** Throws what is wrong with a request as it is; all else is the storage's. */
export async function orUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toThreadError(error);
  }
}
