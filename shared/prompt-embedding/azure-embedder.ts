import type {} from '@azure/openai/types';
import type { OpenAI } from 'openai';
import { createDeadline, untilAborted } from '../base/deadline.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { GetToken } from '../upstream/entra-token.ts';
import { cutToTokens } from './cut-to-tokens.ts';
import type { RemoteEmbedder } from './embedders.ts';

/** The most tokens that text-embedding-3-small, -large and ada-002 take. */
export const MAX_TOKENS = 8_191;

type ClientOptions = {
  readonly deployment: Deployment;
  readonly getToken: GetToken;
  /** The limit of one try, its answer included. */
  readonly timeoutMs: number;
  /** The most retries after a 408, 409, 429, a 5xx or a lost connection. */
  readonly maxRetries: number;
};

type AzureEmbedderOptions = Omit<ClientOptions, 'maxRetries'> & {
  /** Part of the cache keys, such as `azure-openai/text-embedding-3-small`. */
  readonly id: string;
};

type AzureEmbedder = RemoteEmbedder & {
  /** Loads the client, so that the first call does not wait for it. */
  warm(): Promise<void>;
};

/**
 * Creates the embedder of an embedding deployment of Azure OpenAI, or of a server with the same
 * API.
 */
export function createAzureEmbedder(options: AzureEmbedderOptions): AzureEmbedder {
  let client: Promise<OpenAI> | undefined;

  function loadClient(): Promise<OpenAI> {
    client ??= createEmbeddingClient({ ...options, maxRetries: 1 });
    return client;
  }

  async function callOpenAIForEmbedding(text: string): Promise<Float32Array> {
    const { embeddings } = await loadClient();
    const input = await cutToTokens(text, MAX_TOKENS);
    const deadline = createDeadline(options.timeoutMs);
    const { signal } = deadline;
    // The deadline covers both tries, the wait between them (a 429 may ask for a minute) and the
    // credential, whose waits the client's own limits do not cover.
    const call = embeddings.create({ model: options.deployment.name, input }, { signal });
    const { data } = await untilAborted(call, signal).finally(() => deadline.clear());
    const [first] = data;
    if (first === undefined)
      throw new Error('The embedding deployment answered without an embedding.');
    return Float32Array.from(first.embedding);
  }

  async function warm(): Promise<void> {
    await loadClient();
  }

  return { id: options.id, embed: callOpenAIForEmbedding, warm };
}

/** Loads the client's package on demand: it is large, and the local embedder does not need it. */
export async function createEmbeddingClient(options: ClientOptions): Promise<OpenAI> {
  const { AzureOpenAI, OpenAI } = await import('openai');
  const { deployment, getToken, timeoutMs, maxRetries } = options;
  // The client reads every option that is missing here from the environment.
  const shared = { maxRetries, timeout: timeoutMs, organization: null, project: null };
  const { apiKey, endpoint } = deployment;
  switch (deployment.apiStyle) {
    case 'azure': {
      const credential =
        apiKey === undefined ? { azureADTokenProvider: getToken, apiKey: '' } : { apiKey };
      return new AzureOpenAI({
        ...shared,
        ...credential,
        baseURL: `${endpoint}/openai`,
        apiVersion: deployment.apiVersion,
      });
    }
    case 'azure-v1':
      return new OpenAI({
        ...shared,
        apiKey: apiKey ?? getToken,
        baseURL: `${endpoint}/openai/v1`,
      });
    case 'openai':
      return new OpenAI({ ...shared, apiKey: apiKey ?? 'none', baseURL: endpoint });
  }
}
