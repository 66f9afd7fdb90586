/** Numbers of the chain as a parameter file writes them. */
import { expect } from "chai";
import fc from "fast-check";

import { quantityOf } from "../../scripts/deploy/parameters.ts";
import { amount, duration, lot, percent, type Reader } from "../../scripts/deploy/readers.ts";
import { showBounds, showQuantity } from "../../scripts/gov/units.ts";

const PLACE = { file: "trial.ts", path: "x" };

describe("showQuantity", () => {
  const readers: Record<string, Reader<bigint>> = {
    "a rate": percent({ min: "0", max: "1000" }),
    "a rate of a day": percent({ unit: "%/day", decimals: 9, min: "0", max: "5" }),
    "an amount": amount("ETH", { min: "0", max: "5000000000000000" }),
    "an amount of a token": amount("USDC", { min: "0", max: "1000000000000", decimals: 6 }),
    gas: amount("gas", { min: "0", max: "2000000", decimals: 0 }),
    "a duration": duration({ min: "0 s", max: "90 d" }),
    "a lot": lot("ETH"),
  };
  for (const [what, reader] of Object.entries(readers)) {
    it(`writes ${what} so that its reader makes the same number of it`, () => {
      const { quantity } = reader;
      if (quantity === undefined) throw new Error("no quantity");
      fc.assert(
        fc.property(fc.bigInt({ min: quantity.min, max: quantity.max }), (value) => {
          expect(reader(showQuantity(value, quantity), PLACE)).to.equal(value);
        }),
      );
    });
  }

  it("writes what a person would", () => {
    const written = (path: string, value: bigint): string => showQuantity(value, quantityOf(path));
    expect(written("assets.ETH.risk.sigma", 20_000n)).to.equal("2 %");
    expect(written("assets.ETH.risk.kappa", 1_000_000n)).to.equal("100 %");
    expect(written("assets.ETH.market.lot", 16n)).to.equal("0.01 ETH");
    expect(written("assets.ETH.depth", 400_000n * 10n ** 18n)).to.equal("400_000 ETH");
    expect(written("assets.ETH.market.fundingVelocity", 200_000_000n)).to.equal("20 %/day²");
    expect(written("orders.delay", 30n)).to.equal("30 s");
    expect(written("pool.cooldown", 14_400n)).to.equal("4 h");
    expect(written("oracle.pegLow", 98n * 10n ** 16n)).to.equal("0.98 USD");
    expect(written("orders.tip", 500_000_000n)).to.equal("0.5 gwei");
    expect(written("governance.riskRamp", 604_800n)).to.equal("7 d");
    expect(showQuantity(7n, undefined)).to.equal("7");
  });
});

describe("quantityOf", () => {
  it("knows the bounds of a number, wherever in the file it is", () => {
    const bounds = (path: string): string => {
      const quantity = quantityOf(path);
      if (quantity === undefined) throw new Error(`no quantity of ${path}`);
      return showBounds(quantity);
    };
    expect(bounds("globals.maintenanceFactor")).to.equal("10 % to 90 %");
    expect(bounds("groups.majors.hedgeFloor")).to.equal("10 % to 100 %");
    expect(bounds("assets.SOL.feed.jump")).to.equal("0.5 % to 50 %");
    expect(bounds("collaterals.WETH.saleDiscount")).to.equal("0 % to 10 %");
    expect(bounds("orders.delay")).to.equal("5 s to 4 min");
    expect(bounds("money.borrowRateFull")).to.equal("0 %/year to 400 %/year");
  });

  it("knows none of words, objects and what is not there", () => {
    for (const path of ["assets.ETH.group", "assets.ETH", "assets.ETH.feed.description", "globals.m", "x.y.z"]) {
      expect(quantityOf(path), path).to.equal(undefined);
    }
  });
});
