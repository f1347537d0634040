import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { InputError } from '../command-line/input-error.ts';

export type { Browser, Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts the Chromium that CHROMIUM names, else the one on the search path. */
export async function launchBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: findBrowser(),
    // Chromium's sandbox does not work for the superuser; the pages are the project's own.
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
    `No browser was found: install Chromium (Debian: apt-get install chromium), or name one in CHROMIUM. Names searched on the PATH: ${NAMES.join(', ')}.`,
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
