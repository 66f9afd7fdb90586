/** What a reading means: whether everybody can be paid, and how it looks. */
import { money, renderTable } from "../replay/table.ts";
import type { Custody, Market, SolvencyReading } from "./reading.ts";

const WAD = 10n ** 18n;
const CENTS = 2;

/** Why not everybody can be paid; empty for a sound protocol. */
export function findBreaches(reading: SolvencyReading): string[] {
  const { custody, pool, markets, seniorCoverage, tradersCash, pendingLosses } = reading;
  const breaches = custody
    .filter(({ actual, held }) => actual < held)
    .map(
      (token) =>
        `the vault lacks ${exact(token, token.held - token.actual)} ${token.symbol}: ` +
        `it has ${exact(token, token.actual)}, its ledger says ${exact(token, token.held)}`,
    );
  if (seniorCoverage < 0n) {
    breaches.push(
      `traders' cash of ${usd(tradersCash)} is not covered: ${usd(-seniorCoverage)} settlement tokens lack`,
    );
  }
  if (pool.equity < 0n) breaches.push(`a loss is covered by nobody: the pool's equity is ${usd(pool.equity)}`);
  if (pendingLosses > 0n) {
    const accounts =
      pendingLosses === 1n ? "1 insolvent account is" : `${String(pendingLosses)} insolvent accounts are`;
    breaches.push(`a deficit is not settled: ${accounts} waiting to be wound up`);
  }
  const owed = markets.reduce((sum, market) => sum + market.owed, 0n);
  const equity = pool.base + pool.lent - pool.closedValue - owed;
  if (equity !== pool.equity) {
    breaches.push(`the markets leave the pool ${usd(equity)}, its valuation says ${usd(pool.equity)}`);
  }
  return breaches;
}

/** One JSON object, amounts as decimal strings. */
export function toJson(reading: SolvencyReading, breaches: readonly string[]): string {
  const report = { sound: breaches.length === 0, breaches, ...reading };
  return JSON.stringify(report, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2);
}

export function render(reading: SolvencyReading, breaches: readonly string[]): string {
  const verdict =
    breaches.length === 0 ? "sound" : ["NOT SOUND", ...breaches.map((breach) => `  ${breach}`)].join("\n");
  return [
    `block ${String(reading.block)} of chain ${String(reading.chainId)}, ${timeOf(reading.time)}`,
    renderCustody(reading.custody),
    renderMoney(reading),
    renderMarkets(reading),
    verdict,
  ].join("\n\n");
}

function renderCustody(custody: readonly Custody[]): string {
  return renderTable(
    [
      { title: "token", align: "left" },
      { title: "ledger", align: "right" },
      { title: "actual", align: "right" },
      { title: "surplus", align: "right" },
    ],
    custody.map((token) => [
      token.symbol,
      units(token, token.held),
      units(token, token.actual),
      units(token, token.actual - token.held),
    ]),
  );
}

function renderMoney(reading: SolvencyReading): string {
  const { pool, insurance, insuranceTarget } = reading;
  const notes = [
    ...(pool.live ? [] : ["not every price is live"]),
    ...(pool.blocked ? ["requests are blocked"] : []),
    ...(reading.paused ? ["the protocol is paused"] : []),
  ];
  const rows: [string, string, string][] = [
    ["traders' cash and escrows", usd(reading.tradersCash), ""],
    ["senior coverage", usd(reading.seniorCoverage), "settlement tokens there, less traders' cash"],
    ["pool equity", usd(pool.equity), notes.join("; ")],
    ["  free liquidity", usd(pool.base), ""],
    ["  lent", usd(pool.lent), `${percent(pool.utilisation)} of what there is, at ${percent(pool.borrowRate)} a year`],
    ["  redeemable", usd(pool.redeemable), ""],
    ["  owed to closed sides", usd(pool.closedValue), ""],
    ["  advanced for seized collateral", usd(pool.seizedOwed), ""],
    ["  uncovered deficits to date", usd(pool.uncoveredDeficits), "borne by the pool beyond what insurance paid"],
    ["  mark", usd(pool.mark), pool.markTime === 0n ? "never" : timeOf(pool.markTime)],
    ["insurance", usd(insurance), `${coverageOf(insurance, insuranceTarget)} of its target ${usd(insuranceTarget)}`],
    ["protocol fees", usd(reading.protocolFees), ""],
    ["insolvent accounts", String(reading.pendingLosses), ""],
    ["markets to deleverage", String(reading.flaggedMarkets), ""],
  ];
  return renderTable(
    [
      { title: "settlement token", align: "left" },
      { title: "amount", align: "right" },
      { title: "", align: "left" },
    ],
    rows,
  );
}

function renderMarkets({ markets, time }: SolvencyReading): string {
  const right = ["price", "long", "short", "skew", "owed", "budget", "insured now", "a day"];
  return renderTable(
    [
      { title: "market", align: "left" },
      ...right.map((title) => ({ title, align: "right" }) as const),
      { title: "", align: "left" },
    ],
    markets.map((market) => [
      market.symbol,
      money(market.price, CENTS),
      money(market.longSize, 3),
      money(market.shortSize, 3),
      money(market.skew, 3),
      usd(market.owed),
      money(market.budget),
      money(market.insuranceRoom),
      money(market.insuranceCap),
      notesOf(market, time).join("; "),
    ]),
  );
}

function notesOf(market: Market, now: bigint): string[] {
  const { status, live, flag, flaggedAt, overSince, graceUntil, closesAt } = market;
  return [
    ...(status === "Active" ? [] : [status === "ReduceOnly" ? "reduce only" : status.toLowerCase()]),
    ...(live ? [] : ["price not live"]),
    ...(flag === "None" ? [] : [`to be deleveraged since ${timeOf(flaggedAt)} (${flag.toLowerCase()})`]),
    ...(overSince === 0n ? [] : [`over its hard cap since ${timeOf(overSince)}`]),
    ...(graceUntil > now ? [`grace until ${timeOf(graceUntil)}`] : []),
    ...(closesAt === 0n || status === "Closed" ? [] : [`closes after ${timeOf(closesAt)}`]),
  ];
}

function usd(value: bigint): string {
  return money(value, CENTS);
}

/** Token units as whole tokens, with as many decimals as fit a line. */
function units({ decimals }: Custody, amount: bigint): string {
  return money((amount * WAD) / 10n ** decimals, Number(decimals < 6n ? decimals : 6n));
}

/** With all of them: a token may lack by one unit. */
function exact({ decimals }: Custody, amount: bigint): string {
  return money((amount * WAD) / 10n ** decimals, Number(decimals));
}

/** Of millionths. */
function percent(millionths: bigint): string {
  return `${money(millionths * 10n ** 14n, CENTS)} %`;
}

function coverageOf(insurance: bigint, target: bigint): string {
  return target === 0n ? "all" : percent((insurance * 1_000_000n) / target);
}

function timeOf(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
}
