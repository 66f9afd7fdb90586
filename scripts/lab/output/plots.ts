/** Plots as vega-lite specifications. Colours of text are the page's, so that they follow light and dark. */
import type { TopLevelSpec } from "vega-lite";

/** A drawing of the page. */
export interface Plot {
  /** Small letters, digits and dashes. */
  readonly name: string;
  readonly title: string;
  readonly spec: TopLevelSpec;
  /** What is to be seen, under the plot. */
  readonly note?: string;
}

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly label: string;
  readonly points: readonly Point[];
}

export interface Axis {
  readonly title: string;
  /** d3-format of its numbers, as ".0%" or "~s"; of times the format of d3-time-format. */
  readonly format?: string;
  /** Values are unix seconds. */
  readonly time?: boolean;
  readonly log?: boolean;
  /** Whether it begins at zero; otherwise where the values do. */
  readonly zero?: boolean;
}

interface Heading {
  readonly name: string;
  readonly title: string;
  readonly note?: string;
}

interface Axes {
  readonly x: Axis;
  readonly y: Axis;
}

/** Points of a line that are drawn at most; of more, the lowest and the highest of each stretch. */
const MOST_POINTS = 800;
const WIDTH = 460;
const HEIGHT = 260;

/** Lines over numbers or time; with `steps` each holds its value until the next point. */
export function linePlot({
  x,
  y,
  series,
  steps = false,
  ...heading
}: Heading & Axes & { series: readonly Series[]; steps?: boolean }): Plot {
  const values = series.flatMap(({ label, points }) => thin(points).map((point) => ({ label, ...placed(point, x) })));
  return {
    ...heading,
    spec: {
      ...frame(values),
      mark: { type: "line", interpolate: steps ? "step-after" : "linear", strokeWidth: 1.6, clip: true },
      encoding: { x: continuous("x", x), y: continuous("y", y), ...coloured(series.map(({ label }) => label)) },
    },
  };
}

/** What share of the runs is below, at each x. */
export interface Band {
  readonly x: number;
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
}

/** Median of many runs with the bands of their middle half and of nine tenths. */
export function fanPlot({ x, y, bands, ...heading }: Heading & Axes & { bands: readonly Band[] }): Plot {
  const values = bands.map(({ x: at, ...quantiles }) => ({ x: placed([at, 0], x).x, ...quantiles }));
  const area = (low: string, high: string, opacity: number) => ({
    mark: { type: "area" as const, opacity, color: PALETTE[0] },
    encoding: { x: continuous("x", x), y: continuous(low, y), y2: { field: high } },
  });
  return {
    ...heading,
    spec: {
      ...frame(values),
      layer: [
        area("p5", "p95", 0.2),
        area("p25", "p75", 0.35),
        {
          mark: { type: "line", color: PALETTE[0], strokeWidth: 1.8 },
          encoding: { x: continuous("x", x), y: continuous("p50", y) },
        },
      ],
    },
  };
}

/** Share of each series' values that are at most x. */
export function cdfPlot({
  x,
  series,
  ...heading
}: Heading & { x: Axis; series: readonly { readonly label: string; readonly values: readonly number[] }[] }): Plot {
  return linePlot({
    ...heading,
    x,
    y: { title: "share", format: ".0%", zero: true },
    steps: true,
    series: series.map(({ label, values }) => ({
      label,
      points: values.toSorted((a, b) => a - b).map((value, index) => [value, (index + 1) / values.length] as const),
    })),
  });
}

/** A value for each pair of two parameters. */
export function heatPlot({
  x,
  y,
  value,
  cells,
  ...heading
}: Heading &
  Axes & {
    value: Axis;
    cells: readonly { readonly x: number | string; readonly y: number | string; readonly value: number }[];
  }): Plot {
  const values = cells.map((cell) => ({ ...cell }));
  const order = (pick: (cell: (typeof cells)[number]) => number | string) => [...new Set(cells.map(pick))];
  const xs = order((cell) => cell.x);
  const ys = order((cell) => cell.y);
  const ordinal = (field: string, { title, format }: Axis, sort: (number | string)[]) => ({
    field,
    type: "ordinal" as const,
    sort,
    axis: { title, labelAngle: 0, ...(format === undefined ? {} : { format }) },
  });
  return {
    ...heading,
    spec: {
      ...frame(values),
      encoding: {
        x: ordinal("x", x, xs),
        y: ordinal("y", y, ys.toReversed()),
      },
      layer: [
        {
          mark: { type: "rect" },
          encoding: {
            color: {
              field: "value",
              type: "quantitative",
              scale: { scheme: "orangered" },
              legend: { title: value.title, ...(value.format === undefined ? {} : { format: value.format }) },
            },
          },
        },
        {
          mark: { type: "text", fontSize: 10, color: "#1b2430", stroke: "#ffffff", strokeWidth: 0.3 },
          encoding: {
            text: {
              field: "value",
              type: "quantitative",
              ...(value.format === undefined ? {} : { format: value.format }),
            },
          },
        },
      ],
    },
  };
}

/** How a sum comes together: each step begins where the one before has ended, `total` shows all since the beginning. */
export function waterfallPlot({
  y,
  steps,
  total,
  ...heading
}: Heading & {
  y: Axis;
  steps: readonly { readonly label: string; readonly change: number }[];
  total?: string;
}): Plot {
  let sum = 0;
  const values = steps.map(({ label, change }) => {
    const from = sum;
    sum += change;
    return { label, from, to: sum, kind: change < 0 ? "falls" : "rises" };
  });
  if (total !== undefined) values.push({ label: total, from: 0, to: sum, kind: "total" });
  return {
    ...heading,
    spec: {
      ...frame(values),
      mark: { type: "bar", size: 26 },
      encoding: {
        x: { field: "label", type: "nominal", sort: null, axis: { title: null, labelAngle: -25 } },
        y: continuous("from", { zero: true, ...y }),
        y2: { field: "to" },
        color: {
          field: "kind",
          type: "nominal",
          scale: { domain: ["falls", "rises", "total"], range: [PALETTE[1], PALETTE[2], PALETTE[4]] },
          legend: null,
        },
      },
    },
  };
}

/** Bars side by side in each group. */
export function barPlot({
  y,
  groups,
  ...heading
}: Heading & {
  y: Axis;
  groups: readonly {
    readonly label: string;
    readonly bars: readonly { readonly label: string; readonly value: number }[];
  }[];
}): Plot {
  const values = groups.flatMap((group) =>
    group.bars.map(({ label, value }) => ({ group: group.label, bar: label, value })),
  );
  const labels = [...new Set(values.map(({ bar }) => bar))];
  return {
    ...heading,
    spec: {
      ...frame(values),
      mark: { type: "bar" },
      encoding: {
        x: {
          field: "group",
          type: "nominal",
          sort: null,
          axis: { title: null, labelAngle: groups.length > 20 ? -90 : groups.length > 5 ? -25 : 0 },
        },
        xOffset: { field: "bar", type: "nominal", sort: labels },
        y: continuous("value", { zero: true, ...y }),
        ...coloured(labels, "bar"),
      },
    },
  };
}

/** Dots. @param line Draws what lies on y = x, for comparing two measures of the same. */
export function scatterPlot({
  x,
  y,
  series,
  line = false,
  ...heading
}: Heading & Axes & { series: readonly Series[]; line?: boolean }): Plot {
  const values = series.flatMap(({ label, points }) => points.map((point) => ({ label, ...placed(point, x) })));
  const all = series.flatMap(({ points }) => points.flat());
  const [low, high] = [least(all), -least(all.map((value) => -value))];
  const dots = {
    mark: { type: "point" as const, filled: true, size: 22, opacity: 0.6 },
    encoding: { x: continuous("x", x), y: continuous("y", y), ...coloured(series.map(({ label }) => label)) },
  };
  const diagonal = {
    data: { values: [low, high].map((value) => ({ x: value, y: value })) },
    mark: { type: "line" as const, color: MUTED, strokeDash: [4, 3] },
    encoding: { x: continuous("x", x), y: continuous("y", y) },
  };
  return { ...heading, spec: { ...frame(values), layer: line ? [diagonal, dots] : [dots] } };
}

/** The points that a line of `most` points needs to look the same: the lowest and the highest of each stretch. */
export function thin(points: readonly Point[], most = MOST_POINTS): readonly Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / (most - 2));
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const stretch = points.slice(start, start + size);
    const [first] = stretch;
    if (first === undefined) continue;
    let [low, high] = [first, first];
    for (const point of stretch) {
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
    kept.push(...(low === high ? [low] : [low, high].sort((a, b) => stretch.indexOf(a) - stretch.indexOf(b))));
  }
  const [first, last] = [points[0], points.at(-1)];
  return [
    ...(first !== undefined && kept[0] !== first ? [first] : []),
    ...kept,
    ...(last !== undefined && kept.at(-1) !== last ? [last] : []),
  ];
}

// ---------------------------------------------------------------- what the builders share

const PALETTE = ["#3b8fe0", "#e0702f", "#2c9a5b", "#a765c9", "#7a8796", "#c9a227", "#d8527c", "#2aa3a3"] as const;
const MUTED = "#8b97a5";

function frame(values: Record<string, unknown>[]) {
  return {
    width: WIDTH,
    height: HEIGHT,
    background: "transparent",
    data: { values },
    config: {
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: {
        labelColor: "currentColor",
        titleColor: "currentColor",
        gridColor: MUTED,
        gridOpacity: 0.25,
        domainColor: MUTED,
        tickColor: MUTED,
        titleFontWeight: "normal" as const,
      },
      legend: { labelColor: "currentColor", titleColor: "currentColor", titleFontWeight: "normal" as const },
      header: { labelColor: "currentColor", titleColor: "currentColor" },
    },
  };
}

function placed([x, y]: Point, axis: Axis): { x: number; y: number } {
  return { x: axis.time === true ? x * 1_000 : x, y };
}

function continuous(field: string, { title, format, time = false, log = false, zero = false }: Axis) {
  if (time) {
    const axis = { title, format: format ?? "%m-%d %H:%M", tickCount: 6 };
    return { field, type: "temporal" as const, scale: { type: "utc" as const }, axis };
  }
  // vega-lite takes 0 as the beginning of a logarithm's domain otherwise.
  const scale = log ? { type: "log" as const, zero: false } : { type: "linear" as const, zero };
  return { field, type: "quantitative" as const, scale, axis: { title, ...(format === undefined ? {} : { format }) } };
}

/** A colour for each label, in their order; no legend for one alone. */
function coloured(labels: readonly string[], field = "label") {
  const domain = [...new Set(labels)];
  const range = domain.map((_, index) => PALETTE[index % PALETTE.length] ?? MUTED);
  const legend = domain.length > 1 ? { title: null, orient: "top" as const, columns: 4, labelLimit: 220 } : null;
  return { color: { field, type: "nominal" as const, scale: { domain, range }, legend } };
}

function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}
