import type { SettingsReader } from '../base/settings-reader.ts';
import type { TablesConfig } from './tables.ts';

/** Reads where the tables are; undefined if no tables are used. */
export function readTables(read: SettingsReader): TablesConfig | undefined {
  const endpoint = read.url('TABLES_ENDPOINT')?.href;
  const connectionString = read.text('TABLES_CONNECTION_STRING');
  if (endpoint !== undefined && connectionString !== undefined) {
    read.problem(
      'TABLES_ENDPOINT and TABLES_CONNECTION_STRING contradict each other: set one of them.',
    );
  }
  if (endpoint?.startsWith('http:')) {
    read.problem(
      'TABLES_ENDPOINT must be an https address: the app sends a token there. Use TABLES_CONNECTION_STRING for an emulator.',
    );
  }
  if (endpoint !== undefined) return { endpoint };
  return connectionString === undefined ? undefined : { connectionString };
}
