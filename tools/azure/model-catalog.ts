import * as z from 'zod';
import type { ArmClient } from './arm-client.ts';

const API_VERSION = 'api-version=2025-06-01';

const offerSchema = z.looseObject({
  model: z.looseObject({
    format: z.string().nullish(),
    name: z.string(),
    version: z.string().nullish(),
    lifecycleStatus: z.string().nullish(),
    deprecation: z.looseObject({ inference: z.string().nullish() }).nullish(),
    skus: z
      .array(
        z.looseObject({
          name: z.string(),
          usageName: z.string().nullish(),
          deprecationDate: z.string().nullish(),
          capacity: z
            .looseObject({ minimum: z.number().nullish(), maximum: z.number().nullish() })
            .nullish(),
        }),
      )
      .nullish(),
  }),
});

const usageSchema = z.looseObject({
  name: z.looseObject({ value: z.string() }),
  currentValue: z.number().nullish(),
  limit: z.number().nullish(),
});

const deploymentSchema = z.looseObject({
  sku: z.looseObject({ name: z.string(), capacity: z.number().nullish() }).nullish(),
  properties: z.looseObject({ model: z.looseObject({ name: z.string() }).nullish() }).nullish(),
});

const capacitySchema = z.looseObject({
  location: z.string(),
  properties: z.looseObject({ skuName: z.string(), availableCapacity: z.number() }),
});

/** One model in one version, as a region offers it. */
export type ModelOffer = {
  readonly name: string;
  readonly version: string;
  /** Lifecycle status; a `Deprecated` model is only available to subscriptions that already use it. */
  readonly lifecycleStatus: string;
  readonly skus: readonly SkuOffer[];
};

export type SkuOffer = {
  readonly name: string;
  /** Name of the model's quota. */
  readonly usageName: string;
  /** The day on which calls end; undefined when none is set. */
  readonly retiresAt: Date | undefined;
  readonly minimum: number;
  readonly maximum: number;
};

/** Usage and limit of a region's quota, in thousands of tokens a minute. */
export type Usage = { readonly current: number; readonly limit: number };

/** Lists OpenAI's models in a region. */
export async function listModelOffers(
  arm: ArmClient,
  subscriptionId: string,
  location: string,
): Promise<readonly ModelOffer[]> {
  const items = await arm.list(`${regionPath(subscriptionId, location)}/models?${API_VERSION}`);
  return z
    .array(offerSchema)
    .parse(items)
    .filter(({ model }) => model.format === 'OpenAI')
    .map(({ model }) => ({
      name: model.name,
      version: model.version ?? '',
      lifecycleStatus: model.lifecycleStatus ?? '',
      skus: (model.skus ?? []).map((sku) => ({
        name: sku.name,
        usageName: sku.usageName ?? `OpenAI.${sku.name}.${model.name}`,
        retiresAt: readDate(sku.deprecationDate ?? model.deprecation?.inference),
        minimum: sku.capacity?.minimum ?? 1,
        maximum: sku.capacity?.maximum ?? Number.POSITIVE_INFINITY,
      })),
    }));
}

/** Lists a region's usages by the quota's name. */
export async function listUsages(
  arm: ArmClient,
  subscriptionId: string,
  location: string,
): Promise<ReadonlyMap<string, Usage>> {
  const items = await arm.list(`${regionPath(subscriptionId, location)}/usages?${API_VERSION}`);
  const usages = z.array(usageSchema).parse(items);
  return new Map(
    usages.map(({ name, currentValue, limit }) => [
      name.value,
      { current: currentValue ?? 0, limit: limit ?? 0 },
    ]),
  );
}

export type OwnDeployment = {
  readonly model: string;
  readonly sku: string;
  readonly capacity: number;
};

/** Lists the model deployments of a resource group, which already use quota. */
export async function listOwnDeployments(
  arm: ArmClient,
  subscriptionId: string,
  resourceGroup: string,
): Promise<readonly OwnDeployment[]> {
  const accounts = `/subscriptions/${subscriptionId}/resourceGroups/${encodeURIComponent(resourceGroup)}/providers/Microsoft.CognitiveServices/accounts`;
  const found = z
    .array(z.looseObject({ name: z.string() }))
    .parse(await arm.list(`${accounts}?${API_VERSION}`));
  const lists = await Promise.all(
    found.map(({ name }) =>
      arm.list(`${accounts}/${encodeURIComponent(name)}/deployments?${API_VERSION}`),
    ),
  );
  return z
    .array(deploymentSchema)
    .parse(lists.flat())
    .map(({ sku, properties }) => ({
      model: properties?.model?.name ?? '',
      sku: sku?.name ?? '',
      capacity: sku?.capacity ?? 0,
    }));
}

type RegionWish = {
  readonly model: string;
  readonly version: string;
  readonly sku: string;
  /** In thousands of tokens a minute. */
  readonly capacity: number;
};

/** Lists the regions that have the wanted capacity of a model, the largest first. */
export async function listRegionsFor(
  arm: ArmClient,
  subscriptionId: string,
  wish: RegionWish,
): Promise<readonly string[]> {
  const query = new URLSearchParams({
    modelFormat: 'OpenAI',
    modelName: wish.model,
    modelVersion: wish.version,
  });
  const items = await arm.list(
    `/subscriptions/${subscriptionId}/providers/Microsoft.CognitiveServices/modelCapacities?${API_VERSION}&${query}`,
  );
  return z
    .array(capacitySchema)
    .parse(items)
    .filter(({ properties }) => properties.skuName === wish.sku)
    .filter(({ properties }) => properties.availableCapacity >= wish.capacity)
    .toSorted((a, b) => b.properties.availableCapacity - a.properties.availableCapacity)
    .map(({ location }) => location);
}

function regionPath(subscriptionId: string, location: string): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.CognitiveServices/locations/${location}`;
}

function readDate(text: string | null | undefined): Date | undefined {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
