import { expect } from "chai";

import type { Replayed } from "../../../scripts/lab/replay/command.ts";
import { failuresOf, findingsOf, shareValue } from "../../../scripts/lab/replay/findings.ts";
import { notesOf } from "../../../scripts/lab/replay/notes.ts";
import { plotsOf, premiumOf } from "../../../scripts/lab/replay/plots.ts";
import type { Judgement, RunResult, Sample } from "../../../scripts/lab/replay/run.ts";
import { tablesOf } from "../../../scripts/lab/replay/tables.ts";

const WAD = 10n ** 18n;
const START = 1_760_000_000;
const LONG = `0x${"11".repeat(32)}`;
const KEEPER = `0x${"22".repeat(32)}`;

const flows = {
  fees: 100n * WAD,
  funding: 5n * WAD,
  penalties: 40n * WAD,
  discounts: 0n,
  orderCosts: 12n * WAD,
  forgiven: 30n * WAD,
  earned: 0n,
  liquidations: 1,
  open: new Map(),
};
const sample = (time: number, changes: Partial<Sample>): Sample => ({
  time,
  poolEquity: 1_000n * WAD,
  shares: 1_000n * WAD,
  insurance: 50n * WAD,
  base: 0n,
  protocolFees: WAD,
  badDebt: 0n,
  underwater: 0n,
  unhealthy: 0,
  within: [0, 1, 2],
  markets: [{ asset: 0, price: 10n * WAD, long: 8n * WAD, short: 2n * WAD, fundingIndex: 0n, fundingRate: 0n }],
  ...changes,
});
const liquidated: Judgement = {
  account: LONG,
  liquidator: KEEPER,
  time: START + 40,
  block: 9,
  transaction: "0x",
  equityBefore: 10n * WAD,
  maintenanceBefore: 11n * WAD,
  equityAfter: 0n,
  maintenanceAfter: 0n,
  penalty: 40n * WAD,
  discount: 0n,
  reward: 20n * WAD,
  deficit: 30n * WAD,
  healthy: false,
  waited: 7,
};
const health = (equity: bigint) => ({
  account: LONG,
  equity: equity * WAD,
  maintenance: 11n * WAD,
  initial: 20n * WAD,
});

function result(changes: Partial<RunResult> = {}): RunResult {
  const journal = {
    flows: new Map([[LONG, flows]]),
    flowsOf: () => flows,
    fills: [
      { ...fill, time: START + 10, liquidation: false },
      { ...fill, time: START + 40, delta: -fill.delta, quote: -39n * WAD, liquidation: true },
    ],
    movements: [],
    deleveragings: [{ time: START + 50, block: 10, asset: 0, long: true, closed: 2n * WAD, price: 10n * WAD }],
    profitCuts: [],
    cancellations: new Map([["Margin", 2]]),
    orders: { refunded: 1 },
    badDebt: 30n * WAD,
    badDebtFromInsurance: 20n * WAD,
    keeperPay: 2n * WAD,
  };
  return {
    journal: journal as unknown as RunResult["journal"],
    samples: [
      sample(START, {}),
      sample(START + 30, { poolEquity: 1_200n * WAD }),
      sample(START + 45, { poolEquity: 900n * WAD, insurance: 30n * WAD }),
      sample(START + 60, { poolEquity: 1_500n * WAD, shares: 1_500n * WAD, badDebt: 30n * WAD, insurance: 40n * WAD }),
    ],
    judgements: [liquidated],
    landings: [],
    pushed: [],
    rejected: [],
    providerFlows: [{ time: START + 55, name: "provider 3", what: "deposits", amount: 500n * WAD }],
    faults: [],
    steps: 4,
    health: { before: [health(30n)], beforeAt: START, after: [health(-1n)] },
    opened: [health(40n)],
    rules: {} as RunResult["rules"],
    markets: new Map(),
    lastBlock: 10,
    actions: { transactions: 100, seconds: 2, keepers: 3 },
    ...changes,
  };
}

const fill = { account: LONG, asset: 0, delta: 4n * WAD, price: 10n * WAD, quote: 41n * WAD, fundingIndex: 0n };

function replayed(changes: Partial<RunResult> = {}): Replayed {
  const parameters = {
    file: "a.ts",
    assets: [{ symbol: "ETH" }],
    globals: { insuranceFeeShare: 200_000n, protocolFeeShare: 100_000n },
  };
  const rounds = new Map([["ETH", [{ updatedAt: START, startedAt: START, answer: 10n * 10n ** 8n, id: 1n }]]]);
  return {
    recording: { name: "test", from: START, to: START + 60, rounds },
    parameters,
    traders: [{ name: "long 1", kind: "long", funds: [], deeds: [], reserve: 0n }],
    keepers: [{ name: "fast", roles: ["liquidate"], latency: 3, margin: 0n, duties: false, cash: 0n }],
    stage: { protocol: { parameters }, traders: [{ account: LONG }], keepers: [{ account: KEEPER }] },
    result: result(changes),
  } as unknown as Replayed;
}

function findings(changes: Partial<RunResult> = {}) {
  const { result: run, stage, traders } = replayed(changes);
  return findingsOf(run, stage, traders);
}

describe("findingsOf", () => {
  it("splits what the pool gained: providers apart, its share of fees, forfeits, bad debt, the rest", () => {
    const { pool, badDebt } = findings();
    // 70 % of 100 in fees, and 12 − 2 of orders that were not paid to keepers.
    expect(pool).to.include({ opening: 1_000, providers: 500, fees: 80, badDebt: -10, closing: 1_500 });
    expect(pool.traders).to.equal(1_500 - 1_000 - 500 - 80 + 10);
    expect(badDebt).to.include({ booked: 30, fromInsurance: 20, fromPool: 10, uncovered: 0 });
  });

  it("measures the pool by the value of a share, so that money which comes and goes is no gain", () => {
    const { pool, insurance } = findings();
    expect(pool.perShare).to.equal(0);
    expect(pool.drawdown).to.equal(0.25);
    expect(insurance).to.deep.equal({ opening: 50, least: 30, closing: 40 });
    expect(shareValue(sample(START, { shares: 0n }))).to.equal(0);
  });

  it("counts what was closed, how long it waited, and what those lost", () => {
    const { liquidations, deleveraging, lossGivenLiquidation } = findings();
    expect(liquidations).to.include({ count: 1, accounts: 1, healthy: 0, notional: 40, medianWait: 7, longestWait: 7 });
    expect(deleveraging).to.include({ count: 1, notional: 20, largestShare: 0.25 });
    expect(lossGivenLiquidation).to.equal(1);
  });
});

describe("failuresOf", () => {
  const failures = (changes: Partial<RunResult>) => failuresOf(findings(changes), result(changes));

  it("has nothing against bad debt that is paid", () => {
    expect(failures({})).to.deep.equal([]);
  });

  for (const [what, changes, words] of [
    ["books that are off", { faults: ["noon: cash 1 wei off"] }, "the books do not add up"],
    ["a healthy account liquidated", { judgements: [{ ...liquidated, healthy: true }] }, "1 liquidations of healthy"],
    ["one pushed over", { pushed: [{ time: START, account: LONG, kind: "deleverage" }] }, "pushed over"],
    ["a pool below nothing", { samples: [sample(START, { poolEquity: -7n * WAD })] }, "7 USD of bad debt that nobody"],
  ] as const) {
    it(`names ${what}`, () => {
      const found = failures(changes);
      expect(found).to.have.length(1);
      expect(found[0]).to.contain(words);
    });
  }
});

describe("premiumOf", () => {
  it("is what a fill costs beyond the oracle's price, funding apart, whichever way it goes", () => {
    const bought = { ...fill, time: START, liquidation: false };
    const rounded = (one: typeof bought): number => Math.round(1e6 * premiumOf(one)) / 1e6;
    expect(rounded(bought)).to.equal(250);
    expect(rounded({ ...bought, delta: -4n * WAD, quote: -39n * WAD })).to.equal(250);
    expect(rounded({ ...bought, quote: 37n * WAD, fundingIndex: WAD })).to.equal(250);
  });
});

describe("the report of a replay", () => {
  it("has every figure in its tables, plots and sentences", () => {
    const one = replayed();
    const tables = tablesOf(one, findings());
    for (const { name, columns, rows } of tables) {
      for (const row of rows) {
        expect(row.length, name).to.be.at.most(columns.length);
        expect(row.some(Number.isNaN), `${name}: ${row.join(", ")}`).to.equal(false);
      }
    }
    expect(new Set(tables.map(({ name }) => name)).size).to.equal(tables.length);
    expect(plotsOf(one, findings()).map(({ name }) => name)).to.include.members([
      "closed",
      "fills",
      "health",
      "waterfall",
    ]);
    expect(notesOf(one, findings()).join(" ")).to.contain(
      "Bad debt 30 USD: 20 USD paid by insurance, 10 USD by the pool",
    );
  });
});
