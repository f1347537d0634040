import type { TokenCredential } from '@azure/identity';
import {
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import type { Exporters } from './lazy-exporters.ts';

/** With a credential they sign in; without one the connection string's key is all that is asked for. */
export function createAzureMonitorExporters(
  connectionString: string,
  credential: TokenCredential | undefined,
): Exporters {
  const options = {
    connectionString,
    ...(credential && { credential }),
    // An instance's disk goes with it.
    disableOfflineStorage: true,
  };
  return {
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
  };
}
