/**
 * The page's style. Its colours are Okabe and Ito's, which people with any colour vision can
 * distinguish, lightened for dark mode.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2024; --muted: #5b636d; --grid: #cfd5dc; --card: #f5f7f9;
  --series-1: #0072b2; --series-2: #d55e00; --series-3: #007a5a;
  --series-4: #a8447f; --series-5: #946300; --series-6: #2f80b8;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e8eaed; --muted: #a2abb5; --grid: #3d454e; --card: #1e2327;
    --series-1: #56b4e9; --series-2: #ff8a3c; --series-3: #2cc79a;
    --series-4: #e39cc4; --series-5: #e6b422; --series-6: #9cc9f0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; }
.note, figcaption, caption { color: var(--muted); font-size: .9rem; }
code { font-size: .92em; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem; margin: 1.5rem 0; }
.card { background: var(--card); border-radius: .6rem; padding: 1rem 1.15rem; border-top: .25rem solid var(--accent); }
.card h3 { overflow-wrap: anywhere; margin: 0 0 .6rem; font-size: 1rem; }
.card dl { margin: 0; display: grid; grid-template-columns: auto 1fr; gap: .2rem .5rem; }
.card dt { color: var(--muted); }
.card dd { margin: 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.card dt.main, .card dd.main { align-self: baseline; }
.card .main b { font-size: 1.4rem; }
.card dt, .card dd { font-size: .9rem; }
figure { margin: 1rem 0 0; }
.chart svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
.scroll { overflow-x: auto; margin: 1rem 0 1.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .4rem; color: var(--ink); font-weight: 600; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: var(--paper); }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 400; }
.scorer th, .scorer td { font-weight: 650; }
dl.terms dt { font-weight: 650; margin-top: .6rem; }
dl.terms dd { margin: 0; max-width: 46rem; }
@media (max-width: 600px) {
  body { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  .wide { display: none; }
  .narrow { display: block; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, .card, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .2rem .35rem; }
}
`;
