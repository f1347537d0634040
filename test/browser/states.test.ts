import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillHour } from '../../tools/demo/demo.ts';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';
import { type Browser, launchBrowser } from '../../tools/packages/launch-browser.ts';
import { accessibilityOf, openPage, screenshot } from '../support/browser-page.ts';
import { post, ROUTED, type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const [ADMIN, USER] = ['key-of-an-admin', 'key-of-an-app'];

async function withRouter(
  settings: (azurite: Azurite) => Record<string, string>,
  work: (router: Router, azurite: Azurite) => Promise<void>,
): Promise<void> {
  const azurite = await startAzurite({});
  const router = await startRouter({
    settings: { TABLES_CONNECTION_STRING: azurite.connectionString, ...settings(azurite) },
  });
  try {
    await work(router, azurite);
  } finally {
    await router.close();
    await azurite.close();
  }
}

test('asks who is there, tells a user what is missing, lets an admin in, and keeps nothing', async () => {
  const keys = `admin=${sha256(ADMIN)};role=admin,app=${sha256(USER)}`;
  await withRouter(
    () => ({ ROUTER_API_KEYS: keys }),
    async (router) => {
      await untilIdsAreSigned(router);
      const { page, problems } = await openPage(browser, router.url);
      await page.goto(`${router.url}/dashboard?range=hour`);
      await page.getByRole('heading', { name: 'Sign in to see what the router does' }).waitFor();
      expect(await accessibilityOf(page)).toEqual([]);
      await screenshot(page, 'state-signed-out');
      const signIn = async (key: string) => {
        await page
          .getByRole('button', { name: /^Sign(ed)? in$/ })
          .first()
          .click();
        await page.getByLabel('Key or token').fill(key);
        await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
      };
      await signIn('no-key-of-anybody');
      await page.getByRole('heading', { name: 'Sign in to see what the router does' }).waitFor();
      await signIn(USER);
      await page.getByRole('heading', { name: 'This key may not see decisions' }).waitFor();
      expect(await accessibilityOf(page)).toEqual([]);
      await screenshot(page, 'state-no-permission');
      await page.getByRole('link', { name: 'Try a prompt' }).click();
      await page.getByRole('button', { name: /^What is the capital/ }).click();
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByRole('link', { name: 'See the decision' }).waitFor();
      await signIn(ADMIN);
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('term').getByText('Requests').waitFor();
      const kept = 'localStorage.length + sessionStorage.length + document.cookie.length';
      expect(await page.evaluate(kept)).toBe(0);
      expect(page.url()).not.toContain('key');
      await signIn(USER);
      await page.getByRole('heading', { name: 'This key may not see decisions' }).waitFor();
      expect(await page.locator('.tile').count()).toBe(0);
      await page.reload();
      await page.getByRole('heading', { name: 'Sign in to see what the router does' }).waitFor();
      expect(problems).toEqual([]);
    },
  );
});

test('says that there is nothing yet, and how to change that', async () => {
  await withRouter(
    () => ({}),
    async (router) => {
      const { page } = await openPage(browser, router.url, { size: 'phone', scheme: 'dark' });
      await page.goto(`${router.url}/dashboard`);
      await page.getByRole('heading', { name: 'No requests in this time' }).waitFor();
      await page.getByRole('heading', { name: 'Deployments now' }).waitFor();
      expect(await page.locator('pre').textContent()).toContain(`curl ${router.url}/llm/openai/v1`);
      expect(await accessibilityOf(page)).toEqual([]);
      await screenshot(page, 'state-empty');
      await page.getByRole('link', { name: 'Decisions' }).click();
      await page.getByRole('heading', { name: 'No decisions in this time' }).waitFor();
    },
  );
});

test('says that decisions are not kept, and which setting it is', async () => {
  await withRouter(
    () => ({ DECISION_LOG: 'off' }),
    async (router) => {
      const { page } = await openPage(browser, router.url);
      await page.goto(`${router.url}/dashboard`);
      await page.getByRole('heading', { name: 'Decisions are not kept' }).waitFor();
      expect(await page.getByRole('main').textContent()).toContain('DECISION_LOG=off');
      expect(await accessibilityOf(page)).toEqual([]);
    },
  );
});

test('shows that it loads, then what it knew when the tables are gone', async () => {
  await withRouter(
    () => ({}),
    async (router, azurite) => {
      await untilIdsAreSigned(router);
      await fillHour({ url: router.url, tables: azurite.connectionString, requests: 50 });
      const { page } = await openPage(browser, router.url);
      let letGo: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      await page.route(/llm\/stats/, async (route) => {
        await held;
        await route.continue();
      });
      await page.goto(`${router.url}/dashboard?range=hour`);
      await page.getByRole('status').getByText('Loading').waitFor({ state: 'attached' });
      expect(await accessibilityOf(page)).toEqual([]);
      await screenshot(page, 'state-loading');
      letGo();
      await page.locator('.tile').first().waitFor();
      await azurite.close();
      const banner = page
        .getByRole('alert')
        .filter({ hasText: 'These figures are not up to date' });
      await banner.waitFor({ timeout: 45_000 });
      expect(await page.locator('.tile').count()).toBeGreaterThan(5);
      expect(await accessibilityOf(page)).toEqual([]);
      await screenshot(page, 'state-outdated', false);
      await page.reload();
      const failed = page.getByRole('heading', { name: 'This could not be read' }).first();
      await failed.waitFor({ timeout: 45_000 });
      await screenshot(page, 'state-failed', false);
    },
  );
}, 150_000);

test('waits for figures that take longer than the time until it looks again', async () => {
  await withRouter(
    () => ({}),
    async (router) => {
      await post(router.url + ROUTED, { prompt: 'Hi' });
      const { page } = await openPage(browser, router.url);
      await page.route(/llm\/stats/, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 7_000));
        await route.continue();
      });
      await page.goto(`${router.url}/dashboard?range=hour`);
      await page.locator('.tile').first().waitFor({ timeout: 20_000 });
    },
  );
});

test('tells of a deployment that is left alone', async () => {
  await withRouter(
    () => ({ CIRCUIT_FAILURES: '2' }),
    async (router) => {
      for (let call = 0; call < 4; call += 1) {
        await post(router.url + ROUTED, {
          prompt: '[sim:500:99@strong] Hi',
          routing: { threshold: 0 },
        });
      }
      const { page } = await openPage(browser, router.url);
      await page.goto(`${router.url}/dashboard?range=hour`);
      await page.getByText('■ circuit open').waitFor();
      await page.getByText('Degraded').waitFor();
      expect(await accessibilityOf(page)).toEqual([]);
    },
  );
});
