import { expect } from "chai";

import { empty, ethers, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, percent } from "../parameters.ts";
import { expectConserved, load } from "../clearing/support.ts";

const BEFORE = { beta: 50_000n, sigma: 15_000n, gamma: 3_000n, kappa: 50_000n };
const TARGET = { beta: 50_000n, sigma: 30_000n, gamma: 3_000n, kappa: 50_000n };
const FLOORS = [percent(25), percent(50), ...Array.from({ length: 8 }, () => percent(100))].map(BigInt);

describe("GovernanceLens", () => {
  afterEach(expectConserved);

  it("shows the bounds that the clearing house has", async () => {
    const { governanceLens, clearingHouse } = await load(withLens);

    for (const { name, bound } of await governanceLens.bounds()) {
      expect([...bound], ethers.decodeBytes32String(name)).to.deep.equal([...(await clearingHouse.boundOf(name))]);
    }
  });

  it("shows ramps of risk rates that run, and no others", async () => {
    const { governanceLens, clearingHouse } = await load(withLens);
    await clearingHouse.rampRisk(BTC, { ...BEFORE, sigma: 12_000n, beta: 45_000n }, DAY);
    await time.increase(DAY);
    await clearingHouse.rampRisk(ETH, TARGET, 2 * DAY);
    const start = await time.latest();
    await time.increaseTo(start + DAY);

    const ramps = await governanceLens.riskRamps();
    expect(ramps.map(({ asset }) => asset)).to.deep.equal([BigInt(ETH)]);
    const [ramp] = ramps;
    expect([ramp?.start, ramp?.current, ramp?.end].map((rates) => [...(rates ?? [])])).to.deep.equal(
      [BEFORE, { ...BEFORE, sigma: 22_500n }, TARGET].map((rates) => Object.values(rates)),
    );
    expect([ramp?.startsAt, ramp?.endsAt]).to.deep.equal([BigInt(start), BigInt(start + 2 * DAY)]);
  });

  it("shows a ramp of m and the floors of groups while it runs, and afterwards where it led", async () => {
    const { governanceLens, clearingHouse } = await load(withLens);
    const still = await governanceLens.marginsRamp();
    expect([still.running, still.factor, still.factorEnd, still.endsAt]).to.deep.equal([false, 600_000n, 600_000n, 0n]);
    await clearingHouse.rampMargins(percent(70), [percent(45), ...FLOORS.slice(1)], 2 * DAY);
    const start = await time.latest();
    await time.increaseTo(start + DAY);

    const running = await governanceLens.marginsRamp();
    expect([running.running, running.factor, running.factorEnd]).to.deep.equal([true, 650_000n, 700_000n]);
    expect([running.floors[0], running.floorsEnd[0]]).to.deep.equal([350_000n, 450_000n]);
    expect([running.startsAt, running.endsAt]).to.deep.equal([BigInt(start), BigInt(start + 2 * DAY)]);
    await time.increaseTo(start + 2 * DAY);
    const over = await governanceLens.marginsRamp();
    expect([over.running, over.factor, over.factorEnd]).to.deep.equal([false, 700_000n, 700_000n]);
    expect([...over.floorsEnd]).to.deep.equal([450_000n, ...FLOORS.slice(1)]);
  });
});

async function withLens(): Promise<World & { governanceLens: Awaited<ReturnType<typeof deployLens>> }> {
  const world = await empty();
  return { ...world, governanceLens: await deployLens(world) };
}

function deployLens({ clearingHouse }: World) {
  return ethers.deployContract("GovernanceLens", [clearingHouse]);
}
