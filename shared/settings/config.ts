import { type Access, hasOneCaller, readAccess } from '../access/read-access.ts';
import { readOrigins } from '../access/read-origins.ts';
import { type RateLimit, readRateLimits } from '../access/read-rate-limits.ts';
import { ConfigError } from '../base/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { type Environment, SettingsReader } from '../base/settings-reader.ts';
import {
  calibrateByHeldOutScores,
  loadHeldOutScores,
} from '../matrix-factorization/held-out-scores.ts';
import {
  type ModelPair,
  resolveScorer,
  type ScorerChoice,
} from '../matrix-factorization/scorer-choice.ts';
import { findScorer, loadRegistry } from '../matrix-factorization/scorer-registry.ts';
import type { SessionPolicy } from '../policy/session.ts';
import { MODES, type Mode, type ModeShares } from '../policy/threshold.ts';
import { findOwnEmbedder, isOwnId, OWN_EMBEDDERS } from '../prompt-embedding/own-embedders.ts';
import { readTables } from '../storage/read-tables.ts';
import type { TablesConfig } from '../storage/tables.ts';
import { readAllowedHosts } from '../upstream/check-endpoint.ts';
import type { Deployment } from '../upstream/deployment.ts';
import { readDeployment } from '../upstream/read-deployment.ts';
import { type DecisionSettings, readDecisionSettings } from './read-decision-settings.ts';
import { type Limits, type Listen, readLimits, readListen } from './read-limits.ts';
import {
  type RegistrySettings,
  readRegistrySettings,
  TABLE_NAME,
} from './read-registry-settings.ts';
import { readShadowSettings, type ShadowSettings } from './read-shadow-settings.ts';
import { readTelemetrySettings, type TelemetrySettings } from './read-telemetry-settings.ts';
import {
  readSessionPolicy,
  readThreadSettings,
  type ThreadSettings,
} from './read-thread-settings.ts';
import { readVectorSettings, type VectorSettings } from './read-vector-settings.ts';

const EMBEDDING_FAILURE_TIERS = ['strong', 'weak'] as const;

export type Config = {
  readonly strong: Deployment;
  readonly weak: Deployment;
  readonly embedding?: Deployment;
  readonly scorer: ScorerChoice;
  /** True if strong shares follow the win rates of the router's own decisions. */
  readonly isFollowing: boolean;
  /** True if recorded outcomes vote on the scorer's win rates. */
  readonly isKnn: boolean;
  /** True if the embedder of the scorer runs in this process, so that no deployment is called for embeddings. */
  readonly isOwnEmbedder: boolean;
  readonly modelsFolder: string;
  readonly policy: {
    readonly threshold?: number;
    readonly strongShare?: number;
    readonly modes: ModeShares;
    /** The tier of prompts that could not be embedded. */
    readonly embeddingFailureTier: (typeof EMBEDDING_FAILURE_TIERS)[number];
  };
  readonly session: SessionPolicy;
  readonly access: Access;
  /** The origins whose pages may call; empty where none may. */
  readonly corsOrigins: readonly string[];
  readonly limits: Limits;
  readonly rateLimits: readonly RateLimit[];
  /** The hosts that a deployment may have in addition to the configured ones. */
  readonly allowedHosts: readonly string[];
  /** Absent: nothing is kept in tables. */
  readonly tables?: TablesConfig;
  readonly registry: RegistrySettings;
  readonly threads: ThreadSettings;
  readonly vectors: VectorSettings;
  readonly decisions: DecisionSettings;
  /** Absent: traces and metrics are exported nowhere. */
  readonly telemetry?: TelemetrySettings;
  readonly embeddingCache: {
    readonly table: string;
    readonly maxEntries: number;
    readonly timeoutMs: number;
    readonly keySecret?: string;
  };
  readonly logLevel: LogLevel;
  /** How a router that runs as a separate process is reached; otherwise the host listens. */
  readonly listen: Listen;
  /** Absent: no answers are compared with those of the strongest model. */
  readonly shadow?: ShadowSettings;
  /** True if prompts and answers are logged and prompts are kept with their decisions, all redacted. */
  readonly isContentKept: boolean;
};

/** The values of ROUTER_CALIBRATION that name no calibration. */
const [FOLLOWING, FIXED] = ['auto', 'shipped'] as const;

const DEFAULT_MODES: ModeShares = { cost: 0.2, balanced: 0.5, quality: 0.8 };

/**
 * Reads the whole configuration from the environment and the scorer registry.
 * Throws one ConfigError that lists all problems.
 */
export async function loadConfig(env: Environment = process.env): Promise<Config> {
  const read = new SettingsReader(env);
  const strong = readDeployment(read, 'STRONG');
  const weak = readDeployment(read, 'WEAK');
  if (strong !== undefined && strong.name === weak?.name) {
    read.problem(
      'STRONG_DEPLOYMENT and WEAK_DEPLOYMENT must differ: one deployment leaves nothing to route.',
    );
  }
  const embedding =
    read.text('EMBEDDING_DEPLOYMENT') === undefined ? undefined : readDeployment(read, 'EMBEDDING');
  const modelsFolder = read.text('MODELS_FOLDER') ?? 'models';
  const configured = readPolicy(read);
  const scorer = await readScorer(read, {
    modelsFolder,
    strongShare: configured.strongShare,
    deployed: { strong: strong?.modelName ?? '', weak: weak?.modelName ?? '' },
  });
  const policy = withCalibratedThreshold(configured, read, scorer);
  const isOwnEmbedder = scorer !== undefined && isOwnId(scorer.entry.embedder);
  if (scorer !== undefined) checkEmbedder(read, scorer, embedding);
  const others = readOthers(read);
  if (read.problems.length > 0 || !strong || !weak || !scorer) throw new ConfigError(read.problems);
  return {
    strong,
    weak,
    ...(embedding && { embedding }),
    scorer,
    isFollowing: (read.text('ROUTER_CALIBRATION') ?? FOLLOWING) === FOLLOWING,
    isKnn: readScorerName(read).isKnn,
    isOwnEmbedder,
    modelsFolder,
    policy,
    ...others,
  };
}

/** Reads the settings that depend on no others. */
function readOthers(read: SettingsReader) {
  const tables = readTables(read);
  const telemetry = readTelemetrySettings(read);
  const decisions = readDecisionSettings(read);
  const access = readAccess(read);
  const shadow = readShadowSettings(read, tables !== undefined && decisions.isOn);
  return {
    session: readSessionPolicy(read),
    access,
    corsOrigins: readOrigins(read, access),
    limits: readLimits(read, hasOneCaller(access) ? 'one' : 'several'),
    rateLimits: readRateLimits(read),
    allowedHosts: readAllowedHosts(read),
    registry: readRegistrySettings(read),
    threads: readThreadSettings(read),
    vectors: readVectorSettings(read),
    decisions,
    embeddingCache: readEmbeddingCache(read),
    logLevel: read.choice('LOG_LEVEL', LOG_LEVELS) ?? 'info',
    listen: readListen(read),
    isContentKept: read.choice('LOG_CONTENT', ['true', 'false'] as const) === 'true',
    ...(tables && { tables }),
    ...(telemetry && { telemetry }),
    ...(shadow && { shadow }),
  };
}

function checkEmbedder(
  read: SettingsReader,
  { entry }: ScorerChoice,
  embedding: Deployment | undefined,
): void {
  const own = findOwnEmbedder(entry.embedder);
  if (own === undefined && isOwnId(entry.embedder)) {
    const known = OWN_EMBEDDERS.map(({ id }) => id).join(' and ');
    read.problem(
      `The scorer ${entry.id} takes the embeddings of ${entry.embedder}; this version of the app has ${known}. Train the scorer again.`,
    );
  } else if (own === undefined) {
    if (embedding !== undefined) return;
    read.problem(
      `EMBEDDING_DEPLOYMENT is missing: the scorer ${entry.id} needs prompts embedded by ${entry.embedder}.`,
    );
  } else if (entry.dimensions !== own.dimensions) {
    read.problem(
      `The scorer ${entry.id} takes ${entry.dimensions} dimensions; the embedder ${own.id} gives ${own.dimensions}. Train the scorer again.`,
    );
  }
}

function readPolicy(read: SettingsReader): Config['policy'] {
  const threshold = read.number('ROUTER_THRESHOLD', { min: 0, max: 1 });
  const strongShare = read.number('ROUTER_STRONG_SHARE', { min: 0, max: 1 });
  if (threshold !== undefined && strongShare !== undefined) {
    read.problem(
      'ROUTER_THRESHOLD and ROUTER_STRONG_SHARE contradict each other: set one of them.',
    );
  }
  return {
    ...(threshold !== undefined && { threshold }),
    ...(strongShare !== undefined && { strongShare }),
    modes: readModes(read),
    embeddingFailureTier:
      read.choice('ROUTER_EMBEDDING_FAILURE_TIER', EMBEDDING_FAILURE_TIERS) ?? 'strong',
  };
}

/**
 * Returns the policy with the threshold of the calibration, which was made for its own target. It applies
 * only if the operator names the calibration and sets no other default: otherwise a run of the tool would
 * change the routing.
 */
function withCalibratedThreshold(
  policy: Config['policy'],
  read: SettingsReader,
  scorer: ScorerChoice | undefined,
): Config['policy'] {
  const threshold = scorer?.calibration?.threshold;
  const isSet = policy.threshold !== undefined || policy.strongShare !== undefined;
  if (isSet || threshold === undefined || readCalibrationName(read) === undefined) return policy;
  return { ...policy, threshold };
}

/** Undefined for the newest calibration of the pair. */
function readCalibrationName(read: SettingsReader): string | undefined {
  const name = read.text('ROUTER_CALIBRATION');
  return name === FOLLOWING || name === FIXED ? undefined : name;
}

function readModes(read: SettingsReader): ModeShares {
  const modes: Record<Mode, number> = { ...DEFAULT_MODES };
  for (const part of read.text('ROUTER_MODES')?.split(',') ?? []) {
    const [name = '', value = '', more] = part.split('=').map((side) => side.trim());
    const mode = MODES.find((known) => known === name);
    const share = value === '' ? Number.NaN : Number(value);
    if (mode === undefined || more !== undefined || !(share >= 0 && share <= 1)) {
      read.problem(
        `ROUTER_MODES must look like "cost=0.2,balanced=0.5,quality=0.8", each a strong share from 0 to 1; "${part}" does not.`,
      );
    } else {
      modes[mode] = share;
    }
  }
  return modes;
}

/** `knn` votes on the win rates of the scorer `local`, `knn+routellm` on those of another scorer. */
function readScorerName(read: SettingsReader): { readonly name: string; readonly isKnn: boolean } {
  const text = read.text('ROUTER_SCORER') ?? 'local';
  if (text === 'knn') return { name: 'local', isKnn: true };
  return text.startsWith('knn+')
    ? { name: text.slice(4), isKnn: true }
    : { name: text, isKnn: false };
}

type ScorerContext = {
  readonly modelsFolder: string;
  readonly strongShare: number | undefined;
  /** The names of the models of the two deployments. */
  readonly deployed: ModelPair;
};

async function readScorer(
  read: SettingsReader,
  { modelsFolder, strongShare, deployed }: ScorerContext,
): Promise<ScorerChoice | undefined> {
  const strong = read.text('STRONG_SCORER_MODEL');
  const weak = read.text('WEAK_SCORER_MODEL');
  const calibration = readCalibrationName(read);
  try {
    const registry = await loadRegistry(modelsFolder);
    const { name } = readScorerName(read);
    const entry = findScorer(registry, name, 'ROUTER_SCORER');
    const heldOutScores = await loadHeldOutScores(entry, modelsFolder);
    const choice = resolveScorer(registry, {
      name,
      ...(strong !== undefined && { strong }),
      ...(weak !== undefined && { weak }),
      deployed,
      strengthOf: heldOutScores?.mean,
      ...(calibration !== undefined && { calibration }),
      needsCalibration: strongShare !== undefined,
    });
    if (choice.calibration !== undefined || heldOutScores === undefined) return choice;
    return { ...choice, calibration: calibrateByHeldOutScores(heldOutScores, choice.pair) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) read.problem(problem);
    return undefined;
  }
}

function readEmbeddingCache(read: SettingsReader): Config['embeddingCache'] {
  const keySecret = read.text('CACHE_KEY_SECRET');
  return {
    table: read.matching('EMBEDDING_CACHE_TABLE', TABLE_NAME) ?? 'embeddings',
    maxEntries: read.integer('EMBEDDING_CACHE_ENTRIES', { min: 1 }) ?? 5_000,
    timeoutMs: read.integer('EMBEDDING_CACHE_TIMEOUT_MS', { min: 1, max: 60_000 }) ?? 150,
    ...(keySecret !== undefined && { keySecret }),
  };
}
