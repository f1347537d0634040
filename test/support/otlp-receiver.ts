import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';

type Attributes = Readonly<Record<string, unknown>>;

export type ReceivedSpan = {
  readonly name: string;
  /** The id in hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  /** The parent's id, empty when there is no parent. */
  readonly parentSpanId: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT';
  readonly ms: number;
  readonly isError: boolean;
  readonly attributes: Attributes;
  readonly resource: Attributes;
};

export type ReceivedPoint = {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** The number of values of a histogram. */
  readonly count?: number;
  /** The sum of a histogram or counter. */
  readonly sum: number;
};

type Sent = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The raw bytes, in which Protobuf does not encode texts. */
  readonly text: string;
};

export type OtlpReceiver = {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** The metrics of the newest export of each instance. */
  readonly points: () => readonly ReceivedPoint[];
  readonly requests: readonly Sent[];
  /** Sets the status of all later answers. */
  answerWith(status: number): void;
  close(): Promise<void>;
};

/** The parts of https://github.com/open-telemetry/opentelemetry-proto that the tests look at. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3;
    double double_value = 4; ArrayValue array_value = 5; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Traces { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; Status status = 15; }
  message Status { int32 code = 3; }
  message Metrics { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message ScopeMetrics { repeated Metric metrics = 2; }
  message Metric { string name = 1; string unit = 3; Sum sum = 7; Histogram histogram = 9; }
  message Sum { repeated NumberPoint data_points = 1; int32 temporality = 2; bool is_monotonic = 3; }
  message NumberPoint { double as_double = 4; sfixed64 as_int = 6; repeated KeyValue attributes = 7; }
  message Histogram { repeated HistogramPoint data_points = 1; int32 temporality = 2; }
  message HistogramPoint { fixed64 count = 4; double sum = 5; repeated KeyValue attributes = 9; }
`);

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT'];
const ERROR = 2;

/** Starts a collector that receives exports by OTLP over HTTP with Protobuf. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: Sent[] = [];
  const points = new Map<string, ReceivedPoint[]>();
  let status = 200;
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    requests.push({
      path: request.url ?? '',
      headers: request.headers,
      text: body.toString('latin1'),
    });
    if (request.url === '/v1/traces' && status === 200) spans.push(...readSpans(body));
    if (request.url === '/v1/metrics' && status === 200) {
      const { instance, points: newest } = readPoints(body);
      points.set(instance, newest);
    }
    response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    points: () => [...points.values()].flat(),
    requests,
    answerWith: (wanted) => {
      status = wanted;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is that of the definition above.
type Decoded = Record<string, any>;

function decode(type: string, body: Buffer): Decoded {
  const message = root.lookupType(type);
  return message.toObject(message.decode(body), {
    longs: Number,
    bytes: Buffer,
    arrays: true,
    defaults: true,
    oneofs: true,
  });
}

function readSpans(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = decode('Traces', body);
  return resourceSpans.flatMap(({ resource, scopeSpans }: Decoded) =>
    scopeSpans
      .flatMap((scope: Record<string, unknown>) => scope['spans'])
      .map((span: Decoded) => ({
        name: span['name'],
        traceId: span['traceId'].toString('hex'),
        spanId: span['spanId'].toString('hex'),
        parentSpanId: span['parentSpanId'].toString('hex'),
        kind: KINDS[span['kind']],
        ms: (span['end'] - span['start']) / 1e6,
        isError: span['status']?.code === ERROR,
        attributes: readAttributes(span['attributes']),
        resource: readAttributes(resource.attributes),
      })),
  );
}

function readPoints(body: Buffer): { instance: string; points: ReceivedPoint[] } {
  const { resourceMetrics } = decode('Metrics', body);
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }: Decoded) =>
    scopeMetrics.flatMap((scope: Record<string, unknown>) => scope['metrics']),
  );
  const [{ resource }] = resourceMetrics;
  const instance = String(readAttributes(resource.attributes)['service.instance.id']);
  const points = metrics.flatMap(({ name, unit, sum, histogram }: Decoded) =>
    (histogram ?? sum).dataPoints.map((point: Decoded) => ({
      name,
      unit,
      attributes: readAttributes(point['attributes']),
      ...(histogram && { count: point['count'] }),
      sum: histogram ? point['sum'] : point['asDouble'] || point['asInt'],
    })),
  );
  return { instance, points };
}

function readAttributes(list: readonly Decoded[]): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Decoded): unknown {
  const read = value[value['value']];
  return value['value'] === 'arrayValue' ? read.values.map(readValue) : read;
}
