import { InputError } from '../command-line/input-error.ts';
import { ArmError, createArmClient } from './arm-client.ts';
import { createArmToken } from './arm-token.ts';
import type { AzdValues } from './azd-environment.ts';

/** The API Management subscription that the templates create for the smoke test. */
const SUBSCRIPTION = 'smoke-test';

/**
 * Reads the API Management key that the smoke test calls with. `address` is Azure Resource
 * Manager's. Throws an InputError.
 */
export async function readSubscriptionKey(values: AzdValues, address: string): Promise<string> {
  const [subscription, group, service] = [
    'AZURE_SUBSCRIPTION_ID',
    'AZURE_RESOURCE_GROUP',
    'API_MANAGEMENT_NAME',
  ].map((name) => {
    const value = values[name] ?? '';
    if (value === '') throw new InputError(`${name} is missing: run azd provision first.`);
    return encodeURIComponent(value);
  });
  const arm = createArmClient({ address, getToken: createArmToken() });
  const path = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ApiManagement/service/${service}/subscriptions/${SUBSCRIPTION}/listSecrets?api-version=2024-05-01`;
  try {
    const { primaryKey = '' } = (await arm.post(path)) as { primaryKey?: string };
    return primaryKey;
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    throw new InputError(
      `The key of API Management's subscription ${SUBSCRIPTION} cannot be read (${error.message}): the signed-in identity needs the role Contributor on the resource group.`,
      { cause: error },
    );
  }
}
