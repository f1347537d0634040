import { createHash, randomUUID } from 'node:crypto';
import type { SimulatedDeployment } from './simulated-deployment.ts';

type HeaderFacts = {
  readonly contentType: string;
  /** The client's `x-ms-client-request-id`, which Azure echoes. */
  readonly clientRequestId: string | undefined;
  readonly deployment: SimulatedDeployment | undefined;
};

/** Returns the headers that Azure OpenAI adds to every answer, and those for answers of a deployment. */
export function responseHeaders(facts: HeaderFacts): Record<string, string> {
  const { contentType, clientRequestId, deployment } = facts;
  const headers: Record<string, string> = {
    'content-type': contentType,
    'apim-request-id': randomUUID(),
    'x-request-id': randomUUID(),
    'x-ms-region': 'Sweden Central',
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
  };
  if (clientRequestId !== undefined) headers['x-ms-client-request-id'] = clientRequestId;
  if (deployment === undefined) return headers;
  return {
    ...headers,
    'x-ms-deployment-name': deployment.name,
    'azureml-model-session': `d${createHash('sha256').update(deployment.name).digest('hex').slice(0, 12)}`,
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-limit-tokens': '1000000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-remaining-tokens': '999000',
  };
}
