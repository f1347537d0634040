import type { Stats, Sums } from './api.ts';
import type { PageProps } from './page.ts';
import { type Polled, usePolled } from './use-polled.ts';
import { RANGES } from './view.ts';

export type Overall = {
  readonly total: Sums;
  /** Start of each step, in seconds since 1970, and the sums of each step. */
  readonly starts: readonly number[];
  readonly steps: readonly (Sums | undefined)[];
  /** Sums of all use cases, and of all deployments, independent of the filters. */
  readonly useCases: readonly Sums[];
  readonly deployments: readonly Sums[];
};

export function useStats({ api, view, isPaused }: PageProps): Polled<Overall> {
  const { range, useCase, deployment } = view;
  const { ms, by, stepMs, refreshMs } = RANGES[range];
  const key = JSON.stringify([range, useCase, deployment, api.credential]);
  return usePolled(key, isPaused ? Number.POSITIVE_INFINITY : refreshMs, async (signal) => {
    const now = Date.now();
    const from = new Date(now - ms).toISOString();
    const ask = (query: Record<string, string | undefined>) =>
      api.get<Stats>('/llm/stats', { from, ...query }, signal);
    const [steps, useCases, deployments] = await Promise.all([
      ask({ by, use_case: useCase, deployment }),
      ask({ by: 'use_case', deployment }),
      ask({ by: 'deployment', use_case: useCase }),
    ]);
    const first = Math.floor((now - ms) / stepMs) * stepMs;
    const found = new Map(steps.data.map((one) => [Date.parse(one.key ?? ''), one]));
    const starts = Array.from(
      { length: Math.floor((now - first) / stepMs) + 1 },
      (_, step) => first + step * stepMs,
    );
    return {
      total: steps.total,
      starts: starts.map((start) => start / 1_000),
      steps: starts.map((start) => found.get(start)),
      useCases: useCases.data,
      deployments: deployments.data,
    };
  });
}
