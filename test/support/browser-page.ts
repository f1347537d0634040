import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findViolations } from '../../tools/packages/find-violations.ts';
import type { Browser, Page } from '../../tools/packages/launch-browser.ts';

export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 900 },
} as const;
export type Size = keyof typeof SIZES;
export type Scheme = 'light' | 'dark';

export type Watched = {
  readonly page: Page;
  /** Errors in the browser, and requests to hosts other than the router. */
  readonly problems: string[];
};

/** Opens a page in its own profile, and collects its errors. */
export async function openPage(
  browser: Browser,
  origin: string,
  { size = 'desktop', scheme = 'light' }: { readonly size?: Size; readonly scheme?: Scheme } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    isMobile: size === 'phone',
    hasTouch: size === 'phone',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Some tests expect refused requests.
    const isRefused = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefused) problems.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) problems.push(`asked ${request.url()}`);
  });
  return { page, problems };
}

/** Returns the violations that axe-core finds on the page: the rule and the place. */
export async function accessibilityOf(page: Page): Promise<readonly string[]> {
  return (await findViolations(page)).map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}

/** Returns how much wider than the window the page is, in pixels. A phone's `innerWidth` grows with the page. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
}

const folder = fileURLToPath(new URL('../../dist/screenshots/', import.meta.url));

/** Saves a screenshot in dist/screenshots for a person to look at. */
export async function screenshot(page: Page, name: string, fullPage = true): Promise<void> {
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, fullPage, animations: 'disabled' });
}
