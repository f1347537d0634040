import type { TokenCredential } from '@azure/identity';
import {
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import type { Exporters } from './lazy-exporters.ts';

/** With a credential the exporters sign in; without one the key of the connection string is enough. */
export function createAzureMonitorExporters(
  connectionString: string,
  credential: TokenCredential | undefined,
): Exporters {
  const options = {
    connectionString,
    ...(credential && { credential }),
    // An instance's disk disappears with the instance.
    disableOfflineStorage: true,
  };
  return {
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
  };
}
