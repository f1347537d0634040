import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';

/** The number of accounts, more than the test files that use one. */
const ACCOUNTS = Array.from({ length: 500 }, (_, index) => `account${index}`);

const KEY = Buffer.from('the key of every account').toString('base64');

/** Starts the emulator that all test files share, with an account for each of them. */
export async function startSharedAzurite(): Promise<Azurite> {
  process.env['AZURITE_ACCOUNTS'] = ACCOUNTS.map((account) => `${account}:${KEY}`).join(';');
  try {
    return await startAzurite();
  } finally {
    delete process.env['AZURITE_ACCOUNTS'];
  }
}

/** Takes an empty account of the shared emulator, without tables and containers of other test files. */
export function takeStorageAccount(): Pick<Azurite, 'connectionString'> {
  const account = ACCOUNTS.find(takes);
  if (account === undefined) throw new Error('Every storage account is taken.');
  const connectionString = inject('azurite')
    .replace(/(?<=AccountKey=)[^;]+/, KEY)
    .replaceAll('devstoreaccount1', account);
  return { connectionString };
}

/** Claims an account by creating a folder, which only one of several test processes can do. */
function takes(account: string): boolean {
  try {
    mkdirSync(join(inject('accountsFolder'), account));
    return true;
  } catch {
    return false;
  }
}
