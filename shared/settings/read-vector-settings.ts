import type { SettingsReader } from '../base/settings-reader.ts';
import { TABLE_NAME } from './read-registry-settings.ts';

/** The storage of vector stores. Without a file and without a service, none are kept. */
export type VectorSettings = {
  /** The table that lists the stores. */
  readonly table: string;
  /** The file of SQLite, or `:memory:`. */
  readonly file?: string;
  readonly aiSearch?: AiSearchSettings;
};

export function readVectorSettings(read: SettingsReader): VectorSettings {
  const file = read.text('VECTOR_STORE_FILE');
  const endpoint = read.url('AI_SEARCH_ENDPOINT');
  const apiKey = read.secret('AI_SEARCH_API_KEY');
  const indexPrefix =
    read.matching('AI_SEARCH_INDEX_PREFIX', /^[a-z0-9](-?[a-z0-9]){1,100}$/) ?? 'smart-router';
  if (file !== undefined && endpoint !== undefined) {
    read.problem(
      'VECTOR_STORE_FILE and AI_SEARCH_ENDPOINT contradict each other: set one of them.',
    );
  }
  if (endpoint?.protocol === 'http:' && !['127.0.0.1', 'localhost'].includes(endpoint.hostname)) {
    read.problem('AI_SEARCH_ENDPOINT must be an https address: a token or a key is sent there.');
  }
  return {
    table: read.matching('VECTOR_STORES_TABLE', TABLE_NAME) ?? 'vectorstores',
    ...(file !== undefined && { file }),
    ...(endpoint && {
      aiSearch: { endpoint: endpoint.href, indexPrefix, ...(apiKey !== undefined && { apiKey }) },
    }),
  };
}

export type AiSearchSettings = {
  readonly endpoint: string;
  /** Absent: the router signs in with Microsoft Entra ID. */
  readonly apiKey?: string;
  /** The beginning of the names of indexes, which end with the dimensions of their vectors. */
  readonly indexPrefix: string;
};
