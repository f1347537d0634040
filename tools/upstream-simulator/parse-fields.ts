import type * as z from 'zod';
import { type AzureError, invalidRequest } from './azure-error.ts';

/** Checks the fields that the simulator reads and keeps the others. Throws a 400 in OpenAI's words. */
export function parseFields<Fields>(schema: z.ZodType<Fields>, body: unknown): Fields {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw issue === undefined ? invalidRequest('Invalid request.') : issueToError(issue);
}

function issueToError(issue: z.core.$ZodIssue): AzureError {
  const param = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1);
  if (param === '') return invalidRequest('The body of the request must be a JSON object.');
  if (issue.input === undefined) {
    return invalidRequest(`Missing required parameter: '${param}'.`, {
      param,
      code: 'missing_required_parameter',
    });
  }
  return invalidRequest(`Invalid '${param}': ${issue.message}.`, { param, code: errorCode(issue) });
}

function errorCode(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return 'invalid_type';
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return 'invalid_value';
  const isTooSmall = issue.code === 'too_small';
  if (issue.origin === 'array') return isTooSmall ? 'empty_array' : 'array_above_max_length';
  if (issue.origin === 'string') return 'invalid_value';
  return isTooSmall ? 'integer_below_min_value' : 'integer_above_max_value';
}
