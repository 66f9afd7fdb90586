/** `report.html`: one file, without anything from elsewhere. */
import { htmlTable, STYLE } from "../../replay/html.ts";
import { escape } from "../../replay/plot.ts";
import { headerOf } from "./csv.ts";
import type { Plot } from "./plots.ts";
import type { Cell, Report, Table } from "./report.ts";
import { toText } from "./text.ts";

/** Rows of a table that the page shows; its CSV file has all. */
const MOST_ROWS = 200;

export function renderPage(report: Report, drawings: readonly { readonly plot: Plot; readonly svg: string }[]): string {
  const sections = [
    `<h1>Plimsoll lab: ${escape(report.title)}</h1>`,
    provenance(report),
    verdicts(report),
    ...report.notes.map((note) => `<p>${escape(note)}</p>`),
    ...(drawings.length === 0 ? [] : [`<h2>Plots</h2><div class="plots">${drawings.map(figure).join("")}</div>`]),
    ...report.tables.map(section),
    `<h2>Settings</h2>${settings(report.settings)}`,
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plimsoll lab: ${escape(report.title)}</title>
<style>${STYLE}</style>
<body>
${sections.join("\n")}
</body>
</html>
`;
}

function provenance({ command, seed, parameterHash, commit, block }: Report): string {
  const parts = [
    `command ${command}`,
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    `parameters ${parameterHash}`,
    `commit ${commit}`,
    ...(block === undefined ? [] : [`block ${String(block)}`]),
  ];
  return `<p class="faint">${parts.map(escape).join(" · ")}</p>`;
}

function verdicts({ failures = [] }: Report): string {
  if (failures.length === 0) return "";
  return `<ul class="bad">${failures.map((failure) => `<li>${escape(failure)}</li>`).join("")}</ul>`;
}

function figure({ plot: { title, note }, svg }: { plot: Plot; svg: string }): string {
  const caption = `<figcaption>${escape(title)}</figcaption>`;
  return `<figure>${caption}${svg}${note === undefined ? "" : `<p class="faint">${escape(note)}</p>`}</figure>`;
}

function section({ name, title = name, columns, rows }: Table): string {
  const shown = rows.slice(0, MOST_ROWS);
  const numbers = columns.flatMap((_, column) => (shown.some((row) => isNumber(row[column])) ? [column] : []));
  const more =
    rows.length > MOST_ROWS
      ? `<p class="faint">${MOST_ROWS} of ${rows.length} rows; all in ${escape(name)}.csv</p>`
      : "";
  const cells = shown.map((row) => row.map((cell) => escape(shownCell(cell))));
  return `<h2>${escape(title)}</h2>${htmlTable(columns.map(headerOf).map(escape), cells, numbers)}${more}`;
}

function settings(values: Report["settings"]): string {
  const rows = Object.entries(values).map(([key, value]) => [
    escape(key),
    escape(typeof value === "string" ? value : toText(value)),
  ]);
  return htmlTable(["setting", "value"], rows, []);
}

function isNumber(cell: Cell): boolean {
  return typeof cell === "number" || typeof cell === "bigint";
}

function shownCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell !== "number") return String(cell);
  if (!Number.isFinite(cell)) return String(cell);
  const digits = Math.abs(cell) >= 1_000 ? 0 : Math.abs(cell) >= 1 ? 3 : 6;
  return cell.toLocaleString("en-US", { maximumFractionDigits: digits });
}
