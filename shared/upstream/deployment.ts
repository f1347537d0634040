import type { ApiStyle, Capabilities } from '../capabilities/capabilities.ts';

/** A model that can be called. */
export type Deployment = {
  /** The name that callers call it by. */
  readonly name: string;
  /** The name by which its service knows it; default: `name`. */
  readonly upstreamName?: string;
  /** The name of its model, as users see it; default: the deployment's name. */
  readonly modelName: string;
  /** The address without a trailing slash, including `/v1` for the style `openai`. */
  readonly endpoint: string;
  readonly apiStyle: ApiStyle;
  readonly apiVersion: string;
  /** Without a key, the Azure styles use Microsoft Entra ID, and `openai` uses no credential. */
  readonly apiKey?: string;
  /** The inputs and options that its model supports. */
  readonly capabilities: Capabilities;
};

/** Returns true if the deployment is called with a token of this app's identity. */
export function needsToken({ apiStyle, apiKey }: Deployment): boolean {
  return apiKey === undefined && apiStyle !== 'openai';
}

export type Operation = 'chat/completions' | 'embeddings';

/** The name by which its service knows a deployment. */
export function upstreamNameOf({ name, upstreamName }: Deployment): string {
  return upstreamName ?? name;
}

/** The address of an operation on a deployment. */
export function operationUrl(deployment: Deployment, operation: Operation): string {
  const { endpoint, apiVersion } = deployment;
  switch (deployment.apiStyle) {
    case 'azure':
      return `${endpoint}/openai/deployments/${encodeURIComponent(upstreamNameOf(deployment))}/${operation}?api-version=${encodeURIComponent(apiVersion)}`;
    case 'azure-v1':
      return `${endpoint}/openai/v1/${operation}`;
    case 'openai':
      return `${endpoint}/${operation}`;
  }
}
