import { expect } from "chai";
import fc from "fast-check";

import type { Action } from "../../../scripts/keeper/decide/actions.ts";
import type { KeeperState, SeizedState, Settings } from "../../../scripts/keeper/decide/state.ts";
import { convert } from "../../../scripts/model/convert.ts";
import { liquidate, type LiquidationState, termsOf } from "../../../scripts/model/liquidation.ts";
import { saleLotOf } from "../../../scripts/model/parameters.ts";
import { livePrice } from "../../../scripts/model/price.ts";
import { maintenanceUp } from "../../../scripts/model/risk.ts";
import { takeOver } from "../../../scripts/model/takeOver.ts";
import { holds } from "../../model/arbitraries.ts";
import {
  account,
  alice,
  ALICE,
  BOB,
  decided,
  exposure,
  holding,
  KEEPER,
  kinds,
  NOW,
  own,
  state,
  usd,
  WAD,
} from "./states.ts";

interface Keeper {
  readonly cash?: bigint;
  readonly settings?: Partial<Settings>;
  readonly insolventSince?: bigint;
}

function due(change: Partial<LiquidationState>, { cash = own.cash, settings = {}, insolventSince = 0n }: Keeper = {}) {
  return decided({ accounts: [alice(change, insolventSince)], own: { ...own, cash } }, settings);
}

function only<Kind extends Action["kind"]>(actions: readonly Action[], kind: Kind): Extract<Action, { kind: Kind }> {
  const [action] = actions;
  if (action?.kind !== kind || actions.length !== 1) throw new Error(`not one ${kind}: ${kinds(actions).join(", ")}`);
  return action as Extract<Action, { kind: Kind }>;
}

/** Long 100 ETH with 10 ETH of collateral, unhealthy. */
const secured: Partial<LiquidationState> = {
  exposures: [exposure({ size: 100n * WAD, quote: usd(-382_000), collateral: 10n * WAD })],
  cash: usd(17_000),
  holdings: [holding(10n * WAD)],
};

/** Nothing but 10 ETH and a debt that they do not cover. */
const drowned: Partial<LiquidationState> = {
  exposures: [exposure({ collateral: 10n * WAD })],
  cash: usd(-40_000),
  holdings: [holding(10n * WAD)],
};

/** Healthy, owing more than 75 % of 10 ETH. */
const convertible: Partial<LiquidationState> = { ...drowned, cash: usd(-28_000) };

describe("decide, liquidation", () => {
  it("closes a part of one leg where that is enough", () => {
    const { plan, account: of, reward } = only(due({}), "liquidate");
    const [reduction] = plan.basket.reductions;

    expect(of).to.equal(ALICE);
    expect(plan.kind).to.equal("leg");
    expect(plan.outcome.refusal).to.equal(undefined);
    expect(reward).to.equal(plan.outcome.reward);
    expect(reduction?.delta)
      .to.be.below(0n)
      .and.above(-100n * WAD);
  });

  it("closes all of a deep loss", () => {
    const { plan } = only(due({ cash: usd(31_000) }), "liquidate");

    expect(plan.basket.reductions[0]?.delta).to.equal(-100n * WAD);
  });

  it("leaves a healthy account alone", () => {
    expect(due({ cash: usd(60_000) })).to.deep.equal([]);
  });

  it("counts what a pending order has in escrow, for liquidation, conversion and insolvency", () => {
    const parked = { hasPendingOrder: true, escrow: usd(30_000) };

    expect(due({ cash: usd(30_000), ...parked })).to.deep.equal([]);
    expect(kinds(due({ cash: usd(30_000), ...parked, escrow: 0n }))).to.deep.equal(["liquidate"]);
    expect(due({ ...convertible, ...parked })).to.deep.equal([]);
    expect(due({ ...drowned, ...parked, escrow: usd(20_000) }, { cash: 0n })).to.deep.equal([]);
  });

  it("leaves what is not live alone", () => {
    const settling = { ...livePrice(usd(3_500)), settling: true };
    const held = exposure({ size: 100n * WAD, quote: usd(-380_000), price: settling });

    expect(due({ exposures: [held] })).to.deep.equal([]);
  });

  it("spares an account that is unhealthy only because its hedge was cut", () => {
    const exposuresBefore = [exposure({ size: 40n * WAD, quote: usd(-140_000) })];

    expect(due({ exposuresBefore })).to.deep.equal([]);
    expect(kinds(due({ exposuresBefore: [exposure({ size: 99n * WAD, quote: usd(-376_200) })] }))).to.deep.equal([
      "liquidate",
    ]);
  });

  it("counts the discount on what it buys as a reward", () => {
    const { plan, reward } = only(due(secured), "liquidate");

    expect(plan.basket.sales).to.not.deep.equal([]);
    expect(reward).to.equal(plan.outcome.reward + plan.outcome.discount);
  });

  it("buys no collateral without the cash for it", () => {
    const { plan } = only(due(secured, { cash: 0n }), "liquidate");

    expect(plan.basket.sales).to.deep.equal([]);
    expect(plan.basket.reductions).to.not.deep.equal([]);
  });

  it("buys as much collateral as it can pay for", () => {
    const deep = { ...secured, cash: usd(-4_000), exposures: [exposure({ collateral: 10n * WAD })] };
    const unhealthy = { ...deep, cash: usd(-34_000) };
    const { plan } = only(due(unhealthy, { cash: usd(7_000) }), "liquidate");
    const sold = plan.basket.sales.reduce((sum, { amount }) => sum + amount, 0n);

    expect(sold).to.be.within(WAD, 2n * WAD);
    expect(liquidate(account(unhealthy), plan.basket).refusal).to.equal(undefined);
  });

  it("does not spend its cash twice", () => {
    const accounts = [ALICE, BOB].map((of) => ({ ...alice({ ...drowned, cash: usd(-34_000) }), account: of }));
    // The discount comes back with each.
    const bought = (cash: bigint) =>
      decided({ accounts, own: { ...own, cash } }).flatMap((action) =>
        action.kind === "liquidate" ? [action.plan.outcome.proceeds - action.plan.outcome.discount] : [],
      );
    const [first = 0n] = bought(usd(1_000_000));
    const cash = first + first / 2n;
    const spent = bought(cash).reduce((sum, price) => sum + price, 0n);

    expect(bought(usd(1_000_000)).length).to.equal(2);
    expect(spent).to.be.above(first).and.at.most(cash);
  });

  it("begins with the account that is furthest below its requirement", () => {
    const accounts = [alice({ cash: usd(49_000) }), { ...alice({ cash: usd(45_000) }), account: BOB }];

    expect(decided({ accounts }).map((action) => "account" in action && action.account)).to.deep.equal([BOB, ALICE]);
  });

  it("never proposes what the contract would refuse, or the keeper cannot pay (random accounts)", () => {
    const situation = fc.record({
      size: fc.bigInt({ min: -150n, max: 150n }),
      entry: fc.integer({ min: 3_200, max: 3_800 }),
      held: fc.bigInt({ min: 0n, max: 30n }),
      cash: fc.integer({ min: -120_000, max: 60_000 }),
      purse: fc.integer({ min: 0, max: 100_000 }),
    });
    const property = fc.property(situation, ({ size, entry, held, cash, purse }) => {
      const change: Partial<LiquidationState> = {
        exposures: [exposure({ size: size * WAD, quote: -size * usd(entry), collateral: held * WAD })],
        holdings: held === 0n ? [] : [holding(held * WAD)],
        cash: usd(cash),
        skews: new Map([[0, size * WAD]]),
      };
      for (const action of due(change, { cash: usd(purse), settings: { maxTakeOver: usd(400_000) } })) {
        if (action.kind === "liquidate") {
          const outcome = liquidate(account(change), action.plan.basket);
          expect(outcome.refusal).to.equal(undefined);
          expect(outcome.proceeds <= usd(purse)).to.equal(true);
        } else if (action.kind === "convert") {
          const outcome = convert(account(change), action.sales);
          expect(typeof outcome === "string" ? outcome : outcome.proceeds <= usd(purse)).to.equal(true);
        } else if (action.kind === "takeOver") {
          const { outcome } = takeOver(account(change), action.legs, { exposures: own.exposures, cash: usd(purse) });
          expect(outcome.refusal).to.equal(undefined);
        }
      }
    });
    holds(property, { runs: process.env["TEST_DEPTH"] === "deep" ? 5_000 : 150 });
  });
});

describe("decide, the order of liquidations", () => {
  /** From far without equity to just at the requirement. */
  const accounts = Array.from({ length: 40 }, (_, place) => ({
    ...alice({ cash: usd(29_000 + 500 * place) }),
    account: `0x${(place + 1).toString(16).padStart(64, "0")}`,
  })).filter(({ state }) => shareOf(state) <= 1);
  const levelOf = (share: number) => (share <= 0 ? -1 : Math.floor(share * 4));
  const takenBy = (keeper: string, block = state().block) =>
    decided({ accounts, own: { ...own, account: keeper }, block }).flatMap((action) =>
      action.kind === "liquidate" ? [action.account] : [],
    );
  const levels = new Map(accounts.map((one) => [one.account, levelOf(shareOf(one.state))]));
  const levelsOf = (taken: readonly string[]) => taken.map((one) => levels.get(one) ?? NaN);

  it("has those without equity first, then those with the least of their requirement, a quarter at a time", () => {
    const taken = levelsOf(takenBy(KEEPER));

    for (const level of [-1, 0, 1, 2, 3]) expect(taken).to.include(level);
    expect(taken).to.deep.equal([...taken].sort((a, b) => a - b));
    expect(taken).to.have.length(accounts.length);
  });

  it("is that of what they lack, where nobody else keeps", () => {
    const taken = decided({ accounts }, { hasRivals: false }).flatMap((action) =>
      action.kind === "liquidate" ? [action.account] : [],
    );
    const margins = new Map(accounts.map(({ account: of, state: one }) => [of, marginOf(one)]));

    expect(taken).to.deep.equal([...taken].sort((a, b) => ((margins.get(a) ?? 0n) < (margins.get(b) ?? 0n) ? -1 : 1)));
  });

  it("is another for each keeper, and at each block, within a quarter", () => {
    const mine = takenBy(KEEPER);

    for (const other of [takenBy(BOB), takenBy(KEEPER, state().block + 1)]) {
      expect(new Set(other)).to.deep.equal(new Set(mine));
      expect(other).to.not.deep.equal(mine);
      expect(levelsOf(other)).to.deep.equal(levelsOf(mine));
    }
  });
});

function marginOf(of: LiquidationState): bigint {
  const terms = termsOf(of);
  return terms.equity - maintenanceUp(terms, of.globals);
}

/** Of the maintenance requirement: what is left of it as equity. */
function shareOf(of: LiquidationState): number {
  const terms = termsOf(of);
  return Number(terms.equity) / Number(maintenanceUp(terms, of.globals));
}

describe("decide, takeover", () => {
  const settings = { maxTakeOver: usd(400_000) };

  it("takes positions over where that pays more than closing them", () => {
    const { reward, legs } = only(due({ cash: usd(40_000) }, { settings }), "takeOver");
    const closing = only(due({ cash: usd(40_000) }), "liquidate");
    const { outcome } = takeOver(account({ cash: usd(40_000) }), legs, own);

    expect(outcome.refusal).to.equal(undefined);
    expect(reward).to.equal(outcome.reward + outcome.discount);
    expect(reward > closing.reward).to.equal(true);
  });

  it("closes them where that pays more", () => {
    // Without a discount, and with room for an eighth only.
    const globals = { ...account().globals, takeoverDiscount: 0n };

    expect(kinds(due({ globals }, { settings: { maxTakeOver: usd(45_000) } }))).to.deep.equal(["liquidate"]);
  });

  it("takes none over by default, nor beyond its limit", () => {
    expect(kinds(due({ cash: usd(40_000) }))).to.deep.equal(["liquidate"]);
    expect(kinds(due({ cash: usd(40_000) }, { settings: { maxTakeOver: usd(1_000) } }))).to.deep.equal(["liquidate"]);
  });

  it("takes none over that its own account would not have the margin for, or while an order of it is pending", () => {
    expect(kinds(due({ cash: usd(40_000) }, { settings, cash: usd(10) }))).to.deep.equal(["liquidate"]);
    const pending = decided(
      { accounts: [alice({ cash: usd(40_000) })], own: { ...own, hasPendingOrder: true } },
      settings,
    );
    expect(kinds(pending)).to.deep.equal(["liquidate"]);
  });
});

describe("decide, conversion", () => {
  it("sells collateral of an account that owes too much against it, for the discount", () => {
    const { sales, reward } = only(due(convertible), "convert");
    const [sale] = sales;
    const outcome = convert(account(convertible), sales);

    expect(outcome).to.be.an("object");
    expect(reward > 0n).to.equal(true);
    // One lot more would be too much.
    const more = (sale?.amount ?? 0n) + saleLotOf(holding(0n).parameters);
    expect(convert(account(convertible), [{ token: 0, amount: more }])).to.equal("TargetPassed");
  });

  it("sells no more than the keeper can pay for", () => {
    const { sales } = only(due(convertible, { cash: usd(3_500) }), "convert");
    const outcome = convert(account(convertible), sales);

    expect(typeof outcome !== "string" && outcome.proceeds <= usd(3_500)).to.equal(true);
    expect(sales[0]?.amount).to.be.within((WAD * 99n) / 100n, WAD);
  });

  it("leaves an account that owes less, or whose collateral has no live price", () => {
    expect(due({ ...convertible, cash: usd(-26_000) })).to.deep.equal([]);
    const stale = [exposure({ collateral: 10n * WAD, price: { ...livePrice(usd(3_500)), refusal: "Stale" } })];
    expect(due({ ...convertible, exposures: stale })).to.deep.equal([]);
    expect(due({ ...convertible, settlementPrice: 0n })).to.deep.equal([]);
  });
});

describe("decide, what is left of an account", () => {
  const duty = (kind: string) => [{ kind, account: ALICE, role: "liquidate" }];
  const nothing = { exposures: [], holdings: [] };

  it("settles the deficit of one that has nothing else", () => {
    expect(due({ ...nothing, cash: -1n })).to.deep.equal(duty("settleDeficit"));
    expect(due({ ...nothing, cash: 0n })).to.deep.equal([]);
  });

  it("leaves a debt that a pending order's escrow may pay, and flags one that it cannot", () => {
    const parked = { ...nothing, cash: usd(-1), hasPendingOrder: true };

    expect(due({ ...parked, escrow: usd(1) })).to.deep.equal([]);
    expect(due({ ...parked, escrow: usd(1) - 1n })).to.deep.equal(duty("flagInsolvent"));
    expect(due({ ...parked, escrow: usd(1) - 1n }, { insolventSince: 1n })).to.deep.equal([]);
  });

  it("flags one as insolvent whose collateral the keeper cannot buy", () => {
    expect(due(drowned, { cash: 0n })).to.deep.equal(duty("flagInsolvent"));
    expect(kinds(due(drowned))).to.deep.equal(["liquidate"]);
  });

  it("flags one before it buys a part of its collateral for nothing", () => {
    expect(due(drowned, { cash: usd(1_000) })).to.deep.equal(duty("flagInsolvent"));
  });

  it("clears one before it converts its collateral", () => {
    expect(due(convertible, { insolventSince: 1n })).to.deep.equal(duty("clearInsolvency"));
  });

  it("has its collateral seized ten minutes after", () => {
    const flagged = (age: bigint) => due(drowned, { cash: 0n, insolventSince: NOW - age });

    expect(flagged(599n)).to.deep.equal([]);
    expect(flagged(600n)).to.deep.equal(duty("seize"));
  });

  it("has dead collateral seized, and none that is only stale", () => {
    const flagged = (dead: boolean) => {
      const price = { ...livePrice(usd(3_500)), refusal: "Stale" as const, dead };
      return due({ ...drowned, exposures: [exposure({ collateral: 10n * WAD, price })] }, { insolventSince: 1n });
    };

    expect(flagged(true)).to.deep.equal(duty("seize"));
    expect(flagged(false)).to.deep.equal([]);
  });

  it("has nothing seized while a position is left", () => {
    const price = { ...livePrice(usd(3_500)), refusal: "Stale" as const, dead: true };
    const stuck = [exposure({ size: WAD, quote: usd(-100_000), price })];

    expect(due({ exposures: stuck, cash: 0n }, { insolventSince: 1n })).to.deep.equal([]);
  });

  it("clears one that is solvent again, or owes nothing any more", () => {
    expect(due({ cash: usd(60_000) }, { insolventSince: 1n })).to.deep.equal(duty("clearInsolvency"));
    expect(due({ ...nothing, cash: 0n }, { insolventSince: 1n })).to.deep.equal(duty("clearInsolvency"));
    expect(due({ ...nothing, cash: -1n }, { insolventSince: 1n })).to.deep.equal(duty("settleDeficit"));
  });

  it("clears one whose debt its escrow covers", () => {
    const flagged = (escrow: bigint) =>
      due({ ...nothing, cash: usd(-1), hasPendingOrder: true, escrow }, { insolventSince: 1n });

    expect(flagged(usd(1))).to.deep.equal(duty("clearInsolvency"));
    expect(flagged(usd(1) - 1n)).to.deep.equal([]);
  });

  it("clears one that holds what is worth nothing and owes nothing", () => {
    const price = { ...livePrice(usd(3_500)), refusal: "Stale" as const, dead: true };
    const worthless = {
      exposures: [exposure({ collateral: 10n * WAD, price })],
      holdings: [holding(10n * WAD)],
      cash: 0n,
    };

    expect(due(worthless, { insolventSince: 1n })).to.deep.equal(duty("clearInsolvency"));
  });

  it("has a loss realised that is beyond cash and large enough", () => {
    // Owes 3,000 more than its cash of 27,000 for a loss of 30,000, against 100 ETH.
    const hiding = {
      exposures: [exposure({ size: 100n * WAD, quote: usd(-380_000), collateral: 100n * WAD })],
      holdings: [holding(100n * WAD)],
      cash: usd(27_000),
    };

    expect(due(hiding, { settings: { realiseAbove: usd(3_000) } })).to.deep.equal(duty("realise"));
    expect(due(hiding, { settings: { realiseAbove: usd(3_001) } })).to.deep.equal([]);
    expect(due({ ...hiding, cash: usd(31_000) }, { settings: { realiseAbove: 1n } })).to.deep.equal([]);
  });
});

describe("decide, seized collateral", () => {
  const lot: SeizedState = {
    token: 0,
    amount: 10n * WAD,
    owed: usd(20_000),
    since: NOW - 2_160n,
    price: livePrice(usd(3_500)),
  };
  const offered = (change: Partial<SeizedState>, more: Partial<KeeperState> = {}, settings: Partial<Settings> = {}) =>
    decided({ seized: [{ ...lot, ...change }], ...more }, settings);

  it("is bought from a discount on that is worth it", () => {
    // A tenth of six hours: one per cent.
    expect(offered({})).to.deep.equal([
      { kind: "buySeized", sale: { token: 0, amount: 10n * WAD }, reward: usd(350), role: "liquidate" },
    ]);
    expect(offered({ since: NOW - 2_100n })).to.deep.equal([]);
    expect(offered({ since: NOW - 2_100n }, {}, { seizedDiscount: 0n })).to.have.length(1);
  });

  it("is bought with what cash there is", () => {
    const { sale } = only(offered({}, { own: { ...own, cash: usd(7_000) } }), "buySeized");

    expect(sale.amount).to.equal(2n * WAD);
    expect(offered({}, { own: { ...own, cash: 0n } })).to.deep.equal([]);
  });

  it("is not bought without a live price, nor where it is gone", () => {
    expect(offered({ price: { ...lot.price, refusal: "Stale" } })).to.deep.equal([]);
    expect(offered({ price: { ...lot.price, settling: true } })).to.deep.equal([]);
    expect(offered({}, { settlementPrice: 0n })).to.deep.equal([]);
    expect(offered({ amount: 0n })).to.deep.equal([]);
  });

  it("is given up once its price is dead, where the pool has paid for it", () => {
    const dead = { ...lot.price, refusal: "Stale" as const, dead: true };

    expect(offered({ price: dead })).to.deep.equal([{ kind: "writeOff", token: 0, role: "liquidate" }]);
    expect(offered({ price: dead, owed: 0n })).to.deep.equal([]);
  });

  it("belongs to the first shard", () => {
    const inShard = (index: number) =>
      kinds(decided({ seized: [lot], own: state().own }, { shard: { index, count: 2 } }));

    expect([inShard(0), inShard(1)]).to.deep.equal([["buySeized"], []]);
  });
});
