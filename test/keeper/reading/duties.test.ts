import { expect } from "chai";

import { plan, PLAN_DEFAULTS } from "../../../scripts/keeper/plan.ts";
import { valuePool } from "../../../scripts/model/pool.ts";
import { decodeWatch } from "../../../scripts/model/watch.ts";
import { insolvent, still } from "../../clearing/scenarios.ts";
import { load, movePrice } from "../../clearing/support.ts";
import { accountOf, ethers, funded, time } from "../../fixture.ts";
import { DAY, ETH, HOUR, Kind, wad } from "../../parameters.ts";
import { capSkew, crowdedSide } from "../../waterfall/scenarios.ts";
import { keeperOf } from "./stage.ts";

const kinds = (actions: readonly { kind: string }[]) => actions.map(({ kind }) => kind);

/** A skew of 800 ETH against a cap of 50. */
async function crowded() {
  const world = await crowdedSide();
  await capSkew(world, wad("50"));
  return world;
}

/** The same within its caps. */
async function uncapped() {
  return crowdedSide();
}

describe("Reader, the crowded side", () => {
  it("has a skew recorded, flagged an hour later, and deleveraged with the first round after that", async () => {
    const world = await load(crowded);
    const keeper = keeperOf(world);
    const flags = async () => decodeWatch(await world.clearingHouse.watchOf(ETH));
    expect(kinds((await keeper.cycle(["deleverage"])).actions)).to.deep.equal(["flagDeleveraging"]);
    expect((await flags()).overSince).to.be.above(0n);
    expect(await keeper.decided(["deleverage"])).to.deep.equal([]);

    await time.increase(HOUR);
    await world.refresh();
    expect(kinds((await keeper.cycle(["deleverage"])).actions)).to.deep.equal(["flagDeleveraging"]);
    expect((await flags()).trigger).to.equal("Skew");
    expect(await keeper.decided(["deleverage"])).to.deep.equal([]);

    await world.setPrice(ETH);
    await ethers.provider.send("evm_mine", []);
    const { longSize } = await world.clearingHouse.marketOf(ETH);
    expect(kinds((await keeper.cycle(["deleverage"])).actions)).to.deep.equal(["deleverage"]);
    expect((await world.clearingHouse.marketOf(ETH)).longSize).to.be.below(longSize);
  });

  it("has the pool as the clearing house values it", async () => {
    const world = await load(crowded);
    const { state } = await keeperOf(world).read(["deleverage", "pool"]);
    const { equity, gross, live } = await world.clearingHouse.poolValuation();
    const value = valuePool(state.pool);

    expect([value.equity, value.gross, value.live]).to.deep.equal([equity, gross, live]);
    expect(state.queue.valuation.equity).to.equal(equity);
  });

  it("has profits cut that the pool cannot pay", async () => {
    const world = await load(insolvent);
    const { actions } = await keeperOf(world).cycle(["deleverage"]);

    expect(kinds(actions)).to.include("cutProfits");
    expect((await world.clearingHouse.poolValuation()).equity).to.be.at.least(0n);
  });

  it("closes a market at the first round after its notice", async () => {
    const world = await load(uncapped);
    const keeper = keeperOf(world);
    await world.clearingHouse.windDown(ETH);
    await time.increase(DAY + 1);
    expect(kinds(await keeper.decided(["deleverage"]))).to.deep.equal([]);

    await world.refresh();
    await ethers.provider.send("evm_mine", []);
    const { receipts, actions } = await keeper.cycle(["deleverage"]);
    expect(kinds(actions)).to.deep.equal(["closeMarket"]);
    await expect(receipts[0]).to.emit(world.clearingHouse, "MarketClosed");
    expect(kinds(await keeper.decided(["deleverage"]))).to.deep.equal([]);
  });
});

describe("Reader, the pool", () => {
  it("settles requests once they are matured", async () => {
    const world = await load(funded);
    const { pool, provider } = world;
    const keeper = keeperOf(world);
    const batch = await world.requestDeposit(provider, wad("1_000"));
    expect(kinds(await keeper.decided(["pool"]))).to.not.include("fulfill");

    await world.mature(batch);
    const { actions } = await keeper.cycle(["pool"]);
    expect(kinds(actions)).to.include("fulfill");
    expect((await pool.queue()).deposits).to.equal(batch);
    expect(kinds(await keeper.decided(["pool"]))).to.not.include("fulfill");
  });

  it("settles redemptions, too", async () => {
    const world = await load(funded);
    const { pool, provider } = world;
    const shares = await pool.balanceOf(provider);
    await pool.connect(provider).requestRedeem(shares / 10n, provider, provider);
    const { latest } = await pool.queue();
    await world.mature(latest);
    await keeperOf(world).cycle(["pool"]);

    expect((await pool.queue()).redemptions).to.equal(latest);
  });

  it("has its mark refreshed", async () => {
    const world = await load(funded);
    const keeper = keeperOf(world);
    await world.clearingHouse.markPool();
    expect(kinds(await keeper.decided(["pool"]))).to.not.include("markPool");
    await time.increase(BigInt(world.parameters.globals.markMaxAge) / 2n);

    expect(kinds((await keeper.cycle(["pool"])).actions)).to.include("markPool");
    expect((await world.clearingHouse.balances()).markTime).to.equal(BigInt(await time.latest()));
  });
});

describe("Reader, sources", () => {
  async function shared() {
    const world = await still();
    const { tokens, admin, feeds } = world;
    const vault = await ethers.deployContract("TestVault", [tokens.usdc, 0]);
    await tokens.usdc.mint(admin, 10n ** 12n);
    await tokens.usdc.approve(vault, ethers.MaxUint256);
    await vault.deposit(10n ** 12n, admin);
    const proxy = (await feeds.at(-1)?.proxy.getAddress()) ?? "";
    const input = {
      vault: await vault.getAddress(),
      feed: proxy,
      vaultGas: 60_000n,
      feedGas: 40_000n,
      maxGrowth: 1_000,
    };
    const share = await ethers.deployContract("ShareFeed", ["SHARE / USD", input]);
    return { ...world, share };
  }

  it("finds the feeds that price shares, and moves their anchors once a day", async () => {
    const world = await load(shared);
    const { share } = world;
    const address = await share.getAddress();
    const feeds = Object.fromEntries(
      await Promise.all(
        world.feeds.map(async ({ proxy }, asset) => [String(asset), await proxy.getAddress()] as const),
      ),
    );
    const keeper = keeperOf(world, { book: { feeds: { ...feeds, SHARE: address } } });
    expect(kinds(await keeper.decided(["pool"]))).to.not.include("checkpoint");

    await time.increase(DAY);
    await world.refresh();
    expect(kinds((await keeper.cycle(["pool"])).actions)).to.include("checkpoint");
    expect((await share.anchor()).time).to.equal(BigInt(await time.latest()));
  });

  it("compares a source in shadow with the one in use", async () => {
    const world = await load(funded);
    const { oracle, parameters } = world;
    await world.refresh();
    const aggregator = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", false]);
    const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
    await aggregator.addAccess(proxy);
    const transmit = async () => {
      const at = await world.tick();
      await aggregator.transmit((await world.priceOf(ETH)) / 10n ** 10n, at, at);
    };
    await transmit();
    const limits = parameters.feeds[ETH]?.limits;
    if (limits === undefined) throw new Error("defaults changed");
    await oracle.proposeSource(ETH, { proxy: await proxy.getAddress(), kind: Kind.Rounds, limits }, 10_000);
    const keeper = keeperOf(world);
    expect(kinds(await keeper.decided(["pool"]))).to.not.include("watchSource");

    await time.increase(HOUR);
    await world.refresh();
    await transmit();
    expect(kinds((await keeper.cycle(["pool"])).actions)).to.include("watchSource");
    expect((await oracle.proposalOf(ETH)).watchedAt).to.be.closeTo(BigInt(await time.latest()), 10n);
  });

  it("walks a price along its rounds in place of a halt", async () => {
    const world = await load(still);
    const { oracle } = world;
    // 19 % down twice; nobody has looked.
    for (const price of ["1_500", "1_240"]) await world.setPrice(ETH, wad(price));
    const keeper = keeperOf(world);
    const { actions } = await keeper.cycle(["orders"]);

    expect(kinds(actions)).to.include("advance");
    expect((await oracle.stateOf(ETH)).halted).to.equal(false);
    await keeper.cycle(["orders"]);
    expect((await oracle.stateOf(ETH)).price).to.equal(wad("1_240"));
  });

  it("means the round that it has seen: one that comes before its block makes no halt", async () => {
    const world = await load(still);
    const { oracle } = world;
    await world.setPrice(ETH, wad("1_600"));
    const keeper = keeperOf(world);
    const contracts = await keeper.contracts();
    const steps = plan(await keeper.decided(["orders"]), contracts, { account: keeper.account, ...PLAN_DEFAULTS });
    const calls = steps.flatMap((step) => ("items" in step ? step.items : [step])).map(({ call }) => call);
    await world.setPrice(ETH, wad("1_400"));
    for (const call of calls) await world.keeper.sendTransaction(call);

    expect((await oracle.stateOf(ETH)).halted).to.equal(false);
    expect((await oracle.stateOf(ETH)).price).to.equal(wad("1_600"));
  });

  it("knows what a native token is worth, and when the sequencer came up", async () => {
    const world = await load(still);
    const { state } = await keeperOf(world).read(["monitor"]);
    const [, , nativePrice] = await world.oracle.stored.staticCall(ETH);

    expect(state.nativePrice).to.equal(nativePrice);
    expect([state.sequencerUp, state.sequencerSettled]).to.deep.equal([true, true]);
    await world.setSequencer(false);
    const down = await keeperOf(world).read(["monitor"]);
    expect([down.state.sequencerUp, await keeperOf(world).decided()]).to.deep.equal([false, []]);
  });

  it("has the keeper's own account, with every market that it could take over", async () => {
    const world = await load(uncapped);
    await movePrice(world, ETH, wad("1_800"));
    const keeper = keeperOf(world);
    const cash = (await world.clearingHouse.accountOf(accountOf(world.keeper))).cash;
    const { own, markets } = (await keeper.read(["deleverage", "liquidate"])).state;

    expect([own.account, own.cash]).to.deep.equal([keeper.account, cash]);
    expect(own.exposures.map(({ asset }) => asset)).to.deep.equal(markets.map(({ asset }) => asset));
  });
});
