/** The tables of a replay. Money in USD. */
import { isoTime } from "../../replay/report.ts";
import type { Cell, Table } from "../output/report.ts";
import type { Replayed } from "./command.ts";
import { cents, type Findings, symbolsOf, whole } from "./findings.ts";
import { MARKETS, priceAt } from "./recording.ts";

export function tablesOf(replayed: Replayed, findings: Findings): readonly Table[] {
  return [
    summary(findings),
    measured(replayed),
    markets(replayed),
    accounts(replayed),
    liquidations(replayed),
    deleveragings(replayed),
    keepers(replayed),
    providers(replayed),
    refusals(replayed),
    path(replayed),
  ];
}

function summary({ pool, badDebt, insurance, liquidations, deleveraging, ...rest }: Findings): Table {
  const money = (label: string, amount: number): readonly Cell[] => [label, cents(amount), "USD"];
  return {
    name: "summary",
    title: "What happened",
    columns: [{ name: "figure" }, { name: "value" }, { name: "unit" }],
    rows: [
      money("bad debt booked", badDebt.booked),
      money("of it paid by insurance", badDebt.fromInsurance),
      money("of it borne by the pool", badDebt.fromPool),
      money("short of at the end, not booked yet", badDebt.left),
      money("uncovered", badDebt.uncovered),
      ["liquidations", liquidations.count, ""],
      ["accounts liquidated", liquidations.accounts, ""],
      ["of healthy accounts", liquidations.healthy, ""],
      ["healthy accounts pushed over by what was done with others", rest.pushed, ""],
      money("notional closed by liquidations", liquidations.notional),
      money("penalties", liquidations.penalties),
      ["median time from unhealthy to liquidated", liquidations.medianWait, "s"],
      ["longest", liquidations.longestWait, "s"],
      ["most accounts unhealthy at a time", rest.mostUnhealthy, ""],
      ["equity lost by those liquidated", cents(100 * rest.lossGivenLiquidation), "%"],
      ["deleveragings", deleveraging.count, ""],
      money("notional deleveraged", deleveraging.notional),
      ["largest share of a side that one closed", cents(100 * deleveraging.largestShare), "%"],
      ["cuts of profits", deleveraging.profitCuts, ""],
      money("pool at the start", pool.opening),
      money("pool at the end", pool.closing),
      ["value of a share of the pool", cents(1e4 * pool.perShare) / 100, "%"],
      ["its largest fall from a high", cents(1e4 * pool.drawdown) / 100, "%"],
      money("insurance at the start", insurance.opening),
      money("insurance at its least", insurance.least),
      money("insurance at the end", insurance.closing),
      ["steps at which the books were off", rest.faults, ""],
    ],
  };
}

function measured({ result: { actions, steps, landings, lastBlock } }: Replayed): Table {
  return {
    name: "measured",
    title: "Measured",
    columns: [{ name: "figure" }, { name: "value" }],
    rows: [
      ["transactions on the real bytecode", actions.transactions],
      ["of them by keepers", landings.length],
      ["seconds that they took", cents(actions.seconds)],
      ["a second", cents(actions.transactions / actions.seconds)],
      ["steps checked", steps],
      ["last block", lastBlock],
    ],
  };
}

function markets({ recording, result, stage }: Replayed): Table {
  const symbols = symbolsOf(stage.protocol);
  return {
    name: "markets",
    title: "Markets",
    columns: [
      { name: "market" },
      { name: "rounds" },
      { name: "opening price", unit: "USD" },
      { name: "lowest", unit: "USD" },
      { name: "fall", unit: "%" },
      { name: "most open, long", unit: "USD" },
      { name: "most open, short", unit: "USD" },
      { name: "liquidated", unit: "USD" },
      { name: "deleveraged", unit: "USD" },
    ],
    rows: MARKETS.map((symbol) => {
      const asset = symbols.indexOf(symbol);
      const series = (recording.rounds.get(symbol) ?? []).filter(
        ({ updatedAt }) => updatedAt >= recording.from && updatedAt <= recording.to,
      );
      const opening = whole(priceAt(recording, symbol, recording.from));
      const lowest = Math.min(...series.map(({ answer }) => Number(answer) / 1e8));
      const states = result.samples.flatMap((sample) => sample.markets.filter((market) => market.asset === asset));
      const most = (pick: (state: (typeof states)[number]) => bigint): number =>
        Math.max(...states.map((state) => whole(pick(state)) * whole(state.price)));
      const closed = result.journal.fills.filter((fill) => fill.liquidation && fill.asset === asset);
      const cut = result.journal.deleveragings.filter((one) => one.asset === asset);
      return [
        symbol,
        series.length,
        cents(opening),
        cents(lowest),
        cents(100 * (lowest / opening - 1)),
        cents(most(({ long }) => long)),
        cents(most(({ short }) => short)),
        cents(closed.reduce((sum, { delta, price }) => sum + Math.abs(whole(delta)) * whole(price), 0)),
        cents(cut.reduce((sum, { closed: size, price }) => sum + whole(size) * whole(price), 0)),
      ];
    }),
  };
}

function accounts({ traders, stage, result }: Replayed): Table {
  return {
    name: "accounts",
    title: "Traders",
    columns: [
      { name: "trader" },
      { name: "kind" },
      { name: "opened with", unit: "USD" },
      { name: "equity before the fall", unit: "USD" },
      { name: "requirement then", unit: "USD" },
      { name: "equity at the end", unit: "USD" },
      { name: "liquidations" },
      { name: "penalties", unit: "USD" },
      { name: "debt forgiven", unit: "USD" },
    ],
    rows: traders.map(({ name, kind }, index) => {
      const account = stage.traders[index]?.account ?? "";
      const flows = result.journal.flowsOf(account);
      const before = result.health.before[index];
      return [
        name,
        kind,
        cents(whole(result.opened[index]?.equity ?? 0n)),
        cents(whole(before?.equity ?? 0n)),
        cents(whole(before?.maintenance ?? 0n)),
        cents(whole(result.health.after[index]?.equity ?? 0n)),
        flows.liquidations,
        cents(whole(flows.penalties)),
        cents(whole(flows.forgiven)),
      ];
    }),
  };
}

function liquidations({ result, ...replayed }: Replayed): Table {
  const nameOf = namer(replayed);
  return {
    name: "liquidations",
    title: "Liquidations",
    columns: [
      { name: "time" },
      { name: "trader" },
      { name: "equity before", unit: "USD" },
      { name: "requirement before", unit: "USD" },
      { name: "equity after", unit: "USD" },
      { name: "requirement after", unit: "USD" },
      { name: "penalty", unit: "USD" },
      { name: "deficit", unit: "USD" },
      { name: "waited", unit: "s" },
      { name: "healthy" },
    ],
    rows: result.judgements.map((one) => [
      isoTime(one.time),
      nameOf(one.account),
      cents(whole(one.equityBefore)),
      cents(whole(one.maintenanceBefore)),
      cents(whole(one.equityAfter)),
      cents(whole(one.maintenanceAfter)),
      cents(whole(one.penalty)),
      cents(whole(one.deficit)),
      one.waited,
      one.healthy,
    ]),
  };
}

function deleveragings({ result, stage }: Replayed): Table {
  const symbols = symbolsOf(stage.protocol);
  return {
    name: "deleveragings",
    title: "Deleveraging and cuts of profits",
    columns: [
      { name: "time" },
      { name: "market" },
      { name: "side" },
      { name: "closed", unit: "units" },
      { name: "at", unit: "USD" },
    ],
    rows: [
      ...result.journal.deleveragings.map(({ time, asset, long, closed, price }): readonly Cell[] => [
        isoTime(time),
        symbols[asset],
        long ? "long" : "short",
        whole(closed),
        whole(price),
      ]),
      ...result.journal.profitCuts.map(({ time, asset, long }): readonly Cell[] => [
        isoTime(time),
        symbols[asset],
        `${long ? "long" : "short"}, profits cut`,
        undefined,
        undefined,
      ]),
    ],
  };
}

function keepers({ keepers: profiles, stage, result }: Replayed): Table {
  return {
    name: "keepers",
    title: "Keepers",
    columns: [
      { name: "keeper" },
      { name: "latency", unit: "s" },
      { name: "transactions" },
      { name: "reverted" },
      { name: "liquidations" },
      { name: "earned", unit: "USD" },
      { name: "gas", unit: "USD" },
      { name: "profit", unit: "USD" },
    ],
    rows: profiles.map(({ name, latency }, index) => {
      const own = result.landings.filter(({ keeper }) => keeper === name);
      const { account = "" } = stage.keepers[index] ?? {};
      const earned = whole(result.journal.flowsOf(account).earned);
      const gas = own.reduce((sum, { cost }) => sum + whole(cost), 0);
      const liquidated = result.judgements.filter(({ liquidator }) => liquidator === account).length;
      const reverted = own.filter(({ succeeded }) => !succeeded).length;
      return [name, latency, own.length, reverted, liquidated, cents(earned), cents(gas), cents(earned - gas)];
    }),
  };
}

function providers({ result }: Replayed): Table {
  return {
    name: "providers",
    title: "Liquidity providers",
    columns: [{ name: "time" }, { name: "who" }, { name: "what" }, { name: "amount", unit: "USD or shares" }],
    rows: result.providerFlows.map(({ time, name, what, amount }) => [isoTime(time), name, what, cents(whole(amount))]),
  };
}

function refusals({ result }: Replayed): Table {
  const cancelled = [...result.journal.cancellations].map(([cause, count]): readonly Cell[] => [
    undefined,
    undefined,
    `cancelled: ${cause}`,
    count,
  ]);
  const rejected = result.rejected.map(({ time, trader, deed, reason }): readonly Cell[] => [
    isoTime(time),
    trader,
    `${deed}: ${reason}`,
    1,
  ]);
  return {
    name: "refusals",
    title: "What traders were refused",
    columns: [{ name: "time" }, { name: "trader" }, { name: "what" }, { name: "times" }],
    rows: [...cancelled, ["", "", "refunded for lack of a round", result.journal.orders.refunded], ...rejected],
  };
}

/** The whole course, for programs. */
function path({ result, stage }: Replayed): Table {
  const symbols = symbolsOf(stage.protocol);
  const listed = result.samples[0]?.markets.map(({ asset }) => symbols[asset] ?? "") ?? [];
  return {
    name: "path",
    title: "The course of it",
    columns: [
      { name: "time" },
      { name: "pool", unit: "USD" },
      { name: "insurance", unit: "USD" },
      { name: "bad debt", unit: "USD" },
      { name: "underwater", unit: "USD" },
      { name: "unhealthy" },
      { name: "within 5 %" },
      { name: "within 10 %" },
      { name: "within 20 %" },
      ...listed.flatMap((symbol) => [
        { name: `${symbol} price`, unit: "USD" },
        { name: `${symbol} long` },
        { name: `${symbol} short` },
      ]),
    ],
    rows: result.samples.map((sample) => [
      isoTime(sample.time),
      cents(whole(sample.poolEquity)),
      cents(whole(sample.insurance)),
      cents(whole(sample.badDebt)),
      cents(whole(sample.underwater)),
      sample.unhealthy,
      ...sample.within,
      ...sample.markets.flatMap(({ price, long, short }) => [whole(price), whole(long), whole(short)]),
    ]),
  };
}

function namer({ traders, stage }: Pick<Replayed, "traders" | "stage">): (account: string) => string {
  const names = new Map(traders.map(({ name }, index) => [stage.traders[index]?.account ?? "", name]));
  return (account) => names.get(account) ?? account;
}
