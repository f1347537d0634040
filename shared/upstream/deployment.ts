import type { ApiStyle, Capabilities } from '../capabilities/capabilities.ts';

/** A model that can be called. */
export type Deployment = {
  /** The name that callers call it by. */
  readonly name: string;
  /** By which its service knows it; absent: the same. */
  readonly upstreamName?: string;
  /** The model behind it, as users are told; the deployment's name unless configured. */
  readonly modelName: string;
  /** Without a trailing slash. For the style `openai`, including `/v1`. */
  readonly endpoint: string;
  readonly apiStyle: ApiStyle;
  readonly apiVersion: string;
  /** Absent: Microsoft Entra ID for the Azure styles, no credential for `openai`. */
  readonly apiKey?: string;
  /** What its model takes. */
  readonly capabilities: Capabilities;
};

/** True when it is called with a token of this app's identity. */
export function needsToken({ apiStyle, apiKey }: Deployment): boolean {
  return apiKey === undefined && apiStyle !== 'openai';
}

export type Operation = 'chat/completions' | 'embeddings';

/** What its service calls it. */
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
