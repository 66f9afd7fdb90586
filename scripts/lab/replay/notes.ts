/** What a replay has shown, in sentences. */
import { isoTime } from "../../replay/report.ts";
import type { Replayed } from "./command.ts";
import { type Findings, whole } from "./findings.ts";

export function notesOf({ result, parameters, stage }: Replayed, findings: Findings): readonly string[] {
  const { pool, badDebt, liquidations, deleveraging } = findings;
  const change = pool.closing - pool.opening - pool.providers;
  const { actions, steps, health } = result;
  return [
    `Deployed by the project's own deployment with ${parameters.file} on a chain in this process; prices are rounds that ` +
      `are written to aggregators behind real price proxies at their second; orders settle by these rounds.`,
    `${liquidations.count} liquidations of ${liquidations.accounts} accounts, ${usd(liquidations.notional)} closed; ` +
      `${liquidations.healthy} of healthy accounts, ${findings.pushed} healthy accounts pushed over by what was done with others.`,
    `Bad debt ${usd(badDebt.booked)}: ${usd(badDebt.fromInsurance)} paid by insurance, ${usd(badDebt.fromPool)} by the pool, ` +
      `${usd(badDebt.uncovered)} uncovered; ${usd(badDebt.left)} not booked at the end.`,
    `${deleveraging.count} deleveragings (${usd(deleveraging.notional)}), ${deleveraging.profitCuts} cuts of profits.`,
    `The pool ${change < 0 ? "lost" : "gained"} ${usd(Math.abs(change))}: results of traders ${usd(pool.traders)}, fees and ` +
      `forfeits ${usd(pool.fees)}, bad debt ${usd(pool.badDebt)}. A share's value changed by ${percent(pool.perShare)}, ` +
      `at its worst ${percent(-pool.drawdown)} from a high.`,
    `The books were checked to the wei after each of ${steps} steps: ${findings.faults} faults. Health "before" is that of ` +
      `${isoTime(health.beforeAt)}.`,
    `${actions.transactions} transactions on the real bytecode in ${actions.seconds.toFixed(1)} s: ` +
      `${(actions.transactions / actions.seconds).toFixed(0)} a second, one block each.`,
    `Funding paid on balance by traders to the pool: ${usd(findings.funding)}; uncollected protocol fees ` +
      `${usd(whole(result.samples.at(-1)?.protocolFees ?? 0n))}; ${stage.traders.length} traders.`,
  ];
}

function usd(amount: number): string {
  return `${amount < 0 ? "−" : ""}${Math.abs(amount).toLocaleString("en", { maximumFractionDigits: 0 })} USD`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
