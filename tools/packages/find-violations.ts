import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Finds violations of axe-core's accessibility rules on a page. */
export async function findViolations(page: Page): Promise<readonly axe.Result[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return (results as axe.AxeResults).violations;
}
