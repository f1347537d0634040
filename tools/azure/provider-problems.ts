import * as z from 'zod';
import type { ArmClient } from './arm-client.ts';
import type { DeploymentSettings } from './deployment-settings.ts';

const providerSchema = z.looseObject({ namespace: z.string(), registrationState: z.string() });

const ALWAYS_USED = [
  'Microsoft.Web',
  'Microsoft.CognitiveServices',
  'Microsoft.Storage',
  'Microsoft.ManagedIdentity',
  'Microsoft.OperationalInsights',
  'Microsoft.Insights',
];

/** Finds resource providers that are needed but not registered. Throws an ArmError. */
export async function findUnregisteredProviders(
  arm: ArmClient,
  subscriptionId: string,
  { usesApiManagement, isPrivate, keepsWeakKey }: DeploymentSettings,
): Promise<readonly string[]> {
  const items = await arm.list(`/subscriptions/${subscriptionId}/providers?api-version=2021-04-01`);
  const registered = new Set(
    z
      .array(providerSchema)
      .parse(items)
      .filter(({ registrationState }) => registrationState === 'Registered')
      .map(({ namespace }) => namespace.toLowerCase()),
  );
  const used = [
    ...ALWAYS_USED,
    ...(usesApiManagement ? ['Microsoft.ApiManagement'] : []),
    // Flex Consumption joins a network through the second one.
    ...(isPrivate ? ['Microsoft.Network', 'Microsoft.App'] : []),
    ...(keepsWeakKey ? ['Microsoft.KeyVault'] : []),
  ];
  return used.filter((namespace) => !registered.has(namespace.toLowerCase()));
}
