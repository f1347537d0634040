import { createConfig, lintFromString } from '@redocly/openapi-core';

/** Checks a document against the structure of OpenAPI 3.1 and the linter's strict rules, without a network. */
export async function lintOpenApi(source: string): Promise<readonly string[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      'operation-description': 'error',
      'operation-singular-tag': 'error',
      'operation-tag-defined': 'error',
      'parameter-description': 'error',
      'spec-strict-refs': 'error',
    },
  });
  const problems = await lintFromString({ source, config });
  return problems.map(({ ruleId, message, location: [place] }) => {
    const pointer = place !== undefined && 'pointer' in place ? String(place.pointer) : '';
    return `${ruleId}: ${message} (${pointer}; see shared/openapi)`.replace(/\s*\n\s*/g, ' ');
  });
}
