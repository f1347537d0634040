import { InvalidRequestError } from '../base/errors.ts';
import type { Call } from './call.ts';

/**
 * Reads `Idempotency-Key`: nothing is added twice with the same key. It is kept as a hash. Throws an
 * InvalidRequestError.
 */
export function readKey({ header }: Pick<Call, 'header'>): string | undefined {
  const key = header('idempotency-key');
  if (key === null) return undefined;
  if (key.length >= 1 && key.length <= 256) return key;
  throw new InvalidRequestError('Idempotency-Key must have 1 to 256 characters.', {
    param: 'Idempotency-Key',
  });
}
