import { expect } from "chai";

import { accountOf, ethers, loadFixture, networkHelpers, receiptOf } from "../fixture.ts";
import { ETH, SETTLEMENT, wad } from "../parameters.ts";
import {
  claimShares,
  exposed,
  expectNotDiluted,
  nextInterval,
  quiet,
  quoteOf,
  requestRedeem,
  UNIT,
  USDC,
} from "./helpers.ts";

/** Whoever plays against the pool or against other providers. */
describe("LiquidityPool, against those who play it", () => {
  it("takes no more than dust from the victim of an inflated share", async () => {
    const world = await loadFixture(inflated);
    const { pool, bob, requestDeposit, mature } = world;
    const { value, supply } = await quoteOf(world);
    expect(value).to.be.greaterThan(wad("500"));
    expect(supply).to.equal(1n);

    const batch = await requestDeposit(bob, wad("1000"));
    await mature(batch);
    await pool.fulfill(batch);
    const shares = await claimShares(world, bob);

    expect(wad("1000") - (await pool.convertToAssets(shares)) * UNIT).to.be.at.most(wad("0.001"));
    // What was put in to inflate it is lost.
    expect(await pool.convertToAssets(supply)).to.be.at.most(1_000n);
  });

  it("is not changed by tokens and shares that are sent to it, nor by cash in its accounts", async () => {
    const world = await loadFixture(exposed);
    const { pool, vault, tokens, provider, bob } = world;
    const before = await quoteOf(world);
    await tokens.usdc.mint(bob, 20n * USDC);
    await tokens.usdc.mint(vault, 1_000n * USDC);
    await tokens.usdc.mint(pool, 1_000n * USDC);
    await tokens.usdc.connect(bob).approve(vault, 20n * USDC);
    for (const sub of [0n, 1n]) {
      await vault.connect(bob).deposit(accountOf(await pool.getAddress(), sub), SETTLEMENT, 10n * USDC);
    }
    await pool.connect(provider).transfer(pool, wad("5"));

    expect(await quoteOf(world)).to.deep.equal(before);
  });

  it("pays no more out for tokens and shares that were sent to it", async () => {
    const world = await loadFixture(quiet);
    const { pool, vault, tokens, provider, bob, mature } = world;
    await tokens.usdc.mint(bob, 10n * USDC);
    await tokens.usdc.connect(bob).approve(vault, 10n * USDC);
    await vault.connect(bob).deposit(accountOf(await pool.getAddress(), 1n), SETTLEMENT, 10n * USDC);
    await pool.connect(provider).transfer(pool, wad("5"));
    const batch = await requestRedeem(world, provider, wad("5"));
    await mature(batch);

    await pool.fulfill(batch);

    expect(await pool.maxWithdraw(provider)).to.equal(5n * USDC);
    expect(await pool.balanceOf(pool)).to.equal(wad("5"));
  });

  it("gives nothing for a deposit and its redemption at one price, however they are cut", async () => {
    const world = await loadFixture(exposed);
    const { pool, tokens, bob, requestDeposit, mature } = world;
    let batch = 0n;
    for (const amount of ["1", "7.000001", "50_000"]) {
      await nextInterval();
      batch = await requestDeposit(bob, wad(amount));
    }
    await mature(batch);
    await pool.fulfill(batch);
    const shares = await claimShares(world, bob);
    const before = await quoteOf(world);
    await requestRedeem(world, bob, wad("1"));
    await nextInterval();
    batch = await requestRedeem(world, bob, shares - wad("1"));
    await mature(batch);

    await pool.fulfill(batch);
    await pool.connect(bob).withdraw(await pool.maxWithdraw(bob), bob, bob);

    // Twice the half per cent of 900,000 on his share in the pool.
    expect(await tokens.usdc.balanceOf(bob)).to.be.lessThan(50_008_000_001n - 44n * USDC);
    expectNotDiluted(before, await quoteOf(world));
  });

  it("gives a round trip nothing where nothing is exposed", async () => {
    const world = await loadFixture(quiet);
    const { pool, bob, requestDeposit, mature } = world;
    let batch = await requestDeposit(bob, wad("3.333333"));
    await mature(batch);
    await pool.fulfill(batch);
    batch = await requestRedeem(world, bob, await claimShares(world, bob));
    await mature(batch);
    await pool.fulfill(batch);

    expect(await pool.maxWithdraw(bob)).to.be.within(3_333_332n, 3_333_333n);
  });

  it("lets nobody leave before a loss that is not booked yet", async () => {
    const world = await loadFixture(exposed);
    const { pool, provider, carol, setPrice, mature } = world;
    await pool.connect(provider).transfer(carol, wad("5_000_000"));
    // Who sees the next price asks before it comes.
    const batch = await requestRedeem(world, carol, wad("5_000_000"));
    await setPrice(ETH, wad("2101")); // the pool loses 150,000 of 10 million
    await mature(batch);
    const stayed = await pool.convertToAssets(wad("5_000_000"));

    await pool.fulfill(batch);

    expect(await pool.maxWithdraw(carol)).to.be.within(4_900_000n * USDC, stayed);
  });

  it("lets nobody in before a profit that is not booked yet", async () => {
    const world = await loadFixture(exposed);
    const { pool, bob, requestDeposit, setPrice, mature } = world;
    const batch = await requestDeposit(bob, wad("1_000_000"));
    await setPrice(ETH, wad("1501")); // the pool gains 150,000
    await mature(batch);

    await pool.fulfill(batch);

    expect(await pool.convertToAssets(await pool.maxMint(bob))).to.be.within(999_000n * USDC, 1_000_000n * USDC);
  });

  it("costs as much to fulfil for 50 requests of a batch as for 10", async () => {
    const gas: bigint[] = [];
    for (const count of [10, 50]) {
      const world = await loadFixture(exposed);
      const { pool, provider, tokens } = world;
      await nextInterval();
      for (let i = 0; i < count; i++) {
        const address = ethers.getAddress(ethers.zeroPadValue(ethers.toBeHex(0xa11ce000 + i), 20));
        await networkHelpers.setBalance(address, wad("1"));
        await pool.connect(provider).transfer(address, wad("10"));
        await tokens.usdc.mint(address, 500n * USDC);
        const someone = await ethers.getImpersonatedSigner(address);
        await tokens.usdc.connect(someone).approve(pool, 500n * USDC);
        await pool.connect(someone).requestDeposit(500n * USDC, someone, someone);
        await pool.connect(someone).requestRedeem(wad("10"), someone, someone);
      }
      const { latest } = await pool.queue();
      await world.mature(latest);
      const receipt = await receiptOf(pool.fulfill(latest));
      gas.push(receipt.gasUsed);
    }
    const [ten = 0n, fifty = 0n] = gas;
    const apart = ten > fifty ? ten - fifty : fifty - ten;
    expect(apart, `${ten} and ${fifty}`).to.be.lessThan(500n);
  });
});

/** One wei of a share, and 540 dollars that an order which was meant to fail has forfeited to the pool. */
async function inflated() {
  const world = await quiet();
  const { pool, alice, provider, clearingHouse, mature, trade } = world;
  // All leave but alice, with a wei.
  await pool.connect(provider).transfer(alice, 1n);
  const batch = await requestRedeem(world, provider, await pool.balanceOf(provider));
  await mature(batch);
  await pool.fulfill(batch);
  await clearingHouse.markPool();
  const { outcome, cause } = await trade(accountOf(alice), ETH, wad("500"));
  expect([outcome, cause]).to.deep.equal(["Cancelled", "OpenInterestExceeded"]);
  return world;
}
