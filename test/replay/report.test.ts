import { expect } from "chai";

import { buildReport, passes, type ReportInput, toJson } from "../../scripts/replay/report.ts";
import { renderPage } from "../../scripts/replay/page.ts";
import { money, renderSummary } from "../../scripts/replay/table.ts";

const WAD = 10n ** 18n;
const NOON = Date.parse("2023-08-17T12:00:00Z") / 1000;
const OWNER = `0x${"11".repeat(32)}`;
const NEIGHBOUR = `0x${"22".repeat(32)}`;

const isolatedWhole = { splitAt: NOON, openable: true, positions: 1, losses: [], equity: 900n * WAD };
const flows = {
  fees: 3n * WAD,
  funding: 2n * WAD,
  penalties: 0n,
  discounts: 0n,
  orderCosts: 1n * WAD,
  forgiven: 0n,
  earned: 0n,
  liquidations: 0,
  open: new Map([[0, { size: 2n * WAD, index: 0n }]]),
};
const move = (account: string, token: number, amount: bigint) => ({ account, token, amount, time: NOON, swap: false });

/** One trader with 600 USDC and 0.2 WETH at 2,000, and one that was liquidated. */
function input(changes: Partial<ReportInput> = {}): ReportInput {
  return {
    from: NOON,
    to: NOON + 3_600,
    assets: ["ETH"],
    collateralAssets: [0],
    accounts: [
      {
        name: "steady",
        kind: "hedged pair",
        note: "holds",
        account: OWNER,
        equity: 950n * WAD,
        flows,
        isolated: {
          ...isolatedWhole,
          positions: 2,
          losses: [{ asset: 0, time: NOON + 60, kept: 5n * WAD }],
          equity: 700n * WAD,
        },
        samples: [{ time: NOON, equity: 1000n * WAD, maintenance: 50n * WAD, initial: 90n * WAD }],
      },
      {
        name: "over",
        kind: "over-levered",
        note: "falls",
        account: NEIGHBOUR,
        equity: 100n * WAD,
        flows: { ...flows, penalties: 4n * WAD, liquidations: 2, open: new Map() },
        isolated: isolatedWhole,
        samples: [],
      },
    ],
    movements: [
      move(OWNER, 255, 600n * WAD),
      move(OWNER, 0, WAD / 5n),
      move(NEIGHBOUR, 255, 500n * WAD),
      move(NEIGHBOUR, 255, -100n * WAD),
      { ...move(NEIGHBOUR, 255, 30n * WAD), swap: true },
      { ...move(NEIGHBOUR, 0, (-15n * WAD) / 1000n), swap: true },
    ],
    prices: [{ time: NOON - 10, asset: 0, price: 2000n * WAD }],
    fundingIndex: new Map([[0, WAD]]),
    fills: [
      {
        account: OWNER,
        time: NOON,
        asset: 0,
        delta: 2n * WAD,
        price: 2000n * WAD,
        quote: 4000n * WAD,
        fundingIndex: 0n,
        liquidation: false,
      },
    ],
    liquidations: [],
    judgements: [],
    orders: { submitted: 4, executed: 2, cancelled: 1, refunded: 1, poked: 1 },
    cancellations: new Map([["OutsideBand", 1]]),
    rejected: [],
    opening: { poolEquity: 10n * WAD, base: 0n, insurance: 5n * WAD, protocolFees: 0n },
    closing: { poolEquity: 17n * WAD, base: 0n, insurance: 6n * WAD, protocolFees: 2n * WAD },
    badDebt: 0n,
    badDebtFromInsurance: 0n,
    keeperPay: 2n * WAD,
    liquidatorRewards: 3n * WAD,
    conservation: [
      {
        time: NOON,
        driftWei: 0n,
        debtDriftWei: 0n,
        collaterals: [{ symbol: "WETH", ledgerWei: WAD / 5n, heldWei: WAD / 5n }],
      },
    ],
    gas: { "Orders.submit": { count: 4, min: 1, mean: 2, max: 3 } },
    wallSeconds: 12.5,
    ...changes,
  };
}

describe("buildReport", () => {
  it("has the keys that are promised", () => {
    const json = JSON.parse(toJson(buildReport(input()))) as Record<string, unknown>;
    expect(Object.keys(json)).to.have.members([
      "window",
      "orders",
      "rejected",
      "liquidations",
      "liquidatedAccounts",
      "healthyLiquidations",
      "badDebt",
      "conservationDriftWei",
      "conserved",
      "conservationChecks",
      "collateral",
      "pool",
      "insurance",
      "protocolFees",
      "keeper",
      "accounts",
      "gas",
      "wallSeconds",
    ]);
    expect(json["orders"]).to.include({ submitted: 4, executed: 2, cancelled: 1 });
    expect(json["badDebt"]).to.equal("0");
    expect(json["conservationDriftWei"]).to.equal("0");
    expect(json["gas"]).to.deep.equal({ "Orders.submit": { count: 4, min: 1, mean: 2, max: 3 } });
    expect((json["accounts"] as object[])[0]).to.include.keys("survivedCross", "wouldSurviveIsolated");
  });

  it("counts profit from what was put in at the prices of its time", () => {
    const [steady, over] = buildReport(input()).accounts;
    expect(steady?.collateral).to.equal(1000n * WAD);
    expect(steady?.pnl).to.equal(-50n * WAD);
    expect(over?.collateral, "a sale inside the account is no deposit").to.equal(500n * WAD);
    expect(over?.pnl).to.equal(-300n * WAD);
  });

  it("splits profit into what prices did and what each cost took, open funding included", () => {
    const [steady, over] = buildReport(input()).accounts;
    expect(steady?.funding).to.equal(4n * WAD);
    expect(steady?.priceResult).to.equal((-50n + 4n + 3n + 1n) * WAD);
    expect(over?.liquidationCosts).to.equal(4n * WAD);
    expect(over?.priceResult).to.equal((-300n + 2n + 3n + 4n + 1n) * WAD);
  });

  it("tells cross margin from isolated margin", () => {
    const [steady, over] = buildReport(input()).accounts;
    expect(steady).to.include({ survivedCross: true, wouldSurviveIsolated: false });
    expect(steady?.isolated.liquidated).to.deep.equal([{ asset: "ETH", time: "2023-08-17T12:01:00Z" }]);
    expect(steady?.isolated.pnl).to.equal(-300n * WAD);
    expect(over).to.include({ survivedCross: false, wouldSurviveIsolated: true, liquidations: 2 });
  });

  it("does not count as surviving what isolated margin would not have opened", () => {
    const { accounts } = input();
    const closed = accounts.map((account) => ({ ...account, isolated: { ...isolatedWhole, openable: false } }));
    expect(buildReport(input({ accounts: closed })).accounts[0]?.wouldSurviveIsolated).to.equal(false);
  });
});

describe("checks of a run", () => {
  const [good] = input().conservation;
  if (good === undefined) throw new Error("no measurement");

  it("pass when the books add up and nobody healthy was liquidated", () => {
    expect(passes(buildReport(input()))).to.equal(true);
  });

  it("fail for one wei off, in any measurement", () => {
    const report = buildReport(input({ conservation: [{ ...good, driftWei: -1n }, good] }));
    expect(report.conservationDriftWei).to.equal(-1n);
    expect(passes(report)).to.equal(false);
  });

  it("fail for collateral that the vault does not have", () => {
    const collaterals = [{ symbol: "WETH", ledgerWei: 2n, heldWei: 1n }];
    expect(passes(buildReport(input({ conservation: [{ ...good, collaterals }] })))).to.equal(false);
  });

  it("fail without a measurement", () => {
    expect(passes(buildReport(input({ conservation: [] })))).to.equal(false);
  });

  it("fail for a liquidation of a healthy account", () => {
    const judgement = { transaction: "0x", account: OWNER, equity: 2n, maintenance: 1n, healthy: true };
    expect(passes(buildReport(input({ judgements: [judgement] })))).to.equal(false);
  });
});

describe("renderPage", () => {
  const page = renderPage(buildReport(input()), input());

  it("needs nothing from elsewhere", () => {
    expect(page).not.to.match(/<script|<link|<img|url\(|@import|https?:/);
    expect(page).to.include("<svg").and.include("prefers-color-scheme: dark").and.include('name="viewport"');
  });

  it("shows every account", () => {
    expect(page).to.include("steady").and.include("over-levered");
  });

  it("escapes what it is given", () => {
    const accounts = input().accounts.map((account) => ({ ...account, note: '<b>&"' }));
    const given = input({ accounts });
    expect(renderPage(buildReport(given), given)).not.to.include("<b>&");
  });
});

describe("renderSummary", () => {
  it("has a line for each account, and the totals", () => {
    const text = renderSummary(buildReport(input()));
    expect(text).to.match(/^steady +hedged pair +1,000 +−50 +4\.00 +3\.00 +survived +1 of 2 liquidated +−300$/m);
    expect(text).to.match(/^over +over-levered +500 +−300 +2\.00 +3\.00 +liquidated ×2 +survives/m);
    expect(text).to.match(/conservation, wei off \(1 checks\) +0/);
  });
});

describe("money", () => {
  const cases: [bigint, number, string][] = [
    [0n, 0, "0"],
    [1_234_567n * WAD, 0, "1,234,567"],
    [-1_234_567n * WAD, 2, "−1,234,567.00"],
    [WAD / 2n, 0, "1"],
    [-WAD / 3n, 0, "0"],
    [WAD / 200n, 2, "0.01"],
    [12n * WAD + WAD / 10n, 2, "12.10"],
  ];
  for (const [value, decimals, text] of cases) {
    it(`writes ${String(value)} wei with ${decimals} decimals as ${text}`, () => {
      expect(money(value, decimals)).to.equal(text);
    });
  }
});
