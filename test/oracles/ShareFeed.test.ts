import { expect } from "chai";
import fc from "fast-check";

import { ABSENT, LEG_GAS, type Round, createFeeds, latestOf, roundOf } from "./derived.ts";
import { DAY, HOUR, LIMITS, MINUTE, WAD, ethers, instrumented, still, switchAggregator, wad } from "./fixture.ts";
import { Kind } from "../parameters.ts";

const MODES = { Honest: 0, Reverts: 1, Burns: 2, Silent: 3, Fixed: 4, Hungry: 5 } as const;
const MAX_96 = (1n << 96n) - 1n;
const PPM = 1_000_000n;
/** 0.1 % a day. */
const GROWTH = 1_000;
const DEPOSIT = 1_000_000n;

interface ShareOptions {
  assetDecimals?: number;
  offset?: number;
  price?: number;
  feedDecimals?: number;
}

/** A vault with a million of its asset, one share for each. */
async function createShare({ assetDecimals = 6, offset = 0, price = 2, feedDecimals = 8 }: ShareOptions = {}) {
  const { world, feeds } = await createFeeds({ price, decimals: feedDecimals });
  const [asset] = feeds;
  if (!asset) throw new Error("a feed was asked for");
  const unit = 10n ** BigInt(assetDecimals);
  const token = await still(() => ethers.deployContract("TestToken", ["Asset", "ASSET", assetDecimals]));
  const vault = await still(() => ethers.deployContract("TestVault", [token, offset]));
  await still(() => token.mint(world.admin, DEPOSIT * unit));
  await still(() => token.approve(vault, ethers.MaxUint256));
  await still(() => vault.deposit(DEPOSIT * unit, world.admin));
  const input = {
    vault: await vault.getAddress(),
    feed: await asset.proxy.getAddress(),
    vaultGas: 40_000n,
    feedGas: LEG_GAS,
    maxGrowth: GROWTH,
  };
  const share = await still(() => ethers.deployContract("ShareFeed", ["SHARE / USD", input]));
  const { time } = await share.anchor();
  /** Gives the vault so much more, as yield or as a donation, in millionths of what it has. */
  const give = (ppm: bigint) => still(() => token.mint(vault, (DEPOSIT * unit * ppm) / PPM));
  const lose = (ppm: bigint) => still(() => vault.lose((DEPOSIT * unit * ppm) / PPM));
  const answerAt = async (at: number) => (await roundOf(world, share, at)).answer;
  return { world, asset, token, vault, input, share, start: Number(time), give, lose, answerAt };
}

/** As a price of the asset of 2. */
function near(answer: bigint, rate: number): void {
  expect(answer).to.be.closeTo(2n * wad(rate), 4n * 10n ** 12n);
}

describe("ShareFeed, construction", () => {
  it("keeps what it is made of, and anchors the rate", async () => {
    const { share, vault, asset, world } = await createShare();

    expect(await share.vault()).to.equal(await vault.getAddress());
    expect(await share.assetFeed()).to.equal(await asset.proxy.getAddress());
    expect(await share.maxGrowth()).to.equal(BigInt(GROWTH));
    expect([...(await share.anchor())]).to.deep.equal([WAD, BigInt(world.firstAt + 1)]);
    expect([await share.decimals(), await share.description()]).to.deep.equal([18n, "SHARE / USD"]);
  });

  for (const field of ["vault", "feed"] as const) {
    it(`refuses a ${field} without code`, async () => {
      const { input } = await createShare();
      const factory = await ethers.getContractFactory("ShareFeed");

      await expect(factory.deploy("X", { ...input, [field]: ethers.ZeroAddress }))
        .to.be.revertedWithCustomError(factory, "FeedNotContract")
        .withArgs(ethers.ZeroAddress);
    });
  }

  const cases: [string, Partial<Awaited<ReturnType<typeof createShare>>["input"]>, [string, ...bigint[]]][] = [
    ["too little growth", { maxGrowth: 9 }, ["maxGrowth", 9n, 10n, 10_000n]],
    ["too much growth", { maxGrowth: 10_001 }, ["maxGrowth", 10_001n, 10n, 10_000n]],
    ["too little gas for the vault", { vaultGas: 19_999n }, ["vaultGas", 19_999n, 20_000n, 100_000n]],
    ["too much gas for the vault", { vaultGas: 100_001n }, ["vaultGas", 100_001n, 20_000n, 100_000n]],
    ["too little gas for the feed", { feedGas: 19_999n }, ["feedGas", 19_999n, 20_000n, 60_000n]],
    ["too much gas together", { feedGas: 60_001n }, ["feedGas", 60_001n, 20_000n, 60_000n]],
  ];
  for (const [name, change, [field, ...numbers]] of cases) {
    it(`refuses ${name}`, async () => {
      const { input } = await createShare();
      const factory = await ethers.getContractFactory("ShareFeed");

      await expect(factory.deploy("X", { ...input, ...change }))
        .to.be.revertedWithCustomError(factory, "LimitOutOfRange")
        .withArgs(ethers.encodeBytes32String(field), ...numbers);
    });
  }

  it("takes the least and the most of each number", async () => {
    const { input } = await createShare();
    const factory = await ethers.getContractFactory("ShareFeed");
    for (const change of [
      { maxGrowth: 10, vaultGas: 20_000n, feedGas: 80_000n },
      { maxGrowth: 10_000, vaultGas: 80_000n, feedGas: 20_000n },
    ]) {
      const share = await factory.deploy("X", { ...input, ...change });
      expect(await share.maxGrowth()).to.equal(BigInt(change.maxGrowth));
    }
  });

  it("refuses decimals beyond 18 of the feed and of the asset, and beyond 36 of the share", async () => {
    const factory = await ethers.getContractFactory("ShareFeed");
    const wideFeed = await createFeeds({ price: 1, decimals: 19 });
    const feed = (await wideFeed.feeds[0]?.proxy.getAddress()) ?? "";
    const good = await createShare({ assetDecimals: 18, offset: 18 });
    const deployWith = (change: object) => factory.deploy("X", { ...good.input, ...change });
    const vaultOf = async (decimals: number, offset: number) => {
      const token = await ethers.deployContract("TestToken", ["Asset", "ASSET", decimals]);
      const vault = await ethers.deployContract("TestVault", [token, offset]);
      return { token: await token.getAddress(), vault: await vault.getAddress() };
    };
    const wideAsset = await vaultOf(19, 0);
    const wideShare = await vaultOf(18, 19);

    await expect(deployWith({ feed })).to.be.revertedWithCustomError(factory, "DecimalsTooMany").withArgs(feed, 19, 18);
    await expect(deployWith({ vault: wideAsset.vault }))
      .to.be.revertedWithCustomError(factory, "DecimalsTooMany")
      .withArgs(wideAsset.token, 19, 18);
    await expect(deployWith({ vault: wideShare.vault }))
      .to.be.revertedWithCustomError(factory, "DecimalsTooMany")
      .withArgs(wideShare.vault, 37, 36);
  });

  it("refuses a vault whose rate cannot be used", async () => {
    const { input, vault } = await createShare();
    const factory = await ethers.getContractFactory("ShareFeed");
    for (const [mode, answer] of [
      [MODES.Reverts, 0n],
      [MODES.Fixed, 0n],
      [MODES.Fixed, MAX_96],
    ] as const) {
      await vault.set(mode, answer);
      await expect(factory.deploy("X", input)).to.be.revertedWithCustomError(factory, "RateUnusable");
    }
  });
});

describe("ShareFeed, answer", () => {
  it("is the rate times the asset's price, rounded down", async () => {
    const { world, vault, asset, share } = await createShare({ assetDecimals: 18, feedDecimals: 18 });
    await vault.set(MODES.Fixed, WAD - 1n);
    await asset.transmit(3n * WAD + 1n, world.now);

    expect((await roundOf(world, share, world.now)).answer).to.equal(((WAD - 1n) * (3n * WAD + 1n)) / WAD);
  });

  for (const [assetDecimals, offset, feedDecimals] of [
    [0, 0, 0],
    [6, 12, 8],
    [8, 0, 18],
    [18, 18, 0],
  ] as const) {
    it(`is in WAD for an asset of ${assetDecimals}, a share of ${assetDecimals + offset} and a feed of ${feedDecimals} decimals`, async () => {
      const { world, answerAt } = await createShare({ assetDecimals, offset, feedDecimals });

      expect(await answerAt(world.now)).to.equal(wad(2));
    });
  }

  it("falls with the rate, at once", async () => {
    const { world, lose, answerAt } = await createShare();
    await lose(200_000n);

    near(await answerAt(world.now), 0.8);
  });

  it("comes back from a fall at once, up to the line and not beyond", async () => {
    const { start, lose, give, answerAt } = await createShare();
    await lose(200_000n);
    near(await answerAt(start + DAY / 2), 0.8);
    await give(300_000n);

    near(await answerAt(start + DAY), 1.001);
  });

  it("follows yield below the line exactly", async () => {
    const { start, give, answerAt } = await createShare();
    await give(900n);

    near(await answerAt(start + DAY), 1.0009);
  });

  it("does not follow a donation: it grows along the line, by the second", async () => {
    const { start, give, answerAt, share } = await createShare();
    await give(500_000n);

    for (const elapsed of [1, HOUR, DAY, DAY + DAY / 2, 10 * DAY]) {
      const line = WAD + (WAD * BigInt(GROWTH) * BigInt(elapsed)) / (PPM * BigInt(DAY));
      // The asset's price has two whole units.
      expect(await answerAt(start + elapsed)).to.equal(2n * line);
    }
    const [reported, counted] = await share.rates();
    expect(reported > (counted * 14n) / 10n).to.equal(true);
  });

  const broken: [string, number, bigint][] = [
    ["reverts", MODES.Reverts, 0n],
    ["takes all gas", MODES.Burns, 0n],
    ["returns nothing", MODES.Silent, 0n],
    ["is worth nothing", MODES.Fixed, 0n],
    ["answers 2^96", MODES.Fixed, 1n << 96n],
    ["answers 2^96 in WAD", MODES.Fixed, MAX_96 / 10n ** 12n + 1n],
    ["answers the greatest number", MODES.Fixed, (1n << 256n) - 1n],
  ];
  for (const [name, mode, answer] of broken) {
    it(`is absent where the vault ${name}`, async () => {
      const { world, share, vault } = await createShare();
      await vault.set(mode, answer);

      expect(await latestOf(world, share, world.now)).to.deep.equal(ABSENT);
    });
  }

  it("is absent where the asset feed has no usable answer", async () => {
    const { world, asset, share } = await createShare();
    await asset.transmit(0n, world.now);

    expect(await latestOf(world, share, world.now)).to.deep.equal(ABSENT);
  });
});

describe("ShareFeed.checkpoint", () => {
  it("moves the anchor up to the rate, and to now", async () => {
    const { world, start, share, give } = await createShare();
    await give(900n);
    await world.run(start + DAY, { contract: share, verb: "checkpoint", args: [] });

    const { rate, time } = await share.anchor();
    near(2n * rate, 1.0009);
    expect(time).to.equal(BigInt(start + DAY));
  });

  it("moves it no further than the line", async () => {
    const { world, start, share, give, answerAt } = await createShare();
    await give(500_000n);
    await world.run(start + 2 * DAY, { contract: share, verb: "checkpoint", args: [] });

    expect((await share.anchor()).rate).to.equal(WAD + (2n * WAD) / 1_000n);
    near(await answerAt(start + 3 * DAY), 1.002 * 1.001);
  });

  it("never moves it down, but takes what the line ran ahead", async () => {
    const { world, start, share, lose, give, answerAt } = await createShare();
    await lose(200_000n);
    await world.run(start + 10 * DAY, { contract: share, verb: "checkpoint", args: [] });

    expect([...(await share.anchor())]).to.deep.equal([WAD, BigInt(start + 10 * DAY)]);
    await give(500_000n);
    near(await answerAt(start + 10 * DAY + 1), 1);
  });

  it("is refused a second before a day has passed, and says until when", async () => {
    const { world, start, share } = await createShare();
    const call = { contract: share, verb: "checkpoint", args: [] };
    const [early] = await world.run(start + DAY - 1, call);
    const [due] = await world.run(start + DAY, call);
    const [again] = await world.run(start + 2 * DAY - 1, call);

    expect([early?.error, early?.args]).to.deep.equal([
      "CheckpointTooEarly",
      [BigInt(start + DAY - 1), BigInt(start + DAY)],
    ]);
    expect([due?.error, again?.error]).to.deep.equal([undefined, "CheckpointTooEarly"]);
  });

  it("is refused while the rate cannot be used", async () => {
    const { world, start, share, vault } = await createShare();
    await vault.set(MODES.Reverts, 0n);
    const [outcome] = await world.run(start + DAY, { contract: share, verb: "checkpoint", args: [] });

    expect([outcome?.error, outcome?.args]).to.deep.equal(["RateUnusable", [await vault.getAddress()]]);
  });

  it("whatever is given, lost and checkpointed, holds the price to the line of the model", async () => {
    const steps = fc.array(
      fc.record({
        wait: fc.integer({ min: 1, max: 3 * DAY }),
        change: fc.oneof(fc.bigInt({ min: 0n, max: 3_000n }), fc.bigInt({ min: -200_000n, max: 400_000n })),
        checkpoints: fc.boolean(),
      }),
      { minLength: 40, maxLength: 40 },
    );
    const [drawn] = fc.sample(steps, { numRuns: 1, seed: 11 });
    const { world, start, share, vault, asset } = await createShare({ assetDecimals: 18 });
    const price = wad(2);

    let [anchor, since, rate, at] = [WAD, start, WAD, start];
    for (const { wait, change, checkpoints } of drawn ?? []) {
      at += wait;
      rate += (rate * change) / PPM;
      await still(() => vault.set(MODES.Fixed, rate));
      await asset.write(2, at);
      const line = anchor + (anchor * BigInt(GROWTH) * BigInt(at - since)) / (PPM * BigInt(DAY));
      const counted = rate < line ? rate : line;
      const calls = [{ contract: share, verb: "latestRoundData", args: [] }];
      if (checkpoints) calls.push({ contract: share, verb: "checkpoint", args: [] });
      const [read, moved] = await world.run(at, ...calls);
      expect(read?.value?.[1]).to.equal((counted * price) / WAD);
      if (!checkpoints) continue;
      expect(moved?.error).to.equal(at - since < DAY ? "CheckpointTooEarly" : undefined);
      if (at - since < DAY) continue;
      if (counted > anchor) anchor = counted;
      since = at;
    }
    expect([...(await share.anchor())]).to.deep.equal([anchor, BigInt(since)]);
  }).timeout(60_000);
});

describe("ShareFeed, time and round id", () => {
  it("are those of the asset feed, the round plus the time of the block", async () => {
    const { world, share, asset } = await createShare();
    await asset.write(2, world.now);

    expect(await roundOf(world, share, world.now + 60)).to.deep.equal({
      id: (1n << 64n) + 2n + BigInt(world.now + 60),
      answer: wad(2),
      startedAt: BigInt(world.now),
      updatedAt: BigInt(world.now),
    });
  });

  it("grow: the id with every second, round and phase", async () => {
    const { world, share, asset } = await createShare();
    const ids: Round[] = [await roundOf(world, share, world.now)];
    ids.push(await roundOf(world, share, world.now + 1));
    await asset.write(2, world.now + 1);
    ids.push(await roundOf(world, share, world.now + 1));
    const next = await switchAggregator(asset);
    await next.write(2, world.now + 1);
    await next.confirm();
    ids.push(await roundOf(world, share, world.now + 1));

    const grown = ids.slice(1).map(({ id }, index) => id > (ids[index]?.id ?? 0n));
    expect(grown).to.deep.equal([true, true, true]);
  });

  it("let the oracle see a fall of the rate without a new round of the asset, at its next reading", async () => {
    const { world, share, lose } = await createShare();
    await still(async () =>
      world.oracle.list([{ proxy: await share.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );
    expect((await world.readPrice(world.now, 1)).last).to.equal(wad(2));
    await lose(50_000n);

    near((await world.readPrice(world.now + 1, 1)).last, 0.95);
  });

  it("let the oracle refuse the price when the asset feed is stale", async () => {
    const { world, share } = await createShare();
    await still(async () =>
      world.oracle.list([{ proxy: await share.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );

    expect((await world.readPrice(world.firstAt + LIMITS.maxAge, 1)).refusal).to.equal("None");
    expect((await world.readPrice(world.firstAt + LIMITS.maxAge + 1, 1)).refusal).to.equal("Stale");
  });

  it("let the oracle halt at a fall beyond its jump limit", async () => {
    const { world, share, lose } = await createShare();
    await still(async () =>
      world.oracle.list([{ proxy: await share.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );
    await lose(110_000n);

    expect((await world.readPrice(world.now, 1)).refusal).to.equal("Jump");
  });
});

describe("ShareFeed, halt of the oracle", () => {
  it("lasts ten minutes from when the fall was seen, however old the asset's round is by then", async () => {
    const { world, share, lose } = await createShare();
    await still(async () =>
      world.oracle.list([{ proxy: await share.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );
    await lose(150_000n);
    const seenAt = world.firstAt + HOUR / 2;
    await world.one(seenAt, "update", 0b10n);
    expect((await world.oracle.stateOf(1)).halted).to.equal(true);

    await world.one(seenAt + 10 * MINUTE - 1, "update", 0b10n);
    expect((await world.oracle.stateOf(1)).halted).to.equal(true);
    await world.one(seenAt + 10 * MINUTE, "update", 0b10n);
    expect((await world.oracle.stateOf(1)).halted).to.equal(false);
    near((await world.oracle.stateOf(1)).price, 0.85);
  });
});

describe("ShareFeed, gas", () => {
  it("suffices for a vault and a feed that take all of theirs", async function () {
    if (instrumented) this.skip();
    const { world, input, vault } = await createShare();
    const hungry = await still(() => ethers.deployContract("HungryFeed"));
    const whole = { ...input, feed: await hungry.getAddress(), vaultGas: 60_000n, feedGas: 40_000n };
    const share = await still(() => ethers.deployContract("ShareFeed", ["X", whole]));
    await still(() => vault.set(MODES.Hungry, 0n));
    await still(async () =>
      world.oracle.list([{ proxy: await share.getAddress(), kind: Kind.Derived, limits: LIMITS }]),
    );

    expect((await world.readPrice(world.now, 1)).refusal).to.equal("None");
  });

  it("is there or the reading reverts: no amount makes the vault look dead", async function () {
    if (instrumented) this.skip();
    const { world, share } = await createShare();
    const outcomes = new Set<string>();
    let at = world.now;
    for (let gas = 1_000; gas <= 100_000; gas += 1_000) {
      const outcome = await latestOf(world, share, at++, gas);
      outcomes.add(typeof outcome === "string" ? "reverts" : String(outcome.answer));
    }

    expect([...outcomes]).to.deep.equal(["reverts", String(wad(2))]);
  });
});
