import type { SettingsReader } from '../base/settings-reader.ts';
import { MAX_OPEN_MS } from './circuit.ts';
import type { UpstreamLimits } from './protect-upstream.ts';

/** Reads the settings that keep one deployment's failures from affecting the others. */
export function readUpstreamLimits(read: SettingsReader): UpstreamLimits {
  return {
    circuitFailures: read.integer('CIRCUIT_FAILURES', { min: 1, max: 1_000 }) ?? 5,
    circuitOpenMs: read.integer('CIRCUIT_OPEN_MS', { min: 1, max: MAX_OPEN_MS }) ?? 10_000,
    maxConcurrentCalls: read.integer('MAX_CONCURRENT_CALLS', { min: 1, max: 10_000 }) ?? 64,
    maxQueuedCalls: read.integer('MAX_QUEUED_CALLS', { min: 0, max: 10_000 }) ?? 64,
  };
}
