import { join } from 'node:path';
import type { EvaluationReport } from './evaluation-report.ts';
import { replaceFiles } from './replace-files.ts';
import { renderPage } from './report-page.ts';

/** Writes `report.json` and `report.html`, both or neither, and resolves to their paths. */
export async function writeReport(folder: string, report: EvaluationReport): Promise<string[]> {
  const files = [
    { path: join(folder, 'report.json'), content: `${JSON.stringify(report, null, 2)}\n` },
    { path: join(folder, 'report.html'), content: renderPage(report) },
  ];
  await replaceFiles(folder, files, async () => undefined);
  return files.map(({ path }) => path);
}
