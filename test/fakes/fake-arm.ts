import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FAKE_TOKEN } from './fake-azd.ts';

export const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';

export type FakeArm = {
  readonly url: string;
  /** Methods and paths, in order of arrival. */
  readonly requests: readonly string[];
  close(): Promise<void>;
};

type Model = {
  readonly name: string;
  readonly version: string;
  readonly lifecycleStatus?: string;
  readonly skus?: readonly Record<string, unknown>[];
};

export type ArmState = {
  readonly models?: readonly Model[];
  /** Maps a quota's name to [used, limit]. */
  readonly usages?: Readonly<Record<string, readonly [number, number]>>;
  readonly unregistered?: readonly string[];
  /** Maps a model to [capacity, SKU], in the only account of the resource group `rg`. */
  readonly own?: Readonly<Record<string, readonly [number, string]>>;
  /** Maps a region to its free capacity. */
  readonly regions?: Readonly<Record<string, number>>;
  /** Statuses of the first answers, before it recovers. */
  readonly failFirst?: readonly number[];
  readonly gatewayKey?: string;
};

const PROVIDERS =
  'Web CognitiveServices Storage ManagedIdentity OperationalInsights Insights ApiManagement Network App KeyVault';

export function model(name: string, version: string, more: Partial<Model> = {}): Model {
  const skus = [{ name: 'GlobalStandard', usageName: `OpenAI.GlobalStandard.${name}` }];
  return { name, version, lifecycleStatus: 'GenerallyAvailable', skus, ...more };
}

/** The default models, with more quota than the defaults ask for. */
export const WELL: ArmState = {
  models: [
    model('gpt-5.6-sol', '2026-07-09'),
    model('gpt-5.6-luna', '2026-07-09'),
    model('text-embedding-3-small', '1'),
  ],
  usages: {
    'OpenAI.GlobalStandard.gpt-5.6-sol': [20, 100],
    'OpenAI.GlobalStandard.gpt-5.6-luna': [0, 1_000],
    'OpenAI.GlobalStandard.text-embedding-3-small': [0, 350],
  },
};

/** A fake of the parts of Azure Resource Manager that are called, in the shapes of its published descriptions. */
export async function startFakeArm(state: ArmState): Promise<FakeArm> {
  const requests: string[] = [];
  const failures = [...(state.failFirst ?? [])];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const failure = failures.shift();
    if (failure !== undefined) answer(response, failure, { error: { code: 'Busy', message: '' } });
    else answer(response, ...respond(state, request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function respond(
  state: ArmState,
  { url = '', method, headers }: IncomingMessage,
): [number, unknown] {
  if (headers.authorization !== `Bearer ${FAKE_TOKEN}`) {
    return [401, { error: { code: 'InvalidAuthenticationToken', message: 'No token.' } }];
  }
  const { pathname, searchParams } = new URL(url, 'http://arm');
  const path = pathname.replace(`/subscriptions/${SUBSCRIPTION}`, '');
  if (!searchParams.has('api-version')) {
    return [400, { error: { code: 'MissingApiVersionParameter', message: '' } }];
  }
  if (method === 'POST' && path.endsWith('/subscriptions/smoke-test/listSecrets')) {
    return [200, { primaryKey: state.gatewayKey, secondaryKey: 'other' }];
  }
  const items = findItems(state, path);
  if (items === undefined) {
    return [404, { error: { code: 'SubscriptionNotFound', message: 'Not here.' } }];
  }
  // Lists come in pages of two, as long lists do in Azure.
  const skip = Number(searchParams.get('$skip') ?? 0);
  const next = `http://${headers.host}${pathname}?api-version=1&$skip=${skip + 2}`;
  const value = items.slice(skip, skip + 2);
  return [200, { value, ...(skip + 2 < items.length && { nextLink: next }) }];
}

function findItems(state: ArmState, path: string): readonly unknown[] | undefined {
  const accounts = '/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts';
  const region = '/providers/Microsoft.CognitiveServices/locations/swedencentral';
  switch (path) {
    case '/providers':
      return PROVIDERS.split(' ').map((name) => ({
        namespace: `Microsoft.${name}`,
        registrationState: state.unregistered?.includes(name) ? 'NotRegistered' : 'Registered',
      }));
    case `${region}/models`:
      return (state.models ?? []).map((one) => ({
        kind: 'AIServices',
        skuName: 'S0',
        model: { format: 'OpenAI', ...one },
      }));
    case `${region}/usages`:
      return Object.entries(state.usages ?? {}).map(([value, [currentValue, limit]]) => ({
        name: { value, localizedValue: value },
        currentValue,
        limit,
        unit: 'Count',
      }));
    case accounts:
      return [{ name: 'ai' }];
    case `${accounts}/ai/deployments`:
      return Object.entries(state.own ?? {}).map(([name, [capacity, sku]]) => ({
        name,
        sku: { name: sku, capacity },
        properties: { model: { format: 'OpenAI', name, version: '1' } },
      }));
    case '/providers/Microsoft.CognitiveServices/modelCapacities':
      return Object.entries(state.regions ?? {}).map(([location, availableCapacity]) => ({
        location,
        properties: { skuName: 'GlobalStandard', availableCapacity },
      }));
    default:
      return undefined;
  }
}
