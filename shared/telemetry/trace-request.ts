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
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { ScoringTimes } from '../score-prompts.ts';
import { describeAnswer, describeRequest, describeTarget, known } from './call-attributes.ts';
import type { Meters } from './meters.ts';
import type { CallStart, CallTrace, RequestStart, RequestTrace } from './telemetry.ts';

type TraceRequestOptions = {
  readonly tracer: Tracer;
  readonly meters: Meters;
  /** The host tells of the same request, and this is what the app does of it. */
  readonly isWithinHost: boolean;
};

type UnderWay = TraceRequestOptions & { readonly span: Span; readonly context: Context };

const propagator = new W3CTraceContextPropagator();

/** Begins the span of a request, in the trace that its caller or the host has begun. */
export function traceRequest(options: TraceRequestOptions, request: RequestStart): RequestTrace {
  const { tracer, meters, isWithinHost } = options;
  const { requestId, method, route, startedAt, traceparent, tracestate } = request;
  const carrier = {
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate && { tracestate }),
  };
  const parent = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
  const facts = { 'http.request.method': method, 'http.route': `/${route}` };
  const span = tracer.startSpan(
    `${method} /${route}`,
    {
      kind: isWithinHost ? SpanKind.INTERNAL : SpanKind.SERVER,
      startTime: startedAt,
      attributes: { ...facts, 'smart_router.request_id': requestId },
    },
    parent,
  );
  const underWay = { ...options, span, context: trace.setSpan(parent, span) };
  return {
    startCall: (call) => traceCall(underWay, call),
    decided: (decision, times) => {
      traceScoring(underWay, decision, times);
      span.setAttributes(describeDecision(decision));
      meters.decided(decision, times);
    },
    end: (status) => {
      const isError = status >= 500;
      const end = {
        'http.response.status_code': status,
        ...(isError && { 'error.type': String(status) }),
      };
      span.setAttributes(end);
      if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      meters.request({ ...facts, ...end }, (performance.now() - startedAt) / 1_000);
    },
  };
}

function traceCall({ tracer, meters, context }: UnderWay, call: CallStart): CallTrace {
  const startedAt = performance.now();
  const target = describeTarget(call.operation, call.deployment);
  const span = tracer.startSpan(
    `${call.operation} ${target['gen_ai.request.model']}`,
    {
      kind: SpanKind.CLIENT,
      startTime: startedAt,
      attributes: { ...target, ...describeRequest(call) },
    },
    context,
  );
  const headers: Record<string, string> = {};
  propagator.inject(trace.setSpan(context, span), headers, defaultTextMapSetter);
  const seconds = () => (performance.now() - startedAt) / 1_000;
  let hasEnded = false;
  return {
    headers,
    firstChunk: () => {
      span.setAttribute('gen_ai.response.time_to_first_chunk', seconds());
      meters.firstChunk(target, seconds());
    },
    end: (end) => {
      if (hasEnded) return;
      hasEnded = true;
      span.setAttributes(describeAnswer(end));
      if (end.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      meters.call(target, end, seconds());
    },
  };
}

/** Afterwards: what lasts microseconds is not to wait for its own span. */
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
    'smart_router.distance': decision.distance,
    'smart_router.embedding_cache': decision.embeddingCache,
    'smart_router.cost': decision.cost,
    'error.type': decision.error,
  });
}
