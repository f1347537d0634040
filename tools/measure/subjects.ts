import type { Tool } from '../command-line/run-tool.ts';

type Subject = {
  readonly about: string;
  readonly read: () => Promise<{ readonly subject: Tool }>;
};

/** The measurements, each imported only when it is run. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  local: {
    about: 'the cost of the local embedder and scorer for a start, a request and a batch',
    read: () => import('./subjects/local.ts'),
  },
  encoder: {
    about: 'the time and memory of the sentence encoder, and what it costs other requests',
    read: () => import('./subjects/encoder.ts'),
  },
  traffic: {
    about: 'easy and hard asks in requests as applications send them',
    read: () => import('./subjects/traffic.ts'),
  },
  registry: {
    about: 'changes, decisions and budgets with many models and two instances',
    read: () => import('./subjects/registry.ts'),
  },
  threads: {
    about: 'threads under load, and messages lost in an outage',
    read: () => import('./subjects/threads.ts'),
  },
  decisions: {
    about: 'the decision log under load, and decisions lost with a killed instance',
    read: () => import('./subjects/decisions.ts'),
  },
  calibration: {
    about: 'the strong share that a router gets on traffic of several kinds',
    read: () => import('./subjects/calibration.ts'),
  },
  'stand-ins': {
    about: "which of a scorer's models stand best for models that it does not know",
    read: () => import('./subjects/stand-ins.ts'),
  },
  'out-of-distribution': {
    about: 'how well prompts that a scorer cannot judge are told from ordinary chat',
    read: () => import('./subjects/out-of-distribution.ts'),
  },
  telemetry: {
    about: 'the cost of logs, traces and metrics for a request',
    read: () => import('./subjects/telemetry.ts'),
  },
  drain: {
    about: 'requests that are lost while servers restart',
    read: () => import('./subjects/drain.ts'),
  },
  dashboard: {
    about: 'the size of the page, and the time until it can be used',
    read: () => import('./subjects/dashboard.ts'),
  },
  vectors: {
    about: 'vector stores: speed, recall, memory and size',
    read: () => import('./subjects/vectors.ts'),
  },
  path: {
    about: 'the files that a plain chat, a stream and a turn of a thread go through',
    read: () => import('./subjects/path.ts'),
  },
  code: {
    about: 'files, lines, rooms, floors and circles of each tree of the project',
    read: () => import('./subjects/code.ts'),
  },
};
