import type { Server } from './servers.ts';

/** An address to which load is sent, directly or through a server. */
export type Target = {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: (isStreamed: boolean) => readonly string[];
  /** The server whose processor time and memory are measured; absent for direct. */
  readonly server?: Server;
  /** The most connections that the services it depends on can take. */
  readonly maxConnections?: number;
  /** False when the target does not answer streams. */
  readonly isForStreams?: boolean;
};

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM = '[sim:chunks:50:5]';
const TOPICS = ['rivers', 'bridges', 'vaccines', 'compilers', 'taxes', 'symphonies', 'glaciers'];
const PROMPTS = 56;

/** Returns short prompts, all different. */
function promptsOf(isStreamed: boolean): readonly string[] {
  const marker = isStreamed ? ` ${STREAM}` : '';
  return Array.from({ length: PROMPTS }, (_, index) => {
    const topic = TOPICS[index % TOPICS.length] ?? '';
    return `Name ${index + 2} facts about ${topic} that most people have never heard of.${marker}`;
  });
}

function bodiesWith(fields: Readonly<Record<string, unknown>>): Target['bodies'] {
  return (isStreamed) =>
    promptsOf(isStreamed).map((content) => {
      const messages = [{ role: 'user', content }];
      return JSON.stringify({ ...fields, messages, ...(isStreamed && { stream: true }) });
    });
}

/** The simulated deployment itself. */
export function directTarget(simulatorUrl: string): Target {
  return {
    name: 'direct',
    url: `${simulatorUrl}/openai/v1/chat/completions`,
    headers: { ...JSON_TYPE, 'api-key': 'key-of-the-simulator' },
    bodies: bodiesWith({ model: 'weak' }),
  };
}

export function routerTarget(name: string, server: Server, maxConnections?: number): Target {
  return {
    name,
    url: `${server.url}/llm/openai/deployments/smart-router/chat/completions`,
    headers: JSON_TYPE,
    bodies: bodiesWith({}),
    server,
    ...(maxConnections !== undefined && { maxConnections }),
  };
}

/** Portkey's gateway, which passes a request on to the model that these headers name. */
export function portkeyTarget(server: Server, simulatorUrl: string): Target {
  return {
    name: 'portkey',
    url: `${server.url}/v1/chat/completions`,
    headers: {
      ...JSON_TYPE,
      authorization: 'Bearer key-of-the-simulator',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${simulatorUrl}/openai/v1`,
    },
    bodies: bodiesWith({ model: 'weak' }),
    server,
    // 1.15.2 answers each streamed request with a 500 ("TypeError: immutable"), on Node 20 to 24.
    isForStreams: false,
  };
}
