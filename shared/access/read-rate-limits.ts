import type { SettingsReader } from '../base/settings-reader.ts';
import { isName } from './caller.ts';

/** The requests and tokens per minute of one caller or of one use case. */
export type RateLimit = {
  readonly of: 'key' | 'use-case';
  /** Absent: the limit of each that does not have its own. */
  readonly name?: string;
  readonly requests: number;
  readonly tokens?: number;
};

const LIMIT = /^(key|use-case)(?::([^=]*))?=(\d{1,9})(?:\/(\d{1,12}))?$/;

/**
 * Reads `ROUTER_RATE_LIMITS`: comma-separated `<key|use-case>[:name]=<requests>[/<tokens>]`, both a
 * minute. Returns an empty list without the setting: nothing is limited.
 */
export function readRateLimits(read: SettingsReader): readonly RateLimit[] {
  const limits = new Map<string, RateLimit>();
  for (const [index, entry] of read.text('ROUTER_RATE_LIMITS')?.split(',').entries() ?? []) {
    const limit = parseLimit(entry.trim());
    if (limit === undefined) {
      read.problem(
        `ROUTER_RATE_LIMITS must look like "key=60/200000,use-case:support=30": requests per minute, and tokens per minute if they are limited too, each above 0. Entry ${index + 1} does not.`,
      );
      continue;
    }
    const whose = limit.name === undefined ? limit.of : `${limit.of}:${limit.name}`;
    if (limits.has(whose)) read.problem(`ROUTER_RATE_LIMITS has two limits for ${whose}.`);
    limits.set(whose, limit);
  }
  return [...limits.values()];
}

function parseLimit(entry: string): RateLimit | undefined {
  const [, of, name, requests, tokens] = LIMIT.exec(entry) ?? [];
  const isNothing = Number(requests) === 0 || (tokens !== undefined && Number(tokens) === 0);
  const isNamed = name === undefined || isName(name);
  if ((of !== 'key' && of !== 'use-case') || isNothing || !isNamed) return undefined;
  return {
    of,
    ...(name !== undefined && { name }),
    requests: Number(requests),
    ...(tokens !== undefined && { tokens: Number(tokens) }),
  };
}
