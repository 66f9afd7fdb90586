import { expect } from "chai";

import { HOUR, LIMITS, MINUTE, WAD, createWorld, decodeSettle, ethers, id, still, wad } from "./fixture.ts";
import { Kind } from "../parameters.ts";

const WORKFLOW_NAME = ethers.hexlify(ethers.toUtf8Bytes("prices-v01"));
const WORKFLOW_OWNER = "0x00000000000000000000000000000000000a11ce";

/** A data id whose eighth byte says that it is of a number with so many decimals. */
function dataIdOf(number: number, decimals: number): string {
  return ethers.concat([ethers.toBeHex(number, 7), ethers.toBeHex(0x20 + decimals, 1), ethers.toBeHex(0, 8)]);
}

interface Report {
  answer: bigint;
  /** When it was observed. */
  at: number;
  dataId?: string;
}

/** Asset 1 is a feed of Chainlink's cache behind Chainlink's proxy; the cache takes reports from the admin. */
async function createCached(decimals = 8) {
  const world = await createWorld();
  const { admin, stranger, firstAt } = world;
  const dataId = dataIdOf(1, decimals);
  const unit = 10n ** BigInt(decimals);
  const cache = await still(() => ethers.deployContract("DataFeedsCache"));
  const proxy = await still(() => ethers.deployContract("EACAggregatorProxy", [cache, ethers.ZeroAddress]));
  await still(() => cache.setFeedAdmin(admin, true));
  const writer = {
    allowedSender: admin.address,
    allowedWorkflowOwner: WORKFLOW_OWNER,
    allowedWorkflowName: WORKFLOW_NAME,
  };
  await still(() => cache.setDecimalFeedConfigs([dataId], ["ETH / USD"], [writer]));
  await still(async () => cache.updateDataIdMappingsForProxies([await proxy.getAddress()], [dataId]));

  const metadata = ethers.concat([ethers.ZeroHash, WORKFLOW_NAME, WORKFLOW_OWNER, "0x0001"]);
  const encode = (...reports: Report[]) =>
    ethers.AbiCoder.defaultAbiCoder().encode(
      ["tuple(bytes32,uint32,uint224)[]"],
      [reports.map(({ answer, at, dataId: of = dataId }) => [ethers.zeroPadBytes(of, 32), at, answer])],
    );
  const write = (answer: bigint, at: number) => still(() => cache.onReport(metadata, encode({ answer, at })));

  await write(2_000n * unit, firstAt);
  await still(async () =>
    world.oracle.list([{ proxy: await proxy.getAddress(), kind: Kind.Observed, limits: LIMITS }]),
  );
  const settle = async (at: number, boundary: number, round: bigint, before: bigint) => {
    const outcome = await world.one(at, "settle", 1, 1, boundary, { round, before });
    return decodeSettle(outcome);
  };
  return { world, stranger, cache, proxy, dataId, unit, metadata, writer, encode, write, settle };
}

describe("PriceOracle over DataFeedsCache", () => {
  for (const decimals of [0, 8, 18]) {
    it(`reads a feed whose data id says ${decimals} decimals, as of its observation`, async () => {
      const { world, unit, write } = await createCached(decimals);
      await write(2_050n * unit, world.now);

      expect(await world.readPrice(world.now + 40, 1)).to.deep.equal({
        last: wad(2_050),
        spread: 0n,
        refusal: "None",
        settling: false,
        dead: false,
        updatedAt: BigInt(world.now),
      });
      expect((await world.oracle.stateOf(1)).round).to.equal(id(2));
    });
  }

  it("counts the age from the observation, not from the writing", async () => {
    const { world, unit, write } = await createCached();
    const observedAt = world.firstAt + 100;
    await world.run(observedAt + HOUR - 10);
    await write(2_050n * unit, observedAt);

    expect((await world.readPrice(observedAt + HOUR, 1)).refusal).to.equal("None");
    expect((await world.readPrice(observedAt + HOUR + 1, 1)).refusal).to.equal("Stale");
  });

  it("refuses a report that was observed in the future", async () => {
    const { world, unit, write } = await createCached();
    await write(2_050n * unit, world.now + 10);

    expect((await world.readPrice(world.now + 9, 1)).refusal).to.equal("Future");
    expect((await world.readPrice(world.now + 10, 1)).last).to.equal(wad(2_050));
  });

  it("refuses 0 and an answer of 224 bits", async () => {
    const { world, write } = await createCached();
    await write(0n, world.now);
    expect((await world.readPrice(world.now, 1)).refusal).to.equal("NonPositive");

    await write((1n << 224n) - 1n, world.now + 1);
    expect((await world.readPrice(world.now + 1, 1)).refusal).to.equal("OutOfBounds");
  });

  it("keeps its price where the cache drops a report: not later than the last one, or not from its workflow", async () => {
    const { world, cache, stranger, unit, write, metadata, encode } = await createCached();
    await write(2_050n * unit, world.now);
    await write(1_900n * unit, world.now);
    await write(1_900n * unit, world.now - 1);
    const report = encode({ answer: 1_900n * unit, at: world.now + 1 });
    await still(() => cache.connect(stranger).onReport(metadata, report));

    const { last, updatedAt } = await world.readPrice(world.now + 1, 1);
    expect([last, updatedAt]).to.deep.equal([wad(2_050), BigInt(world.now)]);
    expect((await world.oracle.stateOf(1)).round).to.equal(id(2));
  });

  it("is refused as Missing where the proxy has lost its data id", async () => {
    const { world, cache, proxy } = await createCached();
    await still(async () => cache.removeDataIdMappingsForProxies([await proxy.getAddress()]));

    expect((await world.readPrice(world.now, 1)).refusal).to.equal("Missing");
  });

  it("keeps its price where the proxy gets another data id, whose rounds begin anew in the same phase", async () => {
    const { world, cache, proxy, unit, write, writer, metadata, encode } = await createCached();
    await write(2_050n * unit, world.now);
    await world.readPrice(world.now, 1);
    const other = dataIdOf(2, 8);
    await still(() => cache.setDecimalFeedConfigs([other], ["ETH / USD"], [writer]));
    await still(() => cache.onReport(metadata, encode({ answer: 3n * WAD, at: world.now + 60, dataId: other })));
    await still(async () => cache.updateDataIdMappingsForProxies([await proxy.getAddress()], [other]));

    const { last, refusal, updatedAt } = await world.readPrice(world.now + 60, 1);
    expect([last, refusal, updatedAt]).to.deep.equal([wad(2_050), "None", BigInt(world.now)]);
  });
});

describe("PriceOracle.settle over DataFeedsCache", () => {
  /** Rounds 2 and 3 observed 10 s before and 20 s after the boundary, each written 40 s later. */
  async function createSettled() {
    const cached = await createCached();
    const { world, unit, write } = cached;
    const boundary = world.now + MINUTE;
    await world.run(boundary + 30);
    await write(2_010n * unit, boundary - 10);
    await world.run(boundary + 60);
    await write(2_020n * unit, boundary + 20);
    return { ...cached, boundary, at: boundary + 90 };
  }

  it("settles at the first round that was observed after the boundary, by its observation", async () => {
    const { boundary, at, settle } = await createSettled();

    const { outcome, price, settledAt } = await settle(at, boundary, id(3), id(2));
    expect([outcome, price, settledAt]).to.deep.equal(["Settled", wad(2_020), BigInt(boundary + 20)]);
  });

  it("refuses a round that was written after the boundary but observed before it", async () => {
    const { boundary, at, settle } = await createSettled();

    expect((await settle(at, boundary, id(2), id(1))).outcome).to.equal("HintTooEarly");
  });

  it("refuses the round after the first one", async () => {
    const { world, boundary, at, unit, write, settle } = await createSettled();
    await world.run(at);
    await write(2_030n * unit, boundary + 60);

    expect((await settle(at + 30, boundary, id(4), id(2))).outcome).to.equal("HintTooLate");
    expect((await settle(at + 31, boundary, id(4), id(3))).outcome).to.equal("HintTooLate");
  });

  it("proves that there is no round only an hour after the window, since one may still be written", async () => {
    const { world, settle } = await createCached();
    const boundary = world.now;
    const over = boundary + LIMITS.window + HOUR;

    expect((await settle(over, boundary, 0n, id(1))).outcome).to.equal("WindowOpen");
    expect((await settle(over + 1, boundary, 0n, id(1))).outcome).to.equal("Void");
  });

  it("settles at a round that was observed in the window and written in the hour after it", async () => {
    const { world, unit, write, settle } = await createCached();
    const boundary = world.now;
    const windowEnd = boundary + LIMITS.window;
    expect((await settle(windowEnd + HOUR - 20, boundary, 0n, id(1))).outcome).to.equal("WindowOpen");
    await write(2_020n * unit, windowEnd);

    const { outcome, price } = await settle(windowEnd + HOUR + 10, boundary, id(2), id(1));
    expect([outcome, price]).to.deep.equal(["Settled", wad(2_020)]);
    expect((await settle(windowEnd + HOUR + 11, boundary, 0n, id(1))).outcome).to.equal("RoundExists");
  });

  it("finds a round void that was observed after the window", async () => {
    const { world, unit, write, settle } = await createCached();
    const boundary = world.now;
    const late = boundary + LIMITS.window + 1;
    await world.run(late + 40);
    await write(2_020n * unit, late);

    expect((await settle(late + 50, boundary, id(2), id(1))).outcome).to.equal("Void");
  });
});
