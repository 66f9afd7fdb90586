import { expect } from "chai";

import { decodeGlobals, decodeGroups, decodeRisk, type RiskRates } from "../../scripts/model/parameters.ts";
import { empty, loadFixture, time } from "../fixture.ts";
import { DAY, ETH } from "../parameters.ts";
import { ceil } from "./exact.ts";

const TARGET: RiskRates = { beta: 50_011n, sigma: 30_013n, gamma: 3_007n, kappa: 60_017n };
const FACTOR = 660_007n;
const FLOORS = Array.from({ length: 10 }, (_, group) => (group < 2 ? 400_003n : 900_007n));
const ELAPSED = 12_347n;
const DURATION = BigInt(3 * DAY);

/** A rate on its way, 1e-6. */
function ramped(from: bigint, to: bigint): bigint {
  return ceil(from * (DURATION - ELAPSED) + to * ELAPSED, DURATION);
}

describe("rounding of ramps", () => {
  it("rates of an asset, m and ρ on a ramp: up", async () => {
    const { clearingHouse } = await loadFixture(empty);
    const { to: before } = decodeRisk((await clearingHouse.parametersOf(ETH))[0]);
    await clearingHouse.rampRisk(ETH, TARGET, DURATION);
    await time.setNextBlockTimestamp(BigInt(await time.latest()) + ELAPSED);
    await clearingHouse.rampRisk(ETH, TARGET, DURATION);
    expect(decodeRisk((await clearingHouse.parametersOf(ETH))[0]).from).to.deep.equal({
      beta: ramped(before.beta, TARGET.beta),
      sigma: ramped(before.sigma, TARGET.sigma),
      gamma: ramped(before.gamma, TARGET.gamma),
      kappa: ramped(before.kappa, TARGET.kappa),
    });

    const margins = async () => {
      const [globals, groups] = await clearingHouse.globals();
      return { factor: decodeGlobals(globals).maintenanceFactor, floors: decodeGroups(groups) };
    };
    const { factor, floors } = await margins();
    await clearingHouse.rampMargins(FACTOR, FLOORS, DURATION);
    await time.increase(ELAPSED);
    expect(await margins()).to.deep.equal({
      factor: ramped(factor, FACTOR),
      floors: FLOORS.map((end, group) => ramped(floors[group] ?? 0n, end)),
    });
    const [, word] = await clearingHouse.globals();
    expect(word >> (24n * BigInt(FLOORS.length)), "beyond the last group").to.equal(0n);
  });
});
