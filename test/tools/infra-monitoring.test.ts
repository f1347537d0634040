import type { Attributes, Meter } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { createMeters } from '../../shared/telemetry/meters.ts';
import { ofType, type Snapshot, valueAt } from '../../tools/infra/snapshot.ts';
import { read } from '../support/infra-snapshots.ts';

/** Returns the names of all metrics, and the attributes that each has when everything is known. */
function findMetrics(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const create = (name: string) => {
    const attributes = new Set<string>();
    found.set(name, attributes);
    const note = (_: number, given: Attributes = {}) => {
      for (const key of Object.keys(given)) attributes.add(key);
    };
    return { add: note, record: note };
  };
  const meter = { createHistogram: create, createCounter: create, createUpDownCounter: create };
  const meters = createMeters(meter as unknown as Meter);
  const target = { 'gen_ai.request.model': 'm', 'gen_ai.operation.name': 'chat' };
  meters.request({ 'http.response.status_code': 200 }, 1);
  meters.call(target, { error: 'x', usage: { prompt: 1, completion: 1 } }, 1);
  meters.firstChunk(target, 1);
  const interval = [0, 1] as const;
  const facts = { requestId: '', at: 0, deployment: 'd', selectedModel: 'm', attempts: '' };
  meters.decided(
    {
      ...facts,
      tier: 'weak',
      reason: 'fallback',
      stream: false,
      status: 200,
      overheadMs: 1,
      totalMs: 1,
      useCase: 'u',
      winRate: 0.5,
      threshold: 0.5,
      embeddingCache: 'hit',
      cost: 1,
      costStrong: 2,
      costWeak: 1,
    },
    { embedding: interval, scoring: interval },
  );
  return found;
}

/** Attributes of the router's spans, which have more than its metrics. */
const SPAN_ATTRIBUTES = ['smart_router.win_rate', 'gen_ai.operation.name', 'gen_ai.request.model'];

function queriesOf(snapshot: Snapshot): string[] {
  const [workbook] = ofType(snapshot, 'Microsoft.Insights/workbooks');
  const { items } = JSON.parse(String(valueAt(workbook, 'properties.serializedData')));
  const shown = items.flatMap(
    ({ content }: { content: { query?: string } }) => content.query ?? [],
  );
  const rules = ofType(snapshot, 'Microsoft.Insights/scheduledQueryRules');
  const watched = rules.flatMap((rule) =>
    (valueAt(rule, 'properties.criteria.allOf') as { query: string }[]).map(({ query }) => query),
  );
  return [...shown, ...watched];
}

describe('the workbook and the alert rules', () => {
  test('ask for metrics that the router has, by attributes that those have', async () => {
    const metrics = findMetrics();
    const queries = queriesOf(await read('production'));
    expect(queries).toHaveLength(20);
    const known = new Set([
      ...[...metrics.values()].flatMap((one) => [...one]),
      ...SPAN_ATTRIBUTES,
    ]);
    for (const query of queries) {
      const named = query.match(/'(?:smart_router|gen_ai|http)\.[\w.]+'/g) ?? [];
      for (const quoted of named) {
        const name = quoted.slice(1, -1);
        expect([name, metrics.has(name) || known.has(name)]).toEqual([name, true]);
      }
      for (const [, metric = ''] of query.matchAll(/name == '([\w.]+)'/g)) {
        expect([metric, metrics.has(metric)]).toEqual([metric, true]);
      }
    }
    const shown = queries.join('\n');
    const unseen = [...metrics.keys()].filter((name) => !shown.includes(`'${name}'`));
    expect(unseen).toEqual([]);
  });

  test('mail those who are named, and only those', async () => {
    const production = await read('production');
    const [group] = ofType(production, 'Microsoft.Insights/actionGroups');
    expect(valueAt(group, 'properties.emailReceivers')).toMatchObject([
      { emailAddress: 'platform@example.com' },
    ]);
    const rules = ofType(production, 'Microsoft.Insights/scheduledQueryRules');
    expect(rules).toHaveLength(6);
    for (const rule of rules) {
      expect(valueAt(rule, 'properties.actions.actionGroups')).toEqual([
        expect.stringContaining('actionGroups'),
      ]);
    }
    expect(ofType(await read('minimal'), 'Microsoft.Insights/scheduledQueryRules')).toEqual([]);
  });
});
