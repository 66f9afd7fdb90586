import { expect } from "chai";

import { accountOf, funded, type World } from "../fixture.ts";
import { ETH, HOUR, SETTLEMENT, wad, WETH_TOKEN } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { cashOf, expectConserved, load, movePrice, now, sizeOf, stateOf, worseTerms } from "./support.ts";

const UNIT = 10n ** 12n;

describe("ClearingHouse.debit", () => {
  afterEach(expectConserved);

  it("books a withdrawal", async () => {
    const { clearingHouse, vault, alice } = await load(funded);
    const account = accountOf(alice);

    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, 7n, alice))
      .to.emit(clearingHouse, "Debited")
      .withArgs(account, SETTLEMENT, 7n * UNIT);
    expect((await clearingHouse.accountOf(account)).cash).to.equal(wad("100_000") - 7n * UNIT);
  });

  for (const [side, delta] of [
    ["long", "100"],
    ["short", "-100"],
  ] as const) {
    it(`values a ${side} position at the end of a doubtful price that is worse for it`, async () => {
      const world = await load(still);
      const { clearingHouse, vault, advance, trade, alice } = world;
      const account = accountOf(alice);
      await trade(account, ETH, wad(delta));
      const calm = worseTerms(await stateOf(world, account, await now()));
      await advance(2 * HOUR);
      const terms = worseTerms(await stateOf(world, account, await now()));
      // A tenth of 180,000, apart from the requirement's change.
      expect(calm.weighted - terms.weighted).to.be.within(wad("18_000"), wad("18_001"));
      const room = terms.weighted - terms.initial;
      const withdraw = (units: bigint) => vault.connect(alice).withdraw(account, SETTLEMENT, units, alice);

      await expect(withdraw(room / UNIT + 1n))
        .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
        .withArgs(account, terms.weighted - (room / UNIT + 1n) * UNIT, terms.initial, 0n);
      await withdraw(room / UNIT);
    });
  }

  it("counts collateral, and what is owed against it, at the lower end of its price", async () => {
    const world = await load(still);
    const { clearingHouse, vault, advance, fundCollateral, fund, trade, alice } = world;
    const account = await fundCollateral(alice, WETH_TOKEN, wad("20"), 1n);
    await fund(alice, wad("100"), 1n);
    await trade(account, ETH, wad("40"));
    await advance(2 * HOUR);
    const withdraw = (amount: bigint) => vault.connect(alice).withdraw(account, WETH_TOKEN, amount, alice);

    // 40 ETH fall by 180 each; 8 of 20 at 1620 leave margin, but are less than twice the 7,143 owed.
    const state = await stateOf(world, account, await now());
    const exposures = state.exposures.map((exposure) => ({ ...exposure, collateral: wad("8") }));
    const { weighted, initial, shortfall } = worseTerms({ ...state, exposures });
    expect(weighted).to.be.greaterThan(initial);
    await expect(withdraw(wad("12")))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
      .withArgs(account, weighted, initial, shortfall);
    await withdraw(wad("11"));
  });

  it("counts a profit at its weight and a loss in full", async () => {
    const world = await load(still);
    const { clearingHouse, vault, trade, setPrice, alice } = world;
    const account = accountOf(alice);
    await trade(account, ETH, wad("100"));
    const cash = await cashOf(world, account);
    await setPrice(ETH, wad("1890"));
    const withdraw = (units: bigint) => vault.connect(alice).withdraw(account, SETTLEMENT, units, alice);

    // 9000 less the 36 of impact count 80 %; 189,000 · 6.95 % and 1.89 · 1.5 are required.
    const room = cash + ((wad("9000") - wad("36")) * 8n) / 10n - wad("13_138.335");
    await expect(withdraw(room / UNIT + 1n))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientMargin")
      .withArgs(account, cash + wad("7171.2") - (room / UNIT + 1n) * UNIT, wad("13_138.335"), 0n);
    await withdraw(room / UNIT);
  });

  it("pays a matched pair no more than it deposited when the price goes up tenfold", async () => {
    const world = await load(still);
    const { clearingHouse, vault, trade, setPrice, alice, bob } = world;
    const [long, short] = [accountOf(alice), accountOf(bob)];
    await trade(long, ETH, wad("700"));
    await trade(short, ETH, wad("-700"));
    await movePrice(world, ETH, wad("18_000"));
    await setPrice(ETH, wad("18_000"));
    const { unrealised } = worseTerms(await stateOf(world, long, await now()));
    expect(unrealised).to.be.greaterThan(wad("11_000_000"));

    await expect(vault.connect(alice).withdraw(long, SETTLEMENT, 100_000n * 10n ** 6n, alice))
      .to.be.revertedWithCustomError(clearingHouse, "InsufficientCash")
      .withArgs(long, await cashOf(world, long), wad("100_000"));
    const withdrawn = (await withdrawAll(world, alice)) + (await withdrawAll(world, bob));
    expect(withdrawn).to.be.at.most(wad("200_000"));
    expect(await sizeOf(world, long, ETH)).to.equal(wad("700"));
  });

  it("keeps what backs a pending order", async () => {
    const { clearingHouse, vault, submit, alice } = await load(funded);
    const account = accountOf(alice);
    await submit(account, ETH, wad("1"));

    await expect(vault.connect(alice).withdraw(account, SETTLEMENT, 1n, alice))
      .to.be.revertedWithCustomError(clearingHouse, "OrderPending")
      .withArgs(account, 1n);
  });

  it("asks nothing of an account that holds and owes nothing, whatever the feeds say", async () => {
    const { vault, advance, alice } = await load(funded);
    await advance(100 * HOUR);

    await vault.connect(alice).withdraw(accountOf(alice), SETTLEMENT, 100_000n * 10n ** 6n, alice);
  });
});

/** What the account of `trader` gives out, WAD: all of its cash, or nothing. */
async function withdrawAll(world: World, trader: World["alice"]): Promise<bigint> {
  const account = accountOf(trader);
  const units = (await cashOf(world, account)) / UNIT;
  try {
    await world.vault.connect(trader).withdraw(account, SETTLEMENT, units, trader);
  } catch {
    return 0n;
  }
  return units * UNIT;
}
