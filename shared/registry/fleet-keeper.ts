import { HttpError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import type { ScoredAs } from '../matrix-factorization/stand-in-choice.ts';
import type { Price } from '../spending/price.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DeploymentDefinition, UseCaseDefinition } from './definitions.ts';
import { type Fleet, type Member, modelKeyOf } from './fleet.ts';
import type { Snapshot } from './registry-store.ts';
import type { FindScoredAs } from './score-deployment.ts';
import type { Version } from './version.ts';

/** A deployment of the settings. */
export type SettingsDeployment = {
  readonly tier: 'strong' | 'weak';
  readonly deployment: Deployment;
  readonly scoredAs: ScoredAs;
  readonly price?: Price | undefined;
};

type FleetOptions = {
  /** In force until the registry has an entry with the same name. */
  readonly settings: readonly SettingsDeployment[];
  readonly createUpstream: (deployment: Deployment) => Upstream;
  /** Throws if the deployment cannot be called as it is defined. */
  readonly resolve: (name: string, definition: DeploymentDefinition) => Promise<Deployment>;
  readonly findScoredAs: FindScoredAs;
  /** Returns the overall strength of a scorer's model; absent if the scorer does not tell. */
  readonly strengthOf?: ((scorerModel: string) => number) | undefined;
};

/** The fleet in force, and the way to replace it. */
export type FleetKeeper = {
  readonly current: () => Fleet;
  /**
   * Makes a fleet of the registry's entries and puts it in force. Returns the entries that cannot be read
   * or called as they are defined, with the reasons; their last working version stays in force.
   */
  apply(snapshot: Snapshot): Promise<readonly string[]>;
};

/** A member before it is ranked among the others. */
type Base = Omit<Member, 'tier'> & {
  readonly name: string;
  /** The tier in the settings, if the deployment comes from them. */
  readonly settingsTier?: 'strong' | 'weak';
};

/** Requests in progress keep the fleet, and the deployments, that they were decided with. */
export function createFleetKeeper(options: FleetOptions): FleetKeeper {
  const settings = options.settings.map((one) => toSettingsBase(one, options));
  let bases: ReadonlyMap<string, Base> = new Map(settings.map((one) => [one.name, one]));
  let fleet = toFleet([...bases.values()], new Map(), options);

  async function toBase(name: string, definition: DeploymentDefinition): Promise<Base> {
    const deployment = await options.resolve(name, definition);
    const ofSettings = settings.find((one) => one.name === name);
    const { settingsTier, assumedCost = Number.POSITIVE_INFINITY } = ofSettings ?? {};
    // A deployment that is called as before keeps its circuit, its queue and its lessons.
    const isSame = (one: Base | undefined) =>
      one !== undefined && fingerprint(one.upstream.deployment) === fingerprint(deployment);
    const known = [bases.get(name), ofSettings].find(isSame);
    const scoredAs = options.findScoredAs(name, definition);
    return {
      name,
      upstream: known?.upstream ?? options.createUpstream(deployment),
      ...scoredBy(scoredAs),
      modelKey: modelKeyOf(deployment.modelName, scoredAs?.model),
      ...(definition.price && { price: definition.price }),
      assumedCost,
      isEnabled: definition.enabled ?? true,
      weight: definition.weight ?? 1,
      ...(settingsTier && { settingsTier }),
    };
  }

  return {
    current: () => fleet,
    apply: async ({ entries, unreadable }) => {
      const problems = unreadable.map(({ name }) => `${name}: unreadable`);
      const made = await Promise.all(
        definedOf(entries, 'deployment').map(async ({ name, definition }) => {
          return await toBase(name, definition).catch((error: unknown) => {
            const code = error instanceof HttpError ? error.code : errorKind(error);
            problems.push(`${name}: ${code}`);
            return bases.get(name);
          });
        }),
      );
      const last = namesOf(unreadable, 'deployment').map((name) => bases.get(name));
      const known = [...settings, ...made, ...last].filter((one) => one !== undefined);
      bases = new Map(known.map((one) => [one.name, one]));
      const useCases = new Map(
        definedOf(entries, 'use_case').map(({ name, definition }) => [name, definition]),
      );
      for (const name of namesOf(unreadable, 'use_case')) {
        const policy = fleet.useCases.get(name);
        if (policy !== undefined) useCases.set(name, policy);
      }
      fleet = toFleet([...bases.values()], useCases, options);
      return problems;
    },
  };
}

function namesOf(entries: Snapshot['unreadable'], wanted: Version['kind']): string[] {
  return entries.filter(({ kind }) => kind === wanted).map(({ name }) => name);
}

type Defined<K extends Version['kind']> = {
  name: string;
  definition: NonNullable<Version<K>['definition']>;
};

function definedOf<K extends Version['kind']>(entries: Snapshot['entries'], kind: K): Defined<K>[] {
  return entries.flatMap(({ kind: other, name, definition }) =>
    other === kind && definition !== undefined
      ? [{ name, definition: definition as Defined<K>['definition'] }]
      : [],
  );
}

function toSettingsBase(
  { deployment, tier, scoredAs, price }: SettingsDeployment,
  { createUpstream }: FleetOptions,
): Base {
  return {
    name: deployment.name,
    upstream: createUpstream(deployment),
    ...scoredBy(scoredAs),
    modelKey: modelKeyOf(deployment.modelName, scoredAs.model),
    ...(price && { price }),
    // The weak deployment is configured because it is cheap.
    assumedCost: tier === 'weak' ? 0 : Number.POSITIVE_INFINITY,
    isEnabled: true,
    weight: 1,
    settingsTier: tier,
  };
}

function scoredBy(scoredAs: ScoredAs | undefined): Pick<Base, 'scorerModel' | 'scoredAs'> {
  return scoredAs === undefined ? {} : { scorerModel: scoredAs.model, scoredAs };
}

function toFleet(
  bases: readonly Base[],
  useCases: ReadonlyMap<string, UseCaseDefinition>,
  { strengthOf }: FleetOptions,
): Fleet {
  const strengths = strengthsOf(bases, strengthOf);
  const sorted = bases.toSorted(
    (a, b) =>
      (strengths.get(b) ?? 0) - (strengths.get(a) ?? 0) ||
      Number(b.settingsTier === 'strong') - Number(a.settingsTier === 'strong') ||
      (a.name < b.name ? -1 : 1),
  );
  const strongest = sorted.find(({ isEnabled, scorerModel }) => isEnabled && scorerModel);
  const members = sorted.map(({ name, settingsTier, ...member }): Member => {
    const tier = member.modelKey === strongest?.modelKey ? 'strong' : 'weak';
    return { ...member, tier };
  });
  return { members, useCases };
}

/**
 * Ranks deployments by the scorer's strengths, or else by their prices. Of the two deployments of the
 * settings, the strong one never ranks below the weak one.
 */
function strengthsOf(
  bases: readonly Base[],
  strengthOf: ((scorerModel: string) => number) | undefined,
): ReadonlyMap<Base, number> {
  const strengths = new Map(
    bases.map((base) => {
      const { scorerModel, price, assumedCost } = base;
      // A number greater than any price, since infinite ones cannot be compared.
      const cost = price ? price.input + price.output : Math.min(assumedCost, Number.MAX_VALUE);
      const strength = strengthOf && scorerModel !== undefined ? strengthOf(scorerModel) : cost;
      return [base, scorerModel === undefined ? Number.NEGATIVE_INFINITY : strength] as const;
    }),
  );
  const [strong, weak] = (['strong', 'weak'] as const).map((tier) =>
    bases.find(({ settingsTier, scorerModel }) => settingsTier === tier && scorerModel),
  );
  if (strong && weak) {
    strengths.set(strong, Math.max(strengths.get(strong) ?? 0, strengths.get(weak) ?? 0));
  }
  return strengths;
}

/** Returns a text that is equal for deployments called in the same way. */
function fingerprint(deployment: Deployment): string {
  const { lacks, ...capabilities } = deployment.capabilities;
  const sorted = (value: object) => Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    sorted({ ...deployment, capabilities: sorted(capabilities) }),
    [...lacks].toSorted(),
  ]);
}
