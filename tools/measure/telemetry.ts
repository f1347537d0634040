import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type LocalHost, startLocalHost } from '../local-host/local-host.ts';
import { simulatorSettings } from '../local-services/local-services.ts';
import { startSimulator } from '../upstream-simulator/simulator.ts';
import { load } from './load.ts';
import { processorMs } from './process-usage.ts';
import { quantile } from './statistics.ts';

const CONNECTIONS = 4;
const WARM_UP = 300;
const CHAT = '/llm/openai/deployments/smart-router/chat/completions';

type Rounds = { readonly rounds: number; readonly requests: number };

/** The cost of a request in one round, in microseconds. */
type Cost = { readonly cpu: number; readonly own: number };

/** Compares apps with different telemetry, in turn in each round, so that all have the same noise. */
export async function measureTelemetry({ rounds, requests }: Rounds): Promise<void> {
  const collector = await startCollector();
  const simulator = await startSimulator();
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const often = { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_BSP_SCHEDULE_DELAY: '1000' };
  const ways: Record<string, Record<string, string>> = {
    'nothing told': { LOG_LEVEL: 'none' },
    'log only': {},
    'log, traces and metrics': { ...endpoint, ...often },
    'the same, 1 of 10 traced': {
      ...endpoint,
      ...often,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    },
  };
  const hosts = new Map<string, LocalHost>();
  try {
    for (const [way, settings] of Object.entries(ways)) {
      const host = await start({ ...simulatorSettings(simulator.url), ...settings });
      hosts.set(way, host);
      await ask(host, WARM_UP);
    }
    const costs = new Map<string, Cost[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const [way, host] of hosts) {
        costs.set(way, [...(costs.get(way) ?? []), await measureOne(host, requests)]);
      }
    }
    report(costs);
    console.log(`${collector.requests()} exports of ${collector.bytes()} bytes were received.`);
  } finally {
    for (const host of hosts.values()) await host.close();
    await simulator.close();
    collector.close();
  }
}

function start(settings: Readonly<Record<string, string | undefined>>): Promise<LocalHost> {
  return startLocalHost({
    appFolder: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env['PATH'], ROUTER_AUTH: 'none', ...settings },
    onOutput: () => undefined,
  });
}

async function measureOne(host: LocalHost, requests: number): Promise<Cost> {
  const before = await processorMs(host.workerPid());
  const own = await ask(host, requests);
  const after = await processorMs(host.workerPid());
  return { cpu: ((after - before) / requests) * 1_000, own: own * 1_000 };
}

/** Returns the median of the router's own time, in ms. */
async function ask({ url }: LocalHost, requests: number): Promise<number> {
  const body = JSON.stringify({ prompt: 'Which city is the capital of France?' });
  const target = { url: url + CHAT, body };
  const samples = await load(target, { connections: CONNECTIONS, requests });
  return quantile(
    samples.map(({ overheadMs }) => overheadMs),
    0.5,
  );
}

function report(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const [first] = costs.values();
  for (const [way, list] of costs) {
    const parts = (['cpu', 'own'] as const).map((what) => {
      const values = list.map((cost) => cost[what]);
      const added = list.map((cost, round) => cost[what] - (first?.[round]?.[what] ?? 0));
      const spread = `${Math.round(quantile(added, 0))} to ${Math.round(quantile(added, 1))}`;
      const more = list === first ? '' : `, ${signed(quantile(added, 0.5))} (${spread})`;
      const name = what === 'cpu' ? 'CPU' : 'own time until the headers, median';
      return `${name} ${Math.round(quantile(values, 0.5))} µs${more}`;
    });
    console.log(`${way}: a request's ${parts.join('; ')}`);
  }
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${Math.round(value)}`;
}

async function startCollector() {
  let [requests, bytes] = [0, 0];
  const server = createServer((request, response) => {
    requests += 1;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    bytes: () => bytes,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
