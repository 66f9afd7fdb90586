/** `report.html`: one file, without anything from elsewhere. */
import { htmlTable, STYLE } from "./html.ts";
import { barPairs, escape, type Mark, plot } from "./plot.ts";
import type { AccountReport, Report, ReportInput } from "./report.ts";
import { KINDS } from "./scenario.ts";
import { crossOutcome, isolatedOutcome, money } from "./table.ts";

/** Accounts whose equity is plotted. */
const CHOSEN = [
  "pair-btc-eth",
  "basket-majors-alts",
  "neutral-eth-levered",
  "over-eth-8.7x",
  "over-on-weth",
  "over-short-low",
];
const PLOTTED_MARKETS = ["ETH", "BTC", "SOL", "LINK"];

/** The drop and the rebound, unix seconds. */
const CLOSE_UP = { from: Date.parse("2023-08-17T21:30:00Z") / 1000, to: Date.parse("2023-08-17T23:15:00Z") / 1000 };

export function renderPage(report: Report, input: ReportInput): string {
  const { from, to } = input;
  const closeUp = { from: Math.max(from, CLOSE_UP.from), to: Math.min(to, CLOSE_UP.to) };
  const inside = closeUp.from < closeUp.to ? closeUp : { from, to };
  const sections = [
    heading(report),
    tiles(report),
    `<h2>Prices, fills and liquidations</h2>${priceLegend()}<div class="plots">${[
      ...pricePlots(input, { from, to }, "whole run"),
      ...pricePlots(input, inside, "the drop"),
    ].join("")}</div>`,
    `<h2>Equity against its requirements</h2>` +
      `<p class="faint">An account is liquidated where its equity meets the maintenance requirement, and back to the middle between the two.</p>` +
      `<div class="legend"><span><i class="a"></i>equity</span><span><i class="b"></i>maintenance requirement</span><span><i class="c"></i>initial requirement</span></div>` +
      `<div class="plots">${equityPlots(input).join("")}</div>`,
    `<h2>Accounts</h2>${accountTable(report)}`,
    `<h2>Cross margin against isolated margin</h2>` +
      `<p class="faint">Isolated margin: the same positions and collateral, each position alone with its share by initial requirement, under the same parameters. A position that meets its maintenance requirement is closed whole; the rest runs on.</p>` +
      `<div class="legend"><span><i class="a"></i>PnL with cross margin</span><span><i class="b"></i>PnL with isolated margin</span></div>` +
      comparison(report),
    `<h2>Where losses went</h2>${lossTable(report)}${treasuryTable(report)}`,
    `<h2>Gas</h2>${gasTable(report)}`,
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plimsoll: 2023-08-17 replayed</title>
<style>${STYLE}</style>
<body>
${sections.join("\n")}
</body>
</html>
`;
}

function heading({ window }: Report): string {
  return (
    `<h1>Plimsoll, 2023-08-17 replayed</h1><p class="faint">${escape(window.from)} to ${escape(window.to)}. ` +
    `ETH and BTC: every round that the Chainlink feeds on Ethereum mainnet reported; SOL and LINK: derived. ` +
    `Money is USD.</p>`
  );
}

function tiles(report: Report): string {
  const { accounts, orders } = report;
  const openable = accounts.filter(({ isolated }) => isolated.openable);
  const survived = accounts.filter(({ survivedCross }) => survivedCross).length;
  const isolated = openable.filter(({ wouldSurviveIsolated }) => wouldSurviveIsolated).length;
  const ok = report.conserved ? "good" : "bad";
  const healthy = report.healthyLiquidations === 0 ? "good" : "bad";
  const items: [string, string, string?][] = [
    [`${survived} of ${accounts.length}`, "accounts survived with cross margin"],
    [`${isolated} of ${openable.length}`, "would have survived with isolated margin, of those that it allows"],
    [String(report.liquidations), `liquidations of ${report.liquidatedAccounts} accounts`],
    [String(report.healthyLiquidations), "liquidations of healthy accounts", healthy],
    [money(report.badDebt, 2), "bad debt"],
    [`${String(report.conservationDriftWei)} wei`, `off conservation, ${report.conservationChecks} checks`, ok],
    [`${orders.executed} of ${orders.submitted}`, `orders executed; ${orders.cancelled} cancelled`],
    [`${report.wallSeconds.toFixed(0)} s`, "wall time"],
  ];
  const tile = ([value, text, style = ""]: (typeof items)[number]): string =>
    `<div class="tile"><b class="${style}">${escape(value)}</b>${escape(text)}</div>`;
  return `<div class="tiles">${items.map(tile).join("")}</div>`;
}

function priceLegend(): string {
  return `<div class="legend"><span><i class="a"></i>price of the feed</span><span><b class="buy">▲</b> buy filled</span><span><b class="sell">▼</b> sell filled</span><span><b class="liq">✕</b> liquidated</span></div>`;
}

function pricePlots(input: ReportInput, { from, to }: { from: number; to: number }, what: string): string[] {
  const names = new Map(input.accounts.map(({ account, name }) => [account, name]));
  return PLOTTED_MARKETS.flatMap((symbol) => {
    const asset = input.assets.indexOf(symbol);
    const points = input.prices
      .filter((point) => point.asset === asset)
      .map(({ time, price }) => [time, toNumber(price)] as const);
    if (points.length === 0) return [];
    const marks = input.fills
      .filter((fill) => fill.asset === asset)
      .map(({ account, time, delta, price, liquidation }): Mark => {
        const verb = liquidation ? "liquidated" : delta > 0n ? "bought" : "sold";
        const title = `${clock(time)} ${names.get(account) ?? account}: ${verb} ${money(delta < 0n ? -delta : delta, 2)} ${symbol} at ${money(price, 2)}`;
        return {
          x: time,
          y: toNumber(price),
          shape: liquidation ? "liquidation" : delta > 0n ? "buy" : "sell",
          title,
        };
      });
    return plot({
      title: `${symbol} / USD, ${what}`,
      lines: [{ label: symbol, style: "a", points, steps: true }],
      marks,
      from,
      to,
      formatX: clock,
      formatY: (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 }),
    });
  });
}

function equityPlots({ accounts, from, to }: ReportInput): string[] {
  const chosen = accounts.filter(({ name }) => CHOSEN.includes(name));
  // A run of other traders shows its first ones.
  return (chosen.length > 0 ? chosen : accounts.slice(0, CHOSEN.length)).map(({ name, samples }) => {
    const points = (pick: (sample: (typeof samples)[number]) => bigint) =>
      samples.map((sample) => [sample.time, toNumber(pick(sample))] as const);
    return plot({
      title: name,
      lines: [
        { label: "initial", style: "c", points: points(({ initial }) => initial), steps: true },
        { label: "maintenance", style: "b", points: points(({ maintenance }) => maintenance), steps: true },
        { label: "equity", style: "a", points: points(({ equity }) => equity), steps: true },
      ],
      from: Math.max(from, CLOSE_UP.from - 3 * 3600),
      to:
        Math.min(to, CLOSE_UP.to + 3600) > Math.max(from, CLOSE_UP.from - 3 * 3600)
          ? Math.min(to, CLOSE_UP.to + 3600)
          : to,
      formatX: clock,
      formatY: (value) => `${(value / 1000).toLocaleString("en-US", { maximumFractionDigits: 1 })}k`,
      fromZero: true,
    });
  });
}

function accountTable({ accounts }: Report): string {
  const rows = accounts.map((account) => [
    `${escape(account.name)}<span class="note">${escape(account.note)}</span>`,
    escape(account.kind),
    money(account.collateral),
    signed(account.pnl),
    money(account.funding, 2),
    money(account.fees, 2),
    verdict(crossOutcome(account), account.survivedCross),
    verdict(isolatedOutcome(account), account.wouldSurviveIsolated) + firstLoss(account),
    signed(account.isolated.pnl),
  ]);
  const titles = ["account", "kind", "collateral", "PnL", "funding paid", "fees", "cross", "isolated", "PnL isolated"];
  return htmlTable(titles, rows, [2, 3, 4, 5, 8]);
}

function firstLoss({ isolated }: AccountReport): string {
  if (!isolated.openable || isolated.liquidated.length === 0) return "";
  const text = isolated.liquidated.map(({ asset, time }) => `${asset} ${time.slice(11, 16)}`).join(", ");
  return `<span class="note">${escape(text)}</span>`;
}

function comparison({ accounts }: Report): string {
  const rows = accounts
    .filter(({ isolated }) => isolated.openable && isolated.liquidated.length > 0)
    .map(({ name, pnl, isolated }) => ({ label: name, first: toNumber(pnl), second: toNumber(isolated.pnl) }));
  if (rows.length === 0) return `<p>No account would have been liquidated.</p>`;
  const title = "PnL of the accounts that isolated margin would have liquidated in part or whole, USD";
  const format = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return barPairs(rows, { title, format, styles: ["a", "b"] });
}

/** By kind: what prices did, and what each cost took. */
function lossTable({ accounts }: Report): string {
  const rows = KINDS.flatMap((kind) => {
    const members = accounts.filter((account) => account.kind === kind);
    if (members.length === 0) return [];
    const total = (pick: (account: AccountReport) => bigint): bigint =>
      members.reduce((sum, account) => sum + pick(account), 0n);
    return [
      [
        escape(kind),
        signed(total(({ pnl }) => pnl)),
        signed(total(({ priceResult }) => priceResult)),
        signed(-total(({ funding }) => funding), 2),
        signed(-total(({ fees }) => fees), 2),
        signed(-total(({ liquidationCosts }) => liquidationCosts), 2),
        signed(-total(({ orderCosts }) => orderCosts), 2),
      ],
    ];
  });
  const titles = ["kind", "PnL", "prices and premium", "funding", "fees", "liquidation", "keeper pay"];
  return htmlTable(titles, rows, [1, 2, 3, 4, 5, 6]);
}

function treasuryTable(report: Report): string {
  const { pool, insurance, keeper } = report;
  const rows = [
    ["pool", signed(pool.result, 2), `${money(pool.before)} → ${money(pool.after)}`],
    [
      "insurance",
      signed(insurance.after - insurance.before, 2),
      `${money(insurance.before)} → ${money(insurance.after)}`,
    ],
    ["protocol fees", signed(report.protocolFees, 2), ""],
    ["keeper: orders", signed(keeper.pay, 2), ""],
    ["keeper: liquidations", signed(keeper.liquidationRewards, 2), ""],
  ];
  return `<p></p>${htmlTable(["who", "result", "value"], rows, [1, 2])}`;
}

function gasTable({ gas }: Report): string {
  const rows = Object.entries(gas).map(([operation, { count, min, mean, max }]) => [
    escape(operation),
    ...[count, min, mean, max].map((value) => value.toLocaleString("en-US")),
  ]);
  return htmlTable(["operation", "count", "min", "mean", "max"], rows, [1, 2, 3, 4]);
}

function signed(value: bigint, decimals = 0): string {
  const text = money(value, decimals);
  return value < 0n ? `<span class="bad">${text}</span>` : text;
}

function verdict(text: string, good: boolean): string {
  return `<span class="${good ? "good" : "bad"}">${escape(text)}</span>`;
}

/** For drawing only. */
function toNumber(value: bigint): number {
  return Number(value / 10n ** 12n) / 1e6;
}

function clock(time: number): string {
  return new Date(time * 1000).toISOString().slice(11, 16);
}
