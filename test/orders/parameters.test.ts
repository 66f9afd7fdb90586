import { expect } from "chai";

import { empty, ethers, loadFixture, type World } from "../fixture.ts";

const text = (word: string) => ethers.encodeBytes32String(word);

type Settings = World["parameters"]["orders"];

const UNITS = { fixedPay: 10n ** 14n, tip: 10n ** 6n };
const GAS_FIELDS = ["singleGas", "basketGas", "legGas", "pokeGas", "refundGas"] as const;

const RANGES: Record<keyof Settings, [bigint, bigint]> = {
  delay: [5n, 240n],
  executionWindow: [60n, 3600n],
  band: [100n, 200_000n],
  fixedPay: [0n, 20n * 10n ** 18n],
  tip: [0n, 100n * 10n ** 9n],
  singleGas: [0n, 2_000_000n],
  basketGas: [0n, 2_000_000n],
  legGas: [0n, 2_000_000n],
  pokeGas: [0n, 2_000_000n],
  refundGas: [0n, 2_000_000n],
  legGap: [0n, 3600n],
};

describe("Orders.setParameters", () => {
  it("keeps every field, at both ends of its range", async () => {
    const world = await loadFixture(empty);
    expect(await world.orders.parameters()).to.deep.equal(Object.values(world.parameters.orders));
    for (const end of [0, 1] as const) {
      const settings = { ...world.parameters.orders };
      for (const field of Object.keys(RANGES) as (keyof Settings)[]) settings[field] = RANGES[field][end];
      await expect(world.orders.setParameters(settings)).to.emit(world.orders, "ParametersSet");
      expect(await world.orders.parameters()).to.deep.equal(Object.values(settings));
    }
  });

  it("refuses a value outside its range", async () => {
    const world = await loadFixture(empty);
    for (const [field, [minimum, maximum]] of Object.entries(RANGES)) {
      const outside = minimum === 0n ? [maximum + 1n] : [minimum - 1n, maximum + 1n];
      for (const value of outside) {
        await expect(world.orders.setParameters({ ...world.parameters.orders, [field]: value }))
          .to.be.revertedWithCustomError(world.orders, "OutOfRange")
          .withArgs(text(field), value, minimum, maximum);
      }
    }
  });

  it("refuses a value that its field would round", async () => {
    const world = await loadFixture(empty);
    const units = { ...UNITS, ...Object.fromEntries(GAS_FIELDS.map((field) => [field, 1000n])) };
    for (const [field, unit] of Object.entries(units)) {
      await expect(world.orders.setParameters({ ...world.parameters.orders, [field]: unit + 1n }))
        .to.be.revertedWithCustomError(world.orders, "NotAMultiple")
        .withArgs(text(field), unit + 1n, unit);
    }
  });

  it("is governance's alone", async () => {
    const world = await loadFixture(empty);
    await expect(
      world.orders.connect(world.stranger).setParameters(world.parameters.orders),
    ).to.be.revertedWithCustomError(world.orders, "AccessManagedUnauthorized");
  });
});
