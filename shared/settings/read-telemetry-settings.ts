import type { SettingsReader } from '../base/settings-reader.ts';

/** The receivers of traces and metrics. The settings have OpenTelemetry's own names and meanings. */
export type TelemetrySettings = {
  /** The exporters read its address, headers and limits themselves. */
  readonly otlp?: { readonly isDelta: boolean };
  readonly azureMonitor?: {
    readonly connectionString: string;
    /** True if it accepts telemetry only with an access token. */
    readonly needsToken: boolean;
  };
  /** The share of requests that are traced, 0 to 1. */
  readonly tracedShare: number;
  /** True if a caller's decision whether to trace goes before the share. */
  readonly followsCaller: boolean;
  /** The longest time that spans wait to be sent with others. */
  readonly traceDelayMs: number;
  readonly metricIntervalMs: number;
};

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Returns undefined if no exporter is configured. */
export function readTelemetrySettings(read: SettingsReader): TelemetrySettings | undefined {
  const otlp = readOtlp(read);
  const connectionString = read.text('APPLICATIONINSIGHTS_CONNECTION_STRING');
  const authentication = read.text('APPLICATIONINSIGHTS_AUTHENTICATION_STRING') ?? '';
  const sampler = read.choice('OTEL_TRACES_SAMPLER', SAMPLERS) ?? 'always_on';
  const ratio = read.number('OTEL_TRACES_SAMPLER_ARG', { min: 0, max: 1 }) ?? 1;
  const metricIntervalMs =
    read.integer('OTEL_METRIC_EXPORT_INTERVAL', { min: 100, max: 3_600_000 }) ?? 60_000;
  const traceDelayMs = read.integer('OTEL_BSP_SCHEDULE_DELAY', { min: 100, max: 60_000 }) ?? 5_000;
  const isOff = read.choice('OTEL_SDK_DISABLED', ['true', 'false'] as const) === 'true';
  if (isOff || (otlp === undefined && connectionString === undefined)) return undefined;
  return {
    ...(otlp && { otlp }),
    ...(connectionString !== undefined && {
      azureMonitor: { connectionString, needsToken: authentication.includes('Authorization=AAD') },
    }),
    tracedShare: shareOf(sampler, ratio),
    followsCaller: sampler.startsWith('parentbased_'),
    traceDelayMs,
    metricIntervalMs,
  };
}

function readOtlp(read: SettingsReader): TelemetrySettings['otlp'] {
  const endpoint = read.url('OTEL_EXPORTER_OTLP_ENDPOINT');
  read.text('OTEL_EXPORTER_OTLP_HEADERS');
  read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'] as const);
  const temporality = read.choice('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', [
    'cumulative',
    'delta',
  ] as const);
  return endpoint && { isDelta: temporality === 'delta' };
}

function shareOf(sampler: (typeof SAMPLERS)[number], ratio: number): number {
  if (sampler.endsWith('always_on')) return 1;
  return sampler.endsWith('always_off') ? 0 : ratio;
}
