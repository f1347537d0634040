import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Background } from '../base/background.ts';
import { untilAborted } from '../base/deadline.ts';
import type { Telemetry } from '../calls/telemetry.ts';
import type { TelemetrySettings } from '../settings/read-telemetry-settings.ts';
import { createLazyExporters } from './lazy-exporters.ts';
import { createMeters } from './meters.ts';
import { traceRequest } from './trace-request.ts';

type TelemetryOptions = {
  readonly settings: TelemetrySettings;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
};

/** A system that receives telemetry. */
type Receiver = Pick<Parameters<typeof createLazyExporters>[0], 'load' | 'temporality'>;

const NAME = 'smart-router';
const FLUSH_MS = 2_000;

/** Builds traces and metrics with OpenTelemetry's own SDK, without its globals and its patching of modules. */
export function createTelemetry({
  settings,
  loadCredential,
  background,
}: TelemetryOptions): Telemetry {
  const resource = resourceFromAttributes({
    'service.name': NAME,
    'service.instance.id': randomUUID(),
  }).merge(detectResources({ detectors: [envDetector] }));
  const onResult = (error: Error | undefined) =>
    void background.run('telemetry', () => {
      if (error !== undefined) throw error;
    });
  const exporters = receiversOf(settings, loadCredential).map((receiver) =>
    createLazyExporters({ ...receiver, onResult }),
  );
  const tracerProvider = new TracerProvider({
    resource,
    sampler: samplerOf(settings),
    spanProcessors: exporters.map(
      ({ spans }) =>
        new BatchSpanProcessor({ exporter: spans, scheduledDelayMillis: settings.traceDelayMs }),
    ),
  });
  const meterProvider = new MeterProvider({
    resource,
    readers: exporters.map(
      ({ metrics }) =>
        new PeriodicExportingMetricReader({
          exporter: metrics,
          exportIntervalMillis: settings.metricIntervalMs,
          exportTimeoutMillis: Math.min(settings.metricIntervalMs, 30_000),
        }),
    ),
  });
  const tracing = {
    tracer: tracerProvider.getTracer(NAME),
    meters: createMeters(meterProvider.getMeter(NAME)),
    isWithinHost: settings.azureMonitor !== undefined,
  };
  return {
    startRequest: (request) => traceRequest(tracing, request),
    flush: async () => {
      const flushing = [tracerProvider.forceFlush(), meterProvider.forceFlush()];
      const all = Promise.allSettled(flushing);
      await untilAborted(all, AbortSignal.timeout(FLUSH_MS)).catch(() => undefined);
    },
  };
}

function samplerOf({ tracedShare, followsCaller }: TelemetrySettings): Sampler {
  const root =
    tracedShare === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(tracedShare);
  return followsCaller ? new ParentBasedSampler({ root }) : root;
}

function receiversOf(
  { otlp, azureMonitor }: TelemetrySettings,
  loadCredential: () => Promise<TokenCredential>,
): readonly Receiver[] {
  return [
    ...(otlp ? [otlpReceiver(otlp)] : []),
    ...(azureMonitor ? [azureMonitorReceiver(azureMonitor, loadCredential)] : []),
  ];
}

function otlpReceiver({ isDelta }: NonNullable<TelemetrySettings['otlp']>): Receiver {
  const { CUMULATIVE, DELTA } = AggregationTemporality;
  return {
    load: async () => {
      const { createOtlpExporters } = await import('./otlp-exporters.ts');
      return createOtlpExporters();
    },
    temporality: (type) =>
      isDelta && type !== InstrumentType.UP_DOWN_COUNTER ? DELTA : CUMULATIVE,
  };
}

function azureMonitorReceiver(
  { connectionString, needsToken }: NonNullable<TelemetrySettings['azureMonitor']>,
  loadCredential: () => Promise<TokenCredential>,
): Receiver {
  return {
    load: async () => {
      const { createAzureMonitorExporters } = await import('./azure-monitor-exporters.ts');
      const credential = needsToken ? await loadCredential() : undefined;
      return createAzureMonitorExporters(connectionString, credential);
    },
    // It has no running totals: its charts add up the values of each minute.
    temporality: () => AggregationTemporality.DELTA,
  };
}
