import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillHour } from '../../tools/demo/demo.ts';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';
import { type Browser, launchBrowser } from '../../tools/packages/launch-browser.ts';
import {
  accessibilityOf,
  openPage,
  overflowOf,
  type Scheme,
  type Size,
  screenshot,
} from '../support/browser-page.ts';
import { type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

let azurite: Azurite;
let router: Router;
let browser: Browser;
beforeAll(async () => {
  azurite = await startAzurite({});
  router = await startRouter({ settings: { TABLES_CONNECTION_STRING: azurite.connectionString } });
  await untilIdsAreSigned(router);
  await fillHour({ url: router.url, tables: azurite.connectionString });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await router.close();
  await azurite.close();
});

const LOOKS: readonly (readonly [Size, Scheme])[] = [
  ['desktop', 'light'],
  ['desktop', 'dark'],
  ['phone', 'light'],
  ['phone', 'dark'],
];

describe.each(LOOKS)('on a %s, %s', (size, scheme) => {
  async function look(
    view: string,
    name: string,
    prepare?: (page: Awaited<ReturnType<typeof openPage>>['page']) => Promise<void>,
  ) {
    const { page, problems } = await openPage(browser, router.url, { size, scheme });
    await page.goto(`${router.url}/dashboard?${view}`);
    await prepare?.(page);
    await screenshot(page, `${name}-${size}-${scheme}`, name !== 'decision');
    expect(await accessibilityOf(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  }

  test('the overview is whole, accessible and no wider than the window', () =>
    look('range=hour', 'overview', async (page) => {
      await page.getByRole('heading', { name: 'Deployments now' }).waitFor();
      await page.getByRole('slider', { name: 'Threshold', exact: true }).waitFor();
      await screenshot(page, `top-${size}-${scheme}`, false);
      await page.getByText('Table of What it cost').click();
    }));

  test('the decisions are', () =>
    look('view=decisions&range=hour', 'decisions', async (page) => {
      await page.getByRole('button', { name: 'Older' }).waitFor();
    }));

  test('one decision is', () =>
    look('view=decisions&range=hour', 'decision', async (page) => {
      await page
        .getByRole('link', { name: /open this decision/ })
        .first()
        .click();
      await page.getByRole('button', { name: 'Good', exact: true }).waitFor();
    }));

  test('a prompt that is tried is', () =>
    look('view=try', 'try', async (page) => {
      await page.getByRole('button', { name: /^Prove/ }).click();
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByRole('link', { name: 'See the decision' }).waitFor();
    }));

  test('the way to sign in is', () =>
    look('range=hour', 'sign-in', async (page) => {
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByLabel('Key or token').waitFor();
    }));
});
