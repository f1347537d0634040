import { type Deployment, needsToken } from '../../shared/upstream/deployment.ts';
import { InputError } from '../command-line/input-error.ts';

const CREDENTIAL =
  'check AZURE_OPENAI_API_KEY or EMBEDDING_API_KEY, or without a key the role "Cognitive Services OpenAI User"';
const DEPLOYMENT = 'check EMBEDDING_DEPLOYMENT, and the endpoint it belongs to';

const ADVICE: ReadonlyMap<number, string> = new Map([
  [400, 'check that it is a deployment of an embedding model'],
  [401, CREDENTIAL],
  [403, CREDENTIAL],
  [404, `no deployment has that name: ${DEPLOYMENT}`],
]);

/** Explains how to fix a call of the embedding deployment that failed for good. */
export async function explainFailedCall(
  error: unknown,
  deployment: Deployment,
  retries: number,
): Promise<InputError> {
  const { APIConnectionError, APIError, OpenAIError } = await import('openai');
  const name = `The embedding deployment "${deployment.name}" at ${new URL(deployment.endpoint).origin}`;
  if (error instanceof APIError && error.status !== undefined) {
    const status: number = error.status;
    const advice = ADVICE.get(status);
    if (advice !== undefined) return new InputError(`${name} answered ${status}: ${advice}.`);
    const tried = status === 429 || status >= 500 ? ` after ${retries} retries` : '';
    return new InputError(`${name} still answered ${status}${tried}: run this again later.`);
  }
  const isSignIn = error instanceof OpenAIError && !(error instanceof APIError);
  if (isSignIn && needsToken(deployment)) {
    return new InputError(
      `Signing in with Microsoft Entra ID failed (${causeOf(error)}): sign in (az login), or set EMBEDDING_API_KEY.`,
      { cause: error },
    );
  }
  const what = error instanceof APIConnectionError ? 'cannot be reached' : 'cannot be read';
  return new InputError(
    `${name} ${what} (${causeOf(error)}), after ${retries} retries: check the address, or run this again later.`,
    { cause: error },
  );
}

/** Returns the innermost cause, such as `ECONNREFUSED`, however many errors wrap it. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : causeOf(error.cause);
}
