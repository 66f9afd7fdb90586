import { expect } from "chai";

import { ethers, instrumented, loadFixture, receiptOf } from "../fixture.ts";
import { byTime, ETH_STREAM, inOrder, noRound, round } from "./don.ts";

/** A report as it is stored, without a number. */
interface Stored {
  from: number;
  until: number;
  answer?: bigint;
}

function word({ from, until, answer = BigInt(until) }: Stored): bigint {
  return answer | (BigInt(from) << 128n) | (BigInt(until) << 160n);
}

/** A feed that takes reports from its deployer, without verification. */
async function deployFeed() {
  const [owner, stranger] = await ethers.getSigners();
  if (owner === undefined || stranger === undefined) throw new Error("the network has no accounts");
  const feed = await ethers.deployContract("StreamFeed", [ETH_STREAM]);
  const record = (report: Stored) => feed.record(word(report));
  return { owner, stranger, feed, record };
}

/** In order: 100..109, 120..129, …, `count` of them. Seconds that end in 10 to 19 are nobody's. */
async function tens(count: number) {
  const world = await deployFeed();
  for (let i = 0; i < count; ++i) await world.record(nth(i));
  return world;
}

function nth(i: number): Stored {
  return { from: 100 + 20 * i, until: 109 + 20 * i };
}

async function empty() {
  return deployFeed();
}

async function three() {
  return tens(3);
}

async function forty() {
  return tens(40);
}

describe("StreamFeed", () => {
  describe("without reports", () => {
    it("answers zeros", async () => {
      const { feed } = await loadFixture(empty);

      expect(await feed.latestRoundData()).to.deep.equal(noRound(0n));
      for (const id of [0n, inOrder(0), inOrder(1), byTime(0), byTime(1)]) {
        expect(await feed.getRoundData(id)).to.deep.equal(noRound(id));
      }
    });

    it("says what it is", async () => {
      const { feed, owner } = await loadFixture(empty);

      expect(await feed.description()).to.equal(`Data Stream ${ETH_STREAM}`);
      expect(await feed.feedId()).to.equal(ETH_STREAM);
      expect(await feed.reports()).to.equal(owner.address);
    });
  });

  describe("record", () => {
    it("refuses all but the contract that verifies", async () => {
      const { feed, stranger } = await loadFixture(empty);

      await expect(feed.connect(stranger).record(word(nth(0))))
        .to.be.revertedWithCustomError(feed, "OnlyReports")
        .withArgs(stranger.address);
    });

    it("numbers what comes in order", async () => {
      const { feed } = await loadFixture(three);

      expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(3), 149n, 140, 149));
      expect(await feed.getRoundData(inOrder(1))).to.deep.equal(round(inOrder(1), 109n, 100, 109));
      expect(await feed.getRoundData(inOrder(2))).to.deep.equal(round(inOrder(2), 129n, 120, 129));
      expect(await feed.getRoundData(inOrder(4))).to.deep.equal(noRound(inOrder(4)));
    });

    it("takes one that begins a second after the latest ends", async () => {
      const { feed, record } = await loadFixture(three);
      await record({ from: 150, until: 150 });

      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(4));
    });

    for (const [where, from, until] of [
      ["before the first", 90, 99],
      ["between the first two", 110, 119],
      ["inside a gap", 134, 135],
    ] as const) {
      it(`keeps a late one ${where} by its time, and the latest as it is`, async () => {
        const { feed, record } = await loadFixture(three);

        await expect(record({ from, until })).to.emit(feed, "ReportStored").withArgs(byTime(until), until, from, until);
        expect(await feed.getRoundData(byTime(until))).to.deep.equal(round(byTime(until), BigInt(until), from, until));
        expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(3), 149n, 140, 149));
        expect(await feed.getRoundData(inOrder(4))).to.deep.equal(noRound(inOrder(4)));
      });
    }

    for (const [what, from, until, second] of [
      ["begins in the last second of the latest", 149, 155, 149],
      ["lies around the latest", 139, 150, 140],
      ["lies inside the latest", 141, 142, 141],
      ["ends in the first second of one before", 115, 120, 120],
      ["begins in the last second of one before", 109, 112, 109],
      ["has the window of another, and another price", 120, 129, 120],
      ["lies around all", 90, 160, 100],
      ["lies around a gap", 105, 145, 105],
      ["ends in the first", 90, 100, 100],
    ] as const) {
      it(`refuses one that ${what}`, async () => {
        const { feed, record } = await loadFixture(three);

        await expect(record({ from, until, answer: 7n }))
          .to.be.revertedWithCustomError(feed, "ReportOverlaps")
          .withArgs(ETH_STREAM, from, until, second);
      });
    }

    for (const [what, from, until, second] of [
      ["ends in the same second", 116, 117, 117],
      ["has the same window, and another price", 114, 117, 117],
      ["begins in its last second", 117, 118, 117],
      ["ends in its first second", 111, 114, 114],
      ["lies around it", 111, 119, 117],
      ["lies inside it", 115, 116, 116],
    ] as const) {
      it(`refuses a late one that ${what} as another late one`, async () => {
        const { feed, record } = await loadFixture(three);
        await record({ from: 114, until: 117 });

        await expect(record({ from, until, answer: 7n }))
          .to.be.revertedWithCustomError(feed, "ReportOverlaps")
          .withArgs(ETH_STREAM, from, until, second);
      });
    }

    it("takes late ones on both sides of another late one", async () => {
      const { feed, record } = await loadFixture(three);
      for (const [from, until] of [
        [114, 117],
        [112, 113],
        [118, 119],
      ] as const) {
        await record({ from, until });
        expect((await feed.getRoundData(byTime(until))).startedAt).to.equal(from);
      }
    });

    for (const report of [nth(0), nth(1), nth(2), { from: 114, until: 117 }]) {
      it(`does nothing for one that is stored, ${report.from} to ${report.until}`, async () => {
        const { feed, record } = await loadFixture(three);
        await record({ from: 114, until: 117 });
        const receipt = await receiptOf(record(report));

        expect(receipt.logs).to.deep.equal([]);
        expect((await feed.latestRoundData()).roundId).to.equal(inOrder(3));
      });
    }

    it("keeps apart late ones whose windows reach over several pages of 256 seconds", async () => {
      const { feed, record } = await loadFixture(empty);
      await record({ from: 10_000, until: 10_000 });
      // Pages 4 to 7 begin at 1,024, 1,280, 1,536 and 1,792.
      await record({ from: 1_279, until: 1_791 });
      await record({ from: 1_792, until: 1_792 });
      await record({ from: 1_024, until: 1_278 });

      for (const second of [1_279, 1_280, 1_500, 1_536, 1_791]) {
        await expect(record({ from: second, until: second, answer: 7n }))
          .to.be.revertedWithCustomError(feed, "ReportOverlaps")
          .withArgs(ETH_STREAM, second, second, second);
      }
      await expect(record({ from: 1_000, until: 3_000 }))
        .to.be.revertedWithCustomError(feed, "ReportOverlaps")
        .withArgs(ETH_STREAM, 1_000, 3_000, 1_279);
      await record({ from: 1_793, until: 3_000 });
      await record({ from: 1_000, until: 1_023 });
      expect((await feed.getRoundData(byTime(3_000))).startedAt).to.equal(1_793);
    });

    it("finds the place of a late one far back in some two reads for each doubling", async function () {
      if (instrumented) this.skip();
      const { record } = await loadFixture(forty);
      const near = (await receiptOf(record({ from: 100 + 20 * 38 + 12, until: 100 + 20 * 38 + 12 }))).gasUsed;
      const far = (await receiptOf(record({ from: 111, until: 111 }))).gasUsed;

      const read = 2_600n; // a cold slot, and the arithmetic around it
      expect(far - near).to.be.within(1n, 2n * 6n * read);
    });
  });

  describe("find", () => {
    it("returns the id of what is stored, and 0 for what could be", async () => {
      const { feed, record } = await loadFixture(three);
      await record({ from: 114, until: 117 });

      expect(await feed.find(word(nth(2)))).to.equal(inOrder(3));
      expect(await feed.find(word(nth(0)))).to.equal(inOrder(1));
      expect(await feed.find(word({ from: 114, until: 117 }))).to.equal(byTime(117));
      expect(await feed.find(word({ from: 110, until: 113 }))).to.equal(0n);
      expect(await feed.find(word({ from: 150, until: 151 }))).to.equal(0n);
    });

    it("refuses what could not be stored", async () => {
      const { feed } = await loadFixture(three);

      await expect(feed.find(word({ from: 129, until: 130 })))
        .to.be.revertedWithCustomError(feed, "ReportOverlaps")
        .withArgs(ETH_STREAM, 129, 130, 129);
    });
  });

  describe("getRoundData", () => {
    it("finds every report by its time, in order or late, and nothing at other times", async () => {
      const { feed, record } = await loadFixture(forty);
      await record({ from: 114, until: 117 });
      for (let time = 98; time < 930; ++time) {
        const id = byTime(time);
        const i = (time - 109) / 20;
        const { from, until } = time === 117 ? { from: 114, until: 117 } : nth(i);
        const known = time === 117 || (Number.isInteger(i) && i >= 0 && i < 40);
        expect(await feed.getRoundData(id)).to.deep.equal(known ? round(id, BigInt(until), from, until) : noRound(id));
      }
    });

    for (const [what, id] of [
      ["of another phase", (3n << 64n) + 109n],
      ["without a phase", 109n],
      ["beyond the last", byTime(10_000)],
      ["of a time beyond 32 bits that ends like a known one", byTime(109) + (1n << 32n)],
      ["of a number that ends like a known one", inOrder(1) + (1n << 32n)],
    ] as const) {
      it(`answers zeros to an id ${what}`, async () => {
        const { feed } = await loadFixture(three);

        expect(await feed.getRoundData(id)).to.deep.equal(noRound(id));
      });
    }
  });

  it("stores the same reports, and refuses the same, as a list of windows that is searched", async () => {
    const { feed } = await deployFeed();
    const random = generator(20_260_101);
    const kept: Stored[] = [];
    let accepted = 0;
    let latest = 0;
    for (let i = 0; i < 250; ++i) {
      // Mostly a little later than the latest; else anywhere before.
      const from = random(2) === 0 ? latest + 1 + random(40) : 1 + random(latest + 1);
      const report = { from, until: from + random(random(8) === 0 ? 600 : 6), answer: BigInt(1 + random(3)) };
      const same = kept.find(({ from: a, until: b, answer }) => {
        return a === report.from && b === report.until && answer === report.answer;
      });
      const overlaps = kept.some(({ from: a, until: b }) => a <= report.until && report.from <= b);
      const free = same !== undefined || !overlaps;
      if (!free) {
        await expect(feed.record.staticCall(word(report))).to.be.revertedWithCustomError(feed, "ReportOverlaps");
        continue;
      }
      await feed.record(word(report));
      if (same !== undefined) continue;
      kept.push(report);
      accepted++;
      latest = Math.max(latest, report.until);
    }
    expect(accepted).to.be.greaterThan(100);
    for (const { from, until, answer } of kept) {
      expect(await feed.getRoundData(byTime(until))).to.deep.equal(round(byTime(until), answer ?? 0n, from, until));
    }
  });
});

/** Numbers below a bound, the same in every run. */
function generator(seed: number): (bound: number) => number {
  let state = BigInt(seed);
  return (bound) => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    return Number((state >> 33n) % BigInt(bound));
  };
}
