/** What came of each fault, for people. */
import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { Outcome } from "./scenario.ts";

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ["fault", ({ fault }) => fault],
  ["how often it struck", strikes],
  ["orders", ({ orders }) => String(orders)],
  ["filled", ({ filled }) => String(filled)],
  ["cancelled", cancellations],
  ["missed", ({ missedOrders }) => String(missedOrders)],
  ["ended twice", ({ endedTwice }) => String(endedTwice)],
  ["liquidations (accounts)", ({ liquidations, liquidatedAccounts }) => `${liquidations} (${liquidatedAccounts})`],
  ["healthy", ({ healthyLiquidated }) => String(healthyLiquidated)],
  ["missed", ({ missedLiquidations }) => String(missedLiquidations)],
  ["blocks of waiting, median / longest", ({ waitingBlocks: { median, longest } }) => `${median} / ${longest}`],
  ["healthy again unaided", ({ unaided }) => String(unaided)],
  ["transactions", ({ sent }) => String(sent)],
  ["of these reverted", ({ reverted }) => String(reverted)],
  ["double-sent", ({ doubleSends }) => String(doubleSends)],
  ["halts", ({ halts }) => String(halts)],
  ["earned − gas, USDC", earned],
  ["due when it ended", ({ recoveries }) => recoveries.map(({ backlog }) => backlog).join(", ") || "–"],
  ["slowest recovery", recovery],
  ["restarts", ({ exits }) => (exits.length === 0 ? "0" : `${exits.length} (${[...new Set(exits)].join(", ")})`)],
  ["databases rebuilt", ({ rebuilt }) => String(rebuilt)],
  ["outcome", ({ passed }) => (passed ? "passed" : "**failed**")],
];

function cancellations({ cancelled }: Outcome): string {
  const causes = Object.entries(cancelled);
  return causes.length === 0 ? "0" : causes.map(([cause, count]) => `${count} ${cause}`).join(", ");
}

function strikes({ struck }: Outcome): string {
  const counts = Object.entries(struck).map(([what, count]) => `${count} ${what}`);
  return counts.join(", ") || "–";
}

/** Of both keepers. */
function earned({ earnings }: Outcome): string {
  const sumOf = (part: "earned" | "gas"): number => earnings.reduce((sum, one) => sum + one[part], 0);
  return `${sumOf("earned").toFixed(2)} − ${sumOf("gas").toFixed(2)}`;
}

/** The slowest of the times that the fault came. */
function recovery({ recoveries }: Outcome): string {
  if (recoveries.length === 0) return "–";
  let [mostBlocks, mostSeconds] = [0, 0];
  for (const { blocks, seconds } of recoveries) {
    if (blocks === undefined || seconds === undefined) return "never";
    mostBlocks = Math.max(mostBlocks, blocks);
    mostSeconds = Math.max(mostSeconds, seconds);
  }
  return `${mostBlocks} blocks, ${mostSeconds.toFixed(1)} s`;
}

export function rowOf(outcome: Outcome): string {
  return `| ${COLUMNS.map(([, render]) => render(outcome)).join(" | ")} |`;
}

export function renderTable(outcomes: readonly Outcome[]): string {
  const header = `| ${COLUMNS.map(([name]) => name).join(" | ")} |`;
  const line = `| ${COLUMNS.map(() => "---").join(" | ")} |`;
  return [header, line, ...outcomes.map(rowOf)].join("\n");
}

const BEGIN = "<!-- faults -->";
const END = "<!-- /faults -->";

/**
 * A page with the table between its two marks, in place of what stood there; what is around it stays.
 * @param page Empty: nothing but the table.
 * @param command That made it.
 * @throws TableError where a page has no such place.
 */
export function putTable(
  page: string,
  { outcomes, command }: { outcomes: readonly Outcome[]; command: string },
): string {
  const [from, to] = page === "" ? [0, 0] : placeOf(page);
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  const accounts = outcomes[0]?.accounts ?? 0;
  const summary = `\`${command}\`, ${accounts} accounts: ${passed} of ${outcomes.length} passed.`;
  return `${page.slice(0, from)}${BEGIN}\n\n${summary}\n\n${renderTable(outcomes)}\n\n${END}${page.slice(to) || "\n"}`;
}

/** From the first mark to the end of the second. */
function placeOf(page: string): [number, number] {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new TableError(`a table goes between lines with ${BEGIN} and ${END}; there are none`);
  return [from, to + END.length];
}

/** A page without a place for a table. */
export class TableError extends PlimsollError {}
