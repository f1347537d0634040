import { fieldsOf } from '../../shared/base/fields-of.ts';
import { AzureError, invalidRequest, unknownRole, unrecognizedArguments } from './azure-error.ts';

export const WORDINGS = ['openai', 'fastapi', 'foundry'] as const;

/** A field of requests or of their messages that is refused, or the role `developer`. */
export type RefusedField = { readonly field: string; readonly wording: (typeof WORDINGS)[number] };

const EXTRA = 'Extra inputs are not permitted';
const ROLES = "Input should be 'system', 'user', 'assistant' or 'tool'";

/** Throws the refusal of a field that stands in the request, in the words of a service. */
export function refuseField(body: unknown, { field, wording }: RefusedField): void {
  const path = findField(body, field);
  if (path === undefined) return;
  const isRole = path.at(-1) === 'role';
  const complaint = isRole ? ROLES : EXTRA;
  switch (wording) {
    case 'openai':
      throw isRole ? unknownRole(Number(path[1])) : unrecognizedArguments([field]);
    case 'foundry':
      throw invalidRequest(`Validation error at #/${path.join('/')}: ${complaint}`);
    case 'fastapi': {
      const type = isRole ? 'literal_error' : 'extra_forbidden';
      const detail = [{ type, loc: ['body', ...path], msg: complaint }];
      throw new AzureError(complaint, { status: 422, code: null, body: { detail } });
    }
  }
}

/** Returns where a field stands: in the body, else in the first message that has it. */
function findField(body: unknown, field: string): readonly (string | number)[] | undefined {
  const fields = fieldsOf(body);
  if (fields[field] != null) return [field];
  const messages: readonly unknown[] = Array.isArray(fields['messages']) ? fields['messages'] : [];
  for (const [index, message] of messages.map(fieldsOf).entries()) {
    if (field === 'developer' && message['role'] === field) return ['messages', index, 'role'];
    if (message[field] != null) return ['messages', index, field];
  }
  return undefined;
}
