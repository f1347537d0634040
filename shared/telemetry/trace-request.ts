import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { CallStart, CallTrace, RequestStart, RequestTrace } from '../calls/telemetry.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { ScoringTimes } from '../decisions/scoring-times.ts';
import { describeAnswer, describeRequest, describeTarget, known } from './call-attributes.ts';
import type { Meters } from './meters.ts';

type TraceRequestOptions = {
  readonly tracer: Tracer;
  readonly meters: Meters;
  /** The host reports the same request, so that the app's span is only a part of it. */
  readonly isWithinHost: boolean;
};

type UnderWay = TraceRequestOptions & {
  readonly span: Span;
  readonly context: Context;
  /** Runs `work` after the answer has gone out, so that no client waits for telemetry. */
  readonly afterwards: (work: () => void) => void;
};

const propagator = new W3CTraceContextPropagator();

/** Begins the span of a request, within the trace of its client or of the host. */
export function traceRequest(options: TraceRequestOptions, request: RequestStart): RequestTrace {
  const { meters } = options;
  const { startedAt } = request;
  const { span, context } = startRequestSpan(options, request);
  let waiting: (() => void)[] | undefined = [];
  const underWay = {
    ...options,
    span,
    context,
    afterwards: (work: () => void) => {
      if (waiting === undefined) work();
      else waiting.push(work);
    },
  };
  return {
    startCall: (call) => traceCall(underWay, call),
    decided: (decision, times) =>
      underWay.afterwards(() => {
        traceScoring(underWay, decision, times);
        span.setAttributes(describeDecision(decision));
        meters.decided(decision, times);
      }),
    end: (status) => {
      const endedAt = performance.now();
      for (const work of waiting ?? []) work();
      waiting = undefined;
      const attributes = describeHttp(request, status);
      span.setAttributes({ ...attributes, 'smart_router.request_id': request.requestId });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endedAt);
      meters.request(attributes, (endedAt - startedAt) / 1_000);
    },
  };
}

function startRequestSpan(
  { tracer, isWithinHost }: TraceRequestOptions,
  { method, route, startedAt, traceparent, tracestate }: RequestStart,
): Pick<UnderWay, 'span' | 'context'> {
  const carrier = {
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate && { tracestate }),
  };
  const parent = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
  const kind = isWithinHost ? SpanKind.INTERNAL : SpanKind.SERVER;
  const span = tracer.startSpan(`${method} /${route}`, { kind, startTime: startedAt }, parent);
  return { span, context: trace.setSpan(parent, span) };
}

function describeHttp({ method, route }: RequestStart, status: number) {
  return {
    'http.request.method': method,
    'http.route': `/${route}`,
    'http.response.status_code': status,
    ...(status >= 500 && { 'error.type': String(status) }),
  };
}

function traceCall(underWay: UnderWay, call: CallStart): CallTrace {
  const { tracer, meters, context, afterwards } = underWay;
  const startedAt = performance.now();
  const target = describeTarget(call.operation, call.deployment);
  const name = `${call.operation} ${target['gen_ai.request.model']}`;
  const options = { kind: SpanKind.CLIENT, startTime: startedAt };
  const span = tracer.startSpan(name, options, context);
  const headers: Record<string, string> = {};
  propagator.inject(trace.setSpan(context, span), headers, defaultTextMapSetter);
  let firstChunkAt: number | undefined;
  let hasEnded = false;
  return {
    headers,
    firstChunk: () => {
      firstChunkAt = performance.now();
    },
    end: (end) => {
      if (hasEnded) return;
      hasEnded = true;
      const endedAt = performance.now();
      afterwards(() => {
        span.setAttributes({ ...target, ...describeRequest(call), ...describeAnswer(end) });
        if (end.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
        meters.call(target, end, (endedAt - startedAt) / 1_000);
        if (firstChunkAt !== undefined) {
          const seconds = (firstChunkAt - startedAt) / 1_000;
          span.setAttribute('gen_ai.response.time_to_first_chunk', seconds);
          meters.firstChunk(target, seconds);
        }
        span.end(endedAt);
      });
    },
  };
}

/** Writes the spans afterwards: steps of microseconds should not wait for their own spans. */
function traceScoring(
  { tracer, context }: UnderWay,
  { embeddingCache, scorer }: DecisionRecord,
  times: ScoringTimes | undefined,
): void {
  const steps = [
    ['smart_router.embedding', times?.embedding, { 'smart_router.cache': embeddingCache }],
    ['smart_router.scoring', times?.scoring, known({ 'smart_router.scorer': scorer })],
  ] as const;
  for (const [name, interval, attributes] of steps) {
    if (interval === undefined) continue;
    const [startTime, endTime] = interval;
    tracer.startSpan(name, { startTime, attributes }, context).end(endTime);
  }
}

function describeDecision(decision: DecisionRecord) {
  return known({
    'smart_router.caller': decision.caller,
    'smart_router.use_case': decision.useCase,
    'gen_ai.conversation.id': decision.threadId,
    'smart_router.deployment': decision.deployment,
    'smart_router.tier': decision.tier,
    'smart_router.reason': decision.reason,
    'smart_router.win_rate': decision.winRate,
    'smart_router.threshold': decision.threshold,
    'smart_router.percentile': decision.percentile,
    'smart_router.embedding_cache': decision.embeddingCache,
    'smart_router.cost': decision.cost,
    'error.type': decision.error,
  });
}
