import type {} from '@azure/openai/types';
import type { OpenAI } from 'openai';
import { createDeadline, untilAborted } from '../base/deadline.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { GetToken } from '../upstream/entra-token.ts';
import { cutToTokens } from './cut-to-tokens.ts';
import type { RemoteEmbedder } from './prompt-embedding.ts';

/** The limit of text-embedding-3-small, -large and ada-002. */
export const MAX_TOKENS = 8_191;

type ClientOptions = {
  readonly deployment: Deployment;
  readonly getToken: GetToken;
  /** For one try, answer included. */
  readonly timeoutMs: number;
  /** After a 408, 409, 429, a 5xx or a lost connection. */
  readonly maxRetries: number;
};

type AzureEmbedderOptions = Omit<ClientOptions, 'maxRetries'> & {
  /** Part of the cache keys: `azure-openai/text-embedding-3-small`. */
  readonly id: string;
};

type AzureEmbedder = RemoteEmbedder & {
  /** Loads what the first call would have to wait for. */
  warm(): Promise<void>;
};

/** An embedding deployment of Azure OpenAI, or of a server that speaks its language. */
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
    // For both tries and the wait between them, which a 429 may ask to be a minute; and for the
    // credential, of whose waits the client's own limits know nothing.
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

/** The package is large and who has the local embedder never needs it: it is loaded here. */
export async function createEmbeddingClient(options: ClientOptions): Promise<OpenAI> {
  const { AzureOpenAI, OpenAI } = await import('openai');
  const { deployment, getToken, timeoutMs, maxRetries } = options;
  // What is not given here, the client reads from the environment.
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
