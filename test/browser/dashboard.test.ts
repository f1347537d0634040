import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillHour } from '../../tools/demo/demo.ts';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';
import { type Browser, launchBrowser, type Page } from '../../tools/packages/launch-browser.ts';
import { openPage } from '../support/browser-page.ts';
import { post, ROUTED, type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

/** The range whose counts are compared: of an hour, the oldest requests would leave meanwhile. */
const DAY_MS = 24 * 3_600_000;
/** How often the page looks again when it shows a day. */
const REFRESH_MS = 15_000;

let azurite: Azurite;
let router: Router;
let browser: Browser;
let page: Page;
let problems: string[];
beforeAll(async () => {
  azurite = await startAzurite({});
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.2/1.2',
      CIRCUIT_FAILURES: '1000',
    },
  });
  await untilIdsAreSigned(router);
  await fillHour({ url: router.url, tables: azurite.connectionString, requests: 600 });
  browser = await launchBrowser();
  ({ page, problems } = await openPage(browser, router.url));
});
afterAll(async () => {
  expect(problems).toEqual([]);
  await browser.close();
  await router.close();
  await azurite.close();
});

const open = (search: string) => page.goto(`${router.url}/dashboard${search}`);
const tile = (name: string, where = page) =>
  where
    .locator('.tile')
    .filter({ has: where.getByText(name, { exact: true }) })
    .locator('.value');
// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
const stats = async (query = ''): Promise<any> => {
  const from = new Date(Date.now() - DAY_MS).toISOString();
  const response = await fetch(`${router.url}/llm/stats?from=${from}&${query}`);
  return response.json();
};

describe('the overview', () => {
  test('shows what /llm/stats tells', async () => {
    await open('?range=day');
    await tile('Requests').waitFor();
    const { total } = await stats();
    expect(total.requests).toBeGreaterThan(500);
    expect(await tile('Requests').textContent()).toBe(String(total.requests));
    expect(await tile('Saved').textContent()).toBe(`$${total.savings.toFixed(2)}`);
    expect(await tile('Strong share').textContent()).toBe(
      `${Number((total.strong_share * 100).toFixed(1))}%`,
    );
    expect(await tile('Errors').textContent()).toBe(String(total.errors));
    const whole = page.getByRole('row', { name: /^Whole/ });
    expect(await whole.textContent()).toContain(
      `${Number((total.total_ms.p50 / 1_000).toPrecision(3))} s`,
    );
    const quality = page.getByText(/judged answers were bad/);
    expect(await quality.textContent()).toContain(
      `${total.quality.bad} of ${total.quality.outcomes}`,
    );
  });

  test('reads a chart out by the arrow keys, and has its figures as a table', async () => {
    await open('?range=hour');
    const chart = page.getByRole('slider', { name: /^What it cost/ });
    await chart.focus();
    await page.keyboard.press('End');
    const last = await chart.getAttribute('aria-valuetext');
    await page.keyboard.press('ArrowLeft');
    const before = await chart.getAttribute('aria-valuetext');
    expect(before).toMatch(/Always strong \$\d.*Routed \$\d.*Always weak \$\d/);
    expect(before).not.toBe(last);
    await page.getByText('Table of What it cost').click();
    const table = page.getByRole('region', { name: 'What it cost, as a table' });
    await expect.poll(() => table.getByRole('row').count()).toBeGreaterThan(12);
  });

  test('tells what another threshold would have done, dragged or by keys', async () => {
    await open('?range=day');
    const line = page.getByRole('slider', { name: 'Threshold', exact: true });
    await line.waitFor();
    const atLine = async () => {
      const cells = page.locator('.what-if').getByRole('row', { name: /^Requests to it/ });
      return (await cells.getByRole('cell').allTextContents()).map((text) => Number(text));
    };
    const { total } = await stats();
    const strongAt = (threshold: number) =>
      total.compared
        .filter((bin: { win_rate: number }) => bin.win_rate > threshold - 0.005)
        .reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0);
    await line.scrollIntoViewIfNeeded();
    const box = await line.boundingBox();
    if (box === null) throw new Error('The line is not to be seen.');
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 120, box.y + 60, { steps: 5 });
    await page.mouse.up();
    const dragged = Number(await line.getAttribute('aria-valuenow'));
    expect(dragged).toBeGreaterThan(0.58);
    expect((await atLine())[1]).toBe(strongAt(dragged));
    await line.focus();
    await page.keyboard.press('ArrowLeft');
    const moved = Number(await line.getAttribute('aria-valuenow'));
    expect(moved).toBeCloseTo(dragged - 0.01, 10);
    expect((await atLine())[1]).toBe(strongAt(moved));
    await page.keyboard.press('Home');
    const [asRouted, all] = await atLine();
    expect(all).toBeGreaterThan(asRouted ?? 0);
    await page.getByRole('button', { name: /^Back to/ }).click();
    expect(await line.getAttribute('aria-valuetext')).toMatch(/^0\.5685/);
  });

  test.each([0, 1])('has its line in sight at a threshold of %d', async (threshold) => {
    const useCase = `at-${threshold}`;
    await post(
      router.url + ROUTED,
      { prompt: 'Hi', routing: { threshold } },
      { 'x-use-case': useCase },
    );
    await expect
      .poll(async () => (await stats(`use_case=${useCase}`)).total.requests, { timeout: 10_000 })
      .toBe(1);
    await open(`?range=hour&use_case=${useCase}`);
    const line = page.getByRole('slider', { name: 'Threshold', exact: true });
    await line.waitFor();
    expect(Number(await line.getAttribute('aria-valuenow'))).toBe(threshold);
    const [box, frame] = [
      await line.boundingBox(),
      await page.locator('.plot', { has: line }).boundingBox(),
    ];
    if (box === null || frame === null) throw new Error('The line is not to be seen.');
    expect(box.x).toBeGreaterThanOrEqual(frame.x);
    expect(box.x + box.width / 2).toBeLessThanOrEqual(frame.x + frame.width);
  });

  test('shows the time that is chosen of the latencies', async () => {
    await open('?range=hour');
    const chart = page.getByRole('slider', { name: /^Latency/ });
    expect(await chart.getAttribute('aria-label')).toContain('Own time');
    await page.getByRole('combobox', { name: 'Measure' }).selectOption({ label: 'First token' });
    expect(await chart.getAttribute('aria-label')).toContain('First token time');
  });

  test('is of a time, a use case and a deployment, which the address holds', async () => {
    await open('?range=day');
    await page.getByRole('combobox', { name: 'Use case' }).selectOption({ label: 'support' });
    const { total: support } = await stats('use_case=support');
    await expect.poll(() => tile('Requests').textContent()).toBe(String(support.requests));
    await page.getByRole('link', { name: 'Only weak' }).click();
    const { total: both } = await stats('use_case=support&deployment=weak');
    await expect.poll(() => tile('Requests').textContent()).toBe(String(both.requests));
    expect(page.url()).toMatch(/range=day&use_case=support&deployment=weak$/);
    await page.reload();
    await expect.poll(() => tile('Requests').textContent()).toBe(String(both.requests));
    await page.goBack();
    await expect.poll(() => tile('Requests').textContent()).toBe(String(support.requests));
    await page.getByRole('link', { name: 'The last week' }).click();
    expect(page.url()).toContain('range=week');
    expect(
      await page.getByRole('link', { name: 'The last week' }).getAttribute('aria-current'),
    ).toBe('page');
  });

  test('looks again by itself without a flicker, and not while it is paused', async () => {
    const { page: own } = await openPage(browser, router.url);
    await own.clock.install();
    await own.goto(`${router.url}/dashboard?range=day`);
    const requests = tile('Requests', own);
    await requests.waitFor();
    await own.evaluate(`
      globalThis.flickers = 0;
      globalThis.tile = document.querySelector('.tile');
      new MutationObserver(() => {
        if (document.querySelector('.loading, .stale') || !globalThis.tile.isConnected) flickers += 1;
      }).observe(document.body, { childList: true, subtree: true, attributes: true });
    `);
    const shownLater = async () => {
      await own.clock.runFor(REFRESH_MS);
      return Number(await requests.textContent());
    };
    const before = Number(await requests.textContent());
    await post(router.url + ROUTED, { prompt: 'Hi' });
    await expect.poll(shownLater, { timeout: 15_000 }).toBe(before + 1);
    expect(await own.evaluate('flickers')).toBe(0);
    await own.getByRole('button', { name: 'Pause updates' }).click();
    await post(router.url + ROUTED, { prompt: 'Hi' });
    const counted = async () => (await stats()).total.requests;
    await expect.poll(counted, { timeout: 15_000 }).toBe(before + 2);
    const asked: string[] = [];
    own.on('request', (request) => asked.push(request.url()));
    await own.clock.runFor(10 * REFRESH_MS);
    expect(Number(await requests.textContent())).toBe(before + 1);
    expect(asked).toEqual([]);
    await own.getByRole('button', { name: 'Resume updates' }).click();
    await expect.poll(shownLater, { timeout: 15_000 }).toBe(before + 2);
    await own.context().close();
  });

  test('shows how each deployment is', async () => {
    await open('?range=hour');
    const rows = page.getByRole('region', { name: 'Deployments now' }).getByRole('row');
    await expect
      .poll(() => rows.allTextContents())
      .toEqual([
        expect.anything(),
        expect.stringMatching(/^strong● ok.*▲ stand-in.*4 \/ 20/),
        expect.stringMatching(/^weak● ok.*▲ stand-in.*0\.2 \/ 1\.2/),
      ]);
  });
});

describe('the decisions', () => {
  test('open with all that was looked at, and take a word on the answer', async () => {
    const { headers } = await post(
      router.url + ROUTED,
      { prompt: '[sim:503:9@weak] Hi', routing: { threshold: 1 } },
      { 'x-use-case': 'opened' },
    );
    const id = headers.get('x-smart-router-request-id') ?? '';
    await expect
      .poll(async () => (await fetch(`${router.url}/llm/decisions/${id}`)).status, {
        timeout: 10_000,
      })
      .toBe(200);
    await open('?view=decisions&range=hour&use_case=opened');
    await page.getByRole('link', { name: /open this decision/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('weak: 503').first().waitFor();
    const text = await dialog.textContent();
    expect(text).toMatch(/strong: 200/);
    expect(text).toMatch(/another deployment failed/);
    expect(text).toMatch(/it was called and failed/);
    expect(text).toMatch(
      /Prompt tokens\d+Completion tokens\d+Cost\$0\.\d+With the strongest model\$/,
    );
    await dialog.getByLabel('Comment (optional)').fill('Too long.');
    await dialog.getByRole('button', { name: 'Bad' }).click();
    await dialog.getByText('bad, said by user: Too long.').waitFor();
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
    const decision: any = await (await fetch(`${router.url}/llm/decisions/${id}`)).json();
    expect(decision.outcomes).toMatchObject([{ verdict: 'bad', comment: 'Too long.' }]);
    expect(page.url()).toContain(`decision=${id}`);
    await page.reload();
    await page.getByRole('dialog').getByText('bad, said by user: Too long.').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.url()).not.toContain('decision=');
  });

  test('go on with older ones', async () => {
    await open('?view=decisions&range=hour');
    const rows = page.getByRole('link', { name: /open this decision/ });
    await expect.poll(() => rows.count()).toBe(25);
    await page.getByRole('button', { name: 'Older' }).click();
    await expect.poll(() => rows.count()).toBe(50);
  });
});

describe('the box to try a prompt in', () => {
  test('tells for several thresholds who would answer, and asks nobody', async () => {
    await open('?view=try');
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Hi, how are you?');
    await page.getByRole('button', { name: 'Dry run' }).click();
    const row = (name: string) =>
      page.getByRole('row').filter({ has: page.getByLabel(name, { exact: true }) });
    await row('Threshold 0.2').waitFor();
    expect(await row('Threshold 0.2').textContent()).toMatch(/gpt-5.6-sol.*reaches the threshold/);
    expect(await row('Threshold 0.8').textContent()).toMatch(/gpt-5.6-luna.*stays below/);
    expect(await row('Mode cost').textContent()).toMatch(/gpt-5.6/);
    expect(JSON.stringify(router.simulator.requests)).not.toContain('Hi, how are you?');
  });

  test('then asks for real, shows the answer as it comes, and can be stopped', async () => {
    await open('?view=try');
    await page
      .getByRole('textbox', { name: 'Prompt' })
      .fill('[sim:chunks:40:100] Tell me something long.');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByLabel('Threshold 0.8').check();
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const text = page.locator('.text');
    await expect.poll(async () => (await text.textContent())?.length ?? 0).toBeGreaterThan(5);
    const early = await text.textContent();
    await expect
      .poll(async () => (await text.textContent())?.length)
      .toBeGreaterThan(early?.length ?? 0);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Hi');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByRole('button', { name: 'Good', exact: true }).click();
    await page.getByText('Saved: good.').waitFor();
    await page.waitForTimeout(3_000);
    await page.getByRole('link', { name: 'See the decision' }).click();
    await page.getByRole('dialog').getByText('good, said by user').waitFor();
  });

  test('shows why there is no answer', async () => {
    await open('?view=try');
    await page
      .getByRole('textbox', { name: 'Prompt' })
      .fill('[sim:503:9@weak][sim:503:9@strong] Hi');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    expect(await page.getByRole('alert').textContent()).toMatch(/503/);
  });
});

describe('the page', () => {
  test('runs nothing but its own files', async () => {
    await open('?range=hour');
    await page.evaluate(`
      try { setTimeout('globalThis.ran = true'); } catch {}
      const script = document.createElement('script');
      try { script.text = 'globalThis.ran = true'; } catch {}
      document.body.append(script);
    `);
    await page.waitForTimeout(200);
    expect(await page.evaluate('globalThis.ran')).toBeUndefined();
    expect(problems).not.toEqual([]);
    // The browser complains about these requests.
    problems.length = 0;
  });

  test('is small: under 200 KB, in few requests', async () => {
    const { page: fresh } = await openPage(browser, router.url);
    const sizes: number[] = [];
    fresh.on('response', async (response) => {
      if (response.url().includes('/dashboard'))
        sizes.push(Number(response.headers()['content-length']));
    });
    await fresh.goto(`${router.url}/dashboard?range=hour`);
    await fresh.locator('.tile').first().waitFor();
    expect(sizes.length).toBeLessThanOrEqual(5);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
    await fresh.context().close();
  });
});
