import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What is wrong with a page for people who use assistive technology, by axe-core's rules. */
export async function findViolations(page: Page): Promise<readonly axe.Result[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return (results as axe.AxeResults).violations;
}
