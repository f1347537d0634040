import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { loadConfig } from '../../../shared/settings/config.ts';
import { propertyRuns } from '../../support/property-runs.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Every setting that the sample has: what `loadConfig` reads, and a few more. */
const sample = JSON.parse(readFileSync(`${root}local.settings.sample.json`, 'utf8')) as {
  readonly Values: Readonly<Record<string, string>>;
};
const NEW_SETTINGS = [
  'ROUTER_RATE_LIMITS',
  'ROUTER_ALLOWED_HOSTS',
  'MAX_BODY_BYTES_IN_FLIGHT',
  'MAX_BODY_DEPTH',
  'MAX_BODY_VALUES',
  'MAX_HEADER_BYTES',
];
const names = [...new Set([...Object.keys(sample.Values), ...NEW_SETTINGS])];

const SECRET = 'TopSecret/9f3b+And=More';

/** Settings that hold secrets, and what a secret put there looks like, rightly or wrongly. */
const SECRET_PLACES: Readonly<Record<string, readonly string[]>> = {
  AZURE_OPENAI_API_KEY: [SECRET, `${SECRET}\n`, ` ${SECRET} x`, `ключ${SECRET}`],
  STRONG_API_KEY: [SECRET, `${SECRET}\r\nx: y`],
  WEAK_API_KEY: [`${SECRET}\u0000`],
  ROUTER_API_KEYS: [`ann=${SECRET}`, SECRET, `a=b,${SECRET}`, `ann=${SECRET};role=admin`],
  CACHE_KEY_SECRET: [SECRET],
  TABLES_CONNECTION_STRING: [`AccountKey=${SECRET}`],
  AZURE_OPENAI_ENDPOINT: [`https://user:${SECRET}@host`, `https://host/?key=${SECRET}`],
  STRONG_ENDPOINT: [`${SECRET}`, `ftp://${SECRET}`],
  TABLES_ENDPOINT: [`https://host/?sig=${SECRET}`],
  ROUTER_ALLOWED_HOSTS: [`user:${SECRET}@host`, SECRET],
  ROUTER_RATE_LIMITS: [`key:${SECRET}=5`],
};

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', '0', '-1', '1e999', 'NaN', 'none', 'true', '*', ',', ';', '=', 'a=b'),
  fc.constantFrom('../../etc/passwd', '\r\nx: y', '\u0000', '\ud800', '__proto__', '{}', '[1]'),
  fc.constantFrom('https://name.openai.azure.com', 'http://127.0.0.1:1', 'https://[::1]/', 'a,b'),
  fc.constantFrom(`a=${createHash('sha256').update('a').digest('hex')}`, '@Microsoft.KeyVault(x)'),
  fc.constantFrom(...Object.values(sample.Values)),
);

const settings = fc.record(Object.fromEntries(names.map((name) => [name, hostile])), {
  requiredKeys: [],
});

/** Not the sample's: it works without a scorer of its own. */
const working = {
  MODELS_FOLDER: `${root}models`,
  AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com/',
  STRONG_DEPLOYMENT: 'big',
  WEAK_DEPLOYMENT: 'small',
};

async function problemsOf(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  try {
    await loadConfig(env);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every((problem) => problem.length > 0)).toBe(true);
    return message;
  }
}

test('any settings at all give a configuration, or one error that lists the problems', async () => {
  await fc.assert(
    fc.asyncProperty(settings, async (env) => {
      await problemsOf({ ...working, ...env });
      await problemsOf(env);
    }),
    propertyRuns(100),
  );
});

test('one wrong setting beside right ones is named', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), hostile, async (name, value) => {
      await problemsOf({ ...working, [name]: value });
    }),
    propertyRuns(150),
  );
});

test('no secret is repeated, whatever is wrong with it or with the rest', async () => {
  const places = fc.record(
    Object.fromEntries(
      Object.entries(SECRET_PLACES).map(([name, values]) => [name, fc.constantFrom(...values)]),
    ),
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(places, settings, async (secrets, others) => {
      const message = await problemsOf({ ...working, ...others, ...secrets });
      // Neither the whole nor a part that would be enough to guess the rest.
      expect(message).not.toContain(SECRET);
      expect(message).not.toContain('TopSecret');
      expect(message).not.toContain('9f3b');
    }),
    propertyRuns(100),
  );
});
