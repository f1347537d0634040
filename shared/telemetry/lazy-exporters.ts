import type { ExportResult } from '@opentelemetry/core';
import type {
  AggregationTemporality,
  InstrumentType,
  PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

export type Exporters = { readonly spans: SpanExporter; readonly metrics: PushMetricExporter };

type LazyOptions = {
  readonly load: () => Promise<Exporters>;
  /** Returns the temporality of counters that the receiver expects. */
  readonly temporality: (type: InstrumentType) => AggregationTemporality;
  /** Called after each export. */
  readonly onResult: (error: Error | undefined) => void;
};

type Done = (result: ExportResult) => void;

const FAILED = 1;

/** Creates exporters that are loaded when there is something to send, so that no start waits for them. */
export function createLazyExporters({ load, temporality, onResult }: LazyOptions): Exporters {
  let loading: Promise<Exporters> | undefined;

  function run(done: Done, work: (loaded: Exporters, done: Done) => void): void {
    function end(result: ExportResult): void {
      const isFailure = result.code === FAILED;
      onResult(isFailure ? (result.error ?? new Error('The sending failed.')) : undefined);
      done(result);
    }
    loading ??= load();
    loading.then(
      (loaded) => work(loaded, end),
      (error: unknown) => {
        loading = undefined;
        end({ code: FAILED, ...(error instanceof Error && { error }) });
      },
    );
  }

  return {
    spans: {
      export: (spans, done) => run(done, (loaded, end) => loaded.spans.export(spans, end)),
      shutdown: async () => (await loading)?.spans.shutdown(),
    },
    metrics: {
      selectAggregationTemporality: temporality,
      export: (metrics, done) => run(done, (loaded, end) => loaded.metrics.export(metrics, end)),
      forceFlush: async () => undefined,
      shutdown: async () => (await loading)?.metrics.shutdown(),
    },
  };
}
