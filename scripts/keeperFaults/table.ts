/** What came of each fault, for people. */
import type { Outcome } from "./scenario.ts";

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ["fault", ({ fault }) => fault],
  ["orders", ({ orders }) => String(orders)],
  ["filled", ({ filled }) => String(filled)],
  ["cancelled by their own terms", cancellations],
  ["missed", ({ missedOrders }) => String(missedOrders)],
  ["ended twice", ({ endedTwice }) => String(endedTwice)],
  ["liquidations (accounts)", ({ liquidations, liquidatedAccounts }) => `${liquidations} (${liquidatedAccounts})`],
  ["healthy", ({ healthyLiquidated }) => String(healthyLiquidated)],
  ["missed", ({ missedLiquidations }) => String(missedLiquidations)],
  ["blocks to liquidation, median / longest", ({ liquidationBlocks: { median, longest } }) => `${median} / ${longest}`],
  ["transactions", ({ sent }) => String(sent)],
  ["of these reverted", ({ reverted }) => String(reverted)],
  ["double-sent", ({ doubleSends }) => String(doubleSends)],
  ["due when it ended", ({ backlog }) => String(backlog)],
  ["recovery", recovery],
  ["restarts", ({ exits }) => (exits.length === 0 ? "0" : `${exits.length} (${[...new Set(exits)].join(", ")})`)],
  ["databases rebuilt", ({ rebuilt }) => String(rebuilt)],
  ["outcome", ({ passed }) => (passed ? "passed" : "**failed**")],
];

function cancellations({ cancelled }: Outcome): string {
  const causes = Object.entries(cancelled);
  return causes.length === 0 ? "0" : causes.map(([cause, count]) => `${count} ${cause}`).join(", ");
}

function recovery({ key, recoveryBlocks, recoverySeconds }: Outcome): string {
  if (key === "none") return "–";
  if (recoveryBlocks === undefined || recoverySeconds === undefined) return "never";
  return `${recoveryBlocks} blocks, ${recoverySeconds.toFixed(1)} s`;
}

export function rowOf(outcome: Outcome): string {
  return `| ${COLUMNS.map(([, render]) => render(outcome)).join(" | ")} |`;
}

export function renderTable(outcomes: readonly Outcome[]): string {
  const header = `| ${COLUMNS.map(([name]) => name).join(" | ")} |`;
  const line = `| ${COLUMNS.map(() => "---").join(" | ")} |`;
  return [header, line, ...outcomes.map(rowOf)].join("\n");
}

/** The page in the documentation. @param command That made it. */
export function renderPage(outcomes: readonly Outcome[], command: string): string {
  const accounts = outcomes[0]?.accounts ?? 0;
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  return `# Keepers under faults

\`${command}\`

Two keepers, each a process with a key, a database and three endpoints of its own, compete for ${accounts} accounts through
the drop of 2023-08-17 (ETH −8.6 % in seven minutes, recorded rounds) on a local chain over JSON-RPC. Blocks come every four
seconds of the chain's time. Every account opens in quiet minutes; some trade in the fall, some have stops. Each fault
meets both keepers twice: while the opening orders settle (80 s of the chain) and while the market falls fastest (120 s);
the kills are spread over both and what is between. Keepers that end by themselves are restarted after a second.

An observer of its own judges from the node's events, with the model on the books that they leave: it never asks a keeper.

- **missed** (orders): refunded for lack of time, expired, too late, or not ended; (accounts): liquidatable at the end, or
  for more than 15 blocks outside a fault without a liquidation.
- **healthy**: liquidated although equity was above maintenance, by the event or by the model.
- **double-sent**: two transactions of one keeper with different nonces in flight that name the same account, as the
  endpoints have seen them. A replacement at one nonce is none.
- **reverted**: transactions in a block that failed: races lost to the other keeper.
- **recovery**: from the end of the fault until all that was due then is done.

${renderTable(outcomes)}

${passed} of ${outcomes.length} passed.
`;
}
