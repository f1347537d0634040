import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isName, readUseCase } from '../../../shared/access/caller.ts';
import { HttpError } from '../../../shared/base/errors.ts';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';
import { API_STYLES } from '../../../shared/capabilities/capabilities.ts';
import { findTarget } from '../../../shared/chat/find-target.ts';
import { operationUrl } from '../../../shared/upstream/deployment.ts';
import { readDeployment } from '../../../shared/upstream/read-deployment.ts';
import { propertyRuns } from '../../support/property-runs.ts';

/** Names with characters that end a header, a line of a log or an address. */
const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\r', '\n', '\u0000', '\u0085', 'é', '漢', ' ', ':', 'a') }),
  fc.string({ unit: fc.constantFrom('.', '/', '%', '?', '#', '\\', '@', 'a', '2', 'F') }),
  fc.constantFrom(
    'a\r\nx-forged: 1',
    'a\nb',
    'a\u0000',
    '\ud800',
    'naïve',
    '../../admin',
    '.',
    '..',
    'a b',
  ),
);

test('a configured name fits a header and one part of a path, or is a problem', () => {
  const apiStyle = fc.constantFrom(...API_STYLES);
  fc.assert(
    fc.property(name, name, apiStyle, (deploymentName, modelName, style) => {
      const read = new SettingsReader({
        STRONG_DEPLOYMENT: deploymentName,
        STRONG_MODEL: modelName,
        STRONG_ENDPOINT: 'https://name.openai.azure.com/base',
        STRONG_API_STYLE: style,
        STRONG_API_KEY: 'k',
      });
      const deployment = readDeployment(read, 'STRONG');
      if (read.problems.length > 0 || deployment === undefined) {
        expect(read.problems.length).toBeGreaterThan(0);
        return;
      }
      const headers = new Headers({ 'x-model': deployment.modelName, 'x-name': deployment.name });
      expect(headers.get('x-model')).toBe(deployment.modelName);
      expect(headers.get('x-name')).toBe(deployment.name);
      const url = new URL(operationUrl(deployment, 'chat/completions'));
      expect(url.origin).toBe('https://name.openai.azure.com');
      const before = { azure: `openai/deployments/${encodeURIComponent(deployment.name)}/` };
      const path = { 'azure-v1': 'openai/v1/', openai: '', ...before }[style];
      expect(url.pathname).toBe(`/base/${path}chat/completions`);
      expect(url.hash).toBe('');
    }),
    propertyRuns(500),
  );
});

test('a name that a request gives is known, or refused without being repeated', () => {
  fc.assert(
    fc.property(name, (given) => {
      try {
        expect(
          findTarget(given, 'model', { members: [], useCases: new Map() }).named,
        ).toBeUndefined();
        expect(given).toMatch(/^(smart-router$|router-mf-)/);
      } catch (error) {
        expect(error).toBeInstanceOf(HttpError);
        expect((error as HttpError).status).toBeLessThan(500);
        if (given.length > 12) expect((error as HttpError).message).not.toContain(given);
      }
    }),
    propertyRuns(500),
  );
});

test('a use case is a plain name, or none', () => {
  fc.assert(
    fc.property(name, (given) => {
      const useCase = readUseCase((header) => (header === 'x-use_case' ? given : null));
      expect(useCase).toBe(isName(given) ? given : undefined);
      if (useCase !== undefined) expect(useCase).toMatch(/^[\x21-\x7e]{1,64}$/);
    }),
    propertyRuns(500),
  );
});
