/** Line plots as inline SVG. Colours come from the page's style, so that they follow light and dark. */

export interface Line {
  readonly label: string;
  /** Class of its stroke. */
  readonly style: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Holds its value until the next point. */
  readonly steps?: boolean;
}

export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly shape: "buy" | "sell" | "liquidation";
  readonly title: string;
}

export interface PlotInput {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly marks?: readonly Mark[];
  readonly from: number;
  readonly to: number;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
  /** Whether the vertical axis starts at zero. */
  readonly fromZero?: boolean;
}

const WIDTH = 480;
const HEIGHT = 280;
const MARGIN = { top: 12, right: 12, bottom: 26, left: 58 };
const TICKS_X = 5;
const TICKS_Y = 5;
const MARK_SIZE = 4.5;

export function plot(input: PlotInput): string {
  const { title, lines, marks = [], from, to, formatX, formatY, fromZero = false } = input;
  const visible = lines.map((line) => ({ ...line, points: clip(line, { from, to }) }));
  const shown = marks.filter(({ x }) => x >= from && x <= to);
  const values = [...visible.flatMap(({ points }) => points.map(([, y]) => y)), ...shown.map(({ y }) => y)];
  const [low, high] = rangeOf(fromZero ? [0, ...values] : values);
  const x = (value: number): number =>
    MARGIN.left + ((value - from) / (to - from)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number): number =>
    HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);

  const grid = ticks(low, high, TICKS_Y).map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at(y(value))}" y2="${at(y(value))}"/>` +
      `<text class="tick" x="${MARGIN.left - 6}" y="${at(y(value) + 4)}" text-anchor="end">${escape(formatY(value))}</text>`,
  );
  const times = Array.from({ length: TICKS_X }, (_, index) => from + ((to - from) * index) / (TICKS_X - 1)).map(
    (value, index) => {
      const anchor = index === 0 ? "start" : index === TICKS_X - 1 ? "end" : "middle";
      const place = `x="${at(x(value))}" y="${HEIGHT - 8}" text-anchor="${anchor}"`;
      return `<text class="tick" ${place}>${escape(formatX(value))}</text>`;
    },
  );
  const paths = visible.map(
    ({ style, points, steps }) =>
      `<path class="line ${style}" d="${pathOf(points, { x, y, steps: steps ?? false })}"/>`,
  );
  const symbols = shown.map((mark) => symbol(mark, { x: x(mark.x), y: y(mark.y) }));
  return (
    `<figure><figcaption>${escape(title)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">` +
    `${grid.join("")}${times.join("")}${paths.join("")}${symbols.join("")}</svg></figure>`
  );
}

/** Rows of two bars each, around one zero. */
export function barPairs(
  rows: readonly { readonly label: string; readonly first: number; readonly second: number }[],
  { title, format, styles }: { title: string; format: (value: number) => string; styles: readonly [string, string] },
): string {
  const rowHeight = 30;
  const labels = 150;
  const values = 62;
  const height = rows.length * rowHeight + 8;
  const [low, high] = [
    Math.min(0, ...rows.flatMap(({ first, second }) => [first, second])),
    Math.max(0, ...rows.flatMap(({ first, second }) => [first, second])),
  ];
  const x = (value: number): number => labels + ((value - low) / (high - low || 1)) * (WIDTH - labels - values);
  const bar = (value: number, top: number, style: string): string =>
    `<rect class="${style}" x="${at(Math.min(x(0), x(value)))}" y="${at(top)}" height="10" width="${at(Math.max(1, Math.abs(x(value) - x(0))))}"/>` +
    `<text class="tick" x="${WIDTH}" y="${at(top + 9)}" text-anchor="end">${escape(format(value))}</text>`;
  const drawn = rows.map(({ label, first, second }, index) => {
    const top = index * rowHeight + 6;
    return (
      `<text class="label" x="0" y="${top + 14}">${escape(label)}</text>` +
      bar(first, top, styles[0]) +
      bar(second, top + 12, styles[1])
    );
  });
  return (
    `<figure class="wide"><figcaption>${escape(title)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">` +
    `<line class="axis" x1="${at(x(0))}" x2="${at(x(0))}" y1="0" y2="${height}"/>${drawn.join("")}</svg></figure>`
  );
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The points of a window, with what a line is worth at its left edge. */
function clip({ points, steps }: Line, { from, to }: { from: number; to: number }): Line["points"] {
  const inside = points.filter(([x]) => x >= from && x <= to);
  const before = points.filter(([x]) => x < from).at(-1);
  const last = inside.at(-1) ?? before;
  const head = before === undefined ? [] : [[from, before[1]] as const];
  const tail = steps === true && last !== undefined && last[0] < to ? [[to, last[1]] as const] : [];
  return [...head, ...inside, ...tail];
}

function pathOf(
  points: Line["points"],
  { x, y, steps }: { x: (value: number) => number; y: (value: number) => number; steps: boolean },
): string {
  return points
    .map(([px, py], index) => {
      if (index === 0) return `M${at(x(px))} ${at(y(py))}`;
      return steps ? `H${at(x(px))}V${at(y(py))}` : `L${at(x(px))} ${at(y(py))}`;
    })
    .join("");
}

function symbol({ shape, title }: Mark, { x, y }: { x: number; y: number }): string {
  const s = MARK_SIZE;
  const shapes = {
    buy: `M${at(x)} ${at(y - s)}L${at(x + s)} ${at(y + s)}L${at(x - s)} ${at(y + s)}Z`,
    sell: `M${at(x)} ${at(y + s)}L${at(x + s)} ${at(y - s)}L${at(x - s)} ${at(y - s)}Z`,
    liquidation: `M${at(x - s)} ${at(y - s)}L${at(x + s)} ${at(y + s)}M${at(x - s)} ${at(y + s)}L${at(x + s)} ${at(y - s)}`,
  };
  return `<path class="mark ${shape}" d="${shapes[shape]}"><title>${escape(title)}</title></path>`;
}

function rangeOf(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!Number.isFinite(low)) return [0, 1];
  const space = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - space, high + space];
}

/** Round values inside a range. */
function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
