import { errorKind } from '../base/log.ts';
import type { RegistryState } from '../registry/watch-registry.ts';
import type { Circuit } from '../upstream/circuit.ts';
import type { Operation } from '../upstream/deployment.ts';
import type { Upstream, UpstreamState } from '../upstream/upstream.ts';

export type State = 'ok' | 'unauthorized' | 'not-found' | 'failing' | 'unreachable' | 'not-used';

export type Readiness = {
  /** `degraded` still answers every request, worse or slower than it could. */
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly scorer: { readonly state: State; readonly name: string };
  readonly embeddings: {
    readonly state: State;
    readonly embedder: string;
    /** Of the calls for prompts; absent: they are embedded locally. */
    readonly circuit?: UpstreamState['circuit'];
  };
  readonly tables: { readonly state: State };
  readonly registry: RegistryState;
  readonly deployments: readonly ({
    readonly name: string;
    readonly state: State;
  } & UpstreamState)[];
};

/** What the dependencies answered. */
type Probes = {
  readonly embeddings: State;
  readonly tables: State;
  readonly deployments: ReadonlyMap<Upstream, State>;
};

type ReadinessOptions = {
  /** The scorer is loaded before the first request, or the app does not start. */
  readonly scorer: string;
  readonly embedder: string;
  /** Absent: prompts are embedded locally. */
  readonly embedding?: Upstream;
  /** What stands before the embedder of prompts. */
  readonly embeddingCircuit?: Pick<Circuit, 'state'>;
  readonly getRegistry: () => RegistryState;
  /** Those that may be called now. */
  readonly getDeployments: () => readonly Upstream[];
  /** Throws when the tables do not answer. Absent: nothing is kept in any. */
  readonly probeTables?: () => Promise<void>;
  readonly now?: () => number;
};

/** Busy (429) is no failure, and that the question is missing (400, 422) is what was to be shown. */
const ALIVE = /^(2\d\d|400|422|429)$/;

const PROBE_TIMEOUT_MS = 3_000;

/** One round of probes serves everybody who asks within this time: anybody may ask. */
const KEPT_MS = 5_000;

/** Asks each dependency whether it answers. Knows no addresses and no secrets. */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  const { now = Date.now } = options;
  let kept: { probes: Promise<Probes>; until: number } | undefined;
  return async () => {
    if (kept === undefined || now() >= kept.until) {
      kept = { probes: probeAll(options), until: now() + KEPT_MS };
    }
    return toReadiness(options, await kept.probes);
  };
}

function toReadiness(options: ReadinessOptions, probes: Probes): Readiness {
  const deployments = [...probes.deployments].map(([upstream, state]) => ({
    name: upstream.deployment.name,
    state,
    ...upstream.state(),
  }));
  const circuit = options.embeddingCircuit?.state();
  // Half-open counts as up: the call that tries the deployment has to come.
  const up = deployments.filter(({ state, circuit }) => state === 'ok' && circuit !== 'open');
  const registry = options.getRegistry();
  const isWhole =
    up.length === deployments.length &&
    registry.state !== 'unreachable' &&
    registry.problems.length === 0 &&
    probes.embeddings === 'ok' &&
    circuit !== 'open' &&
    (probes.tables === 'ok' || probes.tables === 'not-used');
  return {
    status: up.length === 0 ? 'unavailable' : isWhole ? 'ready' : 'degraded',
    scorer: { state: 'ok', name: options.scorer },
    embeddings: {
      state: probes.embeddings,
      embedder: options.embedder,
      ...(circuit && { circuit }),
    },
    tables: { state: probes.tables },
    registry,
    deployments,
  };
}

async function probeAll(options: ReadinessOptions): Promise<Probes> {
  const [embeddings, tables, deployments] = await Promise.all([
    options.embedding === undefined
      ? ('ok' as const)
      : probeUpstream(options.embedding, 'embeddings'),
    probeTables(options.probeTables),
    Promise.all(
      options
        .getDeployments()
        .map(async (one) => [one, await probeUpstream(one, 'chat/completions')] as const),
    ),
  ]);
  return { embeddings, tables, deployments: new Map(deployments) };
}

async function probeUpstream(upstream: Upstream, operation: Operation): Promise<State> {
  try {
    const status = await upstream.probe(operation, AbortSignal.timeout(PROBE_TIMEOUT_MS));
    if (status === 401 || status === 403) return 'unauthorized';
    if (status === 404 || status === 410) return 'not-found';
    return ALIVE.test(String(status)) ? 'ok' : 'failing';
  } catch {
    return 'unreachable';
  }
}

async function probeTables(probe: (() => Promise<void>) | undefined): Promise<State> {
  if (probe === undefined) return 'not-used';
  try {
    await probe();
    return 'ok';
  } catch (error) {
    return /40[13]|Authori[sz]ation|Authentication/.test(errorKind(error))
      ? 'unauthorized'
      : 'unreachable';
  }
}
