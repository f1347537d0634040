import type { SettingsReader } from '../base/settings-reader.ts';
import { TABLE_NAME } from './read-registry-settings.ts';

/** Where vector stores are kept; with neither a file nor a service, not at all. */
export type VectorSettings = {
  /** Which stores there are. */
  readonly table: string;
  /** Of SQLite, or `:memory:`. */
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
    read.problem('AI_SEARCH_ENDPOINT must be an https address: a token or a key goes there.');
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
  /** Absent: Microsoft Entra ID. */
  readonly apiKey?: string;
  /** Indexes are named by it and by the dimensions of what is in them. */
  readonly indexPrefix: string;
};
