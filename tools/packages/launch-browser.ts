import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { InputError } from '../command-line/input-error.ts';

export type { Browser, Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts this machine's own Chromium: CHROMIUM names it, else the search path has it. */
export async function launchBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: findBrowser(),
    // Its sandbox is not for the superuser; the pages are our own.
    args: isRoot ? ['--no-sandbox'] : [],
  });
}

function findBrowser(): string {
  const { CHROMIUM: named, PATH: path = '' } = process.env;
  if (named !== undefined && named !== '') return named;
  const places = path.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = places.find(isThere);
  if (found !== undefined) return found;
  throw new InputError(
    `There is no browser: install Chromium (Debian: apt-get install chromium), or name one in CHROMIUM. Looked for: ${NAMES.join(', ')}.`,
  );
}

function isThere(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}
