import { setTimeout } from 'node:timers/promises';
import { TableClient, type TransactionAction } from '@azure/data-tables';
import { readRows } from '../../shared/storage/read-rows.ts';
import { simulatorSettings } from '../local-services/local-services.ts';
import { startServerProcess } from '../local-services/server-process.ts';
import type { Finding } from './read-events.ts';
import type { Services } from './start-app.ts';

const SERVERS = 3;
const ROWS = 900;
const ROWS_AT_ONCE = 100;
/** A day that is longer ago than the retention of one day. */
const DAY = '2026-01-01';
const PATIENCE_MS = 60_000;

/** Settings of a server that purges decisions every two seconds. */
export const PURGES_OFTEN = { PURGE_SCHEDULE: '*/2 * * * * *', DECISION_RETENTION_DAYS: '1' };

/** Writes 900 decisions that are past their retention. Resolves to what returns one that is left. */
export async function writeOldDecisions(
  connectionString: string,
): Promise<() => Promise<readonly unknown[]>> {
  const table = TableClient.fromConnectionString(connectionString, 'decisions', {
    allowInsecureConnection: true,
  });
  await table.createTable();
  for (let first = 0; first < ROWS; first += ROWS_AT_ONCE) {
    const actions = Array.from({ length: ROWS_AT_ONCE }, (_, index): TransactionAction => {
      const rowKey = String(first + index).padStart(4, '0');
      return ['create', { partitionKey: DAY, rowKey }];
    });
    await table.submitTransaction(actions);
  }
  return () => readRows(table, `PartitionKey eq '${DAY}'`, 1);
}

/** Has three servers purge the same table at the same time. */
export async function purgeTogether({ simulator, tables }: Services): Promise<readonly Finding[]> {
  const left = await writeOldDecisions(tables.connectionString);
  const env = {
    ...simulatorSettings(simulator.url),
    ...PURGES_OFTEN,
    ROUTER_AUTH: 'none',
    TABLES_CONNECTION_STRING: tables.connectionString,
    DRAIN_MS: '0',
  };
  const starts = Array.from({ length: SERVERS }, () => startServerProcess({ env }));
  const servers = await Promise.all(starts);
  const deadline = performance.now() + PATIENCE_MS;
  while ((await left()).length > 0 && performance.now() < deadline) await setTimeout(100);
  const isLeft = (await left()).length > 0;
  const codes = await Promise.all(servers.map((server) => server.stop()));
  const hasFailed = servers.some(({ output }) => output().includes('"job":"purge of'));
  return [
    ...(isLeft ? [notDue('decisions were not purged')] : []),
    ...(codes.some((code) => code !== 0) ? [notDue('a purge ended its server')] : []),
    ...(hasFailed ? [notDue('a purge failed')] : []),
  ];
}

function notDue(what: string): Finding {
  return { kind: 'not due', what };
}
