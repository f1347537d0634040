import { isVaultReference, settingsOf } from './app-settings.ts';
import { label } from './check-services.ts';
import { ofType, type Resource, type Snapshot, valueAt } from './snapshot.ts';

/**
 * Checks that the function app signs in as the deployment's own identity: to services, to the
 * storage of its package, and to the vault that a setting refers to, for which the platform would
 * otherwise try another identity.
 */
export function checkIdentity(snapshot: Snapshot): readonly string[] {
  const ids = ofType(snapshot, 'Microsoft.ManagedIdentity/userAssignedIdentities').map(({ id }) =>
    id.toLowerCase(),
  );
  const isKnown = (id: unknown): boolean => ids.includes(String(id).toLowerCase());
  const hasReference = Object.values(settingsOf(snapshot) ?? {}).some(isVaultReference);
  return ofType(snapshot, 'Microsoft.Web/sites').flatMap((site) => {
    const uses = [
      ['keyVaultReferenceIdentity', hasReference],
      ['functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId', true],
    ] as const;
    return [
      ...(identitiesOf(site).some(isKnown)
        ? []
        : [`${label(site)}: userAssignedIdentities must have the identity that is created.`]),
      ...uses
        .filter(([path, isUsed]) => isUsed && !isKnown(valueAt(site, `properties.${path}`)))
        .map(([path]) => `${label(site)}: ${path} must be the identity that is created.`),
    ];
  });
}

function identitiesOf(site: Resource): readonly string[] {
  const identities = valueAt(site, 'identity.userAssignedIdentities');
  return typeof identities === 'object' && identities !== null ? Object.keys(identities) : [];
}
