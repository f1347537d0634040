import { type EvaluationLine, LENGTH, ORACLE, RANDOM } from './evaluation.ts';
import type { CurveFamily } from './evaluation-curves.ts';
import { describeTraining, type EvaluationReport } from './evaluation-report.ts';
import { ALL_SOURCES, type CostBasis } from './evaluation-scopes.ts';
import {
  decimals,
  decimalsWithInterval,
  formatComparison,
  percentWithInterval,
} from './evaluation-table.ts';
import { drawCurves, drawReliability } from './report-charts.ts';
import { escapeHtml, renderTable } from './report-html.ts';
import { STYLE } from './report-style.ts';

/**
 * Renders the report as one self-contained page: no script, no network. It contains names and
 * figures but no prompt.
 */
export function renderPage(report: EvaluationReport): string {
  const title = `Routing between ${report.pair.strong} and ${report.pair.weak}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${renderIntroduction(report)}
${report.lines.length === 0 ? '' : renderFindings(report)}
${renderAuc(report)}
${HOW_TO_READ}
</main>
</body>
</html>
`;
}

function renderIntroduction({ data, scorers, lines, settings, pair }: EvaluationReport): string {
  const [first] = lines;
  const facts =
    first === undefined
      ? ''
      : `<p>${first.prompts.toLocaleString('en-US')} graded prompts of ${escapeHtml(data.join(', '))}. On them
<b>${escapeHtml(pair.strong)}</b> (strong) has a mean score of ${decimals(first.strongMean)} and
<b>${escapeHtml(pair.weak)}</b> (weak) of ${decimals(first.weakMean)}.</p>`;
  const standIns = scorers
    .filter((scorer) => scorer.pair.strong !== pair.strong || scorer.pair.weak !== pair.weak)
    .map(
      (scorer) =>
        `<p class="note"><b>${escapeHtml(scorer.name)}</b> predicts ${escapeHtml(scorer.pair.strong)} over ${escapeHtml(scorer.pair.weak)} instead of the pair.</p>`,
    );
  const interval =
    settings.resamples > 0
      ? `Ranges in parentheses are 95% intervals by ${settings.resamples.toLocaleString('en-US')} bootstrap samples of the prompts (seed ${settings.seed}).`
      : '';
  const training = scorers.map(
    (scorer) =>
      `<p class="note">${escapeHtml(describeTraining(scorer, first?.prompts ?? 0)).replace(/^WARNING/, '<b>WARNING</b>')}</p>`,
  );
  return `${facts}${standIns.join('')}${training.join('')}<p class="note">${interval}</p>`;
}

function renderFindings({ lines, curves, scorers, pair }: EvaluationReport): string {
  const sources = [...new Set(lines.map(({ source }) => source))];
  const pooled = lines.filter(({ source }) => source === ALL_SOURCES);
  const names = scorers.map(({ name }) => name).join(', ');
  const tables = sources.map((source) =>
    renderSource(lines.filter((line) => line.source === source)),
  );
  const pairText = `${pair.strong} and ${pair.weak}`;
  return `<div class="cards">${pooled.filter(isScorer).map(renderCard).join('')}</div>
${pooled
  .flatMap((line) => line.comparisons?.map((one) => formatComparison(line, one)) ?? [])
  .map((text) => `<p class="note">${escapeHtml(text)}</p>`)
  .join('')}
<h2>Quality against the share of strong calls</h2>
<figure>${curves
    .slice(0, 1)
    .map((family) =>
      drawCurves(
        family,
        'strongShare',
        `Line chart: mean score of ${pairText} routed by ${names} and the baselines, against the share of prompts that the strong model gets. The tables below have its figures.`,
      ),
    )
    .join('')}
<figcaption>Every point of a line is a threshold. The nearer a line is to the upper left corner, the better the router.</figcaption></figure>
<h2>Quality against cost</h2>
${renderCost(curves, `${pairText} routed by ${names} and the baselines`)}
<h2>Do win rates mean what they say?</h2>
<figure>${drawReliability(pooled, `Line chart: predicted against observed win rates of ${names}, in ten parts.`)}
<figcaption>The prompts in ten equal parts by predicted win rate. Observed: 1 if only the strong model is right, 0.5 if both answers are equal, 0 if only the weak model is right. On the dotted line a prediction is exact; the calibration error is the mean distance from it.</figcaption></figure>
<h2>Figures</h2>
${tables.join('\n')}`;
}

function isScorer({ router }: EvaluationLine): boolean {
  return ![RANDOM, LENGTH, ORACLE].includes(router);
}

function renderCard(line: EvaluationLine, index: number): string {
  const { router, quality, intervals, calibrationError, costBasis } = line;
  const facts = [
    ['CPT(50%)', percentWithInterval(quality?.cpt50, intervals?.cpt50)],
    ['CPT(80%)', percentWithInterval(quality?.cpt80, intervals?.cpt80)],
    [SAVED[costBasis], percentWithInterval(quality?.saved, intervals?.saved)],
    ['calibration error', decimals(calibrationError)],
  ].map(([name = '', value = '']) => `<dt>${name}</dt><dd>${value}</dd>`);
  const apgr = decimalsWithInterval(quality?.apgr, intervals?.apgr).replace(/^\S+/, '<b>$&</b>');
  return `<section class="card" style="--accent: var(--series-${(index % 6) + 1})"><h3>${escapeHtml(router)}</h3>
<dl><dt class="main">APGR</dt><dd class="main">${apgr}</dd>${facts.join('')}</dl></section>`;
}

const SAVED: Readonly<Record<CostBasis, string>> = {
  rows: 'cost saved',
  prices: 'cost saved',
  calls: 'strong calls saved',
};

function renderCost(curves: readonly CurveFamily[], what: string): string {
  const family = curves.find(({ costBasis }) => costBasis !== 'calls');
  if (family === undefined) {
    return '<p>Costs are unknown: give them with <code>--strong-cost</code> and <code>--weak-cost</code>, or in the rows as <code>costs</code>. Until then, the share of strong calls is used instead.</p>';
  }
  const basis =
    family.costBasis === 'prices'
      ? 'The costs come from the given prices.'
      : `The costs come from the data, on the ${family.prompts.toLocaleString('en-US')} prompts that have them.`;
  const label = `Line chart: mean score of ${what}, against the cost of 1,000 requests.`;
  return `<figure>${drawCurves(family, 'costPer1000', label)}<figcaption>${basis}</figcaption></figure>`;
}

function renderSource(lines: readonly EvaluationLine[]): string {
  const [first] = lines;
  if (first === undefined) return '';
  const { source, prompts, strongMean, weakMean, costBasis } = first;
  const caption = `${source}: ${prompts.toLocaleString('en-US')} prompts, gap ${decimals(strongMean - weakMean)}`;
  if (lines.every(({ quality }) => quality === undefined)) {
    return `<p class="note">${escapeHtml(caption)}: not measured, since it has too few prompts or the strong model is not better.</p>`;
  }
  const header = ['router', 'APGR', 'CPT(50%)', 'CPT(80%)', SAVED[costBasis], 'calibration error'];
  const rows = lines.map((line) => ({
    ...(isScorer(line) && { kind: 'scorer' }),
    cells: [
      line.router,
      decimalsWithInterval(line.quality?.apgr, line.intervals?.apgr),
      percentWithInterval(line.quality?.cpt50, line.intervals?.cpt50),
      percentWithInterval(line.quality?.cpt80, line.intervals?.cpt80),
      percentWithInterval(line.quality?.saved, line.intervals?.saved),
      decimals(line.calibrationError),
    ],
  }));
  return renderTable(caption, header, rows);
}

function renderAuc({ auc = [] }: EvaluationReport): string {
  const [first] = auc;
  if (first === undefined) return '';
  const caption = `How often a prompt of ${first.higher} has a higher win rate than one of ${first.lower}`;
  const rows = auc.map(({ router, auc: value }) => ({ cells: [router, decimals(value)] }));
  return `<h2>Order of two sources</h2>${renderTable(caption, ['router', 'AUC'], rows)}`;
}

const HOW_TO_READ = `<h2>How to read this</h2>
<dl class="terms">
<dt>APGR</dt><dd>Average performance gap recovered: how much of the strong model's lead the router keeps, averaged over all shares of strong calls. A random order has 0.5; more than 1 is possible if the weak model is sometimes better.</dd>
<dt>CPT(50%), CPT(80%)</dt><dd>The smallest share of prompts that the strong model must get to recover half, or four fifths, of its lead. Lower is better; a random order needs 50% and 80%.</dd>
<dt>Saved</dt><dd>How much less it costs to reach 95% of the strong model's mean score than to always call that model. If costs are unknown, a strong call counts as one and a weak one as nothing.</dd>
<dt>Baselines</dt><dd><b>random</b> knows nothing, <b>prompt length</b> sends the longest prompts to the strong model, and the <b>oracle</b> knows both answers' scores: no router can do better.</dd>
<dt>Before you decide</dt><dd>A difference that is smaller than its interval may be chance. All figures hold for prompts like these: calibrate the threshold on your own.</dd>
</dl>`;
