import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { accountOf, ethers, loadFixture, time } from "../fixture.ts";
import { insolvent, insolventPool, seize } from "../insurance/support.ts";
import { BTC, DAY, ETH, HOUR, LINK, MINUTE, SOL, USDC, wad, WBTC, WETH_TOKEN } from "../parameters.ts";
import { encodeStep, toHint, VERBS, withUpkeep } from "./support.ts";

function verbsOf(steps: readonly { verb: string }[]): string[] {
  return steps.map(({ verb }) => verb);
}

async function world() {
  const automated = await withUpkeep(await still());
  await automated.clearingHouse.markPool();
  return automated;
}

/** Long 500 ETH in all, and the cap on the skew at 200. */
async function crowded() {
  const automated = await world();
  const { clearingHouse, trade, setSkewCap, alice } = automated;
  await trade(accountOf(alice), ETH, wad("500"));
  await setSkewCap(ETH, wad("200"));
  await clearingHouse.markPool();
  return automated;
}

/** 10 WETH have passed to the insurance account, for what the pool had to advance. */
async function withSeized() {
  const seized = await insolvent();
  await seize(seized, seized.account);
  await seized.clearingHouse.markPool();
  return seized;
}

describe("Duty.Protocol", () => {
  it("marks the pool when half of the mark's life is over", async () => {
    const { check, run, advance, refresh, parameters } = await loadFixture(world);
    const half = parameters.globals.markMaxAge / 2;
    await advance(half - 10);
    await refresh();
    expect(verbsOf(await check("Protocol")).filter((verb) => verb === "MarkPool")).to.deep.equal([]);

    await advance(10);
    expect(verbsOf(await run("Protocol"))).to.deep.equal(["MarkPool"]);
    expect(await run("Protocol")).to.deep.equal([]);
  });

  it("settles what is matured of the requests, and not before their prices are there", async () => {
    const { run, requestDeposit, provider, pool, refresh, clearingHouse, check } = await loadFixture(world);
    const batch = await requestDeposit(provider, wad("1_000"));
    const { maturesAt } = await pool.batchOf(batch);
    await time.increaseTo(maturesAt - 30n);
    await refresh();
    await clearingHouse.markPool();
    expect(await check("Protocol")).to.deep.equal([]);

    await time.increaseTo(maturesAt);
    await refresh();
    const [step, ...others] = await run("Protocol");
    expect(others).to.deep.equal([]);
    expect(step).to.deep.include({ verb: "Fulfill", number: batch });
    expect((await pool.queue()).redemptions).to.equal(batch);
  });

  it("has the skew watched, flags the market after its time, and deleverages it at the first round after", async () => {
    const { run, advance, refresh, clearingHouse, setPrice, hintFor, lens } = await loadFixture(crowded);
    expect(verbsOf(await run("Protocol"))).to.deep.equal(["FlagDeleveraging"]);
    expect(await run("Protocol"), "watched already").to.deep.equal([]);
    await advance(HOUR);
    await refresh();
    await clearingHouse.markPool();
    const [flag] = await run("Protocol");
    expect(flag).to.deep.include({ verb: "FlagDeleveraging", number: BigInt(ETH) });
    const flaggedAt = BigInt(await time.latest());
    expect(await run("Protocol"), "no round yet").to.deep.equal([]);

    await setPrice(ETH);
    await advance(1);
    const [step] = await run("Protocol");
    expect(step).to.include({ verb: "Deleverage", number: BigInt(ETH) });
    expect((step?.words ?? []).map(toHint)).to.deep.equal([await hintFor(ETH, flaggedAt)]);
    expect((await lens.market(ETH)).longSize).to.be.lessThan(wad("500"));
  });

  it("drops a flag that nobody could prove for a day", async () => {
    const { run, advance, refresh, clearingHouse, setPrice } = await loadFixture(crowded);
    await run("Protocol");
    await advance(HOUR);
    await refresh();
    await clearingHouse.markPool();
    await run("Protocol");
    await advance(DAY + MINUTE);
    await refresh();
    await setPrice(ETH);
    await clearingHouse.markPool();

    const steps = await run("Protocol");
    expect(steps).to.deep.include({ verb: "Deleverage", number: BigInt(ETH), account: ethers.ZeroHash, words: [0n] });
  });

  it("cuts the profits of an insolvent pool", async () => {
    const { run, clearingHouse, lens } = await withUpkeep(await loadFixture(insolventPool));
    expect((await lens.poolEquity()).equity).to.be.lessThan(0n);

    expect(verbsOf(await run("Protocol"))).to.include("CutProfits");
    expect((await clearingHouse.poolValuation()).equity).to.be.at.least(0n);
  });

  it("closes a market that is wound down at the first round after its notice", async () => {
    const { run, trade, alice, clearingHouse, advance, refresh, setPrice, check } = await loadFixture(world);
    await trade(accountOf(alice), SOL, wad("10"));
    await clearingHouse.windDown(SOL);
    await advance(DAY - MINUTE);
    await refresh();
    await clearingHouse.markPool();
    expect(await check("Protocol")).to.deep.equal([]);
    await advance(2 * MINUTE);
    await setPrice(SOL);
    await advance(1);

    const [step] = await run("Protocol");
    expect(step).to.include({ verb: "CloseMarket", number: BigInt(SOL) });
    expect((await clearingHouse.marketOf(SOL)).longSize).to.equal(0n);
    expect(await run("Protocol")).to.deep.equal([]);
  });

  it("closes a market a week after its notice by any hint, where no round was proved", async () => {
    const { run, trade, alice, clearingHouse, advance, refresh } = await loadFixture(world);
    await trade(accountOf(alice), SOL, wad("10"));
    await clearingHouse.windDown(SOL);
    await advance(8 * DAY + MINUTE);
    await refresh();
    await clearingHouse.markPool();

    const [step] = await run("Protocol");
    expect(step).to.deep.include({ verb: "CloseMarket", number: BigInt(SOL), words: [0n] });
    expect((await clearingHouse.marketOf(SOL)).longSize).to.equal(0n);
  });

  it("buys seized collateral at a discount of 1 %, as far as there is cash, if its owner wants that", async () => {
    const world = await withUpkeep(await loadFixture(withSeized));
    const { run, check, advance, refresh, upkeep, carol, bob, tokens, vault, ownAccount, clearingHouse } = world;
    const seized = async () => (await check("Protocol")).filter(({ verb }) => verb === "BuySeized");
    await tokens.usdc.mint(bob, 6_000_000_000n);
    await tokens.usdc.connect(bob).approve(vault, ethers.MaxUint256);
    await vault.connect(bob).deposit(ownAccount, 255, 6_000_000_000n);
    await upkeep.connect(carol).setBuying(true);
    await advance(35 * MINUTE);
    await refresh();
    expect(await seized(), "too early").to.deep.equal([]);
    const [amount, , since] = await clearingHouse.seizedOf(WETH_TOKEN);
    const words = [(BigInt(WETH_TOKEN) << 128n) | wad("1")];
    const step = { verb: VERBS.indexOf("BuySeized"), account: ethers.ZeroHash, number: 0n, words };
    await expect(upkeep.tryStep.staticCall(step))
      .to.be.revertedWithCustomError(upkeep, "NoBargain")
      .withArgs(WETH_TOKEN, since, 2_160n);

    await advance(MINUTE);
    await refresh();
    await upkeep.connect(carol).setBuying(false);
    expect(await seized(), "not wanted").to.deep.equal([]);
    await upkeep.connect(carol).setBuying(true);
    expect(verbsOf(await run("Protocol"))).to.include("BuySeized");
    const bought = await clearingHouse.collateralOf(ownAccount, WETH_TOKEN);
    expect(bought).to.be.within(wad("4.05"), wad("4.06")); // 6,000 at 1,480, before the discount
    expect((await clearingHouse.seizedOf(WETH_TOKEN)).amount).to.equal(amount - bought);
  });

  it("gives up what was advanced for seized collateral whose price is dead", async () => {
    const world = await withUpkeep(await loadFixture(withSeized));
    const { run, advance, clearingHouse, setPrice } = world;
    expect(verbsOf(await run("Protocol"))).to.not.include("WriteOff");
    await advance(2 * DAY);
    for (const asset of [BTC, SOL, LINK, WBTC, USDC]) await setPrice(asset);

    expect(verbsOf(await run("Protocol"))).to.include("WriteOff");
    expect((await clearingHouse.ledger()).seizedOwed).to.equal(0n);
    expect(verbsOf(await run("Protocol"))).to.not.include("WriteOff");
  });

  it("is the pool's in the first shard only, and each market's in one shard", async () => {
    const { check, advance, refresh, clearingHouse, setPrice } = await loadFixture(crowded);
    await advance(HOUR);
    await refresh();
    await setPrice(ETH);

    const found = await Promise.all([0, 1, 2].map(async (shard) => check("Protocol", { shard, shards: 3 })));
    expect(found.map(verbsOf)).to.deep.equal([["MarkPool", "FlagDeleveraging"], [], []]);
    await clearingHouse.markPool();
  });
});

describe("Duty.Prices", () => {
  it("leaves prices that are young and near", async () => {
    const { check, setPrice, oracle } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    await setPrice(ETH, wad("1_801"));

    expect(await check("Prices")).to.deep.equal([]);
  });

  it("counts an update that changes nothing as nothing done", async () => {
    const { upkeep, oracle } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    const update = encodeStep({ verb: "Update", number: (1n << 6n) - 1n });

    await expect(upkeep.performUpkeep(update)).to.be.revertedWithCustomError(upkeep, "NothingDone");
  });

  it("names the round half way to a jump: one that comes before its block makes no halt", async () => {
    const { check, performDataOf, upkeep, stranger, setPrice, oracle } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    await setPrice(ETH, wad("1_985"));
    const [step, ...others] = await check("Prices");
    expect([step?.verb, step?.number, others.length]).to.deep.equal(["Advance", BigInt(ETH), 0]);
    const data = await performDataOf("Prices");
    await setPrice(ETH, wad("2_180"));
    await upkeep.connect(stranger).performUpkeep(data);

    const { price, halted } = await oracle.stateOf(ETH);
    expect([price, halted]).to.deep.equal([wad("1_985"), false]);
  });

  it("stores prices that nobody has read for an hour", async () => {
    const { run, refresh, oracle, advance } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    await advance(HOUR);
    await refresh();
    const [all] = await run("Prices");
    expect(all).to.deep.include({ verb: "Update", number: (1n << 6n) - 1n });
    expect(await run("Prices")).to.deep.equal([]);
  });

  it("records a jump once, and accepts it when it has lasted", async () => {
    const { run, setPrice, oracle, advance } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    await setPrice(ETH, wad("2_400"));
    expect(verbsOf(await run("Prices"))).to.deep.equal(["Update"]);
    expect((await oracle.stateOf(ETH)).halted).to.equal(true);
    expect(await run("Prices")).to.deep.equal([]);
    await setPrice(ETH, wad("2_401"));
    await setPrice(ETH, wad("2_402"));
    expect(await run("Prices"), "too early").to.deep.equal([]);

    await advance(10 * MINUTE);
    expect(verbsOf(await run("Prices"))).to.deep.equal(["Update"]);
    const { price, halted } = await oracle.stateOf(ETH);
    expect([price, halted]).to.deep.equal([wad("2_402"), false]);
  });

  it("ends a halt when the price is back", async () => {
    const { run, setPrice, oracle } = await loadFixture(world);
    await setPrice(ETH, wad("2_400"));
    await run("Prices");
    await setPrice(ETH, wad("1_805"));

    expect(verbsOf(await run("Prices"))).to.deep.equal(["Update"]);
    expect((await oracle.stateOf(ETH)).halted).to.equal(false);
  });

  it("walks along the rounds of a price that has moved far while nobody read it, past one that strays", async () => {
    const { run, setPrice, oracle, lens } = await loadFixture(world);
    await oracle.update((1n << 6n) - 1n);
    for (const price of ["2_000", "2_900", "2_200", "2_500"]) await setPrice(ETH, wad(price));

    const [step] = await run("Prices");
    expect(step).to.include({ verb: "Advance", number: BigInt(ETH) });
    const { round } = await oracle.stateOf(ETH);
    expect(step?.words).to.deep.equal([round - 3n, round - 1n, round]);
    expect((await oracle.stateOf(ETH)).price).to.equal(wad("2_500"));
    expect((await lens.market(ETH)).refusal).to.equal(0n);
  });

  it("watches a source in shadow every hour", async () => {
    const { run, oracle, feedOf, advance, refresh, priceOf } = await loadFixture(world);
    const { limits } = await oracle.feedOf(ETH);
    const { aggregator } = feedOf(ETH);
    const other = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", false]);
    const proxy = await ethers.deployContract("EACAggregatorProxy", [other, ethers.ZeroAddress]);
    await other.addAccess(proxy);
    const bring = async () => {
      await refresh();
      const at = await time.latest();
      await other.transmit(await aggregator.latestAnswer(), at, at);
    };
    await bring();
    const copy = {
      maxAge: limits.maxAge,
      window: limits.window,
      jump: limits.jump,
      spread: limits.spread,
      deadAfter: limits.deadAfter,
      minAnswer: limits.minAnswer,
      maxAnswer: limits.maxAnswer,
    };
    await oracle.proposeSource(ETH, { proxy, kind: 0, limits: copy }, 10_000);
    expect(verbsOf(await run("Prices"))).to.not.include("WatchSource");
    expect(await priceOf(ETH)).to.equal(wad("1_800"));

    await advance(HOUR);
    await bring();
    expect(verbsOf(await run("Prices"))).to.include("WatchSource");
    expect(verbsOf(await run("Prices"))).to.not.include("WatchSource");
  });

  it("finds nothing while the sequencer is down", async () => {
    const { run, setPrice, setSequencer } = await loadFixture(world);
    await setPrice(ETH, wad("2_400"));
    await setSequencer(false);

    expect(await run("Prices")).to.deep.equal([]);
  });
});
