import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from '../../shared/base/answer.ts';
import { HttpError } from '../../shared/base/errors.ts';
import type { Call } from '../../shared/calls/call.ts';
import { shareUntilFailure } from '../../shared/storage/tables.ts';

const PAGE = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The page loads only its own files, runs only their code, and cannot be framed. */
const SECURITY: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

type File = {
  readonly bytes: Uint8Array;
  readonly zipped: Uint8Array;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** Serves the dashboard's files, about 200 KB, which are read at the first request and kept in memory. */
export function createDashboard(folder: URL): {
  readonly page: (call: Call) => Promise<Answer>;
  readonly file: (call: Call) => Promise<Answer>;
} {
  const load = shareUntilFailure(() => loadFiles(folder));
  async function serve(name: string, { header }: Call): Promise<Answer> {
    const file = (await load()).get(name);
    if (file === undefined) throw new FileNotFoundError();
    const { headers, etag } = file;
    if (header('if-none-match') === etag) return { status: 304, headers, body: '' };
    if (!/\bgzip\b/i.test(header('accept-encoding') ?? '')) {
      return { status: 200, headers, body: file.bytes };
    }
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: file.zipped };
  }
  return {
    page: (call) => serve(PAGE, call),
    file: (call) => serve(call.name ?? '', call),
  };
}

async function loadFiles(folder: URL): Promise<ReadonlyMap<string, File>> {
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map((name) => loadFile(folder, name))));
}

async function loadFile(folder: URL, name: string): Promise<[string, File]> {
  const bytes = await readFile(new URL(name, folder));
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers = {
    ...SECURITY,
    etag,
    vary: 'accept-encoding',
    'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    // The names of the other files change with their content.
    'cache-control': name === PAGE ? 'no-cache' : 'public, max-age=31536000, immutable',
  };
  return [name, { bytes, zipped: await promisify(gzip)(bytes, { level: 9 }), etag, headers }];
}

/** The dashboard has no file of this name (404). */
class FileNotFoundError extends HttpError {
  constructor() {
    super('The dashboard has no such file. Reload /dashboard.', {
      status: 404,
      code: 'not_found',
      param: 'name',
    });
  }
}
