import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';

/** Settings whose values are or contain credentials. */
const SECRET_SETTINGS = /(_API_KEY|_SECRET|_CONNECTION_STRING|_HEADERS)$|^UPSTREAM_KEY_/;
const SECRET_HEADERS = [
  'authorization',
  'proxy-authorization',
  'api-key',
  'x-api-key',
  'x-functions-key',
  'ocp-apim-subscription-key',
  'cookie',
];

/** The shortest credential that is searched for: shorter ones occur inside words. */
const LEAST_LENGTH = 8;

export type Keep = {
  output(text: string): void;
  settings(settings: Readonly<Record<string, string | undefined>>): void;
};

/** Collects the output of apps, and the credentials of apps and callers, over a whole run of tests. */
export function keepLogged(folder: string): Keep {
  const append = (kind: string, text: string) =>
    appendFileSync(join(folder, `${process.pid}.${kind}`), text);
  const secret = (value: string) => append('secrets', `${JSON.stringify(value)}\n`);
  // The local host runs in this process, so that its requests can be observed here.
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    for (const name of SECRET_HEADERS) {
      for (const value of request.headersDistinct[name] ?? []) secret(credentialOf(value));
    }
  });
  return {
    output: (text) => append('output', text),
    settings: (settings) => {
      for (const [name, value = ''] of Object.entries(settings)) {
        if (SECRET_SETTINGS.test(name)) secret(credentialOf(value));
      }
    },
  };
}

/** Returns the `abc` of `Bearer abc`, `a=1;AccountKey=abc;b=2` and `x-key=abc`. */
function credentialOf(value: string): string {
  const [, inside] = /(?:AccountKey|SharedAccessSignature)=([^;]+)/.exec(value) ?? [];
  return inside ?? value.replace(/^(\w+ |[\w-]+=)/, '');
}

/** Returns the amount of collected output, and the credentials found in it. */
export function findCredentials(folder: string): {
  readonly characters: number;
  readonly credentials: number;
  readonly found: readonly string[];
} {
  const files = readdirSync(folder);
  const textOf = (kind: string) =>
    files
      .filter((file) => file.endsWith(kind))
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
  const output = textOf('.output');
  const secrets = new Set(
    textOf('.secrets')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as string)
      .filter((secret) => secret.length >= LEAST_LENGTH),
  );
  const found = [...secrets].filter((secret) => output.includes(secret));
  return { characters: output.length, credentials: secrets.size, found };
}
