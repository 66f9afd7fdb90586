import { expect } from "chai";

import { frozen, still } from "../clearing/scenarios.ts";
import { expectConserved, load, nextSecond, sizeOf } from "../clearing/support.ts";
import { accountOf, ethers, receiptOf, type World } from "../fixture.ts";
import { ETH, LINK, percent, SETTLEMENT, wad, WAD } from "../parameters.ts";
import { goesThrough, largest, marginOf, movePrice, walletOf, worthOf } from "./support.ts";

describe("hazards of what counts as collateral", () => {
  afterEach(expectConserved);

  describe("hazard 4: paper profit is taken out as if it were money", () => {
    it("both sides of a self-made pair, after a move to ten times the price, pay out no more than was put in", async () => {
      const world = await load(still);
      const { carol } = world;
      const deposited = wad("40_000");
      const [long, short] = [await world.fund(carol, deposited / 2n), await world.fund(carol, deposited / 2n, 1n)];
      for (const [account, delta] of [
        [long, "8000"],
        [short, "-8000"],
      ] as const) {
        expect((await world.trade(account, LINK, wad(delta))).outcome).to.equal("Filled");
      }
      await movePrice(world, LINK, wad("70"));
      expect(await worthOf(world, long), "paper profit").to.be.greaterThan(10n * deposited);

      for (const account of [long, short]) await withdrawMost(world, account);
      expect(await walletOf(world, carol)).to.be.at.most(deposited);
      // Nor by way of an own sub-account.
      const third = accountOf(carol, 2n);
      await goesThrough(world.clearingHouse.connect(carol).transfer(long, third, SETTLEMENT, wad("100_000")));
      expect(await worthOf(world, third)).to.equal(0n);
    });
  });

  describe("hazard 5: a position too large to close is left behind by withdrawing its margin", () => {
    it("after the largest withdrawal what is left covers the initial requirement, concentration included, and its own liquidation", async () => {
      const world = await load(concentrated);
      const { carol, bob, clearingHouse, lens } = world;
      const account = await world.fund(carol, wad("2_000_000"));
      const size = wad("2000");
      await world.trade(account, ETH, size);
      await movePrice(world, ETH, wad("1850"));

      await withdrawMost(world, account);
      const { initialEquity } = await lens.account(account);
      // β + σ of the value, and one and a half times the close-out charge γ + κ·s/(2D).
      const value = (size * wad("1850")) / WAD;
      const { beta, sigma, gamma, kappa } = RISK;
      const concentration = (BigInt(kappa) * size) / (2n * DEPTH);
      const required = (value * (BigInt(beta + sigma) + (3n * (BigInt(gamma) + concentration)) / 2n)) / 1_000_000n;
      expect(initialEquity).to.be.within(required, required + wad("1"));

      // From there straight down: whoever stays behind loses nothing by closing it.
      await movePrice(world, ETH, wad("1780"));
      const before = await othersOf(world);
      const liquidator = accountOf(bob);
      while ((await marginOf(world, account)) <= 0n) {
        const left = await sizeOf(world, account, ETH);
        const part = left < wad("100") ? left : wad("100");
        await nextSecond();
        await receiptOf(clearingHouse.connect(bob).liquidate(account, [{ asset: ETH, delta: -part }], [], liquidator));
      }
      expect(await sizeOf(world, account, ETH)).to.be.lessThan(size);
      expect(await othersOf(world)).to.be.at.least(before);
    });
  });
});

const RISK = { beta: percent(5), sigma: percent(1.5), gamma: percent(0.3), kappa: percent(100) };
const DEPTH = wad("250_000");

/** Closing costs a large position as much as the fill price of a linear book. */
function concentrated() {
  return frozen(({ assets }) => {
    const market = assets[ETH];
    if (market) market.risk = RISK;
  });
}

/** Withdraws as much cash as the protocol lets go. */
async function withdrawMost(world: World, account: string): Promise<void> {
  const { vault } = world;
  const owner = ethers.getAddress(ethers.dataSlice(account, 0, 20));
  const signer = await ethers.getSigner(owner);
  const accepts = (units: bigint) =>
    goesThrough(vault.connect(signer).withdraw.staticCall(account, SETTLEMENT, units, owner));
  const most = await largest(3_000_000n * 10n ** 6n, 1n, accepts);
  if (most !== 0n) await vault.connect(signer).withdraw(account, SETTLEMENT, most, owner);
}

/** What insurance and the pool have between them. */
async function othersOf({ clearingHouse }: World): Promise<bigint> {
  const { insurance } = await clearingHouse.balances();
  return insurance + (await clearingHouse.markPool.staticCall());
}
