import { type Answer, errorAnswer } from '../answer.ts';
import { HttpError } from '../errors.ts';

/** Long enough for what deployments say, short enough to be repeated. */
const MAX_MESSAGE_LENGTH = 500;

/**
 * An answer that is no success, as the deployment gave it: clients know its codes and retry by
 * them. One that is not JSON (a proxy's page) is put into the same form.
 */
export function passError(
  status: number,
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
): Answer {
  const isHttpError = status >= 400 && status <= 599;
  if (isHttpError && isErrorObject(bytes)) {
    return { status, headers: { ...headers, 'content-type': 'application/json' }, body: bytes };
  }
  const error = new HttpError(
    `The deployment answered ${status} without an error in OpenAI's form. Check its endpoint and API style.`,
    { status: isHttpError ? status : 502, type: 'upstream_error', code: 'upstream_invalid' },
  );
  return errorAnswer(error, headers);
}

/** What an error in OpenAI's form says; nothing of one in another form. */
export function errorOf(bytes: Buffer): { code?: string; message?: string } {
  if (!isErrorObject(bytes)) return {};
  const { error } = JSON.parse(bytes.toString('utf8')) as { readonly error: unknown };
  const { code, message } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
  };
}

function isErrorObject(bytes: Buffer): boolean {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && 'error' in parsed;
  } catch {
    return false;
  }
}
