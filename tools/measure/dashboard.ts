import { fileURLToPath } from 'node:url';
import { buildApp } from '../bundle/build-app.ts';
import { fillHour } from '../demo/demo.ts';
import { startLocalHost } from '../local-host/local-host.ts';
import { startLocalServices } from '../local-services/local-services.ts';
import { findViolations } from '../packages/find-violations.ts';
import { type Browser, launchBrowser, type Page } from '../packages/launch-browser.ts';
import { formatSpread } from './statistics.ts';

type Load = {
  readonly bytes: number;
  readonly requests: number;
  readonly interactiveMs: number;
  readonly violations: number;
  /** Times to draw the histogram: after the router's answers, and after a key that moves the threshold. */
  readonly drawnMs: number;
  readonly redrawnMs: number;
};

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Prints medians over the loads, with the lowest and the highest. */
export async function measureDashboard(rounds: number, decisions: number): Promise<void> {
  await buildApp();
  const services = await startLocalServices({ LOG_LEVEL: 'error' });
  const host = await startLocalHost({ appFolder: root, port: 0, env: services.settings });
  const browser = await launchBrowser();
  try {
    const tables = services.azurite ?? '';
    await fillHour({ url: host.url, tables, requests: decisions, isSummed: true });
    const loads: Load[] = [];
    for (let round = 0; round < rounds; round += 1) loads.push(await load(browser, host.url));
    print(loads, decisions);
  } finally {
    await browser.close();
    await host.close();
    await services.close();
  }
}

/** A script for the page that notes when the figures arrived and when the histogram was drawn. */
const WATCH = `
  const fetchOf = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const response = await fetchOf(...request);
    const json = response.json.bind(response);
    response.json = async () => {
      const body = await json();
      if (String(request[0]).includes('/llm/stats')) globalThis.answeredAt ??= performance.now();
      return body;
    };
    return response;
  };
  const look = () => {
    if (document.querySelector('.threshold') === null) return requestAnimationFrame(look);
    requestAnimationFrame(() => { globalThis.drawnAt = performance.now() });
  };
  look();
`;

async function load(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const sizes: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    if (!request.url().includes('/dashboard')) return;
    const size = request.sizes().then((all) => all.responseBodySize + all.responseHeadersSize);
    sizes.push(size);
  });
  await page.addInitScript(WATCH);
  await page.goto(`${url}/dashboard?range=hour`);
  await page.locator('.threshold').waitFor();
  // The histogram is drawn in a later frame.
  await page.waitForTimeout(200);
  const interactiveMs = Number(await page.evaluate('drawnAt'));
  const drawnMs = Number(await page.evaluate('drawnAt - answeredAt'));
  const redrawnMs = await moveThreshold(page);
  const violations = (await findViolations(page)).length;
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  await context.close();
  return { bytes, requests: sizes.length, interactiveMs, violations, drawnMs, redrawnMs };
}

async function moveThreshold(page: Page): Promise<number> {
  const ms = await page.evaluate(`new Promise((resolve) => {
    const line = document.querySelector('.threshold');
    const from = performance.now();
    line.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - from)));
  })`);
  return Number(ms);
}

function print(loads: readonly Load[], decisions: number): void {
  const spread = (name: keyof Load, digits = 0) =>
    formatSpread(
      loads.map((one) => one[name]),
      digits,
    );
  console.log(`The page itself: ${spread('bytes')} bytes in ${spread('requests')} requests
Until it is drawn and can be used: ${spread('interactiveMs')} ms
Accessibility violations: ${spread('violations')}
${decisions} decisions' histogram, from the router's first answer on: ${spread('drawnMs')} ms
The same redrawn when the threshold moves, two frames included: ${spread('redrawnMs', 1)} ms`);
}
