import { expect } from "chai";

import { Kind } from "../parameters.ts";
import {
  DAY,
  HOUR,
  LIMITS,
  MINUTE,
  createWorld,
  ethers,
  id,
  networkHelpers,
  still,
  switchAggregator,
  wad,
  type World,
} from "./fixture.ts";
import { STREAM_WINDOW, admit, deployStream, mondayAfter, packSessions } from "./sources.ts";

const WEEK = 7 * DAY;
const WEEK_MINUTES = 10_080;

/** Minutes since Monday 00:00. */
const at = (day: number, hour: number, minute = 0) => (day * 24 + hour) * 60 + minute;
const SUNDAY = 6;

/** As of currencies: from Sunday 22:00 to Friday 22:00. The end of the week is written as two that touch. */
const CURRENCIES = packSessions([
  [0, at(4, 22)],
  [at(SUNDAY, 22), WEEK_MINUTES],
]);
/** From 08:00 to 16:00, Monday and Tuesday. */
const OFFICE = packSessions([
  [at(0, 8), at(0, 16)],
  [at(1, 8), at(1, 16)],
]);

/** Long enough for the longest closure of both. */
const PATIENT = { deadAfter: 8 * DAY, window: 3 * DAY };

/** An asset with these hours, set on a Monday at noon, with a round of then. `second` is a time of that week. */
async function createTimed(sessions: bigint, limits: Partial<typeof LIMITS> = {}) {
  const world = await createWorld({ feeds: [{ limits: { ...PATIENT, ...limits } }] });
  const monday = mondayAfter(world.now);
  const noon = monday + 12 * HOUR;
  await networkHelpers.time.increaseTo(noon);
  await world.feed.write(2_000, noon);
  await still(() => world.oracle.setSessions(0, sessions));
  const second = (minutes: number) => monday + minutes * MINUTE;
  return { world, monday, noon, second };
}

async function refusalAt(world: World, time: number) {
  return (await world.readPrice(time)).refusal;
}

describe("PriceOracle.setSessions", () => {
  it("sets the hours of one asset and nothing else", async () => {
    const world = await createWorld({ feeds: [{ limits: PATIENT }, { price: 3 }] });
    const { oracle } = world;
    const before = [
      await oracle.feedOf(0),
      await oracle.stateOf(0),
      await oracle.sourceOf(1),
      await oracle.environment(),
    ];
    await expect(oracle.setSessions(0, OFFICE)).to.emit(oracle, "SessionsSet").withArgs(0n, OFFICE);

    expect(await oracle.sourceOf(0)).to.deep.equal([0n, ethers.ZeroAddress, 0n, OFFICE, 0n]);
    const after = [
      await oracle.feedOf(0),
      await oracle.stateOf(0),
      await oracle.sourceOf(1),
      await oracle.environment(),
    ];
    expect(after).to.deep.equal(before);
  });

  it("has them hold over new limits", async () => {
    const { world, noon, second } = await createTimed(OFFICE);
    await still(() => world.oracle.configure(0, { ...LIMITS, ...PATIENT, jump: 50_000 }));
    await world.feed.write(2_000, noon + 5 * HOUR);
    expect(await refusalAt(world, second(at(0, 17)))).to.equal("Closed");
  });

  it("keeps them over new limits, and drops them with 0", async () => {
    const { world, noon } = await createTimed(OFFICE);
    await still(() => world.oracle.configure(0, { ...LIMITS, ...PATIENT, jump: 50_000 }));
    expect((await world.oracle.sourceOf(0)).sessions).to.equal(OFFICE);
    await still(() => world.oracle.setSessions(0, 0n));
    expect((await world.oracle.sourceOf(0)).sessions).to.equal(0n);

    await world.feed.write(2_000, noon + 5 * HOUR);
    expect(await refusalAt(world, noon + 5 * HOUR)).to.equal("None");
  });

  it("takes eight sessions, that may touch, to the end of the week", async () => {
    const world = await createWorld({ feeds: [{ limits: PATIENT }] });
    const sessions = Array.from({ length: 8 }, (_, index) => [index * 1_260, (index + 1) * 1_260] as const);
    await world.oracle.setSessions(0, packSessions(sessions));
    expect((await world.oracle.sourceOf(0)).sessions).to.equal(packSessions(sessions));
  });

  for (const [what, sessions, index] of [
    ["that ends when it begins", [[60, 60]], 0],
    ["that ends before it begins", [[61, 60]], 0],
    ["that ends after the week", [[60, WEEK_MINUTES + 1]], 0],
    [
      "that begins before the one before it ends",
      [
        [0, 60],
        [59, 120],
      ],
      1,
    ],
    [
      "that is left out",
      [
        [0, 60],
        [0, 0],
        [120, 180],
      ],
      1,
    ],
  ] as const) {
    it(`refuses a session ${what}`, async () => {
      const world = await createWorld({ feeds: [{ limits: PATIENT }] });
      const [opens, closes] = (sessions as readonly (readonly [number, number])[])[index] ?? [0, 0];
      await expect(world.oracle.setSessions(0, packSessions(sessions)))
        .to.be.revertedWithCustomError(world.oracle, "SessionInvalid")
        .withArgs(BigInt(index), BigInt(opens), BigInt(closes));
    });
  }

  it("refuses bits beyond the eighth session", async () => {
    const world = await createWorld({ feeds: [{ limits: PATIENT }] });
    for (const [bit, count] of [
      [224n, 9n],
      [255n, 10n],
    ] as const) {
      await expect(world.oracle.setSessions(0, OFFICE | (1n << bit)))
        .to.be.revertedWithCustomError(world.oracle, "TooManySessions")
        .withArgs(count, 8n);
    }
  });

  it("refuses hours in which the asset would be dead because it is closed, in new limits too", async () => {
    // From Tuesday 16:00 to Monday 08:00.
    const closure = 5 * DAY + 16 * HOUR;
    const least = closure + LIMITS.maxAge;
    const field = ethers.encodeBytes32String("deadAfter");
    const world = await createWorld({ feeds: [{ limits: { deadAfter: least - 1 } }] });
    await expect(world.oracle.setSessions(0, OFFICE))
      .to.be.revertedWithCustomError(world.oracle, "LimitOutOfRange")
      .withArgs(field, BigInt(least - 1), BigInt(least), BigInt(30 * DAY));

    const { world: timed } = await createTimed(OFFICE, { deadAfter: least });
    await expect(timed.oracle.configure(0, { ...LIMITS, deadAfter: least - 1 }))
      .to.be.revertedWithCustomError(timed.oracle, "LimitOutOfRange")
      .withArgs(field, BigInt(least - 1), BigInt(least), BigInt(30 * DAY));
    await still(() => timed.oracle.configure(0, { ...LIMITS, deadAfter: least }));
  });

  it("makes a live price an interval around itself, and not dead", async () => {
    const { world, second } = await createTimed(0n);
    await networkHelpers.time.increaseTo(second(at(0, 17)));
    await world.feed.write(2_010, second(at(0, 17)));
    await still(() => world.oracle.setSessions(0, OFFICE));

    expect(await world.readPrice(second(at(0, 17)))).to.deep.equal({
      last: wad(2_010),
      spread: BigInt(LIMITS.spread),
      refusal: "Closed",
      settling: false,
      dead: false,
      updatedAt: BigInt(second(at(0, 17))),
    });
  });

  it("opens no asset that is closed, and closes none that would open", async () => {
    const { world, second } = await createTimed(OFFICE);
    await admit(world);
    const now = second(at(0, 17));
    await networkHelpers.time.increaseTo(now);
    await world.feed.write(2_010, now - MINUTE);
    const opened = [0n, CURRENCIES, packSessions([[at(0, 16, 58), at(0, 18)]])];
    for (const sessions of opened) {
      const { error, args } = await world.one(now, "setSessions", 0, sessions);
      expect([error, args]).to.deep.equal(["ClosedNow", [0n]]);
    }
    // Closed by these, too; and open, but closed since the last round.
    for (const sessions of [packSessions([[0, at(0, 9)]]), packSessions([[at(0, 17), at(0, 18)]])]) {
      const { error } = await world.one(now, "setSessions", 0, sessions);
      expect(error).to.equal(undefined);
      expect(await refusalAt(world, now)).to.equal("Closed");
    }
  });

  it("opens no asset that is closed behind a halt", async () => {
    const { world, second } = await createTimed(OFFICE);
    await admit(world);
    const open = second(at(1, 8));
    await world.feed.write(2_500, open);
    await world.one(open + 1, "update", 1n);
    const tuesday = second(at(1, 16));
    await world.feed.write(2_000, tuesday);
    await networkHelpers.time.increaseTo(tuesday);
    const refused = await world.one(tuesday + 1, "setSessions", 0, 0n);
    expect([refused.error, refused.args]).to.deep.equal(["ClosedNow", [0n]]);
    // Hours of which it has not heard either.
    const { error } = await world.one(tuesday + 2, "setSessions", 0, packSessions([[at(5, 0), at(6, 0)]]));
    expect(error).to.equal(undefined);
  });

  it("opens no asset by the accepted round where the latest is older", async () => {
    const { world, noon, second } = await createTimed(OFFICE);
    await admit(world);
    const { confirm, write } = await switchAggregator(world.feed);
    await write(2_000, noon - HOUR);
    await confirm();
    const now = second(at(0, 16));
    await networkHelpers.time.increaseTo(now);
    const hours = packSessions([[at(0, 12), at(0, 18)]]);
    const { error } = await world.one(now + 1, "setSessions", 0, hours);
    expect(error).to.equal("ClosedNow");
  });

  it("is refused for an unknown asset and to strangers", async () => {
    const { oracle, stranger } = await createWorld();
    await expect(oracle.setSessions(1, 0n)).to.be.revertedWithCustomError(oracle, "UnknownAsset").withArgs(1n, 1n);
    await expect(oracle.connect(stranger).setSessions(0, 0n)).to.be.revertedWithCustomError(
      oracle,
      "AccessManagedUnauthorized",
    );
  });
});

describe("PriceOracle over an asset with hours", () => {
  it("is closed from the second at which a session ends", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    await world.feed.write(2_010, end - 2);
    expect(await refusalAt(world, end - 1)).to.equal("None");
    const closed = await world.readPrice(end);
    expect([closed.refusal, closed.last, closed.spread]).to.deep.equal(["Closed", wad(2_010), BigInt(LIMITS.spread)]);
  });

  it("is closed until the first round of a session, whose time may be its first second", async () => {
    const { world, second } = await createTimed(OFFICE, { maxAge: 2 * DAY });
    const open = second(at(1, 8));
    await world.feed.write(2_010, second(at(0, 16)) - 1);
    await world.feed.write(2_011, open - 1);
    expect(await refusalAt(world, open)).to.equal("Closed");
    await world.feed.write(2_012, open);
    const { refusal, last } = await world.readPrice(open + 1);
    expect([refusal, last]).to.deep.equal(["None", wad(2_012)]);
  });

  it("does not count a round from before a closure, however long it may be", async () => {
    const { world, second } = await createTimed(OFFICE, { maxAge: 2 * DAY });
    await world.feed.write(2_010, second(at(0, 16)) - 1);
    expect(await refusalAt(world, second(at(0, 16)) - 1)).to.equal("None");
    expect(await refusalAt(world, second(at(1, 8)))).to.equal("Closed");
  });

  it("counts sessions that touch as one, over the end of the week too", async () => {
    const { world, monday, second } = await createTimed(CURRENCIES);
    const sunday = second(at(SUNDAY, 23, 59));
    await world.feed.write(2_010, sunday);
    expect(await refusalAt(world, monday + WEEK - 1)).to.equal("None");
    expect(await refusalAt(world, monday + WEEK)).to.equal("None");
    expect(await refusalAt(world, sunday + LIMITS.maxAge + 1)).to.equal("Stale");
  });

  it("is stale where it is open and silent, and closed where it is not, but never dead for it", async () => {
    const { world, noon, second } = await createTimed(OFFICE);
    expect(await refusalAt(world, noon + LIMITS.maxAge + 1)).to.equal("Stale");
    const last = second(at(1, 16)) - 1;
    await world.feed.write(2_010, last);
    await world.one(last, "read", 1n, false);
    const reopening = second(at(7, 8));
    const price = await world.readPrice(reopening + LIMITS.maxAge - 1);
    expect([price.refusal, price.dead]).to.deep.equal(["Closed", false]);
    const dead = await world.readPrice(last + PATIENT.deadAfter + 1);
    expect([dead.refusal, dead.dead]).to.deep.equal(["Closed", true]);
  });

  it("is dead by the last round that the feed has, read or not", async () => {
    const { world, second } = await createTimed(OFFICE);
    const last = second(at(1, 15));
    await world.feed.write(2_010, last);
    const price = await world.readPrice(last + PATIENT.deadAfter);
    expect([price.refusal, price.dead]).to.deep.equal(["Closed", false]);
  });

  for (const [price, refusal] of [
    [0, "NonPositive"],
    [2_000_000, "OutOfBounds"],
  ] as const) {
    it(`is refused as ${refusal} rather than closed`, async () => {
      const { world, second } = await createTimed(OFFICE);
      await world.feed.write(price, second(at(0, 16)));
      expect(await refusalAt(world, second(at(0, 16)) + 1)).to.equal(refusal);
    });
  }

  it("neither halts, nor accepts, nor ends a halt while closed", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    const before = await world.oracle.stateOf(0);
    await world.feed.write(2_500, end);
    await world.one(end + 1, "update", 1n);
    expect(await world.oracle.stateOf(0)).to.deep.equal(before);

    const open = second(at(1, 8));
    await world.feed.write(2_500, open);
    await world.one(open + 1, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
    const tuesday = second(at(1, 16));
    await world.feed.write(2_000, tuesday);
    await world.one(tuesday + 1, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
  });

  it("walks along rounds of its hours, of an earlier session too, and no others", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    const open = second(at(1, 8));
    await world.feed.write(2_150, end - 1); // 3
    await world.feed.write(2_160, end); // 4
    await world.feed.write(2_300, open); // 5
    const refused = await world.one(open + 1, "advance", 0, [id(4)]);
    expect([refused.error, refused.args]).to.deep.equal(["StepRefused", [0n, id(4), 9n]]);
    expect((await world.one(open + 2, "advance", 0, [id(3)])).error).to.equal(undefined);
    expect((await world.readPrice(open + 3)).last).to.equal(wad(2_300));
  });

  it("does not walk while it is closed", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    await world.feed.write(2_150, end - 2);
    await world.feed.write(2_160, end - 1);
    const { error, args } = await world.one(end, "advance", 0, [id(3)]);
    expect([error, args]).to.deep.equal(["StepRefused", [0n, id(4), 9n]]);
  });

  it("settles orders at rounds of its hours and refunds those that meet another", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    const open = second(at(1, 8));
    for (const [price, time] of [
      [2_001, end - 2],
      [2_002, end - 1],
      [2_003, end],
      [2_004, open - 1],
      [2_005, open],
    ] as const) {
      await world.feed.write(price, time);
    }
    const outcome = async (shift: number, boundary: number, round: number) => {
      const settled = await world.settle(open + shift, boundary, id(round), id(round - 1));
      return settled.outcome === "Settled" ? settled.price : settled.outcome;
    };
    expect(await outcome(1, end - 2, 4)).to.equal(wad(2_002));
    expect(await outcome(2, end - 1, 5)).to.equal("Void");
    expect(await outcome(3, end, 6)).to.equal("Void");
    expect(await outcome(4, open - 1, 7)).to.equal(wad(2_005));
  });

  it("settles orders at reports of its hours only, too", async () => {
    const { world, second } = await createTimed(OFFICE);
    const end = second(at(0, 16));
    const stream = await deployStream();
    await stream.report(2_000, end - HOUR, end - HOUR);
    await networkHelpers.time.increaseTo(end - HOUR);
    await world.feed.write(2_000, end - HOUR);
    await still(() => world.oracle.setSettlement(0, stream.proxy, STREAM_WINDOW));
    await stream.report(2_001, end - 2, end - 1);
    await stream.report(2_002, end, end);

    expect((await world.settle(end + 1, end - 1, id(2), 0n)).price).to.equal(wad(2_001));
    expect((await world.settle(end + 2, end, id(3), 0n)).outcome).to.equal("Void");
  });

  it("halts a derived asset by the same hours", async () => {
    const world = await createWorld({ feeds: [{ kind: Kind.Derived, limits: PATIENT }] });
    const monday = mondayAfter(world.now);
    await still(() => world.oracle.setSessions(0, OFFICE));
    const open = monday + 8 * HOUR;
    await world.feed.write(2_500, open - 1);
    await world.one(open, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(false);
    await world.feed.write(2_500, open);
    await world.one(open + 1, "update", 1n);
    expect((await world.oracle.stateOf(0)).halted).to.equal(true);
  });
});
