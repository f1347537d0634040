import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findOwnFolder } from '../../functions/compile-cache.ts';
import { startServer } from '../support/server.ts';

const user = process.getuid?.() ?? 0;
const SOMEBODY = 54_321;

/** A temporary folder as all users of a machine share it. */
function sharedFolder(): { readonly shared: string; readonly own: string } {
  const shared = mkdtempSync(join(tmpdir(), 'smart-router-shared-'));
  chmodSync(shared, 0o1777);
  return { shared, own: join(shared, `smart-router-${user}`) };
}

describe.skipIf(process.platform === 'win32')('compiled code', () => {
  test('is kept in a folder of the user alone, which later starts find', () => {
    const { shared, own } = sharedFolder();
    expect(findOwnFolder(shared)).toBe(own);
    expect(lstatSync(own).mode & 0o777).toBe(0o700);
    expect(findOwnFolder(shared)).toBe(own);
  });

  test.each([
    ['that others may write', (own: string) => mkdirAs(own, 0o777)],
    ['that others may read', (own: string) => mkdirAs(own, 0o755)],
    ['that is a link to another', (own: string) => linkTo(own)],
    ['that is a link to nothing', (own: string) => symlinkSync('/nowhere', own)],
    ['that is a file', (own: string) => writeFileSync(own, '')],
  ])('is not kept in a folder %s', (_, prepare) => {
    const { shared, own } = sharedFolder();
    prepare(own);
    expect(findOwnFolder(shared)).toBeUndefined();
  });

  test('is not kept where others can put their folder in its place', () => {
    const { shared } = sharedFolder();
    chmodSync(shared, 0o777);
    expect(findOwnFolder(shared)).toBeUndefined();
  });

  test.skipIf(user !== 0)('is not kept in a folder of somebody else', () => {
    const { shared, own } = sharedFolder();
    mkdirAs(own, 0o700);
    chownSync(own, SOMEBODY, SOMEBODY);
    expect(findOwnFolder(shared)).toBeUndefined();
    const theirs = sharedFolder().shared;
    chownSync(theirs, SOMEBODY, SOMEBODY);
    expect(findOwnFolder(theirs)).toBeUndefined();
  });

  test('is read by the server from its own folder, and from no other', async () => {
    const [first, second] = [sharedFolder(), sharedFolder()];
    const target = linkTo(second.own);
    for (const { shared } of [first, second]) {
      const server = await startServer({ TMPDIR: shared, NODE_COMPILE_CACHE: '' });
      expect(await server.stop()).toBe(0);
      expect(existsSync(join(shared, 'node-compile-cache'))).toBe(false);
    }
    expect(readdirSync(first.own)).not.toEqual([]);
    expect(readdirSync(target)).toEqual([]);
  });
});

function mkdirAs(path: string, mode: number): void {
  mkdirSync(path);
  chmodSync(path, mode);
}

function linkTo(path: string): string {
  const target = mkdtempSync(join(tmpdir(), 'smart-router-theirs-'));
  symlinkSync(target, path);
  return target;
}
