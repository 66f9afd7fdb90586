import { expect } from "chai";
import { encodeBytes32String } from "ethers";

import { funded, loadFixture } from "../fixture.ts";
import { wad } from "../parameters.ts";

describe("LiquidityPool's parameters", () => {
  const bounds = [
    ["setCooldown", "cooldown", 3_600n, 604_800n, "CooldownChanged"],
    ["setDeviation", "deviation", 500n, 20_000n, "DeviationChanged"],
  ] as const;

  for (const [setter, name, minimum, maximum, event] of bounds) {
    it(`${name} stays within its bounds and its role`, async () => {
      const { pool, alice } = await loadFixture(funded);

      for (const value of [minimum, maximum]) {
        await expect(pool[setter](value)).to.emit(pool, event).withArgs(value);
        expect(await pool[name]()).to.equal(value);
      }
      for (const value of [minimum - 1n, maximum + 1n, 0n]) {
        await expect(pool[setter](value))
          .to.be.revertedWithCustomError(pool, "OutOfRange")
          .withArgs(encodeBytes32String(name), value, minimum, maximum);
      }
      await expect(pool.connect(alice)[setter](minimum))
        .to.be.revertedWithCustomError(pool, "AccessManagedUnauthorized")
        .withArgs(alice);
    });
  }

  it("do not move a request that is waiting", async () => {
    const { pool, provider } = await loadFixture(funded);
    await pool.connect(provider).requestRedeem(wad("3"), provider, provider);
    const { latest } = await pool.queue();
    const { maturesAt } = await pool.batchOf(latest);

    await pool.setCooldown(604_800n);

    expect((await pool.batchOf(latest)).maturesAt).to.equal(maturesAt);
  });
});
