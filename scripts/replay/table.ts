/** Figures as text: for the terminal and the page. */
import type { AccountReport, Report } from "./report.ts";

const WAD = 10n ** 18n;

/** WAD as a number with thin separators, rounded half away from zero. */
export function money(value: bigint, decimals = 0): string {
  const scale = WAD / 10n ** BigInt(decimals);
  const size = value < 0n ? -value : value;
  const rounded = (size + scale / 2n) / scale;
  const digits = String(rounded).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = decimals === 0 ? "" : `.${digits.slice(-decimals)}`;
  return `${value < 0n && rounded !== 0n ? "−" : ""}${whole}${fraction}`;
}

/** What cross margin did with the account. */
export function crossOutcome({ liquidations }: AccountReport): string {
  if (liquidations === 0) return "survived";
  return liquidations === 1 ? "liquidated" : `liquidated ×${liquidations}`;
}

/** What isolated margin would have done with it. */
export function isolatedOutcome({ isolated: { openable, positions, liquidated } }: AccountReport): string {
  const gone = `${liquidated.length} of ${positions} liquidated`;
  if (!openable) return "could not open";
  return liquidated.length === 0 ? "survives" : gone;
}

/** Text columns left, numbers right. */
export function renderTable(
  columns: readonly { readonly title: string; readonly align: "left" | "right" }[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? "";
        const width = widths[index] ?? 0;
        return align === "left" ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("──");
  return [line(columns.map(({ title }) => title)), rule, ...rows.map((row) => line(row))].join("\n");
}

/** All that is printed at the end. */
export function renderSummary(report: Report): string {
  const accounts = renderTable(
    [
      { title: "account", align: "left" },
      { title: "kind", align: "left" },
      { title: "collateral", align: "right" },
      { title: "PnL", align: "right" },
      { title: "funding", align: "right" },
      { title: "fees", align: "right" },
      { title: "cross margin", align: "left" },
      { title: "isolated margin", align: "left" },
      { title: "PnL isolated", align: "right" },
    ],
    report.accounts.map((account) => [
      account.name,
      account.kind,
      money(account.collateral),
      money(account.pnl),
      money(account.funding, 2),
      money(account.fees, 2),
      crossOutcome(account),
      isolatedOutcome(account),
      money(account.isolated.pnl),
    ]),
  );
  const { orders, pool, insurance, keeper } = report;
  const causes = Object.entries(orders.cancelledBy).map(([cause, count]) => `${cause} ${count}`);
  const totals = renderTable(
    [
      { title: "", align: "left" },
      { title: "", align: "right" },
    ],
    [
      ["orders submitted", String(orders.submitted)],
      ["  executed", String(orders.executed)],
      [`  cancelled${causes.length > 0 ? ` (${causes.join(", ")})` : ""}`, String(orders.cancelled)],
      ["  refunded", String(orders.refunded)],
      ["  of them from triggers", String(orders.triggersPoked)],
      [`liquidations (${report.liquidatedAccounts} accounts)`, String(report.liquidations)],
      ["  of healthy accounts", String(report.healthyLiquidations)],
      ["bad debt", money(report.badDebt, 2)],
      ["pool value before", money(pool.before, 2)],
      ["  after", money(pool.after, 2)],
      ["  result", money(pool.result, 2)],
      ["insurance before", money(insurance.before, 2)],
      ["  after", money(insurance.after, 2)],
      ["protocol fees", money(report.protocolFees, 2)],
      ["keeper pay for orders", money(keeper.pay, 2)],
      ["  for liquidations", money(keeper.liquidationRewards, 2)],
      [`conservation, wei off (${report.conservationChecks} checks)`, String(report.conservationDriftWei)],
      ...report.collateral.map(({ symbol, ledgerWei, heldWei }) => [
        `  ${symbol} held − ledger, wei`,
        String(heldWei - ledgerWei),
      ]),
      ["wall seconds", report.wallSeconds.toFixed(1)],
    ],
  );
  const survived = report.accounts.filter(({ survivedCross, isolated }) => survivedCross && isolated.openable);
  const saved = survived.filter(({ wouldSurviveIsolated }) => !wouldSurviveIsolated).length;
  const verdict = `${saved} accounts came through that isolated margin would have liquidated in part or whole.`;
  return [accounts, "", totals.split("\n").slice(2).join("\n"), "", verdict].join("\n");
}
