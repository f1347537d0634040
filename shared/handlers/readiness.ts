import type { JobState } from '../base/background.ts';
import { untilAborted } from '../base/deadline.ts';
import { errorKind } from '../base/log.ts';
import type { ScoredAs } from '../matrix-factorization/stand-in-choice.ts';
import { describeScoredAs, type ScoredAsJson } from '../registry/describe-scored-as.ts';
import type { RegistryState } from '../registry/watch-registry.ts';
import type { Circuit } from '../upstream/circuit.ts';
import type { Operation } from '../upstream/deployment.ts';
import type { Upstream, UpstreamState } from '../upstream/upstream.ts';

export type State = 'ok' | 'unauthorized' | 'not-found' | 'failing' | 'unreachable' | 'not-used';

export type Readiness = {
  /** `degraded`: the router still answers every request, but worse or slower than it could. */
  readonly status: 'ready' | 'degraded' | 'unavailable' | 'draining';
  readonly scorer: { readonly state: State; readonly name: string };
  readonly embeddings: {
    readonly state: State;
    readonly embedder: string;
    /** The circuit around the embedder; absent: prompts are embedded locally. */
    readonly circuit?: UpstreamState['circuit'];
  };
  readonly tables: { readonly state: State };
  readonly registry: RegistryState;
  /** Work that no request waits for. Its failures do not change the status. */
  readonly background: readonly JobState[];
  readonly deployments: readonly ({
    readonly name: string;
    readonly state: State;
    readonly scored_as?: ScoredAsJson;
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
  /** Whether this instance is about to end, and takes no more requests. */
  readonly isDraining: () => boolean;
  readonly getRegistry: () => RegistryState;
  /** Returns how the work in the background fares. */
  readonly getJobs: () => readonly JobState[];
  /** Returns the deployments that may be called now. */
  readonly getDeployments: () => readonly Upstream[];
  /** Returns the scorer's model by which a deployment is scored. */
  readonly getScoredAs?: (deployment: string) => ScoredAs | undefined;
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
  const { now = () => performance.now() } = options;
  let kept: { probes: Promise<Probes>; until: number } | undefined;
  let last: Probes | undefined;
  return async () => {
    // A load balancer must learn without waiting for probes that the instance is about to end.
    if (last !== undefined && options.isDraining()) return toReadiness(options, last);
    if (kept === undefined || now() >= kept.until) {
      kept = { probes: probeAll(options), until: now() + KEPT_MS };
    }
    last = await kept.probes;
    return toReadiness(options, last);
  };
}

function toReadiness(options: ReadinessOptions, probes: Probes): Readiness {
  const deployments = [...probes.deployments].map(([upstream, state]) => ({
    name: upstream.deployment.name,
    state,
    ...describeScoredAs(options.getScoredAs?.(upstream.deployment.name)),
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
    status: statusOf({ isDraining: options.isDraining(), isUp: up.length > 0, isWhole }),
    scorer: { state: 'ok', name: options.scorer },
    embeddings: {
      state: probes.embeddings,
      embedder: options.embedder,
      ...(circuit && { circuit }),
    },
    tables: { state: probes.tables },
    registry,
    background: options.getJobs(),
    deployments,
  };
}

function statusOf(facts: Readonly<Record<'isDraining' | 'isUp' | 'isWhole', boolean>>) {
  if (facts.isDraining) return 'draining';
  if (!facts.isUp) return 'unavailable';
  return facts.isWhole ? 'ready' : 'degraded';
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
