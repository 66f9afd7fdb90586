import { expect } from "chai";

import { decodeMarginRamp, type Margins, marginsUp } from "../../scripts/model/margins.ts";
import { decodeGlobals, decodeGroups } from "../../scripts/model/parameters.ts";
import { accountOf, empty, ethers, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, percent, wad } from "../parameters.ts";
import { still } from "./scenarios.ts";
import { expectConserved, load, now } from "./support.ts";

const FLOORS = [percent(25), percent(50), ...Array.from({ length: 8 }, () => percent(100))];
/** Majors need more when they are hedged, alts less. */
const TARGET = [percent(40), percent(30), ...FLOORS.slice(2)];

describe("ClearingHouse.rampMargins", () => {
  afterEach(expectConserved);

  it("does not change a requirement in its own block, and then moves it to its target", async () => {
    const world = await load(hedged);
    const before = await maintenanceOf(world);

    await world.clearingHouse.rampMargins(percent(70), TARGET, 4 * DAY);
    expect(await maintenanceOf(world)).to.equal(before);
    const start = await time.latest();
    let last = before;
    for (const day of [1, 2, 4]) {
      await time.increaseTo(start + day * DAY - 10);
      await world.refresh();
      const maintenance = await maintenanceOf(world);
      expect(maintenance, `after ${day} days`).to.be.greaterThan(last);
      last = maintenance;
    }
    await time.increase(DAY);
    await world.refresh();
    // 60 % became 70 %, on top of a group that needs 40 % of its gross in place of 25 %.
    expect(await maintenanceOf(world)).to.be.greaterThan((before * 7n) / 6n);
  });

  it("is in what is read of globals and groups, as the model has it", async () => {
    const world = await load(empty);
    const from = await marginsOf(world);
    await world.clearingHouse.rampMargins(percent(66), TARGET, 3 * DAY);
    const [word, end] = await world.clearingHouse.marginRamp();
    const ramp = decodeMarginRamp(word);
    expect(ramp).to.deep.equal({ endFactor: 660_000n, start: await now(), duration: BigInt(3 * DAY) });

    for (const passed of [0, 1, 1_000, DAY, 2 * DAY + 77, 3 * DAY - 1, 3 * DAY, 4 * DAY]) {
      const at = Number(ramp.start) + passed;
      if (passed !== 0) await time.increaseTo(at);
      expect(await marginsOf(world), `after ${passed}`).to.deep.equal(
        marginsUp(ramp, from, decodeGroups(end), BigInt(at)),
      );
    }
  });

  it("begins where a ramp that it replaces has come to", async () => {
    const world = await load(empty);
    const { clearingHouse } = world;
    await clearingHouse.rampMargins(percent(70), TARGET, 2 * DAY);
    await time.increaseTo((await time.latest()) + DAY - 1);

    await clearingHouse.rampMargins(percent(60), FLOORS, DAY);
    const { globals, groups } = await marginsOf(world);
    expect(globals.maintenanceFactor).to.equal(650_000n);
    expect(groups.slice(0, 2)).to.deep.equal([325_000n, 400_000n]);
    await time.increase(DAY);
    expect((await marginsOf(world)).globals.maintenanceFactor).to.equal(600_000n);
  });

  it("is forgotten by the next change after its end, which keeps what it led to", async () => {
    const world = await load(empty);
    const { clearingHouse } = world;
    await clearingHouse.rampMargins(percent(65), TARGET, DAY);
    await clearingHouse.restrictMarket(BTC);
    expect((await clearingHouse.marginRamp())[0]).not.to.equal(0n);
    await time.increase(DAY);
    const led = await marginsOf(world);

    await clearingHouse.restrictMarket(ETH);
    expect([...(await clearingHouse.marginRamp())]).to.deep.equal([0n, 0n]);
    expect(await marginsOf(world)).to.deep.equal(led);
    expect(led.globals.maintenanceFactor).to.equal(650_000n);
  });

  it("says where it goes", async () => {
    const { clearingHouse } = await load(empty);
    const at = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(at);

    await expect(clearingHouse.rampMargins(percent(61), TARGET, DAY))
      .to.emit(clearingHouse, "MarginsRamped")
      .withArgs(610_000n, TARGET, at, DAY);
  });

  it("takes a day at least, and ninety at most", async () => {
    const { clearingHouse } = await load(empty);

    for (const duration of [DAY - 1, 90 * DAY + 1]) {
      await expect(clearingHouse.rampMargins(percent(60), FLOORS, duration))
        .to.be.revertedWithCustomError(clearingHouse, "OutOfRange")
        .withArgs(ethers.encodeBytes32String("duration"), duration, DAY, 90 * DAY);
    }
    await clearingHouse.rampMargins(percent(60), FLOORS, 90 * DAY);
  });

  it("refuses an m at which a position costs more to close than it frees", async () => {
    const { clearingHouse } = await load(empty);

    // 90 % of 0.3 % + 58 % · 1.5 % is 10,530; the fee and the impact of 2,500 / 250,000 are 10,600.
    await expect(clearingHouse.rampMargins(percent(58), FLOORS, DAY))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_530n, 10_600n);
    await clearingHouse.rampMargins(percent(59), FLOORS, DAY);
  });

  it("has everything else judged by the lesser m of now and its end", async () => {
    const { clearingHouse } = await load(empty);
    await clearingHouse.rampMargins(percent(59), FLOORS, DAY);

    await expect(clearingHouse.setLimits(ETH, wad("2500"), percent(90), wad("2000"), 700, 200, wad("250_000")))
      .to.be.revertedWithCustomError(clearingHouse, "ListingInvariantBroken")
      .withArgs(10_665n, 10_700n);
  });
});

/** Long ETH and as much short BTC. */
async function hedged() {
  const world = await still();
  await world.trade(accountOf(world.alice), ETH, wad("100"));
  await world.trade(accountOf(world.alice), BTC, wad("-6"));
  return world;
}

async function maintenanceOf({ lens, alice }: World): Promise<bigint> {
  return (await lens.account(accountOf(alice))).maintenance;
}

async function marginsOf({ clearingHouse }: World): Promise<Margins> {
  const [globals, groups] = await clearingHouse.globals();
  return { globals: decodeGlobals(globals), groups: decodeGroups(groups) };
}
