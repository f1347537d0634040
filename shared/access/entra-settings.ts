import type { SettingsReader } from '../base/settings-reader.ts';

/** Whose access tokens of Microsoft Entra ID let in, and as what. */
export type EntraAccess = {
  /** In lower case. */
  readonly tenantId: string;
  /** Where its keys are, without a trailing slash. */
  readonly authority: string;
  /** What a token must be for: one of these. */
  readonly audiences: readonly string[];
  /** App roles and scopes, of which a token must have one. Empty: any of the audience's. */
  readonly roles: readonly string[];
  /** The app role of administrators. */
  readonly adminRole?: string;
  /** Object ids, in lower case, of the identities that call as the front door. */
  readonly frontDoors: readonly string[];
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Where a token of a test may come from without encryption. */
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/** Reads the settings of sign-in with Entra ID; undefined when there are none, or wrong ones. */
export function readEntra(read: SettingsReader): EntraAccess | undefined {
  const tenantId = read.matching('ENTRA_TENANT_ID', GUID)?.toLowerCase();
  const audiences = readList(read, 'ENTRA_AUDIENCE');
  const roles = readList(read, 'ENTRA_ROLES');
  const adminRole = read.matching('ENTRA_ADMIN_ROLE', /^\S+$/);
  const authority = readAuthority(read);
  const frontDoors = readList(read, 'ENTRA_FRONT_DOOR').map((id) => id.toLowerCase());
  if (!frontDoors.every((id) => GUID.test(id))) {
    read.problem(
      'ENTRA_FRONT_DOOR must be object ids of identities, comma separated: GUIDs, not names.',
    );
  }
  const isWished = [...audiences, ...roles, ...frontDoors].length > 0 || adminRole !== undefined;
  if (tenantId === undefined) {
    if (isWished && !read.isBad('ENTRA_TENANT_ID')) {
      read.problem('ENTRA_TENANT_ID is missing: the id of the tenant whose tokens let in.');
    }
    return undefined;
  }
  if (audiences.length === 0) {
    read.problem(
      'ENTRA_AUDIENCE is missing: what tokens must be for, such as api://<client id>,<client id>.',
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
