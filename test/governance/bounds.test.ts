import { expect } from "chai";
import fc from "fast-check";

import {
  ANY,
  type Bound,
  largestStepDown,
  type Power,
  refusalOf,
  STEWARD_INTERVAL,
} from "../../scripts/model/bounds.ts";
import { max, min } from "../../scripts/model/fixed.ts";
import { expectConserved, load, now } from "../clearing/support.ts";
import { ethers, time, type World } from "../fixture.ts";
import { DAY } from "../parameters.ts";
import { POWERS } from "./powers.ts";
import { type Call, nameOf, roomy, type Setter, SETTERS } from "./setters.ts";

const RUNS = process.env["TEST_DEPTH"] === "deep" ? 200 : 6;

/** Each parameter with each role that has a verb for it. */
const CASES = Object.entries(SETTERS).flatMap(([name, setter]) =>
  (["governor", "steward"] as const).flatMap((power) =>
    power === "steward" && !setter.steward ? [] : [{ name, setter, power }],
  ),
);

/** What the table of bounds refuses by. */
const REFUSALS = ["OutOfRange", "StepTooLarge", "ChangedTooSoon", "RampRunning"];
/** What other rules refuse by; the table has let the value through. */
const LATER = ["ListingInvariantBroken"];

describe("bounds of parameters", () => {
  afterEach(expectConserved);

  it("are what has been granted, to the last digit", async () => {
    const { clearingHouse } = await load(roomy);
    const lens = await ethers.deployContract("GovernanceLens", [clearingHouse]);
    const rows = (await lens.bounds()).map(({ name, bound }) => [ethers.decodeBytes32String(name), [...bound]]);

    expect(Object.fromEntries(rows)).to.deep.equal(POWERS);
  });

  it("are those of a table that has a row for each setter and no other", async () => {
    const { clearingHouse } = await load(roomy);
    const lens = await ethers.deployContract("GovernanceLens", [clearingHouse]);
    const names = (await lens.bounds()).map(({ name }) => ethers.decodeBytes32String(name));

    expect(names).to.have.members(Object.keys(SETTERS));
    await expect(clearingHouse.boundOf(nameOf("nothing")))
      .to.be.revertedWithCustomError(clearingHouse, "UnknownParameter")
      .withArgs(nameOf("nothing"));
  });

  for (const { name, setter, power } of CASES) {
    it(`let the ${power} move ${name} by its step and not by more, up and down`, async () => {
      const world = await load(roomy);
      const bound = await boundOf(world, name);
      const { unit = 1n } = setter;
      const from = await setter.read(world);
      for (const way of [unit, -unit]) {
        const [least, most] = rangeOf(setter, bound);
        const room = way > 0n ? most - from : from - least;
        const step = largestStepDown(bound, { power, from, to: from + way }) ?? room;
        const inside = from + (way * min(step, room)) / unit;
        const kept = inside - (inside % unit);
        expect(await refusal(world, setter, power, kept), `to ${kept}`).to.equal(undefined);
        const outside = kept + way;
        if (outside < 0n) continue;
        expect(await refusal(world, setter, power, outside), `to ${outside}`).to.equal(
          outside < least || outside > most ? "OutOfRange" : "StepTooLarge",
        );
      }
    });
  }

  for (const { name, setter, power } of CASES) {
    it(`let the ${power} move ${name} again after its interval and not before`, async () => {
      const world = await load(roomy);
      const bound = await boundOf(world, name);
      const { unit = 1n } = setter;
      const from = await setter.read(world);
      const [least] = rangeOf(setter, bound);
      // In a direction in which it moves by steps, if there is one.
      const way = from === least || (bound.down === ANY && bound.up !== ANY) ? unit : -unit;
      const [first, second] = [from + way, from + 2n * way];
      await (await (await setter.call(world, power, first))()).wait();
      const last = await world.clearingHouse.changedAt(nameOf(name), setter.index);
      const isStepped = largestStepDown(bound, { power, from, to: first }) !== undefined;
      expect(last).to.equal(isStepped ? await now() : 0n);

      const interval = !isStepped ? 0n : power === "steward" ? STEWARD_INTERVAL : bound.interval;
      if (interval !== 0n) {
        await time.increaseTo(last + interval - 20n);
        await world.refresh(); // a second a feed
        await time.increaseTo(last + interval - 1n);
        expect(await refusal(world, setter, power, second)).to.be.oneOf(["ChangedTooSoon", "RampRunning"]);
        await time.increaseTo(last + interval);
      }
      expect(await refusal(world, setter, power, second)).to.equal(undefined);
    });
  }

  it("are what the model says of any change after any time", async () => {
    const world = await load(roomy);
    for (const { name, setter, power } of CASES) {
      if (name !== "skewCap") await compareRandom(world, { name, setter, power });
    }
  });
});

/** Draws changes and the time between them, one after the other, and compares what becomes of each with the model. */
async function compareRandom(
  world: World,
  { name, setter, power }: { name: string; setter: Setter; power: Power },
): Promise<void> {
  const bound = await boundOf(world, name);
  const { unit = 1n } = setter;
  const draws = fc.sample(
    fc.record({ share: fc.integer({ min: -1_200, max: 1_200 }), wait: fc.constantFrom(1, DAY / 2, DAY, 2 * DAY) }),
    { seed: 0x706c696d, numRuns: RUNS },
  );
  for (const { share, wait } of draws) {
    await time.increase(wait);
    await world.refresh();
    const from = await setter.read(world);
    const most = largestStepDown(bound, { power, from, to: share < 0 ? from - 1n : from + 1n }) ?? from;
    const drawn = max(0n, from + (most * BigInt(share)) / 1_000n);
    const to = drawn - (drawn % unit);
    const [least, largest] = [bound.minimum, bound.maximum];
    const last = await world.clearingHouse.changedAt(nameOf(name), setter.index);
    const expected =
      to < least || to > largest ? "OutOfRange" : refusalOf(bound, { power, from, to, last, now: await now() });
    const found = await refusal(world, setter, power, to);
    // Ranges by other parameters, and a ramp of another rate of the same asset, come on top.
    const others = setter.range === undefined ? ["RampRunning"] : ["OutOfRange"];
    if (found !== undefined && others.includes(found)) continue;
    expect(found, `${power}: ${name} from ${from} to ${to}, ${wait} s later`).to.equal(expected);
    const call = await setter.call(world, power, to);
    if ((await errorOf(world, call)) === undefined) await (await call()).wait();
  }
}

function rangeOf({ range }: Setter, { minimum, maximum }: Bound): readonly [bigint, bigint] {
  return range ?? [minimum, maximum];
}

async function boundOf({ clearingHouse }: World, name: string): Promise<Bound> {
  const { minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount } = await clearingHouse.boundOf(
    nameOf(name),
  );
  return { minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount };
}

/** What the table refuses a change by, at the time of the latest block; undefined where it lets it through. */
async function refusal(world: World, setter: Setter, power: Power, value: bigint): Promise<string | undefined> {
  const error = await errorOf(world, await setter.call(world, power, value));
  return error === undefined || LATER.includes(error) ? undefined : error;
}

async function errorOf({ clearingHouse }: World, call: Call): Promise<string | undefined> {
  try {
    await call.staticCall();
  } catch (error) {
    const { data = "0x" } = error as { data?: string };
    const found = clearingHouse.interface.parseError(data)?.name;
    if (found === undefined || ![...REFUSALS, ...LATER].includes(found)) throw error;
    return found;
  }
  return undefined;
}
