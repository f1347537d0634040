import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../shared/base/errors.ts';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';
import {
  createCheckEndpoint,
  readAllowedHosts,
  takesTokens,
} from '../../../shared/upstream/check-endpoint.ts';
import { propertyRuns } from '../../support/property-runs.ts';

function start(setting = '', endpoints: readonly string[] = []) {
  const read = new SettingsReader({ ROUTER_ALLOWED_HOSTS: setting });
  const check = createCheckEndpoint({ endpoints, allowed: readAllowedHosts(read) });
  expect(read.problems).toEqual([]);
  return (endpoint: string): boolean => {
    try {
      check(endpoint);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error).toMatchObject({ param: 'endpoint', code: 'endpoint_not_allowed' });
      // The address may hold a key.
      if (endpoint.length > 12) expect((error as Error).message).not.toContain(endpoint);
      return false;
    }
  };
}

/** Spellings of 127.0.0.1, 169.254.169.254, 168.63.129.16, 10.0.0.5 and this machine. */
const INTERNAL = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.0.0.1.',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '0',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:169.254.169.254]',
  '[64:ff9b::169.254.169.254]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '168.63.129.16',
  '10.0.0.5',
  'localhost',
  'LOCALHOST',
  'ｌocalhost',
  'localhost.',
  'x.localhost',
  'metadata',
  'metadata.google.internal',
  'metadata.azure.internal',
  'printer.local',
  'router',
];

describe('an address that is not allowed', () => {
  test.each(INTERNAL)('is refused: %s', (host) => {
    for (const isAllowed of [start(), start('*.example.com,*.google.internal,*.azure.internal')]) {
      for (const address of [`https://${host}`, `http://${host}`, `https://${host}:8443/v1`]) {
        expect(isAllowed(address)).toBe(false);
      }
    }
  });

  test.each([
    'https://openai.azure.com',
    'https://.openai.azure.com',
    'https://evilopenai.azure.com',
    'https://x.openai.azure.com.evil.com',
    'https://x.openai.azure.com.',
    'https://x..openai.azure.com',
    'https://-x.openai.azure.com',
    'http://x.openai.azure.com',
    'https://x.openai.azure.com:8443',
    'https://x.openai.azure.com@evil.com',
    'https://evil.com#.openai.azure.com',
    'https://evil.com?.openai.azure.com',
    'https://evil.com\\.openai.azure.com',
    'https://evil.com/.openai.azure.com',
    'https://user:key@x.openai.azure.com',
    'https://x.openai.azure.com/?key=1',
    'https://x.оpenai.azure.com',
    'https://azure.com',
    'https://example.com',
    'ftp://x.openai.azure.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//x.openai.azure.com',
    'x.openai.azure.com',
    '',
  ])('is refused: %s', (address) => {
    expect(start()(address)).toBe(false);
  });

  test('is never a number or an address within the network, whatever it looks like', () => {
    const isAllowed = start('*.example.com,host.example.org:8443');
    const number = fc
      .nat(0xffff_ffff)
      .chain((address) =>
        fc.constantFrom(
          `${address}`,
          `0x${address.toString(16)}`,
          `0${address.toString(8)}`,
          [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.'),
          `[::ffff:${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}]`,
        ),
      );
    const scheme = fc.constantFrom('http', 'https', 'HTTPS');
    fc.assert(
      fc.property(
        scheme,
        fc.oneof(
          number,
          fc.ipV6().map((one) => `[${one}]`),
        ),
        (before, host) => {
          expect(isAllowed(`${before}://${host}`)).toBe(false);
          expect(isAllowed(`${before}://${host}:443/openai`)).toBe(false);
        },
      ),
      propertyRuns(500),
    );
  });

  test('is refused with a 400 and no other error, for any text', () => {
    const isAllowed = start('*.example.com');
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.string());
    fc.assert(
      fc.property(text, fc.constantFrom('', 'https://', 'http://'), (rest, scheme) => {
        const address = scheme + rest;
        if (!isAllowed(address)) return;
        expect(new URL(address).protocol).toBe('https:');
        expect(new URL(address).hostname).toMatch(
          /\.(example\.com|(openai|services\.ai|cognitiveservices)\.azure\.(com|us))$/,
        );
      }),
      propertyRuns(500),
    );
  });
});

describe('an address is allowed', () => {
  test.each([
    'https://name.openai.azure.com',
    'https://NAME.OpenAI.Azure.com/',
    'https://name.openai.azure.com:443/openai/v1',
    'https://name.services.ai.azure.com/api/projects/x',
    'https://name.cognitiveservices.azure.com',
    'https://name.openai.azure.us',
  ])('when it is Azure’s: %s', (address) => {
    expect(start()(address)).toBe(true);
  });

  test('when it is a configured endpoint: scheme, host and port', () => {
    const isAllowed = start('', ['http://127.0.0.1:11434/v1', 'https://models.example.com']);
    expect(isAllowed('http://127.0.0.1:11434')).toBe(true);
    expect(isAllowed('http://0x7f.1:11434/other')).toBe(true);
    expect(isAllowed('https://models.example.com/v2')).toBe(true);
    expect(isAllowed('https://127.0.0.1:11434')).toBe(false);
    expect(isAllowed('http://127.0.0.1')).toBe(false);
    expect(isAllowed('http://models.example.com')).toBe(false);
    expect(isAllowed('https://models.example.com:8443')).toBe(false);
  });

  test('when it is listed: a host, a port, a suffix, an address', () => {
    const isAllowed = start(
      ' models.example.com , gpu.example.com:8443,*.Example.org,http://10.0.0.5:8000,[::1]:9443,bücher.example',
    );
    expect(isAllowed('https://models.example.com')).toBe(true);
    expect(isAllowed('https://models.example.com:8443')).toBe(false);
    expect(isAllowed('http://models.example.com')).toBe(false);
    expect(isAllowed('https://x.models.example.com')).toBe(false);
    expect(isAllowed('https://gpu.example.com:8443')).toBe(true);
    expect(isAllowed('https://gpu.example.com')).toBe(false);
    expect(isAllowed('https://a.b.example.org')).toBe(true);
    expect(isAllowed('https://example.org')).toBe(false);
    expect(isAllowed('http://10.0.0.5:8000/v1')).toBe(true);
    expect(isAllowed('https://10.0.0.5:8000/v1')).toBe(false);
    expect(isAllowed('https://[::1]:9443')).toBe(true);
    expect(isAllowed('https://xn--bcher-kva.example')).toBe(true);
  });
});

describe('ROUTER_ALLOWED_HOSTS', () => {
  test.each([
    '*',
    '*.',
    '*.com',
    '*.*',
    '*.127.0.0.1',
    '*.[::1]',
    '*.example.com:8443',
    'a*.example.com',
    'x.*.example.com',
    'user@example.com',
    'example.com/v1',
    'example.com/',
    'example.com?x',
    'ftp://example.com',
    'http://example.com/v1',
    'exa mple.com',
    'example.com,,example.org',
  ])('refuses %s, without repeating it', (setting) => {
    const read = new SettingsReader({ ROUTER_ALLOWED_HOSTS: setting });
    readAllowedHosts(read);
    expect(read.problems).toEqual([expect.stringContaining('ROUTER_ALLOWED_HOSTS: entry')]);
  });
});

describe('a token of this app’s identity', () => {
  test('goes to Azure’s public cloud over https only', () => {
    for (const address of ['https://x.openai.azure.com', 'https://x.services.ai.azure.com/y']) {
      expect(takesTokens(new URL(address))).toBe(true);
    }
    for (const address of [
      'http://x.openai.azure.com',
      'https://x.openai.azure.com:8443',
      'https://x.openai.azure.com.',
      'https://x.openai.azure.us',
      'https://openai.azure.com',
      'https://xopenai.azure.com',
      'https://x.openai.azure.com.evil.com',
    ]) {
      expect(takesTokens(new URL(address))).toBe(false);
    }
  });
});
