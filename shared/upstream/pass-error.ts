import { type Answer, errorAnswer } from '../base/answer.ts';
import { HttpError } from '../base/errors.ts';

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
  if (isHttpError && parseError(bytes) !== undefined) {
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
  const { code, message } = (parseError(bytes)?.error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
  };
}

/** A body in OpenAI's form; undefined when it is in another. */
function parseError(bytes: Buffer): { readonly error: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
    return isError ? parsed : undefined;
  } catch {
    return undefined;
  }
}
