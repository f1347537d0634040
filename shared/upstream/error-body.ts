import { fieldsOf } from '../base/fields-of.ts';

/** In characters: long enough for deployments' messages, short enough to be repeated. */
const MAX_MESSAGE_LENGTH = 500;

/**
 * Returns the code and message of an error in OpenAI's form, or in that of a gateway: API Management's
 * `{statusCode, message}`, FastAPI's `{detail}`, `{error: "..."}`. Neither for any other form.
 */
export function errorOf(bytes: Buffer): { code?: string; message?: string } {
  const body = fieldsOf(parse(bytes));
  const { error, detail } = body;
  const { code, message } = typeof error === 'object' && error !== null ? fieldsOf(error) : body;
  const said = [message, error, detail, body['Message']].find((one) => typeof one === 'string');
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof said === 'string' && { message: said.slice(0, MAX_MESSAGE_LENGTH) }),
  };
}

/** Parses an error in OpenAI's form; undefined for another form. */
export function parseError(bytes: Buffer): { readonly error: unknown } | undefined {
  const parsed = parse(bytes);
  const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
  return isError && typeof parsed.error === 'object' ? parsed : undefined;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
