import type { SettingsReader } from '../base/settings-reader.ts';

/** The access tokens of Microsoft Entra ID that are accepted, and the rights that they give. */
export type EntraAccess = {
  /** The tenant's id, in lower case. */
  readonly tenantId: string;
  /** The address of the tenant's keys, without a trailing slash. */
  readonly authority: string;
  /** The accepted audiences: a token must be for one of them. */
  readonly audiences: readonly string[];
  /** App roles and scopes, of which a token must have one. Empty: any of the audience is enough. */
  readonly roles: readonly string[];
  /** The app role of administrators. */
  readonly adminRole?: string;
  /** Object ids, in lower case, of the identities that call as the front door. */
  readonly frontDoors: readonly string[];
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The hosts whose keys may be fetched without encryption, for tests. */
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/** Reads the settings of sign-in with Entra ID; undefined if there are none, or if ENTRA_TENANT_ID is wrong. */
export function readEntra(read: SettingsReader): EntraAccess | undefined {
  const tenantId = read.matching('ENTRA_TENANT_ID', GUID)?.toLowerCase();
  const audiences = readList(read, 'ENTRA_AUDIENCE');
  const roles = readList(read, 'ENTRA_ROLES');
  const adminRole = read.matching('ENTRA_ADMIN_ROLE', /^\S+$/);
  const authority = readAuthority(read);
  const frontDoors = readList(read, 'ENTRA_FRONT_DOOR').map((id) => id.toLowerCase());
  if (!frontDoors.every((id) => GUID.test(id))) {
    read.problem(
      'ENTRA_FRONT_DOOR must be a comma-separated list of object ids of identities: GUIDs, not names.',
    );
  }
  const isConfigured =
    [...audiences, ...roles, ...frontDoors].length > 0 || adminRole !== undefined;
  if (tenantId === undefined) {
    if (isConfigured && !read.isBad('ENTRA_TENANT_ID')) {
      read.problem(
        'ENTRA_TENANT_ID is missing: set it to the id of the tenant whose tokens are accepted.',
      );
    }
    return undefined;
  }
  if (audiences.length === 0) {
    read.problem(
      'ENTRA_AUDIENCE is missing: set it to the accepted audiences, such as api://<client id>,<client id>.',
    );
  }
  return {
    tenantId,
    authority,
    audiences,
    roles,
    ...(adminRole !== undefined && { adminRole }),
    frontDoors,
  };
}

function readAuthority(read: SettingsReader): string {
  const url = read.url('ENTRA_AUTHORITY');
  if (url === undefined) return 'https://login.microsoftonline.com';
  const isSafe = url.protocol === 'https:' || LOOPBACK.includes(url.hostname);
  if (!isSafe || url.pathname !== '/') {
    read.problem(
      'ENTRA_AUTHORITY must be an https address without a path, such as https://login.microsoftonline.us.',
    );
  }
  return url.origin;
}

function readList(read: SettingsReader, name: string): readonly string[] {
  const parts = read.text(name)?.split(',') ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
