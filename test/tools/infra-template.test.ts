import { describe, expect, test } from 'vitest';
import { checkSerialDeployments } from '../../tools/infra/check-deployments.ts';
import { checkDescriptions } from '../../tools/infra/check-descriptions.ts';
import { AI, type Json } from '../support/infra-snapshots.ts';

describe('the model deployments', () => {
  const loop = { type: `${AI}/deployments`, copy: { mode: 'serial', batchSize: 1 } };
  const nested = (...resources: Json[]): unknown => ({
    resources: {
      ai: { type: 'Microsoft.Resources/deployments', properties: { template: { resources } } },
    },
  });

  test('are made by one serial loop', () => {
    expect(checkSerialDeployments(nested(loop))).toEqual([]);
  });

  test.each([
    ['two loops', nested(loop, loop)],
    ['no loop', nested({ type: loop.type })],
    ['a parallel loop', nested({ ...loop, copy: { mode: 'parallel' } })],
    ['two at a time', nested({ ...loop, copy: { mode: 'serial', batchSize: 2 } })],
    ['nothing', nested()],
  ])('must not be made by %s', (_what, template) => {
    expect(checkSerialDeployments(template)).toHaveLength(1);
  });
});

describe('parameters and outputs', () => {
  const template = (words: string | undefined): unknown => ({
    parameters: { region: { metadata: { description: 'Required. The region.' } } },
    outputs: {
      url: { metadata: { description: 'The address.' } },
      other: words === undefined ? {} : { metadata: { description: words } },
    },
  });

  test('have a description each', () => {
    expect(checkDescriptions(template('Another address.'))).toEqual([]);
  });

  test.each([
    undefined,
    '',
    ' ',
    'Optional.',
    'See above.',
    'Optional. See above.',
    'The address.',
  ])('must not have the description "%s"', (words) => {
    expect(checkDescriptions(template(words))).toContain(
      'outputs: other must have its own description.',
    );
  });
});
