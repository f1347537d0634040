import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type ReceivedRequest = {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type Script = (response: ServerResponse, request: ReceivedRequest) => void | Promise<void>;

/** Starts a server on a free port. The n-th script answers the n-th request, the last one all others. */
export async function startScriptedRouter(...scripts: readonly Script[]) {
  const requests: ReceivedRequest[] = [];
  const server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
    const { method, url, headers } = incoming;
    const script = scripts[Math.min(requests.length, scripts.length - 1)];
    const request = { method, url, headers, body };
    requests.push(request);
    await script?.(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };
  onTestFinished(close);
  // A server that listens on a port has an address of this type.
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, requests, close, server };
}

export const ROUTING_HEADERS = {
  'x-smart-router-schema': '1',
  'x-smart-router-request-id': 'request-1',
  'x-smart-router-selected-model': 'gpt-small',
  'x-smart-router-tier': 'weak',
  'x-smart-router-percentile': '0.12',
  'x-smart-router-win-rate': '0.41',
  'x-smart-router-threshold': '0.5',
  'x-smart-router-reason': 'win-rate',
  'x-smart-router-scorer': 'local@1',
  'x-smart-router-embedding-cache': 'miss',
  'x-smart-router-attempts': '1',
  'x-smart-router-attempt-chain': 'weak;200',
  'x-smart-router-warnings': 'temperature;dropped',
  'x-smart-router-overhead-ms': '0',
};

export const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-small-2026-01-01',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  response: 'Paris.',
  selected_model: 'gpt-small',
};

/** Answers with this status and JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

export const completion = json(200, COMPLETION, ROUTING_HEADERS);

export function chunk(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices });
}

/** Starts a stream with this text and leaves it open. */
export function openStream(text: string): Script {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...ROUTING_HEADERS });
    response.write(text);
  };
}

export function wholeStream(text: string): Script {
  return async (response, request) => {
    await openStream(text)(response, request);
    response.end();
  };
}
