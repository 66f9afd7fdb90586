/** One run from flags to reports. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Chain, startChain } from "./chain.ts";
import { EXIT, ReplayError } from "./errors.ts";
import { readGas } from "./gas.ts";
import { startKeeper } from "./keeper.ts";
import type { ReplayOptions } from "./options.ts";
import { renderPage } from "./page.ts";
import { createProgress } from "./progress.ts";
import { deployProtocol, type Protocol } from "./protocol.ts";
import { replay, type ReplayResult, type TraderAction } from "./replay.ts";
import { buildReport, isoTime, passes, type ReportInput, toJson } from "./report.ts";
import { loadRounds, type Round } from "./rounds.ts";
import { renderSummary } from "./table.ts";
import { buildTimeline, type Timeline } from "./timeline.ts";
import { enlist, Sender, type Trader } from "./traders.ts";
import { ROLES, walletAt } from "./wallets.ts";

const FROM = Date.parse("2023-08-17T10:00:00Z") / 1000;
const TO = Date.parse("2023-08-18T01:00:00Z") / 1000;
/** Between the first block and the first recorded second: the deployment, and the wait of the pool's first deposit. */
const LEAD = 12 * 3_600;
const USDC_ANSWER = 10n ** 8n;

/** Returns whether all checks hold. Throws a ReplayError for what the user can mend. */
export async function runReplay(options: ReplayOptions, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  const progress = createProgress(process.stdout, options);
  const from = options.from ?? FROM;
  const to = options.to ?? TO;
  const traders = enlist(options.perKind);
  const timeline = planned(traders, { from, to });

  progress.phase(`starting a chain on port ${options.port}`);
  const chain = await startChain({ port: options.port, genesis: from - LEAD });
  let protocol: Protocol | undefined;
  try {
    progress.phase("deploying");
    const opening = new Map([...timeline.opening].map(([feed, { answer }]) => [feed, answer]));
    protocol = await orStop(deployProtocol({ url: chain.url, provider: chain.provider, opening }), { chain, signal });
    const deployed: Protocol = protocol;
    const firstBlock = (await chain.provider.getBlockNumber()) + 1;
    progress.phase(`replaying ${isoTime(from)} to ${isoTime(to)} with ${traders.length} accounts`);
    const result = await replay({
      chain,
      protocol,
      sender: new Sender(chain.provider),
      traders,
      timeline,
      from,
      startKeeper: () => startKeeper(deployed, chain.url),
      onProgress: (done, time) => {
        progress.advance(done, isoTime(time));
      },
      signal,
    });
    progress.end();

    const { vault, clearingHouse, orders, pool, oracle } = protocol;
    const contracts = { Vault: vault, ClearingHouse: clearingHouse, Orders: orders, Pool: pool, Oracle: oracle };
    const gas = await readGas(chain.provider, contracts, { fromBlock: firstBlock, toBlock: result.lastBlock });
    const wallSeconds = Math.round((performance.now() - started) / 100) / 10;
    const input = { ...figuresOf(result, protocol), from, to, gas, wallSeconds };
    const report = buildReport(input);
    console.log(`\n${renderSummary(report)}`);
    const files = writeReports(options.reports, {
      "report.json": toJson(report),
      "report.html": renderPage(report, input),
    });
    console.log(`reports: ${files.join(", ")}`);
    for (const { trader, action, reason } of report.rejected) console.log(`rejected: ${trader} ${action}: ${reason}`);
    if (!report.conserved) console.error("CHECK FAILED: the books do not add up");
    if (report.healthyLiquidations > 0) console.error("CHECK FAILED: a healthy account was liquidated");
    if (options.keep) await keep({ chain, protocol, traders, signal });
    return passes(report);
  } finally {
    await chain.stop();
    protocol?.cleanUp();
  }
}

/** All rounds and all that the traders do, in the order of time. */
function planned(traders: readonly Trader[], { from, to }: { from: number; to: number }): Timeline<TraderAction> {
  const read = (name: string): readonly Round[] =>
    loadRounds(fileURLToPath(new URL(`rounds/${name}_usd.csv`, import.meta.url)));
  const [eth, btc] = [read("eth"), read("btc")];
  const rounds = new Map([
    ["ETH", eth],
    ["BTC", btc],
    ["SOL", read("sol")],
    ["LINK", read("link")],
    ["WBTC", btc],
    // At par all day: a round whenever ETH has one.
    ["USDC", eth.map((round) => ({ ...round, answer: USDC_ANSWER }))],
  ]);
  const first = eth[0]?.updatedAt ?? 0;
  const last = eth.at(-1)?.updatedAt ?? 0;
  if (from < first || to > last) {
    throw new ReplayError(`the recorded rounds reach from ${isoTime(first)} to ${isoTime(last)}`, {
      exitCode: EXIT.usage,
    });
  }
  const actions = traders.flatMap((trader) =>
    trader.plan.actions.map((action) => ({ time: Date.parse(action.at) / 1000, action: { trader, action } })),
  );
  return buildTimeline({ rounds, actions, from, to });
}

/** Fails at once when the chain dies or the user stops the run. */
async function orStop<Value>(
  work: Promise<Value>,
  { chain, signal }: { chain: Chain; signal: AbortSignal },
): Promise<Value> {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("stopped"));
    });
  });
  work.catch(() => undefined);
  stopped.catch(() => undefined);
  return Promise.race([work, chain.child.failed, stopped]);
}

function figuresOf(
  result: ReplayResult,
  { parameters, collaterals }: Protocol,
): Omit<ReportInput, "from" | "to" | "gas" | "wallSeconds"> {
  const { journal, standings, shadows, markets, samples, endTime } = result;
  return {
    assets: parameters.assets.map(({ symbol }) => symbol),
    collateralAssets: collaterals.map(({ asset }) => asset),
    accounts: result.traders.map(({ plan, account }) => ({
      name: plan.name,
      kind: plan.kind,
      note: plan.note,
      account,
      equity: standings.get(account)?.equity ?? 0n,
      flows: journal.flowsOf(account),
      isolated: shadows.verdictOf(account, markets, BigInt(endTime)),
      samples: samples.get(account) ?? [],
    })),
    movements: journal.movements,
    prices: result.prices,
    fundingIndex: new Map([...markets].map(([asset, { funding }]) => [asset, funding.index])),
    fills: journal.fills,
    liquidations: journal.liquidations,
    judgements: result.judgements,
    orders: journal.orders,
    cancellations: journal.cancellations,
    rejected: result.rejected,
    opening: result.opening,
    closing: result.closing,
    badDebt: journal.badDebt,
    badDebtFromInsurance: journal.badDebtFromInsurance,
    keeperPay: journal.keeperPay,
    liquidatorRewards: journal.liquidatorRewards,
    conservation: result.conservation,
  };
}

function writeReports(folder: string, files: Readonly<Record<string, string>>): string[] {
  try {
    mkdirSync(folder, { recursive: true });
    return Object.entries(files).map(([name, text]) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    });
  } catch (cause) {
    throw new ReplayError(`the reports cannot be written to ${folder}`, { exitCode: EXIT.usage, cause });
  }
}

/** Leaves the chain to the user until the run is stopped. */
async function keep({
  chain,
  protocol,
  traders,
  signal,
}: {
  chain: Chain;
  protocol: Protocol;
  traders: readonly Trader[];
  signal: AbortSignal;
}): Promise<void> {
  await chain.handBack();
  console.log(`\nThe chain stays at ${chain.url} (chain id 31337); Ctrl-C ends it.`);
  for (const [name, address] of Object.entries(protocol.addresses)) console.log(`  ${name.padEnd(16)} ${address}`);
  console.log(
    `  address book     ${protocol.bookFile}\nKeys of the published test phrase, worth nothing anywhere else:`,
  );
  const owners = [
    ...Object.entries(ROLES).map(([name, index]) => [name, walletAt(index)] as const),
    ...traders.map(({ plan, wallet }) => [plan.name, wallet] as const),
  ];
  for (const [name, { address, privateKey }] of owners) console.log(`  ${name.padEnd(20)} ${address} ${privateKey}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
}
