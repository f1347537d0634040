import { type Answer, errorAnswer } from '../base/answer.ts';
import { HttpError } from '../base/errors.ts';
import { errorOf, parseError } from '../upstream/error-body.ts';

/**
 * Passes a deployment's error on unchanged: clients know its codes and retry by them. An error of another form is
 * put into OpenAI's: a gateway's with its message, a proxy's page without.
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
  const { code, message } = isHttpError ? errorOf(bytes) : {};
  const error = new HttpError(
    message ??
      `The deployment answered ${status} without an error in OpenAI's form. Check its endpoint and API style.`,
    {
      status: isHttpError ? status : 502,
      type: 'upstream_error',
      code: code ?? (message === undefined ? 'upstream_invalid' : String(status)),
    },
  );
  return errorAnswer(error, headers);
}
