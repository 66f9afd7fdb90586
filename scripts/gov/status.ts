/** What governance has under way: scheduled operations, ramps, sources in shadow, markets that end, and what is stopped. */
import { ZeroAddress } from "ethers";

import { decodeRisk, decodeSizes } from "../model/parameters.ts";
import { timeOf } from "../oracles/words.ts";
import { renderTable } from "../replay/table.ts";
import { describeCall, type Operation, readOperations } from "./authority.ts";
import { range } from "./books.ts";
import type { Gov } from "./gov.ts";
import { headerOf } from "./render.ts";
import { showDuration } from "./units.ts";

export interface Status {
  readonly operations: readonly (Operation & { readonly description: string })[];
  /** What changes by itself, or waits for somebody. */
  readonly underWay: readonly string[];
  /** What the guardian, or a guard, has stopped. */
  readonly stopped: readonly string[];
}

export async function readStatus(gov: Gov): Promise<Status> {
  const operations = await readOperations(gov);
  const markets = await readMarkets(gov);
  const { paused } = await gov.contracts.clearingHouse.ledger(gov.at);
  return {
    operations: operations.map((operation) => ({
      ...operation,
      description: describeCall(gov, operation.target, operation.data),
    })),
    underWay: markets.flatMap(({ underWay }) => underWay),
    stopped: [
      ...(paused ? ["everything is paused: reductions, deposits and withdrawals go on"] : []),
      ...markets.flatMap(({ stopped }) => stopped),
    ],
  };
}

async function readMarkets(gov: Gov): Promise<{ underWay: string[]; stopped: string[] }[]> {
  const { contracts, at, time, listed, intent } = gov;
  const { clearingHouse, oracle, lens } = contracts;
  return Promise.all(
    range(listed.assets).map(async (asset) => {
      const symbol = intent.parameters.assets[asset]?.symbol ?? String(asset);
      const words = await clearingHouse.parametersOf(asset, at);
      const risk = decodeRisk(words.risk);
      const underWay: string[] = [];
      const stopped: string[] = [];
      const rampEnd = risk.start + risk.duration;
      if (time < rampEnd) underWay.push(`risk of ${symbol} is ramped until ${timeOf(rampEnd)}`);
      const { proxy, agreedSince, watchedAt } = await oracle.proposalOf(asset, at);
      if (proxy !== ZeroAddress) {
        const agreement = agreedSince === 0n ? "they disagree" : `agreeing since ${timeOf(agreedSince)}`;
        underWay.push(`source ${proxy} of ${symbol} is in shadow, ${agreement}, watched last ${timeOf(watchedAt)}`);
      }
      const { status } = decodeSizes(words.sizes);
      if (status === "Closing") {
        const { closesAt } = await lens.market(asset, at);
        underWay.push(`${symbol} is wound down, its final price is that of ${timeOf(closesAt)}`);
      }
      if (status === "ReduceOnly") stopped.push(`${symbol} is reduce-only`);
      if (status === "Closed") stopped.push(`${symbol} is closed for good`);
      const { halted } = await oracle.stateOf(asset, at);
      if (halted) {
        const { vetoedUntil } = await oracle.haltOf(asset, at);
        stopped.push(`${symbol} is halted${vetoedUntil === 0n ? "" : `, vetoed until ${timeOf(vetoedUntil)}`}`);
      }
      return { underWay, stopped };
    }),
  );
}

export function renderStatus(gov: Gov, { operations, underWay, stopped }: Status): string {
  const rows = operations.map(({ id, description, caller, readyAt, expiresAt, state }) => [
    state,
    state === "waiting" ? `${timeOf(readyAt)} (in ${showDuration(readyAt - gov.time)})` : timeOf(readyAt),
    timeOf(expiresAt),
    description,
    caller,
    id,
  ]);
  const table = renderTable(
    [
      { title: "state", align: "left" },
      { title: "may run from", align: "left" },
      { title: "expires", align: "left" },
      { title: "call", align: "left" },
      { title: "scheduled by", align: "left" },
      { title: "operation", align: "left" },
    ],
    rows,
  );
  const list = (title: string, lines: readonly string[]): string =>
    `${title}: ${lines.length === 0 ? "nothing" : ["", ...lines].join("\n  ")}`;
  return [
    headerOf(gov),
    operations.length === 0 ? "no operation is scheduled" : table,
    list("under way", underWay),
    list("stopped", stopped),
  ].join("\n\n");
}
