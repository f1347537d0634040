import type { SettingsReader } from '../base/settings-reader.ts';
import type { Access } from './read-access.ts';

/** Reads `ROUTER_CORS_ORIGINS`: the origins whose pages may call, comma separated; empty where none may. */
export function readOrigins(read: SettingsReader, access: Access): readonly string[] {
  const text = read.text('ROUTER_CORS_ORIGINS');
  if (text === undefined) return [];
  const origins = text.split(',').map((origin) => origin.trim());
  for (const [index, origin] of origins.entries()) {
    if (origin === '*' || isOrigin(origin)) continue;
    // The value is left out: a mistyped address may hold a key.
    read.problem(
      `ROUTER_CORS_ORIGINS: entry ${index + 1} must be an origin such as https://app.example.com or http://localhost:5173, without a path, or *.`,
    );
  }
  if (origins.includes('*') && !asksForCredential(access)) {
    read.problem(
      'ROUTER_CORS_ORIGINS=* lets every page call, which needs keys: set ROUTER_API_KEYS or ENTRA_TENANT_ID, or list the origins.',
    );
  }
  return origins;
}

function asksForCredential({ apiKeys, entra, hostChecksKey }: Access): boolean {
  return hostChecksKey || entra !== undefined || (apiKeys !== undefined && apiKeys.length > 0);
}

/** True for an origin as browsers write it. */
function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
