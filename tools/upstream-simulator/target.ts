import { resourceNotFound } from './azure-error.ts';

/** The operation that a URL asks for. A deployment that the path does not name is the body's `model`. */
export type Target = {
  readonly operation: 'chat/completions' | 'embeddings' | 'models';
  readonly deployment: string | undefined;
  readonly style: 'classic' | 'v1' | 'openai';
};

const CLASSIC_CALL = /^\/openai\/deployments\/([^/]+)\/(chat\/completions|embeddings)$/;
const CLASSIC_MODELS = /^\/openai\/models$/;
const V1 = /^(\/openai)?\/v1\/(chat\/completions|embeddings|models)$/;

/**
 * Parses a URL. Throws the 404 that Azure returns for an unknown path, or a classic path without
 * api-version.
 */
export function parseTarget(method: string, url: URL): Target {
  const target = findTarget(url.pathname);
  const expectedMethod = target?.operation === 'models' ? 'GET' : 'POST';
  const needsApiVersion = target?.style === 'classic';
  if (target === undefined || method !== expectedMethod) throw resourceNotFound();
  if (needsApiVersion && !url.searchParams.get('api-version')) throw resourceNotFound();
  return target;
}

function findTarget(path: string): Target | undefined {
  const classic = CLASSIC_CALL.exec(path);
  if (classic !== null) {
    const [, deployment = '', operation] = classic;
    return {
      operation: operation === 'embeddings' ? 'embeddings' : 'chat/completions',
      deployment: decodePathSegment(deployment),
      style: 'classic',
    };
  }
  if (CLASSIC_MODELS.test(path)) {
    return { operation: 'models', deployment: undefined, style: 'classic' };
  }
  const v1 = V1.exec(path);
  if (v1 === null) return undefined;
  // The expression admits only these three operations.
  const operation = v1[2] as Target['operation'];
  return { operation, deployment: undefined, style: v1[1] === undefined ? 'openai' : 'v1' };
}

function decodePathSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // The segment is not percent-encoded text, so no deployment has this name.
    return segment;
  }
}
