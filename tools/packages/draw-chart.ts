import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

/** The options of a line chart for ECharts. */
export type ChartOption = EChartsCoreOption;

/** The size of a chart in pixels. */
type ChartSize = {
  readonly width: number;
  readonly plotHeight: number;
  readonly legendHeight: number;
};

/** Draws a line chart as a string of SVG, without a browser. */
export function drawChart(
  { width, plotHeight, legendHeight }: ChartSize,
  option: ChartOption,
): string {
  const height = plotHeight + legendHeight;
  const chart = init(null, null, { ssr: true, renderer: 'svg', width, height });
  try {
    chart.setOption(option);
    chart.setOption({ grid: { top: legendHeight + 12 } });
    // The rules for hovering are removed: the chart is not interactive.
    return chart.renderToSVGString().replace(/<style\b.*?<\/style>/gs, '');
  } finally {
    chart.dispose();
  }
}
