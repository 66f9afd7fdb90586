import { expect } from "chai";

import { crowdedWithCollateral } from "../clearing/scenarios.ts";
import { betterTerms, movePrice, now, stateOf } from "../clearing/support.ts";
import { accountOf, ethers, instrumented, loadFixture } from "../fixture.ts";
import { insolvent } from "../insurance/support.ts";
import { cut, hedged, indebted, outright, overdrawn } from "../lens/standings.ts";
import { BTC, ETH, MINUTE, wad, WETH_TOKEN } from "../parameters.ts";
import { CHECK_GAS, checkDataOf, encodeStep, toAmount, withUpkeep } from "./support.ts";

/** Owes more than its ether is worth, and has no position any more. */
async function owing() {
  return insolvent();
}

function verbsOf(steps: readonly { verb: string }[]): string[] {
  return steps.map(({ verb }) => verb);
}

describe("Duty.Accounts", () => {
  it("liquidates an outright account by the least reduction of its leg, and is rewarded", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, lens, run, clearingHouse, ownAccount } = world;
    await upkeep.watch(account, []);
    const { reductions } = await lens.leastReduction(account, ETH);

    const [step, ...others] = await run("Accounts");
    expect(others).to.deep.equal([]);
    expect(step).to.include({ verb: "Liquidate", account, number: 1n });
    expect(step?.words.map(toAmount)).to.deep.equal([{ index: ETH, amount: reductions[0]?.delta }]);
    expect((await clearingHouse.accountOf(ownAccount)).cash).to.be.greaterThan(0n);
    const { equity, maintenance } = betterTerms(await stateOf(world, account, await now()));
    expect(equity).to.be.greaterThan(maintenance);
    expect(await run("Accounts")).to.deep.equal([]);
  });

  it("leaves a healthy account", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, setPrice, run } = world;
    await upkeep.watch(account, []);
    await setPrice(ETH, wad("1_800"));

    expect(await run("Accounts")).to.deep.equal([]);
  });

  it("liquidates a hedged account by a slice, and without the cash for its collateral by its positions alone", async () => {
    const world = await withUpkeep(await loadFixture(hedged));
    const { account, upkeep, check, fund, ownAccount, tokens, vault, bob, carol } = world;
    await movePrice(world, BTC, wad("31_600"));
    await world.refresh();
    await upkeep.watch(account, []);
    await upkeep.connect(carol).setBuying(true);
    const [poor] = await check("Accounts");
    expect(poor).to.include({ verb: "Liquidate", number: 2n });
    expect(poor?.words).to.have.length(2);

    await fund(bob, wad("1"));
    await tokens.usdc.mint(bob, 100_000_000_000n);
    await vault.connect(bob).deposit(ownAccount, 255, 100_000_000_000n);
    const [wealthy, ...others] = await check("Accounts");
    expect(others, "alternatives").to.deep.equal([]);
    expect(wealthy).to.include({ verb: "Liquidate", number: 2n });
    expect(wealthy?.words).to.have.length(3);
    await world.run("Accounts");
    expect(await world.clearingHouse.collateralOf(ownAccount, WETH_TOKEN)).to.be.greaterThan(0n);
  });

  it("leaves an account that is in the grace after a deleveraging", async () => {
    const { account, upkeep, check, lens } = await withUpkeep(await loadFixture(cut));
    await upkeep.watch(account, []);
    const [health] = await lens.health([account]);
    expect(health?.standing.graced).to.equal(true);

    expect(await check("Accounts")).to.deep.equal([]);
  });

  it("liquidates nobody before the sequencer has been up for its grace", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, setSequencer, check, parameters, advance, refresh } = world;
    await upkeep.watch(account, []);
    await setSequencer(false);
    await setSequencer(true);
    expect(await check("Accounts")).to.deep.equal([]);

    await advance(parameters.environment.sequencerGrace + 1);
    await refresh();
    expect(verbsOf(await check("Accounts"))).to.deep.equal(["Liquidate"]);
  });

  it("winds up an insolvent account: flag, seizure after ten minutes, deficit", async () => {
    const world = await withUpkeep(await loadFixture(owing));
    const { account, upkeep, run, advance, clearingHouse } = world;
    await upkeep.watch(account, []);
    expect(verbsOf(await run("Accounts"))).to.deep.equal(["FlagInsolvent"]);
    expect(await clearingHouse.insolventSince(account)).to.be.greaterThan(0n);
    await advance(9 * MINUTE);
    expect(await run("Accounts")).to.deep.equal([]);

    await advance(MINUTE);
    await world.refresh();
    expect(verbsOf(await run("Accounts"))).to.deep.equal(["Seize"]);
    const { cash, collaterals } = await clearingHouse.accountOf(account);
    expect([cash, collaterals]).to.deep.equal([0n, 0n]);
    expect(await upkeep.isWorthWatching(account)).to.equal(false);
  });

  it("forgets the insolvency of an account that is solvent again", async () => {
    const world = await withUpkeep(await loadFixture(owing));
    const { account, upkeep, run, carol, fund, clearingHouse } = world;
    await upkeep.watch(account, []);
    await run("Accounts");
    await fund(carol, wad("50_000"));

    expect(verbsOf(await run("Accounts"))).to.deep.equal(["ClearInsolvency"]);
    expect(await clearingHouse.insolventSince(account)).to.equal(0n);
  });

  it("books the deficit of an account that has nothing else", async () => {
    const { account, upkeep, run, clearingHouse } = await withUpkeep(await loadFixture(indebted));
    await upkeep.watch(account, []);

    expect(verbsOf(await run("Accounts"))).to.deep.equal(["SettleDeficit"]);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(0n);
  });

  it("settles, and does nothing else with, a debt that was found while an order was pending", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, run, check, advance, submit, settle, execute, bob, clearingHouse } = world;
    await upkeep.watch(account, []);
    const { sequence } = await submit(account, ETH, wad("-1"), { reduceOnly: true });
    await world.setPrice(ETH, wad("1_600"));
    await clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: wad("-750") }], [], accountOf(bob));
    expect(await clearingHouse.insolventSince(account)).to.be.greaterThan(0n);
    await advance(10 * MINUTE);
    await world.refresh();
    expect(await check("Accounts"), "while it is pending").to.deep.equal([]);

    await execute(account, sequence, await settle(account, sequence, wad("1_600")));
    expect(verbsOf(await run("Accounts"))).to.deep.equal(["SettleDeficit"]);
    expect(await clearingHouse.insolventSince(account)).to.equal(0n);
  });

  it("has a loss realised that is beyond cash and large enough, once", async () => {
    const world = await withUpkeep(await loadFixture(overdrawn));
    const { account, upkeep, run, setPrice, clearingHouse } = world;
    await upkeep.watch(account, []);
    const { unrealised, owed, collateralValue } = await world.lens.account(account);
    expect(unrealised).to.be.lessThan(-owed);

    expect(verbsOf(await run("Accounts"))).to.deep.equal(["Realise"]);
    const { cash } = await clearingHouse.accountOf(account);
    expect(-cash).to.be.within(owed, owed + collateralValue / 1_000n);
    expect(await run("Accounts")).to.deep.equal([]);

    await setPrice(ETH, wad("7_090"));
    expect(await run("Accounts"), "another 900").to.deep.equal([]);
    await setPrice(ETH, wad("7_110"));
    expect(verbsOf(await run("Accounts")), "another 1,100").to.deep.equal(["Realise"]);
  });

  it("converts collateral down to what may be owed, as far as there is cash to buy it with", async () => {
    const world = await withUpkeep(await loadFixture(overdrawn));
    const { account, upkeep, run, check, tokens, vault, bob, carol, ownAccount, clearingHouse, lens } = world;
    await upkeep.watch(account, []);
    await upkeep.connect(carol).setBuying(true);
    await clearingHouse.realise(account);
    expect(await check("Accounts"), "without cash").to.deep.equal([]);

    await tokens.usdc.mint(bob, 50_000_000_000n);
    await tokens.usdc.connect(bob).approve(vault, ethers.MaxUint256);
    await vault.connect(bob).deposit(ownAccount, 255, 7_000_000_000n);
    expect(verbsOf(await run("Accounts"))).to.deep.equal(["Convert"]);
    const bought = await clearingHouse.collateralOf(ownAccount, WETH_TOKEN);
    expect(bought).to.equal(wad("1"));

    await vault.connect(bob).deposit(ownAccount, 255, 43_000_000_000n);
    expect(verbsOf(await run("Accounts"))).to.deep.equal(["Convert"]);
    const [health] = await lens.health([account]);
    expect(health?.standing.convertible).to.equal(false);
    expect(await run("Accounts")).to.deep.equal([]);
  });

  it("buys no collateral unless the owner wants it to, with whatever cash", async () => {
    const world = await withUpkeep(await loadFixture(overdrawn));
    const { account, upkeep, check, fund, bob, tokens, vault, ownAccount, carol, stranger } = world;
    await upkeep.watch(account, []);
    await fund(bob, wad("1"));
    await tokens.usdc.mint(bob, 50_000_000_000n);
    await vault.connect(bob).deposit(ownAccount, 255, 50_000_000_000n);
    await world.clearingHouse.realise(account);
    expect(await check("Accounts")).to.deep.equal([]);
    const sale = encodeStep({ verb: "Convert", account, words: [wad("1")] });
    await expect(upkeep.performUpkeep(sale)).to.be.revertedWithCustomError(upkeep, "NothingDone");
    await expect(upkeep.connect(stranger).setBuying(true)).to.be.revertedWithCustomError(
      upkeep,
      "OwnableUnauthorizedAccount",
    );

    await upkeep.connect(carol).setBuying(true);
    expect(verbsOf(await check("Accounts"))).to.deep.equal(["Convert"]);
    await upkeep.connect(stranger).performUpkeep(sale);
    expect(await world.clearingHouse.collateralOf(ownAccount, WETH_TOKEN)).to.equal(wad("1"));
  });

  it("goes on to the next account where one cannot be dealt with", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, run, submit, bob } = world;
    // Needs watching, and nothing is to be done.
    await submit(accountOf(bob), ETH, wad("1"));
    await upkeep.watch(accountOf(bob), []);
    await upkeep.watch(account, []);

    expect(verbsOf(await run("Accounts"))).to.deep.equal(["Liquidate"]);
  });

  it("finds and carries out the liquidation of sixteen assets within the gas of a check and of a perform", async () => {
    const world = await withUpkeep(await loadFixture(crowdedWithCollateral));
    const { account, upkeep, run } = world;
    for (const [asset, price] of [
      [BTC, "12_000"],
      [ETH, "1_300"],
    ] as const) {
      await movePrice(world, asset, wad(price));
    }
    await world.refresh();
    await upkeep.watch(account, []);

    const steps = await run("Accounts");
    expect(verbsOf(steps)).to.include("Liquidate");
    if (instrumented) return;
    const data = checkDataOf("Accounts");
    expect(await upkeep.connect(ethers.provider).checkUpkeep.estimateGas(data)).to.be.lessThan(CHECK_GAS);
  });
});

describe("A perform that nobody has checked", () => {
  it("cannot liquidate a healthy account, nor sell anybody's collateral", async () => {
    const world = await withUpkeep(await loadFixture(outright));
    const { account, upkeep, setPrice, stranger } = world;
    await setPrice(ETH, wad("1_800"));
    const word = (BigInt(ETH) << 128n) | BigInt.asUintN(128, wad("-1"));

    for (const step of [
      encodeStep({ verb: "Liquidate", account, number: 1n, words: [word] }),
      encodeStep({ verb: "Liquidate", account, number: 200n, words: [word] }),
      encodeStep({ verb: "Convert", account, words: [wad("1")] }),
      encodeStep({ verb: "Seize", account }),
      encodeStep({ verb: "FlagInsolvent", account }),
      encodeStep({ verb: "SettleDeficit", account }),
      encodeStep({ verb: "Forget", account }),
      encodeStep({ verb: "Deleverage" }),
    ]) {
      await expect(upkeep.connect(stranger).performUpkeep(step)).to.be.revertedWithCustomError(upkeep, "NothingDone");
    }
  });
});
