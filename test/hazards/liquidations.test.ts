import { join } from "node:path";

import { expect } from "chai";

import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { crowdedWithCollateral, frozen, still } from "../clearing/scenarios.ts";
import { cashOf, expectConserved, expectNear, load, sizeOf, skewOf } from "../clearing/support.ts";
import {
  type Account,
  accountOf,
  ethers,
  instrumented,
  networkHelpers,
  receiptOf,
  time,
  type World,
} from "../fixture.ts";
import { BTC, ETH, MINUTE, SOL, wad, WAD, WBTC_TOKEN, WETH_TOKEN } from "../parameters.ts";
import {
  expectRefused,
  healthy,
  marginOf,
  movePrice,
  notional,
  poolWorthOf,
  type Refusal,
  worthOf,
} from "./support.ts";

const listing = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/arbitrum.ts"));
const GAS_CAP = 1n << 24n;
const GWEI = 10n ** 9n;

describe("hazards of liquidation", () => {
  afterEach(expectConserved);

  describe("hazard 16: what a liquidation takes is not in its trigger, or is booked with the wrong sign", () => {
    for (const price of ["1728", "1690", "1672", "1660"]) {
      it(`at ${price} account, liquidator, pool, insurance and protocol together neither gain nor lose`, async () => {
        const world = await load(leveraged);
        const { insuranceFund, account, liquidator, bob } = world;
        await insuranceFund.connect(bob).contribute(liquidator, wad("20_000"));
        await world.setPrice(ETH, wad(price));
        await world.oracle.update(1n << BigInt(ETH));
        const before = await allOf(world, [account, liquidator]);
        const paid = await cashOf(world, liquidator);
        const equity = await worthOf(world, account);

        const whole = price !== "1728";
        const delta = whole ? -(await sizeOf(world, account, ETH)) : wad("-200");
        if (price === "1690") await reduce(world, ETH, wad("-250"));
        else await reduce(world, ETH, delta);

        expectNear(await allOf(world, [account, liquidator]), before, 4n);
        expect(await cashOf(world, liquidator), "the liquidator's pay").to.be.greaterThan(paid - 1n);
        // Who could pay is not left with a debt: the trigger leaves room for all that is taken.
        if (equity > 0n) expect(await worthOf(world, account)).to.be.at.least(0n);
      });
    }
  });

  describe("hazard 17: a liquidator makes the account worse", () => {
    it("of a hundred baskets, good and bad, those that are taken shrink every size and raise equity less requirement", async () => {
      const world = await load(halfHedged);
      const { account } = world;
      const draw = generator(17);
      let taken = 0;
      for (let i = 0; i < 100; i++) {
        const snapshot = await networkHelpers.takeSnapshot();
        const before = [await sizeOf(world, account, ETH), await sizeOf(world, account, BTC)] as const;
        const margin = await marginOf(world, account);
        const legs = [
          { asset: ETH, delta: (before[0] * BigInt(draw(300) - 200)) / 100n },
          { asset: BTC, delta: (before[1] * BigInt(draw(300) - 200)) / 100n },
        ].slice(draw(2), 1 + draw(2));
        try {
          await basket(world, legs);
        } catch {
          await snapshot.restore();
          continue;
        }
        taken++;
        const after = [await sizeOf(world, account, ETH), await sizeOf(world, account, BTC)] as const;
        expect(after[0]).to.be.within(0n, before[0]);
        expect(after[1]).to.be.within(before[1], 0n);
        expect(await marginOf(world, account)).to.be.greaterThan(margin);
        await snapshot.restore();
      }
      expect(taken).to.be.within(5, 75);
      // The hedge first would be the most harm.
      const margin = await marginOf(world, account);
      await expectRefused(reduce(world, BTC, wad("30")), "a liquidation of the hedge", [
        world.clearingHouse,
        "HealthNotImproved",
        margin,
        (after: bigint) => after < margin,
      ]);
    });
  });

  describe("hazard 18: the victim stands in the way of its liquidation", () => {
    it("sixteen assets, an order that waits and a frozen token are closed inside the gas of a transaction; a seventeenth asset is refused", async () => {
      const world = await load(crowdedWithCollateral);
      const { account, alice, bob, clearingHouse, vault } = world;
      const frozenToken = await ethers.deployContract("BlacklistToken", [18]);
      await vault.list(frozenToken, wad("1_000_000"), 0);
      await clearingHouse.listCollateral(ETH, 10_000, 15);
      await frozenToken.mint(alice, wad("1"));
      await frozenToken.connect(alice).approve(vault, wad("1"));
      await vault.connect(alice).deposit(account, 2, wad("1"));
      expect((await world.trade(account, 17, wad("100"))).cause, "a seventeenth asset").to.equal("TooManyAssets");

      await world.submit(account, ETH, wad("-1"), { reduceOnly: true });
      await frozenToken.setBlacklisted(alice, true);
      await frozenToken.setBlacklisted(bob, true);
      const liquidator = await world.fund(bob, wad("100_000"));
      await movePrice(world, BTC, wad("8_000"));
      await movePrice(world, ETH, wad("600"));
      await world.refresh();

      const { positions } = await clearingHouse.accountOf(account);
      const reductions = [];
      for (let asset = 0; positions >> BigInt(asset) !== 0n; asset++) {
        const size = await sizeOf(world, account, asset);
        if (size !== 0n) reductions.push({ asset, delta: -size });
      }
      const sales = [];
      for (const token of [WETH_TOKEN, WBTC_TOKEN, 2]) {
        sales.push({ token, amount: await clearingHouse.collateralOf(account, token) });
      }
      expect([reductions.length, sales.length]).to.deep.equal([15, 3]);
      const receipt = await receiptOf(clearingHouse.connect(bob).liquidate(account, reductions, sales, liquidator));
      expect((await clearingHouse.accountOf(account)).positions).to.equal(0n);
      expect((await clearingHouse.accountOf(account)).pending).to.equal(1n);
      if (!instrumented) expect(receipt.gasUsed).to.be.lessThan(GAS_CAP / 4n);
    });
  });

  describe("hazard 19: liquidation goes on where closing does not", () => {
    it("while a jump keeps an asset from being closed it is not liquidated, nor in the ten minutes after", async () => {
      const world = await load(still);
      const { alice, clearingHouse, oracle, setPrice, advance } = world;
      const account = accountOf(alice);
      const due = { ...world, account, liquidator: accountOf(world.bob) };
      await world.trade(account, SOL, wad("15500"));
      const jump = async () => {
        await setPrice(SOL, wad("19"));
        await oracle.update(1n << BigInt(SOL));
      };
      // The owner cannot get out at once: the round that jumped settles nothing.
      const { sequence } = await world.submit(account, SOL, wad("-15500"), { reduceOnly: true });
      const { boundary } = await world.orders.orderOf(account, sequence);
      await time.increaseTo(boundary);
      await jump();
      const { outcome } = await world.execute(account, sequence, [await world.hintFor(SOL, boundary)]);
      expect(outcome).to.equal("Refunded");
      // At the better end of what SOL may be worth.
      await expectRefused(reduce(due, SOL, wad("-100")), "a liquidation in a halt", await healthy(world, account));

      await jump();
      await advance(10 * MINUTE);
      await jump();
      expect((await oracle.stateOf(SOL)).halted).to.equal(false);
      expect(await marginOf(world, account)).to.be.lessThan(0n);
      const graced: Refusal = [clearingHouse, "NotLiquidatable", SOL];
      await expectRefused(reduce(due, SOL, wad("-100")), "a liquidation right after a halt", graced);
      // In the grace period margin can be added and the position closed.
      await world.fund(alice, wad("1"));
      expect((await world.trade(account, SOL, wad("-1000"), { reduceOnly: true })).outcome).to.equal("Filled");
      await advance(10 * MINUTE);
      await setPrice(SOL);
      await reduce(due, SOL, wad("-100"));
      expect((await clearingHouse.positionOf(account, SOL)).size).to.equal(wad("14400"));
    });
  });

  describe("hazard 19: liquidation goes on where adding margin does not", () => {
    it("neither a pause nor a full vault keeps anyone from closing, or from paying in what an account lacks", async () => {
      const world = await load(leveraged);
      const { alice, account, clearingHouse, vault, trade } = world;
      await world.setPrice(ETH, wad("1728"));
      expect(await marginOf(world, account)).to.be.lessThan(0n);
      await clearingHouse.pause();
      await vault.setCap(255, 0);

      await world.fund(alice, wad("20_000"));
      expect(await marginOf(world, account)).to.be.greaterThan(0n);
      const paidUp = await healthy(world, account);
      await expectRefused(reduce(world, ETH, wad("-1")), "a liquidation of an account that has paid", paidUp);
      expect((await trade(account, ETH, wad("-100"), { reduceOnly: true })).outcome).to.equal("Filled");
      // But no more than it lacks, nor anything that opens.
      const held = await world.tokens.usdc.balanceOf(vault);
      await expectRefused(world.fund(alice, wad("10_000_000")), "a deposit beyond the cap", [
        vault,
        "CapExceeded",
        255n,
        10_000_000n * 10n ** 6n,
        held,
        0n,
      ]);
      await expectRefused(trade(account, ETH, wad("1")), "an opening in a pause", [clearingHouse, "IncreaseRefused"]);
    });
  });

  describe("hazard 20: positions too small for anyone to liquidate", () => {
    it("the smallest position, left so by a partial close, pays for its liquidation at 0.3 gwei, by the numbers of deployment", async () => {
      const world = await load(asDeployed);
      const { alice, bob, clearingHouse } = world;
      const minimum = listing.money.minNotional;
      const account = await world.fund(alice, wad("30"), 1n);
      // Six times as much, then all but the smallest position is closed; less cannot be left.
      const least = (minimum * WAD) / wad("1800") + 10n ** 12n;
      await world.trade(account, ETH, least * 2n);
      const { cause } = await world.trade(account, ETH, -least - 10n ** 13n, { reduceOnly: true });
      expect(cause).to.equal("PositionTooSmall");
      await world.trade(account, ETH, -least, { reduceOnly: true });
      const { vault } = world;
      const spare = (await cashOf(world, account)) - wad("6");
      await vault.connect(alice).withdraw(account, 255, spare / 10n ** 12n, alice);

      let price = wad("1800");
      while ((await marginOf(world, account)) > 0n) await movePrice(world, ETH, (price = (price * 995n) / 1000n));
      const liquidator = accountOf(bob);
      const paid = await cashOf(world, liquidator);
      const reductions = [{ asset: ETH, delta: -least }];
      const receipt = await receiptOf(clearingHouse.connect(bob).liquidate(account, reductions, [], liquidator));
      const pay = (await cashOf(world, liquidator)) - paid;
      const cost = notional((3n * receipt.gasUsed * GWEI) / 10n, price);
      if (!instrumented) expect(pay).to.be.greaterThan(cost);
      const smaller = await world.trade(account, ETH, least / 2n);
      expect(smaller.cause, "a smaller position").to.equal("PositionTooSmall");
    });
  });
});

type Due = World & { account: Account; liquidator: Account };

function basket({ clearingHouse, bob, account, liquidator }: Due, legs: readonly { asset: number; delta: bigint }[]) {
  return receiptOf(clearingHouse.connect(bob).liquidate(account, [...legs], [], liquidator));
}

function reduce(world: Due, asset: number, delta: bigint) {
  return basket(world, [{ asset, delta }]);
}

/** All that is anybody's: premium that the pool holds and owes back is in no equity. */
async function allOf(world: World, accounts: Account[]): Promise<bigint> {
  const { insurance, protocolFees } = await world.clearingHouse.balances();
  const skew = await skewOf(world, ETH);
  const premium = (skew * skew * (await world.priceOf(ETH))) / (2n * wad("250_000") * WAD);
  const pool = await poolWorthOf(world);
  return (await worthOf(world, ...accounts)) + insurance + protocolFees + premium + pool;
}

/** Alice, long 750 ETH. Bob liquidates. */
async function leveraged(): Promise<Due> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("750"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** ETH beyond what BTC hedges, due. */
async function halfHedged(): Promise<Due> {
  const world = await still();
  const account = accountOf(world.alice);
  await world.trade(account, BTC, wad("-30"));
  await world.trade(account, ETH, wad("900"));
  await world.setPrice(ETH, wad("1732"));
  return { ...world, account, liquidator: accountOf(world.bob) };
}

/** ETH with the risk, and the smallest amounts, that are to be deployed. */
function asDeployed() {
  const [eth] = listing.assets;
  if (eth === undefined) throw new Error("no assets");
  return frozen((parameters) => {
    const market = parameters.assets[ETH];
    const { beta, sigma, gamma, kappa } = eth.listing.risk;
    const rates = { beta: Number(beta), sigma: Number(sigma), gamma: Number(gamma), kappa: Number(kappa) };
    if (market) market.risk = rates;
    const cents = (amount: bigint) => Number(amount / 10n ** 16n);
    const { minNotional, smallRequirement, flatReward } = listing.money;
    parameters.money.minNotional = cents(minNotional);
    parameters.money.smallRequirement = cents(smallRequirement);
    parameters.money.flatReward = cents(flatReward);
  });
}

/** Numbers below `bound`, the same for every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed * 2_654_435_761;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % bound;
  };
}
