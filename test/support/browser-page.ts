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
  /** What the browser complained of, and what was asked of others than the router. */
  readonly problems: string[];
};

/** A page in a profile of its own, whose complaints are kept. */
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
    // That a request was refused is what some tests are about.
    const isRefused = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefused) problems.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) problems.push(`asked ${request.url()}`);
  });
  return { page, problems };
}

/** What axe-core finds wrong with the page: the rule, and where. */
export async function accessibilityOf(page: Page): Promise<readonly string[]> {
  return (await findViolations(page)).map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}

/** How much wider than the window the page is, in pixels. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}

const folder = fileURLToPath(new URL('../../dist/screenshots/', import.meta.url));

/** To be looked at, in dist/screenshots. */
export async function screenshot(page: Page, name: string, fullPage = true): Promise<void> {
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, fullPage, animations: 'disabled' });
}
