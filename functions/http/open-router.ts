import { ForbiddenError } from '../../shared/access/caller.ts';
import { HttpError } from '../../shared/base/errors.ts';

type Header = (name: string) => string | null;

/** Throws a 403 for a request that a web page may have sent without its user's knowledge. */
export type RefuseForeign = (method: string, header: Header) => void;

/** The headers that name the host: proxies put the one that the client asked for into the second. */
const HOST_HEADERS = ['host', 'x-forwarded-host'];

const LOOPBACK = /^(?:localhost|[\w-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Guards a router that asks for no key (`ROUTER_AUTH=none`) from the pages that are open in a browser on
 * the same machine. A page of another site can send requests there, and can become the router's own origin
 * by a name that its author lets resolve to this machine. So only names of this machine count as the
 * router's; a page has to be the router's own or one of `origins`. Bodies have to be of a type for which
 * browsers ask first, too (`checkJsonType`).
 */
export function createRefuseForeign(origins: readonly string[]): RefuseForeign {
  return (method, header) => {
    const hosts = HOST_HEADERS.map(header).filter((host) => host !== null);
    if (!hosts.every((host) => LOOPBACK.test(host))) {
      throw new ForbiddenError(
        'Ask for the router by localhost or 127.0.0.1: without keys (ROUTER_AUTH=none) it answers to no other name.',
        { code: 'host_not_allowed', param: 'Host' },
      );
    }
    // A preflight asks what is allowed, and is told.
    if (method === 'OPTIONS') return;
    const origin = header('origin');
    if (origin !== null && !origins.includes(origin) && !isOwn(origin, hosts)) {
      throw new ForbiddenError(
        'Add the origin of this page to ROUTER_CORS_ORIGINS: without keys (ROUTER_AUTH=none) pages of other origins may not call the router.',
        { code: 'origin_not_allowed', param: 'Origin' },
      );
    }
  };
}

/** Throws a 415 for a body that does not say that it is JSON: any web page can send those without asking first. */
export function checkJsonType(header: Header): void {
  if (JSON_TYPE.test(header('content-type') ?? '')) return;
  throw new HttpError(
    'Send the body with content-type: application/json. Without keys (ROUTER_AUTH=none), and for admins, the router takes no other type, since any web page can send those.',
    { status: 415, code: 'unsupported_media_type', param: 'Content-Type' },
  );
}

function isOwn(origin: string, hosts: readonly string[]): boolean {
  return hosts.some((host) => origin === `http://${host}` || origin === `https://${host}`);
}
