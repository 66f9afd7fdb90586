/** What the pages of reports share. */
import { escape } from "./plot.ts";

/** Of the whole page; follows light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --faint: #5d6b7c; --rule: #d9dfe6; --page: #ffffff; --panel: #f6f8fa;
  --a: #0b6bcb; --b: #c2410c; --c: #6b7684; --good: #1a7f47; --bad: #c62828; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --faint: #97a4b3; --rule: #313b47; --page: #12171d;
  --panel: #1a2129; --a: #5aa9f5; --b: #f59355; --c: #8b97a5; --good: #54c98a; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 20px 16px 60px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 4px; } h2 { font-size: 1.1rem; margin: 36px 0 8px; }
p { margin: 6px 0; max-width: 75ch; } .faint { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 18px 0; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 12px; }
.tile b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 14px; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 8px 10px; }
figure.wide { max-width: 760px; } figcaption { font-weight: 600; font-size: 0.9rem; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--rule); } .axis { stroke: var(--faint); }
.tick { fill: var(--faint); font-size: 11px; font-variant-numeric: tabular-nums; } .label { fill: var(--ink); font-size: 11.5px; }
.line { fill: none; stroke-width: 1.6; } .line.a { stroke: var(--a); } .line.b { stroke: var(--b); }
.line.c { stroke: var(--c); stroke-dasharray: 4 3; } rect.a { fill: var(--a); } rect.b { fill: var(--b); }
.mark { stroke-width: 1.4; } .mark.buy { fill: var(--good); stroke: var(--page); stroke-width: 0.6; }
.mark.sell { fill: var(--b); stroke: var(--page); stroke-width: 0.6; } .mark.liquidation { stroke: var(--bad); stroke-width: 2.4; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0 10px; color: var(--faint); font-size: 0.85rem; }
.legend i { display: inline-block; width: 18px; height: 0; border-top: 2px solid; vertical-align: middle; margin-right: 5px; }
.legend .a { border-color: var(--a); } .legend .b { border-color: var(--b); } .legend .c { border-color: var(--c); border-top-style: dashed; }
.legend span b.buy { color: var(--good); } .legend span b.sell { color: var(--b); } .legend span b.liq { color: var(--bad); }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 0.82rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
tr:last-child td { border-bottom: 0; } th { background: var(--panel); } th.n, td.n { text-align: right; }
td .note { display: block; color: var(--faint); white-space: normal; min-width: 22ch; }
.good { color: var(--good); } .bad { color: var(--bad); }
`;

/** Cells are HTML already. @param numbers Columns of numbers. */
export function htmlTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
): string {
  const style = (column: number): string => (numbers.includes(column) ? ' class="n"' : "");
  const head = titles.map((title, column) => `<th${style(column)}>${escape(title)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell, column) => `<td${style(column)}>${cell}</td>`).join("")}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}
