import { expect } from "chai";

import { frozen } from "../clearing/scenarios.ts";
import { cashOf, eventOf, expectConserved, load, sizeOf } from "../clearing/support.ts";
import { type Account, accountOf, ethers, receiptOf, type World } from "../fixture.ts";
import { ETH, SETTLEMENT, wad, WAD, WETH_TOKEN } from "../parameters.ts";
import { worthOf } from "./support.ts";

/** Nobody sells for a wei. */
const UNREACHABLE = 1n;

describe("hazard 33: an order's escrow makes its owner look poorer than it is", () => {
  afterEach(expectConserved);

  // Whoever could be made liquidatable by an order of its own that costs nothing would leave at a price that is about to
  // change, be paid for it out of insurance, and hold up the pool.
  for (const reduceOnly of [false, true]) {
    it(`${reduceOnly ? "a reduction" : "an increase"} far beyond all caps leaves its owner as healthy as before`, async () => {
      const world = await load(long);
      const { clearingHouse, lens, alice, account } = world;
      const own = accountOf(alice);
      const before = await worthOf(world, account);

      await park(world, { reduceOnly });
      expect(await cashOf(world, account)).to.be.below(wad("1"));
      expect(await worthOf(world, account)).to.equal(before);
      const [health] = await lens.health([account]);
      expect(health?.standing.liquidatable).to.equal(false);
      const size = await sizeOf(world, account, ETH);
      await expect(
        clearingHouse.connect(alice).liquidate(account, [{ asset: ETH, delta: -size }], [], own),
      ).to.be.revertedWithCustomError(clearingHouse, "Healthy");
      await expect(
        clearingHouse.connect(alice).takeOver(account, [{ asset: ETH, delta: -size }], own),
      ).to.be.revertedWithCustomError(clearingHouse, "Healthy");
      await expect(clearingHouse.flagInsolvent(account)).to.be.revertedWithCustomError(clearingHouse, "NotInsolvent");
    });
  }

  it("sells no collateral of it either", async () => {
    const world = await load(longOnWeth);
    const { clearingHouse, account, other, bob } = world;
    await park(world, { reduceOnly: true });
    await world.setPrice(ETH, wad("1750"));

    await expect(
      clearingHouse.connect(bob).convert(account, [{ token: WETH_TOKEN, amount: wad("1") }], other),
    ).to.be.revertedWithCustomError(clearingHouse, "ShortfallWithinLimit");
  });

  it("lets nobody pay in beyond the vault's cap", async () => {
    const world = await load(long);
    const { vault, account, alice } = world;
    await park(world, { reduceOnly: true });
    await vault.setCap(SETTLEMENT, 1n);

    await world.tokens.usdc.mint(alice, 1_000_000n);
    await world.tokens.usdc.connect(alice).approve(vault, 1_000_000n);
    await expect(vault.connect(alice).deposit(account, SETTLEMENT, 1_000_000n)).to.be.revertedWithCustomError(
      vault,
      "CapExceeded",
    );
  });

  it("counts what is out in escrow, of several orders, until each of them ends", async () => {
    const world = await load(long);
    const { account, orders } = world;
    const escrowOf = async () => (await world.clearingHouse.accountOf(account)).escrow;
    const held = async (sequence: bigint) => {
      const { pay, charge } = await orders.orderOf(account, sequence);
      return pay + charge;
    };
    expect(await escrowOf()).to.equal(0n);
    const first = await world.submit(account, ETH, wad("-10"), { reduceOnly: true });
    expect(await escrowOf()).to.equal(await held(first.sequence));
    const second = await world.submit(account, ETH, wad("-20"), { reduceOnly: true });
    expect(await escrowOf()).to.equal((await held(first.sequence)) + (await held(second.sequence)));

    const end = async (sequence: bigint) => {
      const { outcome } = await world.execute(account, sequence, await world.settle(account, sequence));
      expect(outcome).to.equal("Filled");
    };
    await end(first.sequence);
    expect(await escrowOf()).to.equal(await held(second.sequence));
    await end(second.sequence);
    expect(await escrowOf()).to.equal(0n);

    const third = await world.submit(account, ETH, wad("-5"), { reduceOnly: true });
    expect(await escrowOf()).to.equal(await held(third.sequence));
  });

  it("who is unhealthy with it is liquidated all the same, and its escrow pays the debt when it comes back", async () => {
    const world = await load(long);
    const { clearingHouse, account, bob, other } = world;
    const { sequence } = await park(world, { reduceOnly: true, share: 2n });
    const escrow = (await clearingHouse.accountOf(account)).escrow;
    await world.setPrice(ETH, wad("1606"));
    const size = await sizeOf(world, account, ETH);
    const equity = await worthOf(world, account);

    const receipt = await receiptOf(
      clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: -size }], [], other),
    );
    const [event] = await clearingHouse.queryFilter(clearingHouse.filters.Liquidated(account), receipt.blockNumber);
    const result = event?.args.result;
    expect([result?.equityBefore, result?.deficit]).to.deep.equal([equity, 0n]);
    const cash = await cashOf(world, account);
    expect(cash).to.be.below(0n);
    expect(await worthOf(world, account)).to.equal(cash + escrow);
    expect((await clearingHouse.poolValuation()).blocked, "a debt that is covered").to.equal(false);

    const { receipt: ended } = await world.execute(account, sequence, await world.settle(account, sequence));
    const closed = eventOf(clearingHouse, ended, "OrderClosed");
    expect(await cashOf(world, account)).to.equal(cash + escrow - (closed.getValue("pay") as bigint));
  });
});

type Parked = World & { account: Account; other: Account };

/** Alice is long 100 ETH with 20,000, a little under water by the impact. */
async function long(): Promise<Parked> {
  const world = await frozen();
  const account = await world.fund(world.alice, wad("20_000"), 3n);
  await world.trade(account, ETH, wad("100"));
  return { ...world, account, other: accountOf(world.bob) };
}

async function longOnWeth(): Promise<Parked> {
  const world = await long();
  await world.fundCollateral(world.alice, WETH_TOKEN, wad("1"), 3n);
  return world;
}

/** Puts nearly all cash, or a share of it, into the escrow of an order that cannot fill, and costs nothing. */
async function park(world: Parked, { reduceOnly, share = 1n }: { reduceOnly: boolean; share?: bigint }) {
  const { account, orders, parameters } = world;
  const cash = await cashOf(world, account);
  const block = await ethers.provider.getBlock("latest");
  const [pay] = await orders.payFor(0, 2n * (block?.baseFeePerGas ?? 0n), wad("1800"));
  const fee = BigInt(parameters.assets[ETH]?.takerFee ?? 0);
  const price = await world.priceOf(ETH);
  const delta = ((cash / share - pay - wad("0.5")) * 1_000_000n * WAD) / (fee * price);
  if (reduceOnly) return world.submit(account, ETH, -delta, { reduceOnly, acceptablePrice: 10n ** 24n });
  return world.submit(account, ETH, delta, { acceptablePrice: UNREACHABLE });
}
