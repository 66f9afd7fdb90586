import { expect } from "chai";

import { still } from "../clearing/scenarios.ts";
import { type Account, accountOf, ethers, loadFixture, time } from "../fixture.ts";
import { ETH, wad, WETH_TOKEN } from "../parameters.ts";
import { outright } from "../lens/standings.ts";
import { checkDataOf, withUpkeep } from "./support.ts";

async function traders() {
  const world = await withUpkeep(await still());
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("10"));
  return { ...world, account };
}

/** Has closed everything at a price at which its cash fell ten dollars short of the loss. */
async function owing() {
  const world = await outright();
  await world.setPrice(ETH, wad("1_668.265"));
  await world.trade(world.account, ETH, wad("-750"), { reduceOnly: true });
  return world;
}

/** Twelve accounts with a position each. */
async function crowd() {
  const world = await withUpkeep(await still());
  const accounts: Account[] = [];
  for (let index = 1n; index <= 12n; index++) {
    const account = await world.fund(world.alice, wad("1_000"), index);
    await world.trade(account, ETH, wad("0.1"));
    accounts.push(account);
  }
  await world.watch(...accounts);
  return { ...world, accounts };
}

describe("AccountRegister.watch", () => {
  it("takes in an account with a position, once", async () => {
    const { upkeep, account, stranger } = await loadFixture(traders);

    await expect(upkeep.connect(stranger).watch(account, [])).to.emit(upkeep, "Watched").withArgs(account);
    expect(await upkeep.accountCount()).to.equal(1n);
    expect(await upkeep.accountAt(0)).to.equal(account);
    await expect(upkeep.watch(account, [])).to.be.revertedWithCustomError(upkeep, "WatchedAlready").withArgs(account);
  });

  it("takes in an account with nothing but a pending order", async () => {
    const { upkeep, bob, submit } = await loadFixture(traders);
    const account = accountOf(bob);
    await submit(account, ETH, wad("1"));

    await expect(upkeep.watch(account, [])).to.emit(upkeep, "Watched");
  });

  it("takes in an account that has nothing but a debt, however small", async () => {
    const world = await withUpkeep(await loadFixture(owing));
    const { upkeep, clearingHouse, account, parameters } = world;
    const { cash } = await clearingHouse.accountOf(account);
    expect(cash).to.be.within(-BigInt(parameters.money.minNotional) * wad("0.01") + 1n, -1n);

    await expect(upkeep.watch(account, [])).to.emit(upkeep, "Watched");
  });

  it("refuses what holds cash and collateral only, however much", async () => {
    const { upkeep, bob, fundCollateral } = await loadFixture(traders);
    const account = await fundCollateral(bob, WETH_TOKEN, wad("100"));

    await expect(upkeep.watch(account, [])).to.be.revertedWithCustomError(upkeep, "NotWorthWatching").withArgs(account);
  });

  it("refuses a debt against collateral that is not worth its own liquidation, and takes in one that is", async () => {
    const { upkeep, bob, fundCollateral, clearingHouse, parameters, trade } = await loadFixture(traders);
    const account = await fundCollateral(bob, WETH_TOKEN, wad("10"), 7n);
    const least = BigInt(parameters.money.minNotional) * wad("0.01");
    const debt = async () => -(await clearingHouse.accountOf(account)).cash;
    await trade(account, ETH, wad("1"));
    await trade(account, ETH, wad("-1"), { reduceOnly: true });
    expect(await debt()).to.be.greaterThan(0n);
    expect(await debt()).to.be.lessThan(least);
    await expect(upkeep.watch(account, [])).to.be.revertedWithCustomError(upkeep, "NotWorthWatching");

    while ((await debt()) < least) {
      await trade(account, ETH, wad("5"));
      await trade(account, ETH, wad("-5"), { reduceOnly: true });
    }
    await expect(upkeep.watch(account, [])).to.emit(upkeep, "Watched");
  });
});

describe("AccountRegister's triggers", () => {
  it("are held up to eight, and a place is free again when its trigger is gone", async () => {
    const { upkeep, orders, alice, account, clearingHouse } = await loadFixture(traders);
    const trigger = {
      asset: ETH,
      delta: wad("-1"),
      triggerPrice: wad("1"),
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    };
    const { sequence: first } = await clearingHouse.accountOf(account);
    for (let index = 0; index < 9; index++) await orders.connect(alice).submitTrigger(account, trigger);
    const sequences = Array.from({ length: 9 }, (_, index) => first + BigInt(index));
    await upkeep.watch(account, sequences.slice(0, 8));
    expect([...(await upkeep.triggersOf(account))]).to.deep.equal(sequences.slice(0, 8));

    const ninth = sequences.slice(8);
    await expect(upkeep.watch(account, ninth))
      .to.be.revertedWithCustomError(upkeep, "TooManyTriggers")
      .withArgs(account, 8);
    await orders.connect(alice).cancelTrigger(account, first + 3n);
    await expect(upkeep.watch(account, ninth)).to.emit(upkeep, "TriggerWatched").withArgs(account, ninth[0]);
    expect([...(await upkeep.triggersOf(account))]).to.have.members([...sequences.slice(0, 3), ...sequences.slice(4)]);
  });

  it("are refused if they do not rest", async () => {
    const { upkeep, orders, account } = await loadFixture(traders);

    await expect(upkeep.watch(account, [99]))
      .to.be.revertedWithCustomError(orders, "UnknownTrigger")
      .withArgs(account, 99);
  });
});

describe("AccountRegister.forget", () => {
  it("refuses an account that needs watching", async () => {
    const { upkeep, account, stranger, watch } = await loadFixture(traders);
    await watch(account);

    await expect(upkeep.connect(stranger).forget(account))
      .to.be.revertedWithCustomError(upkeep, "StillWorthWatching")
      .withArgs(account);
  });

  it("takes out an account that has closed everything, and the last one takes its place with its triggers", async () => {
    const world = await loadFixture(crowd);
    const { upkeep, orders, alice, accounts, trade, stranger, clearingHouse } = world;
    const [first = "", last = ""] = [accounts[0], accounts.at(-1)];
    const { sequence } = await clearingHouse.accountOf(last);
    await orders.connect(alice).submitTrigger(last, {
      asset: ETH,
      delta: wad("-0.1"),
      triggerPrice: wad("1"),
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    });
    await upkeep.watch(last, [sequence]);
    await trade(first, ETH, wad("-0.1"), { reduceOnly: true });

    await expect(upkeep.connect(stranger).forget(first)).to.emit(upkeep, "Forgotten").withArgs(first);
    expect(await upkeep.accountCount()).to.equal(11n);
    expect(await upkeep.accountAt(0)).to.equal(last);
    expect([...(await upkeep.triggersOf(last))]).to.deep.equal([sequence]);
    expect(await upkeep.isWatched(first)).to.equal(false);
    // The place is right: it can be taken out from there, too.
    await trade(last, ETH, wad("-0.1"), { reduceOnly: true });
    await upkeep.forget(last);
    expect(await upkeep.accountAt(0)).to.equal(accounts.at(-2));
  });

  it("happens by a check when a batch of accounts needs no watching any more, not for one", async () => {
    const { accounts, trade, run, upkeep, setPrice } = await loadFixture(crowd);
    for (const account of accounts.slice(0, 7)) await trade(account, ETH, wad("-0.1"), { reduceOnly: true });
    await setPrice(ETH);
    expect(await run("Accounts")).to.deep.equal([]);

    await trade(accounts[7] ?? "", ETH, wad("-0.1"), { reduceOnly: true });
    const steps = await run("Accounts");
    expect(steps.map(({ verb }) => verb)).to.deep.equal(Array.from({ length: 8 }, () => "Forget"));
    expect(await upkeep.accountCount()).to.equal(4n);
  });
});

describe("The pages of a check", () => {
  /** Accounts whose pending orders are found at the next moments, one page each. */
  async function seenIn(
    { check }: Awaited<ReturnType<typeof pending>>,
    turns: number,
    options: { page: number; shard?: number; shards?: number },
  ): Promise<string[][]> {
    const seen: string[][] = [];
    // Rounds begin where the time is a multiple of their length.
    while (((await time.latest()) + 1) % 4 !== 0) await time.increase(1);
    for (let turn = 0; turn < turns; turn++) {
      await time.increase(1);
      seen.push((await check("Orders", options)).map(({ account }) => account));
    }
    return seen;
  }

  async function pending() {
    const world = await crowd();
    for (const account of world.accounts) await world.submit(account, ETH, wad("0.01"));
    await world.advance(60);
    await world.setPrice(ETH);
    return world;
  }

  it("cover every account of the register in one round", async () => {
    const world = await loadFixture(pending);

    const seen = await seenIn(world, 4, { page: 3 });
    expect(seen.map(({ length }) => length)).to.deep.equal([3, 3, 3, 3]);
    expect(new Set(seen.flat()).size).to.equal(12);
  });

  it("begin elsewhere in every round, so that each account comes first once", async () => {
    const world = await loadFixture(pending);

    const seen = await seenIn(world, 4 * 3, { page: 3 });
    expect(new Set(seen.map(([first]) => first)).size).to.equal(12);
  });

  it("of all shards cover the register, each account in one of them", async () => {
    const world = await loadFixture(pending);

    const seen = await Promise.all(
      [0, 1, 2, 3, 4].map(async (shard) => world.check("Orders", { shard, shards: 5, page: 3 })),
    );
    const accounts = seen.flat().map(({ account }) => account);
    expect(accounts.toSorted()).to.deep.equal(world.accounts.toSorted());
  });

  it("are refused without a size, a period or a shard", async () => {
    const { upkeep } = await loadFixture(traders);

    for (const options of [{ page: 0 }, { period: 0 }, { shards: 0 }, { shard: 2, shards: 2 }, { gas: 1n }]) {
      await expect(upkeep.checkUpkeep.staticCall(checkDataOf("Orders", options))).to.be.revertedWithCustomError(
        upkeep,
        "InvalidCheck",
      );
    }
  });
});

describe("KeeperUpkeep.checkLog", () => {
  interface LogEntry {
    readonly address: string;
    readonly topics: readonly string[];
    readonly data: string;
    readonly index: number;
    readonly blockNumber: number;
    readonly blockHash: string;
    readonly transactionHash: string;
  }

  function toLog(log: LogEntry, source = log.address) {
    return {
      index: log.index,
      timestamp: 0,
      txHash: log.transactionHash,
      blockNumber: log.blockNumber,
      blockHash: log.blockHash,
      source,
      topics: [...log.topics],
      data: log.data,
    };
  }

  it("registers the account of every event that begins something, and nothing for one that ends it", async () => {
    const world = await loadFixture(traders);
    const { upkeep, orders, clearingHouse, bob, account, submit, settle, execute } = world;
    const other = accountOf(bob);
    const { receipt } = await submit(other, ETH, wad("1"));
    const submitted = receipt.logs.find((log) => orders.interface.parseLog(log)?.name === "OrderSubmitted");
    if (submitted === undefined) throw new Error("no event");
    const [needed, data] = await upkeep.checkLog.staticCall(toLog(submitted), "0x");
    expect(needed).to.equal(true);
    await upkeep.performUpkeep(data);
    expect(await upkeep.isWatched(other)).to.equal(true);
    // Known by now.
    expect((await upkeep.checkLog.staticCall(toLog(submitted), "0x"))[0]).to.equal(false);

    const { sequence } = await submit(account, ETH, wad("-10"), { reduceOnly: true });
    const { receipt: closed } = await execute(account, sequence, await settle(account, sequence));
    const fill = closed.logs.find((log) => clearingHouse.interface.parseLog(log)?.name === "Fill");
    if (fill === undefined) throw new Error("no event");
    expect((await upkeep.checkLog.staticCall(toLog(fill), "0x"))[0]).to.equal(false);
  });

  it("registers a trigger order of an account", async () => {
    const { upkeep, orders, alice, account } = await loadFixture(traders);
    const response = await orders.connect(alice).submitTrigger(account, {
      asset: ETH,
      delta: wad("-1"),
      triggerPrice: wad("1_500"),
      above: false,
      acceptablePrice: 0,
      expiry: 0,
    });
    const receipt = await response.wait();
    const log = receipt?.logs.find((entry) => orders.interface.parseLog(entry)?.name === "TriggerSubmitted");
    if (log === undefined) throw new Error("no event");

    const [needed, data] = await upkeep.checkLog.staticCall(toLog(log), "0x");
    expect(needed).to.equal(true);
    await upkeep.performUpkeep(data);
    expect([...(await upkeep.triggersOf(account))]).to.deep.equal([BigInt(log.topics[2] ?? 0)]);
  });

  it("looks at no event of another contract", async () => {
    const { upkeep, orders, bob, submit, tokens } = await loadFixture(traders);
    const { receipt } = await submit(accountOf(bob), ETH, wad("1"));
    const submitted = receipt.logs.find((log) => orders.interface.parseLog(log)?.name === "OrderSubmitted");
    if (submitted === undefined) throw new Error("no event");

    const log = toLog(submitted, await tokens.usdc.getAddress());
    expect((await upkeep.checkLog.staticCall(log, "0x"))[0]).to.equal(false);
    expect((await upkeep.checkLog.staticCall({ ...toLog(submitted), topics: [ethers.id("Any()")] }, "0x"))[0]).to.equal(
      false,
    );
  });
});
