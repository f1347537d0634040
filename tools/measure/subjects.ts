import type { Tool } from '../command-line/run-tool.ts';

type Subject = {
  readonly about: string;
  readonly read: () => Promise<{ readonly subject: Tool }>;
};

/** The measurements, each read only when it is asked for. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  local: {
    about: 'what the local embedder and scorer cost a start, a request and a batch',
    read: () => import('./subjects/local.ts'),
  },
  registry: {
    about: 'changes, decisions and budgets with many models and two instances',
    read: () => import('./subjects/registry.ts'),
  },
  threads: {
    about: 'threads under load, and what an outage loses',
    read: () => import('./subjects/threads.ts'),
  },
  decisions: {
    about: 'the decision log under load, and what a killed instance loses',
    read: () => import('./subjects/decisions.ts'),
  },
  telemetry: {
    about: 'what logs, traces and metrics cost a request',
    read: () => import('./subjects/telemetry.ts'),
  },
  dashboard: {
    about: 'what the page weighs, and how soon it can be used',
    read: () => import('./subjects/dashboard.ts'),
  },
  vectors: {
    about: 'vector stores: speed, recall, memory and size',
    read: () => import('./subjects/vectors.ts'),
  },
};
