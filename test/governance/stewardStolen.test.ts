/** The worst that a stolen key of the steward can send within a day. The table of docs/protocol.md is made of this. */
import { expect } from "chai";

import { type Bound, largestStepDown } from "../../scripts/model/bounds.ts";
import { abs } from "../../scripts/model/fixed.ts";
import { decodeGroups } from "../../scripts/model/parameters.ts";
import { expectConserved, load } from "../clearing/support.ts";
import { accountOf, networkHelpers, time, type World } from "../fixture.ts";
import { BTC, DAY, ETH, HOUR, wad } from "../parameters.ts";
import { frozen } from "../clearing/scenarios.ts";
import { marginOf } from "../hazards/support.ts";
import { bind, type Call, nameOf, SETTERS } from "./setters.ts";

/** Up is what takes margin; but for depth and caps, where down does. */
const HARMFUL_DOWN = ["depth", "openInterestCap", "openInterestShare", "skewCap", "insuranceCap"];
const MOVED = Object.entries(SETTERS).filter(([, { steward }]) => steward);

describe("a stolen key of the steward", () => {
  afterEach(expectConserved);

  it("moves each parameter by no more than its step within a day, however often it is used", async () => {
    const world = await load(barelyHealthy);
    const before = await valuesOf(world);
    const end = (await time.latest()) + DAY - HOUR;
    let sent = 0;
    while ((await time.latest()) < end) {
      sent += await sendWorst(world);
      await time.increase(HOUR);
      await world.refresh();
    }
    const after = await valuesOf(world);

    // Each once.
    expect(sent).to.equal(2 + HARMFUL_DOWN.length);
    for (const [name] of MOVED) {
      const bound = await boundOf(world, name);
      const [from, to] = [before.get(name) ?? 0n, after.get(name) ?? 0n];
      const most = largestStepDown(bound, { power: "steward", from, to });
      if (most === undefined) throw new Error(`${name} has no step`);
      // γ and κ give way to a lower depth for a while.
      expect(abs(to - from), name).to.be.at.most(most);
    }
  });

  it("makes nobody liquidatable in the block of any change", async () => {
    const world = await load(barelyHealthy);
    const { clearingHouse, lens, bob } = world;
    const account = accountOf(world.alice);
    const state = await networkHelpers.takeSnapshot();
    for (const [name, setter] of MOVED) {
      const margin = await marginOf(world, account);
      expect(margin).to.be.within(1n, wad("200"));
      const call = await setter.call(world, "steward", await worstOf(world, name));
      await (await call()).wait();

      expect(await marginOf(world, account), name).to.be.at.least(margin);
      const [health] = await lens.health([account]);
      expect(health?.standing.liquidatable, name).to.equal(false);
      await expect(
        clearingHouse
          .connect(bob)
          .liquidate.staticCall(account, [{ asset: ETH, delta: wad("-1") }], [], accountOf(bob)),
      ).to.be.revertedWithCustomError(clearingHouse, "Healthy");
      await state.restore();
    }
  });
});

/** Sends all that goes through; what has one ramp together. Returns how many calls that were. */
async function sendWorst(world: World): Promise<number> {
  const { clearingHouse } = world;
  const worst = Object.fromEntries(
    await Promise.all(MOVED.map(async ([name]) => [name, await worstOf(world, name)] as const)),
  );
  const { beta = 0n, sigma = 0n, gamma = 0n, kappa = 0n, maintenanceFactor = 0n, hedgeFloor = 0n } = worst;
  const floors = [hedgeFloor, ...decodeGroups((await clearingHouse.globals())[1]).slice(1)];
  const rates = { beta, sigma, gamma, kappa };
  const calls: Call[] = [
    bind(world, "tuneRisk", [ETH, rates, DAY]),
    bind(world, "tuneMargins", [maintenanceFactor, floors, DAY]),
  ];
  for (const name of HARMFUL_DOWN) {
    const call = await SETTERS[name]?.call(world, "steward", worst[name] ?? 0n);
    if (call !== undefined) calls.push(call);
  }
  let sent = 0;
  for (const call of calls) {
    if (!(await goesThrough(call.staticCall))) continue;
    await (await call()).wait();
    sent++;
  }
  return sent;
}

async function goesThrough(attempt: () => Promise<unknown>): Promise<boolean> {
  return attempt().then(
    () => true,
    () => false,
  );
}

/** As far as a step goes, in the direction that hurts. */
async function worstOf(world: World, name: string): Promise<bigint> {
  const setter = SETTERS[name];
  if (setter === undefined) throw new Error(`no setter of ${name}`);
  const bound = await boundOf(world, name);
  const from = await setter.read(world);
  const to = HARMFUL_DOWN.includes(name) ? from - 1n : from + 1n;
  const most = largestStepDown(bound, { power: "steward", from, to });
  if (most === undefined) throw new Error(`${name} has no step`);
  const { unit = 1n } = setter;
  const moved = to < from ? from - most : from + most;
  const end = moved + ((unit - (moved % unit)) % unit);
  return end > bound.maximum ? bound.maximum : end;
}

async function valuesOf(world: World): Promise<Map<string, bigint>> {
  const values = new Map<string, bigint>();
  for (const [name, { read }] of MOVED) values.set(name, await read(world));
  return values;
}

async function boundOf({ clearingHouse }: World, name: string): Promise<Bound> {
  const { minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount } = await clearingHouse.boundOf(
    nameOf(name),
  );
  return { minimum, maximum, down, up, amount, interval, stewardShare, stewardAmount };
}

/** Alice, long 740 ETH and short a little BTC, with less than 200 above her maintenance requirement. */
async function barelyHealthy(): Promise<World> {
  const world = await frozen(({ assets }) => {
    const market = assets[ETH];
    if (market) market.openInterestCap = wad("1_500");
  });
  const account = accountOf(world.alice);
  await world.trade(account, ETH, wad("740"));
  await world.trade(account, BTC, wad("-1"));
  let price = wad("1760");
  await world.setPrice(ETH, price);
  while ((await marginOf(world, account)) > wad("200")) {
    price -= wad("0.2");
    await world.setPrice(ETH, price);
  }
  await world.oracle.update(1n << BigInt(ETH));
  await world.clearingHouse.markPool();
  return world;
}
