import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';

/** More accounts than there are test files that take one. */
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

/** Takes an empty account of the shared emulator, where nobody else's tables and containers are. */
export function takeStorageAccount(): Pick<Azurite, 'connectionString'> {
  const account = ACCOUNTS.find(takes);
  if (account === undefined) throw new Error('Every storage account is taken.');
  const connectionString = inject('azurite')
    .replace(/(?<=AccountKey=)[^;]+/, KEY)
    .replaceAll('devstoreaccount1', account);
  return { connectionString };
}

/** Test files run in several processes: a folder can be made once only. */
function takes(account: string): boolean {
  try {
    mkdirSync(join(inject('accountsFolder'), account));
    return true;
  } catch {
    return false;
  }
}
