import { type Answer, errorAnswer } from '../base/answer.ts';
import { HttpError } from '../base/errors.ts';
import { parseError } from '../upstream/error-body.ts';

/**
 * Passes a deployment's error on unchanged: clients know its codes and retry by them. An error that is not
 * JSON, such as a proxy's page, is put into the same form.
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
