import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const TRACE = 'a'.repeat(32);
const PARENT = 'b'.repeat(16);
const traceparent = `00-${TRACE}-${PARENT}-01`;

/** Intervals shorter than the default minute for metrics, and 0.2 s for batches of spans. */
const OFTEN = { OTEL_METRIC_EXPORT_INTERVAL: '200', OTEL_BSP_SCHEDULE_DELAY: '200' };

/** A script that reports each loaded file of the app. */
const TELL_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { console.log('loaded ' + url.split('/').pop()); return next(url, context); } });
`)}`;

let receiver: OtlpReceiver;
let router: Router;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  router = await startRouter({
    settings: {
      ...OFTEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=secret-of-the-collector',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      EMBEDDING_DEPLOYMENT: 'embedding',
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.4/1.6',
      CIRCUIT_FAILURES: '1000',
    },
  });
});
afterAll(async () => {
  await router.close();
  await receiver.close();
});

/** Waits for the spans of a trace, until the request's own span, the last to end, is there. */
async function spansOf(traceId: string): Promise<Record<string, ReceivedSpan[]>> {
  const find = () => receiver.spans.filter((span) => span.traceId === traceId);
  await expect.poll(() => find().some(({ kind }) => kind === 'SERVER')).toBe(true);
  return Object.groupBy(find(), ({ name }) => name) as Record<string, ReceivedSpan[]>;
}

async function pointOf(name: string, attributes: Record<string, unknown> = {}) {
  const find = () =>
    receiver
      .points()
      .find(
        (point) =>
          point.name === name &&
          Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
      );
  await expect.poll(find).toBeDefined();
  return find();
}

describe('the spans of a request', () => {
  test('are parts of its trace, which goes on to the deployment', async () => {
    const { headers } = await post(
      router.url + ROUTED,
      {
        prompt: 'Hi, how are you?',
        seed: 5,
        max_tokens: 7,
        routing: { threshold: 1 },
        metadata: { text: 'a text of the caller' },
      },
      { traceparent, tracestate: 'a=1', 'X-USE_CASE': 'support' },
    );
    const spans = await spansOf(TRACE);
    const [request] = spans[`POST /llm/openai/deployments/{deployment}/chat/completions`] ?? [];
    expect(request).toMatchObject({
      parentSpanId: PARENT,
      kind: 'SERVER',
      isError: false,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/llm/openai/deployments/{deployment}/chat/completions',
        'http.response.status_code': 200,
        'smart_router.request_id': headers.get('x-smart-router-request-id'),
        'smart_router.use_case': 'support',
        'smart_router.tier': 'weak',
        'smart_router.reason': 'win-rate',
        'smart_router.threshold': 1,
        'smart_router.win_rate': Number(headers.get('x-smart-router-win-rate')),
      },
      resource: {
        'service.name': 'smart-router',
        'service.instance.id': expect.any(String),
        'deployment.environment.name': 'test',
      },
    });
    const [call] = spans['chat weak'] ?? [];
    expect(call).toMatchObject({
      parentSpanId: request?.spanId,
      kind: 'CLIENT',
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.request.model': 'weak',
        'gen_ai.request.seed': 5,
        'gen_ai.request.max_tokens': 7,
        'gen_ai.response.id': expect.stringContaining('chatcmpl'),
        'gen_ai.response.model': expect.any(String),
        'gen_ai.response.finish_reasons': ['length'],
        'gen_ai.usage.input_tokens': expect.any(Number),
        'gen_ai.usage.output_tokens': expect.any(Number),
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
      },
    });
    for (const name of ['smart_router.embedding', 'smart_router.scoring']) {
      expect(spans[name]).toMatchObject([{ parentSpanId: request?.spanId, kind: 'INTERNAL' }]);
    }
    const sent = router.simulator.requests.at(-1)?.headers;
    expect(sent).toMatchObject({
      traceparent: `00-${TRACE}-${call?.spanId}-01`,
      tracestate: 'a=1',
    });
  });

  test('end with the last byte of a stream', async () => {
    const traceId = 'c'.repeat(32);
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${PARENT}-01` },
      body: JSON.stringify({
        prompt: '[sim:chunks:6:40] Hi, tell me about the sea.',
        stream: true,
        routing: { threshold: 0 },
      }),
    });
    await response.text();
    const [call] = (await spansOf(traceId))['chat strong'] ?? [];
    const firstChunk = Number(call?.attributes['gen_ai.response.time_to_first_chunk']);
    expect(firstChunk).toBeGreaterThan(0);
    expect(call?.ms).toBeGreaterThan(firstChunk * 1_000);
    expect(call?.attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.usage.output_tokens': expect.any(Number),
    });
  });

  test('have no tokens of a stream that its deployment did not count', async () => {
    const traceId = '7'.repeat(32);
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${PARENT}-01` },
      body: JSON.stringify({
        prompt: '[sim:cut:3:9] Hi',
        stream: true,
        routing: { threshold: 0 },
      }),
    });
    expect(await response.text()).toContain('"code":"upstream_incomplete"');
    const [call] = (await spansOf(traceId))['chat strong'] ?? [];
    expect(call?.isError).toBe(true);
    expect(call?.attributes['error.type']).toBe('upstream_incomplete');
    expect(call?.attributes['gen_ai.usage.output_tokens']).toBeUndefined();
  });

  test('are one for each deployment that was asked', async () => {
    const traceId = 'd'.repeat(32);
    await post(
      router.url + ROUTED,
      { prompt: '[sim:503:9@weak] Hi', routing: { threshold: 1 } },
      { traceparent: `00-${traceId}-${PARENT}-01` },
    );
    const spans = await spansOf(traceId);
    expect(spans['chat weak']).toMatchObject([
      { isError: true, attributes: { 'http.response.status_code': 503 } },
    ]);
    expect(spans['chat weak']?.[0]?.attributes['error.type']).toBeDefined();
    expect(spans['chat strong']).toMatchObject([
      { isError: false, attributes: { 'http.response.status_code': 200 } },
    ]);
  });

  test('are there of embeddings, and of what is refused', async () => {
    const traceId = 'e'.repeat(32);
    await post(
      `${router.url}/llm/openai/v1/embeddings`,
      { model: 'embedding', input: 'a text' },
      { traceparent: `00-${traceId}-${PARENT}-01` },
    );
    const spans = await spansOf(traceId);
    expect(spans['embeddings embedding']).toMatchObject([
      { kind: 'CLIENT', attributes: { 'gen_ai.usage.input_tokens': expect.any(Number) } },
    ]);
    const refused = 'f'.repeat(32);
    await post(router.url + ROUTED, {}, { traceparent: `00-${refused}-${PARENT}-01` });
    const [[span] = []] = Object.values(await spansOf(refused));
    expect(span?.attributes['http.response.status_code']).toBe(400);
  });
});

describe('the metrics', () => {
  test('count what was decided, used, spent and saved', async () => {
    const prompt = 'Hi, how are you?';
    await post(
      router.url + ROUTED,
      { prompt, routing: { threshold: 1 } },
      { 'X-USE_CASE': 'mail' },
    );
    const mail = { 'smart_router.use_case': 'mail' };
    expect(await pointOf('smart_router.decision', mail)).toMatchObject({
      sum: 1,
      attributes: {
        'smart_router.tier': 'weak',
        'smart_router.deployment': 'weak',
        'smart_router.reason': 'win-rate',
      },
    });
    expect((await pointOf('smart_router.savings', mail))?.sum).toBeGreaterThan(0);
    expect((await pointOf('smart_router.cost', mail))?.sum).toBeGreaterThan(0);
    expect(await pointOf('smart_router.score', mail)).toMatchObject({ count: 1 });
    const called = { 'gen_ai.request.model': 'weak', 'gen_ai.operation.name': 'chat' };
    for (const type of ['input', 'output']) {
      const tokens = await pointOf('gen_ai.client.token.usage', {
        ...called,
        'gen_ai.token.type': type,
      });
      expect(tokens).toMatchObject({ unit: '{token}' });
      expect(tokens?.sum).toBeGreaterThan(0);
    }
    expect(await pointOf('gen_ai.client.operation.duration', called)).toMatchObject({ unit: 's' });
    await pointOf('gen_ai.client.operation.time_to_first_chunk', {
      'gen_ai.request.model': 'strong',
    });
    await pointOf('smart_router.fallback', { 'smart_router.deployment': 'strong' });
    await pointOf('smart_router.scoring.duration');
    await pointOf('smart_router.embedding.duration');
    await pointOf('smart_router.overhead.duration', mail);
    await pointOf('http.server.request.duration', { 'http.response.status_code': 400 });
  });
});

test('sends the headers of the setting, and no text of a prompt or an answer', async () => {
  const paths = new Set(receiver.requests.map(({ path }) => path));
  expect(paths).toEqual(new Set(['/v1/traces', '/v1/metrics']));
  for (const { headers, text } of receiver.requests) {
    expect(headers).toMatchObject({
      'x-tenant': 'secret-of-the-collector',
      'content-type': 'application/x-protobuf',
    });
    expect(text).not.toMatch(/how are you|tell me about|a text|This is a simulated/);
  }
  expect(router.output()).not.toContain('secret-of-the-collector');
});

test('continues to answer while no collector receives it, and logs that once', async () => {
  const failed = '"background-work-failed","job":"telemetry"';
  receiver.answerWith(400);
  for (const _ of Array.from({ length: 3 })) {
    expect((await post(router.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await expect.poll(() => router.output()).toContain(failed);
  receiver.answerWith(200);
  await expect
    .poll(() => router.output())
    .toContain('"background-work-recovered","job":"telemetry"');
  expect(router.output().split(failed)).toHaveLength(2);
});

test.each([
  ['always_off', '00'],
  ['parentbased_always_on', '00'],
  ['always_on', '01'],
])('traces as OTEL_TRACES_SAMPLER=%s says, and tells it on', async (sampler, flags) => {
  const traceId = String(sampler.length).padStart(32, '1');
  const sampled = await startRouter({
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_TRACES_SAMPLER: sampler,
    },
  });
  await post(
    sampled.url + ROUTED,
    { prompt: 'Hi' },
    { traceparent: `00-${traceId}-${PARENT}-00`, 'X-USE_CASE': sampler },
  );
  const told = sampled.simulator.requests.at(-1)?.headers['traceparent'];
  // Unsent telemetry is exported before the end.
  await sampled.close();
  expect(told).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-${flags}$`));
  expect(receiver.spans.some((span) => span.traceId === traceId)).toBe(flags === '01');
  await pointOf('smart_router.decision', { 'smart_router.use_case': sampler });
});

describe('telemetry that is not configured', () => {
  test.each([
    ['without the settings', {}],
    ['when it is switched off', { OTEL_SDK_DISABLED: 'true' }],
  ])('is not loaded %s', async (_, settings) => {
    const off = await startRouter({
      settings: {
        ...settings,
        ...('OTEL_SDK_DISABLED' in settings && { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }),
        NODE_OPTIONS: `--import=${TELL_LOADED}`,
      },
    });
    try {
      await post(off.url + ROUTED, { prompt: 'Hi' }, { traceparent });
      expect(off.output()).toContain('loaded index.js');
      expect(off.output()).not.toMatch(/loaded .*telemetry/);
      // The caller's own header is passed on unchanged.
      expect(off.simulator.requests.at(-1)?.headers['traceparent']).toBe(traceparent);
    } finally {
      await off.close();
    }
  });

  test('is loaded with them', async () => {
    const on = await startRouter({
      settings: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        NODE_OPTIONS: `--import=${TELL_LOADED}`,
      },
    });
    await on.close();
    expect(on.output()).toMatch(/loaded create-telemetry/);
  });
});

describe('Azure Monitor', () => {
  const envelopes: Record<string, unknown>[] = [];
  let ingestion: Server;
  let folder: string;
  beforeAll(async () => {
    // It is never reported over plain HTTP.
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    folder = await mkdtemp(join(tmpdir(), 'telemetry-'));
    await writeFile(join(folder, 'ca.pem'), cert);
    ingestion = createServer({ key, cert }, async (request, response) => {
      const items = (await text(request)).split('\n').flatMap((line) => JSON.parse(line));
      envelopes.push(...items);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ itemsReceived: items.length, itemsAccepted: items.length, errors: [] }),
      );
    }).listen(0, '127.0.0.1');
    await once(ingestion, 'listening');
  });
  afterAll(async () => {
    ingestion.closeAllConnections();
    ingestion.close();
    await rm(folder, { recursive: true });
  });

  test('gets the spans and the metrics', async () => {
    const { port } = ingestion.address() as AddressInfo;
    const monitored = await startRouter({
      settings: {
        ...OFTEN,
        APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://localhost:${port}/`,
        APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
        NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      },
    });
    try {
      await post(monitored.url + ROUTED, { prompt: 'Hi' }, { traceparent });
      await expect.poll(() => JSON.stringify(envelopes)).toMatch(/smart_router\.decision/);
      await expect.poll(() => JSON.stringify(envelopes)).toContain(TRACE);
      const names = new Set(envelopes.map(({ name }) => String(name).split('.').at(-1)));
      // The host reports the request itself.
      expect(names).toEqual(new Set(['RemoteDependency', 'Metric']));
    } finally {
      await monitored.close();
    }
  });
});

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '1'],
  ['OTEL_SDK_DISABLED', 'yes'],
])('refuses to start with %s=%s', async (name, value) => {
  await expect(startRouter({ settings: { [name]: value } })).rejects.toThrow(name);
});
