import { untilAborted } from '../base/deadline.ts';
import { errorKind } from '../base/log.ts';
import type { RegistryState } from '../registry/watch-registry.ts';
import type { Circuit } from '../upstream/circuit.ts';
import type { Operation } from '../upstream/deployment.ts';
import type { Upstream, UpstreamState } from '../upstream/upstream.ts';

export type State = 'ok' | 'unauthorized' | 'not-found' | 'failing' | 'unreachable' | 'not-used';

export type Readiness = {
  /** `degraded`: the router still answers every request, but worse or slower than it could. */
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly scorer: { readonly state: State; readonly name: string };
  readonly embeddings: {
    readonly state: State;
    readonly embedder: string;
    /** The circuit around the embedder; absent: prompts are embedded locally. */
    readonly circuit?: UpstreamState['circuit'];
  };
  readonly tables: { readonly state: State };
  readonly registry: RegistryState;
  readonly deployments: readonly ({
    readonly name: string;
    readonly state: State;
  } & UpstreamState)[];
};

/** The results of one round of probes. */
type Probes = {
  readonly embeddings: State;
  readonly tables: State;
  readonly deployments: ReadonlyMap<Upstream, State>;
};

type ReadinessOptions = {
  /** The scorer's name. It needs no probe: the app does not start without a scorer. */
  readonly scorer: string;
  readonly embedder: string;
  /** Absent: prompts are embedded locally. */
  readonly embedding?: Upstream;
  /** The circuit around the embedder of prompts. */
  readonly embeddingCircuit?: Pick<Circuit, 'state'>;
  readonly getRegistry: () => RegistryState;
  /** Returns the deployments that may be called now. */
  readonly getDeployments: () => readonly Upstream[];
  /** Throws if the tables do not answer. Absent: no tables are configured. */
  readonly probeTables?: () => Promise<void>;
  readonly now?: () => number;
};

/** A busy deployment (429) has not failed, and one that misses a question (400, 422) has answered the probe. */
const ALIVE = /^(2\d\d|400|422|429)$/;

const PROBE_TIMEOUT_MS = 3_000;

/** The time for which one round of probes serves all requests, since anybody may send them. */
const KEPT_MS = 5_000;

/** Asks each dependency whether it answers. The result has no addresses and no secrets. */
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
  // Half-open counts as up: the call that tries the deployment still has to come.
  const up = deployments.filter(({ state, circuit }) => state === 'ok' && circuit !== 'open');
  const registry = options.getRegistry();
  const isWhole =
    up.length === deployments.length &&
    (registry.state === 'ok' || registry.state === 'not-used') &&
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
    await untilAborted(probe(), AbortSignal.timeout(PROBE_TIMEOUT_MS));
    return 'ok';
  } catch (error) {
    return /40[13]|Authori[sz]ation|Authentication/.test(errorKind(error))
      ? 'unauthorized'
      : 'unreachable';
  }
}
