import { expect } from "chai";

import { indebted, leveraged, crowdedSide, capSkew, flagAndSettle } from "../../waterfall/scenarios.ts";
import { frozen } from "../../clearing/scenarios.ts";
import { betterTerms, load, movePrice, now, stateOf } from "../../clearing/support.ts";
import { accountOf, ethers, time } from "../../fixture.ts";
import { cut as cutHedge, hedged, outright, overdrawn, seizable, type Subject } from "../../lens/standings.ts";
import { BTC, ETH, HOUR, wad, WETH_TOKEN } from "../../parameters.ts";
import { createLog } from "../../../scripts/keeper/log.ts";
import { BlockGoneError, Reader } from "../../../scripts/keeper/reading/Reader.ts";
import { UNATTRIBUTED } from "../../../scripts/model/deficit.ts";
import { counted } from "../counted.ts";
import { indexOf, keeperOf, latest } from "./stage.ts";

const kinds = (actions: readonly { kind: string }[]) => actions.map(({ kind }) => kind);

/** Alice is long 750 ETH and below her requirement. */
async function unhealthy() {
  const world = await leveraged();
  await movePrice(world, ETH, wad("1_690"));
  return world;
}

/** Two such accounts. */
async function twoUnhealthy() {
  const world = await frozen();
  const accounts = [accountOf(world.alice), accountOf(world.bob)];
  for (const account of accounts) await world.trade(account, ETH, wad("700"));
  await movePrice(world, ETH, wad("1_690"));
  return { ...world, accounts };
}

/** An order of alice's waits, with pay and charge in escrow. */
async function parked() {
  const world = await unhealthy();
  await world.submit(world.account, ETH, wad("-1"), { reduceOnly: true });
  return world;
}

describe("Reader, accounts", () => {
  it("reads an unhealthy account as the chain values it, and liquidates it", async () => {
    const world = await load(unhealthy);
    const { account, lens } = world;
    const keeper = keeperOf(world);
    const { state, nearness } = await keeper.read(["liquidate"]);
    const [found] = state.accounts;
    const terms = betterTerms(found?.state ?? (await stateOf(world, account, await now())));
    const [health] = await lens.health([account]);

    expect(state.accounts.map((one) => one.account)).to.deep.equal([account]);
    expect([terms.equity, terms.maintenance]).to.deep.equal([health?.equity, health?.maintenance]);
    expect(nearness.unhealthy).to.equal(1);

    const { actions, receipts } = await keeper.cycle(["liquidate"]);
    expect(kinds(actions)).to.deep.equal(["liquidate"]);
    const [action] = actions;
    const [receipt] = receipts;
    if (action?.kind !== "liquidate" || receipt === undefined) throw new Error("nothing was sent");
    const events = receipt.logs.map((log) => world.clearingHouse.interface.parseLog(log));
    const liquidated = events.find((event) => event?.name === "Liquidated");
    expect((liquidated?.args.getValue("result") as { reward: bigint }).reward).to.equal(action.reward);
    expect((await lens.health([account]))[0]?.standing.liquidatable).to.equal(false);
  });

  for (const [what, arrange] of [
    ["outright positions", outright],
    ["hedged ones with collateral", hedged],
    ["one in the grace after a deleveraging", cutHedge],
    ["a hedge that is owed against", overdrawn],
    ["a pending order's escrow", parked],
  ] as const) {
    it(`agrees with Lens about ${what}, to the wei`, async () => {
      const world = await load(arrange);
      const index = await indexOf(world);

      expect(index.accounts.has(world.account)).to.equal(true);
      expect(await keeperOf(world).compare(index)).to.deep.equal({ compared: index.accounts.size, differing: [] });
    });
  }

  it("says where Lens has another health, and ends between two pages", async () => {
    const world = await load(twoUnhealthy);
    const [, account = ""] = world.accounts;
    const keeper = keeperOf(world);
    const contracts = await keeper.contracts();
    const health = async (ids: string[]) =>
      (await world.lens.health(ids)).map(({ equity, maintenance, initial }, place) => ({
        equity,
        maintenance,
        initial: ids[place] === account ? initial + 1n : initial,
      }));
    Object.assign(contracts, { lens: { health } });

    const { differing } = await keeper.compare();
    expect(differing.map((one) => [one.account, one.lens.equity === one.model.equity])).to.deep.equal([
      [account, true],
    ]);
    expect(differing.map(({ lens, model }) => (lens.initial ?? 0n) - model.initial)).to.deep.equal([1n]);
    const reason = new Error("stopped");
    const stopped: unknown = await keeper
      .compare(undefined, AbortSignal.abort(reason))
      .catch((error: unknown) => error);
    expect(stopped).to.equal(reason);
  });

  it("has the insurance that is left for each market", async () => {
    const world = await load(unhealthy);
    const [found] = (await keeperOf(world).read(["liquidate"])).state.accounts;

    for (const market of [ETH, BTC, UNATTRIBUTED]) {
      const { room } = await world.clearingHouse.insuranceRoomOf(market);
      expect(found?.state.insuranceRooms?.get(market)).to.equal(room);
    }
  });

  it("liquidates several in one transaction", async () => {
    const world = await load(twoUnhealthy);
    const { actions, jobs } = await keeperOf(world).cycle(["liquidate"]);

    expect(kinds(actions)).to.deep.equal(["liquidate", "liquidate"]);
    expect(jobs.map(({ kind }) => kind)).to.deep.equal(["liquidateBatch"]);
    const health = await world.lens.health(world.accounts);
    expect(health.map(({ standing }) => standing.liquidatable)).to.deep.equal([false, false]);
  });

  it("reads several with one request", async () => {
    const world = await load(twoUnhealthy);
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { provider });
    const index = await indexOf(world);
    await keeper.read(["liquidate"], { ...index, accounts: new Map() });
    const without = asked.length;
    const { state } = await keeper.read(["liquidate"], index);

    expect(state.accounts).to.have.length(2);
    expect(asked.length - without - without).to.equal(1);
  });

  it("leaves healthy accounts out, and counts how near they are", async () => {
    const world = await load(leveraged);
    const { state, nearness } = await keeperOf(world).read(["liquidate"]);

    expect(state.accounts).to.deep.equal([]);
    expect(nearness).to.deep.include({ accounts: 1, unhealthy: 0 });
    expect(await keeperOf(world).decided(["liquidate"])).to.deep.equal([]);
  });

  it("has nothing to be done with accounts for who does not liquidate, and knows all the same who can be", async () => {
    const world = await load(unhealthy);
    for (const role of ["monitor", "orders"] as const) {
      const { state, nearness, liquidatable } = await keeperOf(world).read([role]);

      expect(state.accounts).to.deep.equal([]);
      expect(nearness.unhealthy).to.equal(1);
      expect(liquidatable).to.deep.equal([world.account]);
    }
  });

  it("does not call liquidatable what is only near, convertible, or before the sequencer has settled", async () => {
    const near = await keeperOf(await load(leveraged)).read(["monitor"]);
    expect(near.liquidatable).to.deep.equal([]);
    const convertible = await keeperOf(await load(indebted)).read(["liquidate"]);
    expect(convertible.state.accounts).to.have.length(1);
    expect(convertible.liquidatable).to.deep.equal([]);

    const world = await load(unhealthy);
    await world.setSequencer(false);
    await world.setSequencer(true);
    const { state, liquidatable } = await keeperOf(world).read(["monitor"]);
    expect(state.sequencerSettled).to.equal(false);
    expect(liquidatable).to.deep.equal([]);
  });

  it("calls liquidatable what seems so and cannot be read", async () => {
    const world = await load(twoUnhealthy);
    const [account = ""] = world.accounts;
    const provider = new Proxy(ethers.provider, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...args: readonly [{ data?: string }?]): Promise<unknown> => {
          if (name === "call" && args[0]?.data?.includes(account.slice(2)) === true) throw new Error("no answer");
          return Reflect.apply(value, target, args) as Promise<unknown>;
        };
      },
    });
    const { state, liquidatable } = await keeperOf(world, { provider }).read(["liquidate"]);

    expect(state.accounts).to.deep.equal([]);
    expect([...liquidatable].sort()).to.deep.equal([...world.accounts].sort());
  });

  it("follows a book that changes, and one that goes", async () => {
    const world = await load(unhealthy);
    const keeper = keeperOf(world);
    await keeper.cycle(["liquidate"]);
    expect((await keeper.read(["liquidate"])).nearness.unhealthy).to.equal(0);

    const index = await indexOf(world);
    await world.trade(accountOf(world.bob), ETH, wad("1"));
    expect((await keeper.read(["liquidate"])).nearness.accounts).to.be.above(0);
    expect((await keeper.read(["liquidate"], { ...index, accounts: new Map() })).nearness.accounts).to.equal(0);
  });

  it("divides accounts among shards", async () => {
    const world = await load(twoUnhealthy);
    const found = await Promise.all(
      [0, 1].map(async (index) => {
        const { state } = await keeperOf(world, { shard: { index, count: 2 } }).read(["liquidate"]);
        return state.accounts.map(({ account }) => account);
      }),
    );

    expect(found.flat().sort()).to.deep.equal([...world.accounts].sort());
  });

  it("sees a book that the index has changed in place", async () => {
    const world = await load(indebted);
    const keeper = keeperOf(world);
    const { accounts, ...rest } = await indexOf(world);
    const book = accounts.get(world.account);
    if (book === undefined) throw new Error("no book");
    const changing = { ...book, cash: -1n };
    const index = { ...rest, accounts: new Map(accounts).set(world.account, changing) };
    expect((await keeper.read(["liquidate"], index)).state.accounts).to.deep.equal([]);

    changing.cash = book.cash;
    const { state } = await keeper.read(["liquidate"], index);
    expect(state.accounts.map(({ account }) => account)).to.deep.equal([world.account]);
  });

  it("refuses to read at a block that is not the chain's", async () => {
    const world = await load(leveraged);
    const { contracts, account } = keeperOf(world);
    const reader = new Reader({ contracts: await contracts(), log: createLog("error"), account });
    const block = await latest();
    const other = { ...block, hash: `0x${"11".repeat(32)}` };

    const error: unknown = await reader.read(await indexOf(world), other, new Set()).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(BlockGoneError);
  });
});

describe("Reader, who can be liquidated", () => {
  const closed = async (): Promise<Subject> => {
    const world = await outright();
    await world.setPrice(ETH, wad("1_500"));
    await world.oracle.update(1n << BigInt(ETH));
    await world.advance(2 * HOUR);
    return world;
  };
  const cases: [string, () => Promise<Subject>, boolean][] = [
    ["an unhealthy account", outright, true],
    ["a hedged one", hedged, true],
    ["one of which nothing may be closed now", closed, false],
    ["one with nothing but collateral, insolvent", seizable, true],
    ["a healthy one that owes too much", overdrawn, false],
    ["one whose hedge was cut", cutHedge, false],
  ];
  for (const [what, arrange, expected] of cases) {
    it(`says of ${what} what the lens does`, async () => {
      const world = await load(arrange);
      const { liquidatable } = await keeperOf(world).read(["monitor"]);
      const [health] = await world.lens.health([world.account]);

      expect(health?.standing.liquidatable).to.equal(expected);
      expect(liquidatable.includes(world.account)).to.equal(expected);
    });
  }
});

describe("Reader, the grace after a deleveraging", () => {
  /** Carol's short is hedged by BTC; a part of it has been closed by deleveraging. */
  async function cut() {
    const world = await crowdedSide();
    await capSkew(world, wad("50"));
    await world.clearingHouse.flagDeleveraging(ETH);
    await time.increase(HOUR);
    await world.refresh();
    await world.clearingHouse.deleverage(ETH, await flagAndSettle(world));
    return world;
  }

  it("has the sizes from before for an account that is unhealthy now", async () => {
    const world = await load(cut);
    await movePrice(world, ETH, wad("1_640"));
    const { state } = await keeperOf(world).read(["liquidate"]);
    const found = state.accounts.find(({ account }) => account === world.long);
    const former = await world.clearingHouse.formerPositionOf(world.long, ETH);

    expect(former.graced).to.equal(true);
    expect(found?.state.exposuresBefore?.map(({ size, quote }) => [size, quote])).to.deep.equal([
      [former.size, former.quote],
    ]);
  });

  it("has none once it is over", async () => {
    const world = await load(cut);
    await time.increase(HOUR);
    await movePrice(world, ETH, wad("1_640"));
    const { state } = await keeperOf(world).read(["liquidate"]);
    const found = state.accounts.find(({ account }) => account === world.long);

    expect(found).to.not.equal(undefined);
    expect(found?.state.exposuresBefore).to.equal(undefined);
  });
});

describe("Reader, what is left of accounts", () => {
  it("converts what owes too much, for the discount", async () => {
    const world = await load(indebted);
    await world.fund(world.keeper, wad("100_000"));
    const keeper = keeperOf(world);
    const { actions } = await keeper.cycle(["liquidate"]);

    expect(kinds(actions)).to.deep.equal(["convert"]);
    const { equity, collateralValue } = betterTerms(await stateOf(world, world.account, await now()));
    expect((collateralValue - equity) * 1_000_000n <= collateralValue * 750_000n).to.equal(true);
    expect(kinds(await keeper.decided(["liquidate"]))).to.deep.equal([]);
  });

  /** Carol owes 130,790 against 100 WETH at 1,300, and the keeper has no cash. */
  async function drowned() {
    const world = await indebted();
    await movePrice(world, ETH, wad("1_300"));
    return world;
  }

  it("flags what is insolvent, and has it seized and sold", async () => {
    const world = await load(drowned);
    const { clearingHouse, account } = world;
    const keeper = keeperOf(world);
    expect(kinds((await keeper.cycle(["liquidate"])).actions)).to.deep.equal(["flagInsolvent"]);
    expect(await clearingHouse.insolventSince(account)).to.equal(await now());
    expect(await keeper.decided(["liquidate"])).to.deep.equal([]);
    // It could be liquidated by who has cash for its collateral.
    expect((await keeper.read(["liquidate"])).liquidatable).to.deep.equal([account]);

    await time.increase(600);
    await world.refresh();
    expect(kinds((await keeper.cycle(["liquidate"])).actions)).to.deep.equal(["seize"]);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);

    await world.fund(world.keeper, wad("200_000"));
    expect(await keeper.decided(["liquidate"])).to.deep.equal([]);
    await time.increase(HOUR);
    await world.refresh();
    expect(kinds((await keeper.cycle(["liquidate"])).actions)).to.deep.equal(["buySeized"]);
    expect(await clearingHouse.collateralOf(keeper.account, WETH_TOKEN)).to.equal(wad("100"));
  });

  it("clears what is solvent again, however it has come to know of it", async () => {
    const world = await load(drowned);
    await world.clearingHouse.flagInsolvent(world.account);
    await movePrice(world, ETH, wad("2_400"));
    // Another keeper, which was not there, and looks into no history.
    const { provider, asked } = counted();
    const keeper = keeperOf(world, { provider });
    const { actions } = await keeper.cycle(["liquidate"]);
    expect(asked).to.not.include("getLogs");

    expect(kinds(actions)).to.deep.equal(["clearInsolvency"]);
    expect((await world.clearingHouse.ledger()).pendingLosses).to.equal(0n);
  });

  it("settles a deficit", async () => {
    const world = await load(owing);
    const { actions } = await keeperOf(world).cycle(["liquidate"]);

    expect(kinds(actions)).to.deep.equal(["settleDeficit"]);
    expect((await world.clearingHouse.accountOf(world.account)).cash).to.equal(0n);
  });

  it("has a hidden loss realised", async () => {
    const world = await load(hiding);
    const keeper = keeperOf(world);
    const { actions } = await keeper.cycle(["liquidate"]);

    expect(kinds(actions)).to.deep.equal(["realise"]);
    expect((await world.clearingHouse.accountOf(world.account)).cash).to.be.below(0n);
    expect(await keeper.decided(["liquidate"])).to.deep.equal([]);
  });

  /** Carol has 100 WETH and little cash, and has lost more than that with BTC. */
  async function hiding() {
    const world = await frozen();
    await world.fundCollateral(world.carol, WETH_TOKEN, wad("100"));
    const account = await world.fund(world.carol, wad("1_000"));
    await world.trade(account, BTC, wad("10"));
    await movePrice(world, BTC, (await world.priceOf(BTC)) - wad("1_000"));
    return { ...world, account };
  }

  /** Alice has closed 750 ETH at a loss of more than she had. */
  async function owing() {
    const world = await leveraged();
    await world.setPrice(ETH, wad("1660"));
    await world.trade(world.account, ETH, wad("-750"), { reduceOnly: true });
    return world;
  }
});
