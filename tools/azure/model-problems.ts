import type { ArmClient } from './arm-client.ts';
import type { DeploymentSettings, ModelWish } from './deployment-settings.ts';
import {
  listModelOffers,
  listOwnDeployments,
  listRegionsFor,
  listUsages,
  type ModelOffer,
  type OwnDeployment,
  type SkuOffer,
  type Usage,
} from './model-catalog.ts';

type Findings = {
  readonly problems: readonly string[];
  /** Remarks that are not problems. */
  readonly notes: readonly string[];
};

type Found = ModelWish & { readonly sku: SkuOffer };

const MOST_REGIONS = 5;
const DAY_MS = 86_400_000;
/** Time in days that is enough to calibrate another pair. */
const SOON_DAYS = 90;

/**
 * Checks that the region has the wanted models, and the subscription quota for them. Throws an
 * ArmError.
 */
export async function findModelProblems(
  arm: ArmClient,
  subscriptionId: string,
  settings: DeploymentSettings,
): Promise<Findings> {
  const { location, resourceGroup, models, sku } = settings;
  const [offers, usages, own] = await Promise.all([
    listModelOffers(arm, subscriptionId, location),
    listUsages(arm, subscriptionId, location),
    resourceGroup === undefined ? [] : findOwnDeployments(arm, subscriptionId, resourceGroup),
  ]);
  const problems: string[] = [];
  const notes: string[] = [];
  const found: Found[] = [];

  async function addProblem(text: string, wish: ModelWish): Promise<void> {
    problems.push(text + (await regionsFor(arm, subscriptionId, { ...wish, sku })));
  }

  for (const wish of models) {
    const offer = findOffer(offers, wish, sku);
    if (typeof offer === 'string') {
      const refusal = `${location} does not offer ${nameOf(wish)} as ${sku}.`;
      await addProblem(`${wish.prefix}_MODEL: ${refusal} ${offer}`, wish);
    } else {
      found.push({ ...wish, sku: offer });
      notes.push(...retirementNotes(wish, offer));
    }
  }
  for (const wishes of groupByQuota(found)) {
    const usage = usages.get(wishes[0].sku.usageName);
    const quota = judgeQuota(wishes, usage, ownCapacity(own, wishes));
    if (quota.isEnough) notes.push(quota.text);
    else await addProblem(quota.text, wishes[0]);
  }
  return { problems, notes };
}

/** Groups deployments of the same model, which share its quota. */
function groupByQuota(found: readonly Found[]): [Found, ...Found[]][] {
  const groups = new Map<string, [Found, ...Found[]]>();
  for (const wish of found) {
    const group = groups.get(wish.sku.usageName);
    if (group === undefined) groups.set(wish.sku.usageName, [wish]);
    else group.push(wish);
  }
  return [...groups.values()];
}

/** Returns the offer of that model, version and SKU, or a sentence about the available ones. */
function findOffer(
  offers: readonly ModelOffer[],
  wish: ModelWish,
  skuName: string,
): SkuOffer | string {
  const ofModel = offers.filter(({ name }) => name === wish.model);
  if (ofModel.length === 0) return 'The region does not have this model.';
  const ofVersion = ofModel.filter(({ version }) => version === wish.version);
  if (ofVersion.length === 0) {
    return `It has the versions ${listed(ofModel.map(({ version }) => version))}: set ${wish.prefix}_MODEL_VERSION.`;
  }
  const skus = ofVersion.flatMap(({ skus }) => skus);
  const sku = skus.find(({ name }) => name === skuName);
  if (sku === undefined) {
    return `It has it as ${listed(skus.map(({ name }) => name))}: set DEPLOYMENT_SKU.`;
  }
  const isDeprecated = ofVersion.every(({ lifecycleStatus }) => lifecycleStatus === 'Deprecated');
  const isRetired = sku.retiresAt !== undefined && sku.retiresAt.getTime() <= Date.now();
  if (isDeprecated || isRetired) {
    return `It is ${isRetired ? 'retired' : 'deprecated'} there: set another ${wish.prefix}_MODEL or ${wish.prefix}_MODEL_VERSION.`;
  }
  if (wish.capacity > sku.maximum || wish.capacity < sku.minimum) {
    return `A deployment takes a capacity from ${sku.minimum} to ${sku.maximum}: set ${wish.prefix}_CAPACITY.`;
  }
  return sku;
}

function judgeQuota(
  wishes: readonly [Found, ...Found[]],
  usage: Usage | undefined,
  ownedAlready: number,
): { readonly isEnough: boolean; readonly text: string } {
  const model = nameOf(wishes[0]);
  const wished = wishes.reduce((sum, { capacity }) => sum + capacity, 0);
  if (usage === undefined) {
    return { isEnough: true, text: `${model}: Azure reports no quota, ${wished} are requested.` };
  }
  const free = Math.max(0, usage.limit - usage.current + ownedAlready);
  const figures = `${free} of ${usage.limit} thousand tokens a minute are free, ${wished} are requested`;
  if (free >= wished) return { isEnough: true, text: `${model}: ${figures}.` };
  const names = wishes.map(({ prefix }) => `${prefix}_CAPACITY`).join(' and ');
  const smaller = free > 0 ? `Ask for ${free} or less, or ask` : 'Ask';
  return {
    isEnough: false,
    text: `${names}: ${model}: ${figures}. ${smaller} for more quota in the portal of Azure AI Foundry (Management, Quota), or take another region.`,
  };
}

/** Returns how much of the same quota an earlier deployment uses: it is changed, not added to. */
function ownCapacity(own: readonly OwnDeployment[], wishes: readonly Found[]): number {
  return own
    .filter(({ model, sku }) =>
      wishes.some((wish) => wish.model === model && wish.sku.name === sku),
    )
    .reduce((sum, { capacity }) => sum + capacity, 0);
}

async function findOwnDeployments(
  arm: ArmClient,
  subscriptionId: string,
  resourceGroup: string,
): Promise<readonly OwnDeployment[]> {
  // If the group is gone or unreadable, its deployments do not count.
  return listOwnDeployments(arm, subscriptionId, resourceGroup).catch(() => []);
}

/** Returns a sentence, or an empty text when Azure does not list regions. */
async function regionsFor(
  arm: ArmClient,
  subscriptionId: string,
  wish: ModelWish & { readonly sku: string },
): Promise<string> {
  const regions = await listRegionsFor(arm, subscriptionId, wish).catch(() => []);
  if (regions.length === 0) return '';
  return ` It would fit in ${regions.slice(0, MOST_REGIONS).join(', ')} (azd env set AZURE_LOCATION ${regions[0]}).`;
}

function retirementNotes({ model }: ModelWish, { retiresAt }: SkuOffer): string[] {
  if (retiresAt === undefined || retiresAt.getTime() - Date.now() > SOON_DAYS * DAY_MS) return [];
  return [`${model} retires on ${retiresAt.toISOString().slice(0, 10)}.`];
}

function nameOf({ model, version }: ModelWish): string {
  return `${model} ${version}`;
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}
