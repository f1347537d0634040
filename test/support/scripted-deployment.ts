import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { UNKNOWN_MODEL } from '../../shared/capabilities/capabilities.ts';
import { createUpstreams } from '../../shared/upstream/create-upstreams.ts';
import type { Deployment } from '../../shared/upstream/deployment.ts';
import { readAnswer } from '../../shared/upstream/read-answer.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';

export type Script = (response: ServerResponse) => unknown;

export type ScriptedDeployment = {
  readonly deployment: Deployment;
  /** The script for the next calls with a question. */
  answer: Script;
  /** The script for calls without a question. */
  answerProbe: Script;
  /** The number of calls with a question so far. */
  calls: number;
  probes: number;
  /** The number of open connections. */
  connections: number;
};

/** Starts a deployment on its own port that follows a test's script until the test is finished. */
export async function startScriptedDeployment(
  answer: Script = status(200),
): Promise<ScriptedDeployment> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const isProbe = !body.includes('"messages"');
      scripted[isProbe ? 'probes' : 'calls'] += 1;
      (isProbe ? scripted.answerProbe : scripted.answer)(response);
    });
  });
  server.on('connection', (socket) => {
    scripted.connections += 1;
    socket.once('close', () => {
      scripted.connections -= 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const scripted: ScriptedDeployment = {
    deployment: {
      name: 'weak',
      modelName: 'weak',
      endpoint: `http://127.0.0.1:${port}`,
      apiStyle: 'azure',
      apiVersion: '2024-10-21',
      apiKey: 'key-1',
      capabilities: UNKNOWN_MODEL,
    },
    answer,
    answerProbe: status(400),
    calls: 0,
    probes: 0,
    connections: 0,
  };
  return scripted;
}

export function status(code: number, headers: Record<string, string> = {}): Script {
  return (response) => response.writeHead(code, headers).end('{}');
}

/** Never answers. */
export const hang: Script = () => undefined;

/** Closes the connection instead of answering. */
export const cut: Script = (response) => response.socket?.destroy();

/** Sends the headers of an answer, and nothing more. */
export const stall: Script = (response) => response.writeHead(200).flushHeaders();

/** Sends the first part of an answer, and never the rest. */
export const stream: Script = (response) => response.writeHead(200).write('data: {}\n\n');

export const limits = {
  circuitFailures: 3,
  circuitOpenMs: 10_000,
  maxConcurrentCalls: 64,
  maxQueuedCalls: 64,
};

export function createUpstream(
  { deployment }: Pick<ScriptedDeployment, 'deployment'>,
  changed: Partial<typeof limits> = {},
): Upstream {
  return createUpstreams(async () => 'token', { ...limits, ...changed })(deployment);
}

export function request(signal: AbortSignal = AbortSignal.timeout(10_000)) {
  return { operation: 'chat/completions', body: '{"messages":[]}', headers: {}, signal } as const;
}

/** Returns the status of an answer that was read to its end, or the code of the error. */
export async function outcome(
  upstream: Upstream,
  signal = AbortSignal.timeout(10_000),
): Promise<number | string | null> {
  try {
    const answer = await upstream.send(request(signal));
    await readAnswer(answer, { maxBytes: 1e6, signal });
    return answer.status;
  } catch (error) {
    return (error as { readonly code: string | null }).code;
  }
}
