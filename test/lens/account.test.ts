import { expect } from "chai";

import { abs, divUp, max, mulDivFloor, mulDivUp, PPM, WAD } from "../../scripts/model/fixed.ts";
import { ratesUp } from "../../scripts/model/parameters.ts";
import { lowDown, highUp, REFUSALS } from "../../scripts/model/price.ts";
import { type Exposure, valueFloor } from "../../scripts/model/risk.ts";
import { accountOf } from "../fixture.ts";
import { betterTerms, expectConserved, load, now, stateOf, worseTerms } from "../clearing/support.ts";
import { ETH, HOUR, MINUTE, SOL, wad } from "../parameters.ts";
import { diverse, untouched } from "./support.ts";

describe("Lens.account", () => {
  afterEach(expectConserved);

  for (const [when, arrange] of [
    ["live prices", () => Promise.resolve()],
    ["doubtful prices", ({ advance }: Awaited<ReturnType<typeof diverse>>) => advance(HOUR)],
    ["dead collateral", ({ advance }: Awaited<ReturnType<typeof diverse>>) => advance(25 * HOUR)],
  ] as const) {
    it(`has every term of the model to the wei at ${when}`, async () => {
      const world = await load(diverse);
      const { lens, account } = world;
      await arrange(world);
      const view = await lens.account(account);

      const state = await stateOf(world, account, await now());
      const [better, worse] = [betterTerms(state), worseTerms(state)];
      expect({
        cash: view.cash,
        equity: view.equity,
        maintenance: view.maintenance,
        unrealised: view.unrealised,
        collateralValue: view.collateralValue,
        initialEquity: view.initialEquity,
        initial: view.initial,
        shortfall: view.shortfall,
      }).to.deep.equal({
        cash: state.cash,
        equity: better.equity,
        maintenance: better.maintenance,
        unrealised: better.unrealised,
        collateralValue: better.collateralValue,
        initialEquity: worse.weighted,
        initial: worse.initial,
        shortfall: worse.shortfall,
      });
    });

    it(`has every term of each holding at ${when}`, async () => {
      const world = await load(diverse);
      const { lens, account } = world;
      await arrange(world);
      const { holdings } = await lens.account(account);

      const at = await now();
      const { exposures } = await stateOf(world, account, at);
      const expected = exposures.map((exposure) => holdingOf(exposure, at));
      expect(holdings.map((holding) => [...holding])).to.deep.equal(expected);
    });

    it(`has the risk of each group at ${when}`, async () => {
      const world = await load(diverse);
      const { lens, account } = world;
      await arrange(world);
      const { groups } = await lens.account(account);

      const at = await now();
      const state = await stateOf(world, account, at);
      const sums = new Map<number, { net: bigint; gross: bigint }>();
      for (const exposure of state.exposures) {
        const { group } = exposure.risk;
        const sum = sums.get(group) ?? { net: 0n, gross: 0n };
        const x = amountOf(exposure) * betterPrice(exposure) * ratesUp(exposure.risk, at).beta;
        sums.set(group, { net: sum.net + x, gross: sum.gross + abs(x) });
      }
      const expected = [...sums.keys()].sort().map((group) => {
        const { net, gross } = sums.get(group) ?? { net: 0n, gross: 0n };
        const floor = state.groups[group] ?? 0n;
        return [BigInt(group), divUp(abs(net), PPM * WAD), divUp(gross * floor, PPM * PPM * WAD)];
      });
      expect(groups.map((group) => [...group])).to.deep.equal(expected);
    });
  }

  it("adds up: groups, own risks and close-out make the maintenance requirement", async () => {
    const { lens, account } = await load(diverse);
    const { maintenance, holdings, groups } = await lens.account(account);

    let base = groups.reduce((sum, { net, floor }) => sum + max(net, floor), 0n);
    base += holdings.reduce((sum, { ownRisk }) => sum + ownRisk, 0n);
    const closeOut = holdings.reduce((sum, holding) => sum + holding.closeOut, 0n);
    const total = (base * 600_000n) / PPM + closeOut;
    expect(maintenance).to.be.within(total - 10n, total + 1n);
  });

  it("counts orders", async () => {
    const { lens, submit, alice } = await load(untouched);
    const account = accountOf(alice);
    const before = await lens.account(account);
    await submit(account, ETH, wad("1"));

    const { pending, sequence } = await lens.account(account);
    expect([pending, sequence]).to.deep.equal([1n, before.sequence + 1n]);
  });

  describe("liquidatable", () => {
    it("is an account whose equity does not cover its maintenance requirement", async () => {
      const { lens, trade, setPrice, alice } = await load(untouched);
      const account = accountOf(alice);
      await trade(account, ETH, wad("750"));
      expect((await lens.account(account)).standing.liquidatable).to.equal(false);

      await setPrice(ETH, wad("1728"));
      expect((await lens.account(account)).standing.liquidatable).to.equal(true);
    });

    it("is none of which nothing can be closed", async () => {
      const { lens, trade, setPrice, oracle, advance, refresh, alice } = await load(untouched);
      const account = accountOf(alice);
      await trade(account, SOL, wad("26_000"));
      for (let round = 0; round < 3; round++) {
        await setPrice(SOL, wad("19"));
        await oracle.update(1n << BigInt(SOL));
        await advance(5 * MINUTE);
      }
      await setPrice(SOL, wad("19"));
      await oracle.update(1n << BigInt(SOL)); // accepted, and in its grace
      const { equity, maintenance, standing } = await lens.account(account);
      expect([equity < maintenance, standing.liquidatable]).to.deep.equal([true, false]);

      await advance(10 * MINUTE);
      await refresh();
      expect((await lens.account(account)).standing.liquidatable).to.equal(true);
    });

    it("is none while the sequencer is not settled", async () => {
      const { lens, trade, setPrice, setSequencer, alice } = await load(untouched);
      const account = accountOf(alice);
      await trade(account, ETH, wad("750"));
      await setPrice(ETH, wad("1728"));
      await setSequencer(false);
      await setSequencer(true);

      expect((await lens.account(account)).standing.liquidatable).to.equal(false);
    });

    it("is none that holds and owes nothing", async () => {
      const { lens, alice, stranger } = await load(untouched);

      for (const account of [accountOf(alice), accountOf(stranger)]) {
        expect((await lens.account(account)).standing.liquidatable).to.equal(false);
      }
    });

    it("is none that only owes: its debt is settled", async () => {
      const { lens, clearingHouse, trade, setPrice, alice } = await load(untouched);
      const account = accountOf(alice);
      await trade(account, ETH, wad("750"));
      await setPrice(ETH, wad("1660"));
      await trade(account, ETH, wad("-750"), { reduceOnly: true });
      expect((await clearingHouse.accountOf(account)).cash).to.be.lessThan(0n);

      const { liquidatable, owing } = (await lens.account(account)).standing;
      expect([liquidatable, owing]).to.deep.equal([false, true]);
      await clearingHouse.settleDeficit(account);
      expect((await lens.account(account)).standing.owing).to.equal(false);
    });
  });
});

function amountOf({ size, collateral, price }: Exposure): bigint {
  return size + (price.dead ? 0n : collateral);
}

function betterPrice(exposure: Exposure): bigint {
  return amountOf(exposure) < 0n ? lowDown(exposure.price) : highUp(exposure.price);
}

/** In the order of the struct. */
function holdingOf(exposure: Exposure, at: bigint): unknown[] {
  const { price, size, quote, collateral, sizes } = exposure;
  const { beta, sigma, gamma, kappa } = ratesUp(exposure.risk, at);
  const held = price.dead ? 0n : collateral;
  const end = betterPrice(exposure);
  const closeOutUp = (amount: bigint): bigint => {
    const value = amount * lowDown(price);
    return value * gamma + mulDivUp(value * kappa, amount, 2n * sizes.depth);
  };
  return [
    BigInt(exposure.asset),
    lowDown(price),
    highUp(price),
    BigInt(REFUSALS.indexOf(price.refusal)),
    size,
    quote,
    collateral,
    size === 0n ? 0n : exposure.funding.index,
    size === 0n ? 0n : valueFloor(exposure, end),
    mulDivFloor(amountOf(exposure), end, WAD),
    BigInt(exposure.risk.group),
    beta,
    sigma,
    gamma,
    kappa,
    mulDivUp(abs(amountOf(exposure)) * sigma, end, PPM * WAD),
    divUp(closeOutUp(abs(size)) + closeOutUp(held), PPM * WAD),
  ];
}
