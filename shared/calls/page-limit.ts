import { InvalidRequestError } from '../base/errors.ts';
import type { Call } from './call.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The number of entries of a list that a call asks for. Throws an InvalidRequestError. */
export function pageLimitOf({ query }: Pick<Call, 'query'>): number {
  const text = query('limit') ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidRequestError(`limit must be a whole number from 1 to ${MAX_LIMIT}.`, {
    param: 'limit',
  });
}
