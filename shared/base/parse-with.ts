import type * as z from 'zod';
import { InvalidRequestError } from './errors.ts';

/** The longest message about a wrong field, in characters. */
const MAX_ISSUE_LENGTH = 300;

/** Parses with a schema. Throws an InvalidRequestError that names the first wrong field. */
export function parseWith<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.map(String).join('.') || 'body';
  // The message lists unknown keys, of which there may be very many.
  const what = issue?.message.slice(0, MAX_ISSUE_LENGTH) ?? 'is not valid';
  throw new InvalidRequestError(`${param}: ${what}.`, { param });
}
