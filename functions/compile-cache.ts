import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What users other than the owner may do with a folder. */
const OTHERS = { access: 0o077, write: 0o022, rename: 0o1000 };

/**
 * Keeps compiled code for the next start on this machine, in a folder that only the user of this process
 * can write, since whoever writes it runs code as the router. Keeps none where there is no such folder.
 * Node itself reads the setting NODE_COMPILE_CACHE before, and then this changes nothing.
 */
export function keepCompiledCode(): void {
  const folder = findOwnFolder(tmpdir());
  if (folder !== undefined) enableCompileCache(folder);
}

/**
 * Creates the folder, or finds the one of an earlier start; undefined if anybody else made it, may use it or
 * may put another one in its place.
 */
export function findOwnFolder(parent: string): string | undefined {
  const user = process.getuid?.();
  // Windows gives each user a temporary folder of its own.
  if (user === undefined) return join(parent, 'smart-router');
  const folder = join(parent, `smart-router-${user}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const isOwn = keepsOthersOut(lstatSync(folder), user) && keepsNames(statSync(parent), user);
    return isOwn ? folder : undefined;
  } catch {
    return undefined;
  }
}

function keepsOthersOut(found: Stats, user: number): boolean {
  return found.isDirectory() && found.uid === user && (found.mode & OTHERS.access) === 0;
}

/** Whether nobody but the user and root can rename what the user has in a folder. */
function keepsNames({ mode, uid }: Stats, user: number): boolean {
  const isShared = (mode & OTHERS.write) !== 0 && (mode & OTHERS.rename) === 0;
  return !isShared && (uid === user || uid === 0);
}
