import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { type Account, accountOf, ethers, loadFixture, time } from "../fixture.ts";
import { BTC, DAY, ETH, MINUTE, wad } from "../parameters.ts";
import { encodeStep, toHint, withUpkeep } from "./support.ts";

const WALKED = 48;

async function traders() {
  const world = await withUpkeep(await still());
  const account = accountOf(world.alice);
  const other = accountOf(world.bob);
  /** Submits an order and lets its round come. Returns its sequence. */
  async function ready(trader: Account, asset: number, delta: bigint, options = {}): Promise<bigint> {
    const { sequence } = await world.submit(trader, asset, delta, options);
    await world.settle(trader, sequence);
    await world.tick();
    return sequence;
  }
  return { ...world, account, other, ready };
}

describe("Duty.Orders", () => {
  it("executes a pending order at its one round, and is paid into the upkeep's account", async () => {
    const { orders, clearingHouse, account, ready, watch, run, ownAccount, advance, hintFor } =
      await loadFixture(traders);
    const sequence = await ready(account, ETH, wad("10"));
    await watch(account);
    await advance(1);
    const { boundary } = await orders.orderOf(account, sequence);

    const [step, ...others] = await run("Orders");
    expect(others).to.deep.equal([]);
    expect(step).to.include({ verb: "Execute", account, number: sequence });
    expect((step?.words ?? []).map(toHint)).to.deep.equal([await hintFor(ETH, boundary)]);
    expect(await orders.isPending(account, sequence)).to.equal(false);
    expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(wad("10"));
    expect((await clearingHouse.accountOf(ownAccount)).cash).to.be.greaterThan(0n);
  });

  it("leaves an order whose round is not there yet, and one in the block of its round", async () => {
    const { account, submit, watch, check, advance, setPrice } = await loadFixture(traders);
    await submit(account, ETH, wad("10"));
    await watch(account);
    expect(await check("Orders")).to.deep.equal([]);
    await advance(MINUTE);
    expect(await check("Orders")).to.deep.equal([]);

    await setPrice(ETH);
    await advance(1);
    expect(await check("Orders")).to.have.length(1);
  });

  it("takes several orders of several accounts in one perform, an account's own in their order", async () => {
    const { account, other, submit, watch, run, advance, setPrice, orders, clearingHouse } = await loadFixture(traders);
    const sequences: bigint[] = [];
    await submit(other, ETH, wad("1"));
    sequences.push((await submit(account, ETH, wad("4"))).sequence);
    sequences.push((await submit(account, ETH, wad("-4"), { reduceOnly: true })).sequence);
    sequences.push((await submit(account, ETH, wad("-1"), { reduceOnly: true })).sequence);
    await watch(account, other);
    await advance(MINUTE);
    await setPrice(ETH);
    await advance(1);

    const steps = await run("Orders");
    expect(steps.filter((step) => step.account === account).map(({ number }) => number)).to.deep.equal(sequences);
    expect(steps).to.have.length(4);
    for (const { number, account: trader } of steps) expect(await orders.isPending(trader, number)).to.equal(false);
    expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(0n);
  });

  it("executes a basket by a hint for each leg", async () => {
    const { account, alice, orders, watch, run, advance, setPrice, clearingHouse } = await loadFixture(traders);
    const { sequence } = await clearingHouse.accountOf(account);
    const legs = [
      { asset: ETH, delta: wad("1") },
      { asset: BTC, delta: wad("-0.05") },
    ];
    await orders.connect(alice).submitBasket(account, legs, false, 0);
    await watch(account);
    await advance(MINUTE);
    await setPrice(ETH);
    await setPrice(BTC);
    await advance(1);

    const [step] = await run("Orders");
    expect(step).to.include({ verb: "Execute", number: sequence });
    expect(step?.words).to.have.length(2);
    expect((await clearingHouse.positionOf(account, BTC)).size).to.equal(wad("-0.05"));
  });

  it("refunds an order of which no round came in its window, by the first round after it", async () => {
    const { account, submit, watch, run, advance, setPrice, orders, parameters } = await loadFixture(traders);
    const { sequence } = await submit(account, ETH, wad("10"));
    await watch(account);
    await advance((parameters.feeds[ETH]?.limits.window ?? 0) + 2 * MINUTE);
    await setPrice(ETH);
    await advance(1);

    const [step] = await run("Orders");
    expect(step).to.include({ verb: "Execute", number: sequence });
    expect(await orders.isPending(account, sequence)).to.equal(false);
  });

  it("refunds what was submitted before the sequencer went down, without a round", async () => {
    const { account, submit, watch, run, advance, setSequencer, orders, parameters } = await loadFixture(traders);
    const { sequence } = await submit(account, ETH, wad("10"));
    await watch(account);
    await setSequencer(false);
    await advance(MINUTE);
    expect(await run("Orders")).to.deep.equal([]);
    await setSequencer(true);
    await advance(parameters.environment.sequencerGrace + 1);

    const [step] = await run("Orders");
    expect(step).to.deep.include({ verb: "Execute", number: sequence, words: [] });
    expect(await orders.isPending(account, sequence)).to.equal(false);
  });

  it("takes the last of several rounds of one second, and counts those observed before the boundary to the near side", async () => {
    const { account, submit, watch, check, advance, feedOf, orders, hintFor } = await loadFixture(traders);
    const { sequence } = await submit(account, ETH, wad("10"));
    await watch(account);
    const { boundary } = await orders.orderOf(account, sequence);
    await time.increaseTo(boundary + 5n);
    const { aggregator } = feedOf(ETH);
    const at = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(at);
    // Written after the boundary, observed before it.
    await aggregator.transmit(1_800_00000000n, boundary - 3n, at);
    await time.setNextBlockTimestamp(at + 2);
    for (const answer of [1_801n, 1_802n, 1_803n]) {
      await ethers.provider.send("evm_setAutomine", [false]);
      await aggregator.transmit(answer * 10n ** 8n, at + 2, at + 2);
    }
    await ethers.provider.send("evm_mine", []);
    await ethers.provider.send("evm_setAutomine", [true]);
    await advance(5);

    const [step] = await check("Orders");
    const { round, before } = toHint(step?.words[0] ?? 0n);
    const near = await hintFor(ETH, boundary);
    expect(before).to.equal(near.before);
    expect(round).to.equal(before + 4n);
  });

  it("finds the round of an order in flight over a change of the aggregator", async () => {
    const { account, submit, watch, run, advance, setPrice, feedOf, orders, hintFor } = await loadFixture(traders);
    const { sequence } = await submit(account, ETH, wad("10"));
    await watch(account);
    await advance(MINUTE);
    await setPrice(ETH);
    const { boundary } = await orders.orderOf(account, sequence);
    const expected = await hintFor(ETH, boundary);
    const { proxy, aggregator } = feedOf(ETH);
    for (let index = 0; index < 5; index++) await setPrice(ETH);
    const next = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", false]);
    await next.addAccess(proxy);
    await proxy.proposeAggregator(next);
    await proxy.confirmAggregator(next);
    const now = await time.latest();
    await next.transmit(await aggregator.latestAnswer(), now, now);
    await advance(1);

    const [step] = await run("Orders");
    expect((step?.words ?? []).map(toHint)).to.deep.equal([expected]);
    expect(await orders.isPending(account, sequence)).to.equal(false);
  });

  it("abandons an order that nobody could prove for eight days", async () => {
    const { account, submit, watch, check, advance } = await loadFixture(traders);
    const { sequence } = await submit(account, ETH, wad("10"));
    await watch(account);
    await advance(8 * DAY + 31);

    const [step] = await check("Orders");
    expect(step).to.deep.include({ verb: "Abandon", account, number: sequence, words: [] });
  });

  it("finds a pending order behind as many sequence numbers as it walks, and no further", async () => {
    const { account, alice, orders, ready, watch, check, advance, clearingHouse } = await loadFixture(traders);
    await ready(account, ETH, wad("10"));
    await watch(account);
    await advance(1);
    const trigger = {
      asset: ETH,
      delta: wad("-1"),
      triggerPrice: wad("1"),
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    };
    const { sequence: first } = await clearingHouse.accountOf(account);
    while ((await clearingHouse.accountOf(account)).sequence < first + BigInt(WALKED - 1)) {
      await orders.connect(alice).submitTrigger(account, trigger);
    }
    expect(await check("Orders")).to.have.length(1);

    await orders.connect(alice).submitTrigger(account, trigger);
    expect(await check("Orders")).to.deep.equal([]);
  });

  it("leaves out what would not fit into the data of a perform", async () => {
    const { account, submit, watch, check, advance, setPrice } = await loadFixture(traders);
    await submit(account, ETH, wad("4"));
    for (let index = 0; index < 3; index++) await submit(account, ETH, wad("-1"), { reduceOnly: true });
    await watch(account);
    await advance(MINUTE);
    await setPrice(ETH);
    await advance(1);

    expect(await check("Orders")).to.have.length(4);
    expect(await check("Orders", { size: 66n * 2n + 65n })).to.have.length(2);
  });

  it("leaves out what would not have the gas that its execution asks for", async () => {
    const { account, submit, watch, check, run, advance, setPrice, orders } = await loadFixture(traders);
    await submit(account, ETH, wad("4"));
    for (let index = 0; index < 5; index++) await submit(account, ETH, wad("-0.5"), { reduceOnly: true });
    await watch(account);
    await advance(MINUTE);
    await setPrice(ETH);
    await advance(1);
    expect(await check("Orders", { gas: 2_000_000n })).to.deep.equal([]);

    // Whatever is found with little gas is performed with it, to the last one.
    const steps = await run("Orders", { gas: 2_500_000n });
    expect(steps).to.have.length.within(1, 5);
    for (const { number } of steps) expect(await orders.isPending(account, number)).to.equal(false);
  });
});

describe("Duty.Orders' triggers", () => {
  async function resting() {
    const world = await traders();
    const { account, alice, orders, clearingHouse, trade, upkeep } = world;
    await trade(account, ETH, wad("10"));
    const { sequence } = await clearingHouse.accountOf(account);
    await orders.connect(alice).submitTrigger(account, {
      asset: ETH,
      delta: wad("-10"),
      triggerPrice: wad("1_750"),
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    });
    await upkeep.watch(account, [sequence]);
    return { ...world, sequence };
  }

  it("are poked once their condition holds, and the order that they become is executed", async () => {
    const { account, setPrice, run, sequence, advance, clearingHouse } = await loadFixture(resting);
    await setPrice(ETH, wad("1_751"));
    expect(await run("Orders")).to.deep.equal([]);

    await setPrice(ETH, wad("1_749"));
    const [poked] = await run("Orders");
    expect(poked).to.deep.include({ verb: "Poke", account, number: sequence });
    await advance(MINUTE);
    await setPrice(ETH);
    await advance(1);
    const [executed] = await run("Orders");
    expect(executed).to.include({ verb: "Execute", account, number: sequence + 1n });
    expect((await clearingHouse.positionOf(account, ETH)).size).to.equal(0n);
  });

  it("are left where there is nothing that they could reduce", async () => {
    const { account, setPrice, run, trade } = await loadFixture(resting);
    await trade(account, ETH, wad("-11"));
    await setPrice(ETH, wad("1_700"));

    expect(await run("Orders")).to.deep.equal([]);
  });
});

describe("KeeperUpkeep.performUpkeep", () => {
  it("goes on after a step that fails, and says which it was", async () => {
    const { upkeep, orders, account, other, ready, performDataOf, watch, advance, keeper, hintFor, clearingHouse } =
      await loadFixture(traders);
    const first = await ready(account, ETH, wad("1"));
    const second = await ready(other, ETH, wad("1"));
    await watch(account, other);
    await advance(1);
    const data = await performDataOf("Orders");
    const { boundary } = await orders.orderOf(account, first);
    await orders.connect(keeper).execute(account, first, [await hintFor(ETH, boundary)], accountOf(keeper));

    const failed = orders.interface.encodeErrorResult("UnknownOrder", [account, first]);
    await expect(upkeep.performUpkeep(data)).to.emit(upkeep, "StepFailed").withArgs(4, account, first, failed);
    expect(await orders.isPending(other, second)).to.equal(false);
    expect((await clearingHouse.positionOf(other, ETH)).size).to.equal(wad("1"));
  });

  it("reverts where not one step succeeds: a race that is lost costs no transaction", async () => {
    const { upkeep, account, ready, performDataOf, watch, advance } = await loadFixture(traders);
    await ready(account, ETH, wad("1"));
    await watch(account);
    await advance(1);
    const data = await performDataOf("Orders");
    await upkeep.performUpkeep(data);

    await expect(upkeep.performUpkeep(data)).to.be.revertedWithCustomError(upkeep, "NothingDone");
    await expect(upkeep.performUpkeep("0x")).to.be.revertedWithCustomError(upkeep, "NothingDone");
  });

  it("refuses data that is not made of steps", async () => {
    const { upkeep, account } = await loadFixture(traders);
    const whole = encodeStep({ verb: "Execute", account, number: 1n, words: [7n] });

    for (const data of [whole.slice(0, -2), whole.slice(0, 80), "0xff" + whole.slice(4), `${whole}00`]) {
      await expect(upkeep.performUpkeep(data)).to.be.revertedWithCustomError(upkeep, "MalformedSteps");
    }
  });

  it("takes a step for itself only", async () => {
    const { upkeep, account, stranger } = await loadFixture(traders);
    const step = { verb: 0, account, number: 0, words: [] };

    await expect(upkeep.connect(stranger).act(step))
      .to.be.revertedWithCustomError(upkeep, "OnlySelf")
      .withArgs(stranger.address);
  });

  it("leaves nothing of a step that is only tried", async () => {
    const { upkeep, account, trade, stranger } = await loadFixture(traders);
    await trade(account, ETH, wad("1"));

    const step = { verb: 0, account, number: 0, words: [] };
    await expect(upkeep.connect(stranger).tryStep(step)).to.be.revertedWithCustomError(upkeep, "Tried");
    expect(await upkeep.isWatched(account)).to.equal(false);
  });

  it("leaves an order as it was where it is called with too little gas", async () => {
    const { upkeep, account, ready, performDataOf, watch, advance, orders, stranger } = await loadFixture(traders);
    const sequence = await ready(account, ETH, wad("1"));
    await watch(account);
    await advance(1);
    const data = await performDataOf("Orders");

    for (const gasLimit of [200_000, 600_000, 1_200_000, 1_900_000]) {
      await expect(upkeep.connect(stranger).performUpkeep(data, { gasLimit })).to.be.revertedWithCustomError(
        upkeep,
        "NothingDone",
      );
    }
    expect(await orders.isPending(account, sequence)).to.equal(true);
  });
});

describe("KeeperUpkeep.withdraw", () => {
  it("gives what was earned to whom the owner says, and to nobody else", async () => {
    const { upkeep, account, ready, run, watch, advance, ownAccount, clearingHouse, carol, stranger, tokens } =
      await loadFixture(traders);
    await ready(account, ETH, wad("10"));
    await watch(account);
    await advance(1);
    await run("Orders");
    const { cash } = await clearingHouse.accountOf(ownAccount);
    const units = cash / 10n ** 12n;

    await expect(upkeep.connect(stranger).withdraw(255, units, stranger)).to.be.revertedWithCustomError(
      upkeep,
      "OwnableUnauthorizedAccount",
    );
    await expect(upkeep.connect(carol).withdraw(255, units, stranger)).to.changeTokenBalance(
      ethers,
      tokens.usdc,
      stranger,
      units,
    );
  });
});
