import { expect } from "chai";

import { ethers, loadFixture, receiptOf, time, WAD } from "../fixture.ts";
import {
  BTC_STREAM,
  byTime,
  decodeSigned,
  deployStreams,
  DIGEST,
  digestOf,
  Don,
  encodeSigned,
  ETH_STREAM,
  feedIdOf,
  inOrder,
  nextBlock,
  noRound,
  type ReportFields,
  round,
  type Streams,
} from "./don.ts";

const PRICE = 2_000n * WAD;
const UINT32_MAX = 2n ** 32n - 1n;
/** Of a payload with the two signatures of a DON of four. */
const LENGTH = 0x260 + 64 * 2;
const MAX_LENGTH = 0x260 + 64 * 11;
/** Of the words of a payload. */
const AT = { data: 0x60, rs: 0x80, ss: 0xa0, dataLength: 0xe0, validFrom: 0x120, observed: 0x140, expiresAt: 0x1a0 };
const RS = 0x220;
const SS = 0x240 + 32 * 2;

/** A payload with another word at a place. */
function withWord(payload: string, position: number, value: bigint): string {
  return ethers.concat([
    ethers.dataSlice(payload, 0, position),
    ethers.toBeHex(value, 32),
    ethers.dataSlice(payload, position + 32),
  ]);
}

async function streams() {
  return deployStreams();
}

async function streamsOf16() {
  return deployStreams(16);
}

async function streamsOf31() {
  return deployStreams(31);
}

describe("StreamReports.submit", () => {
  describe("a genuine report", () => {
    for (const [size, fixture] of [
      [4, streams],
      [16, streamsOf16],
      [31, streamsOf31],
    ] as const) {
      it(`is stored as a round, signed by f + 1 of ${size}`, async () => {
        const { don, reports, feed } = await loadFixture(fixture);
        const now = await nextBlock();

        await expect(reports.submit([don.report(now - 2, { validFrom: now - 5, price: PRICE })]))
          .to.emit(feed, "ReportStored")
          .withArgs(inOrder(1), PRICE, now - 5, now - 2);
        expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(1), PRICE, now - 5, now - 2));
        expect(await feed.getRoundData(inOrder(1))).to.deep.equal(round(inOrder(1), PRICE, now - 5, now - 2));
      });
    }

    it("is taken in the second of its observation, and in the last before it expires", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const now = await nextBlock();
      await reports.submit([don.report(now, { expiresAt: now })]);

      expect((await feed.latestRoundData()).updatedAt).to.equal(now);
    });

    it("goes to the feed of its stream, whatever comes with it", async () => {
      const { don, reports, feed, bitcoin } = await loadFixture(streams);
      const now = await nextBlock();
      await reports.submit([
        don.report(now - 1, { feedId: BTC_STREAM, price: 15n * PRICE }),
        don.report(now - 3),
        don.report(now - 2),
      ]);

      expect(await bitcoin.latestRoundData()).to.deep.equal(round(inOrder(1), 15n * PRICE, now - 1, now - 1));
      expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(2), PRICE, now - 2, now - 2));
    });

    for (const [name, prices] of [
      ["price is below the bid", { price: PRICE, bid: PRICE + 1n, ask: PRICE + 2n }],
      ["price is above the ask", { price: PRICE, bid: PRICE - 2n, ask: PRICE - 1n }],
      ["bid is zero", { price: PRICE, bid: 0n, ask: PRICE }],
      ["bid is negative", { price: PRICE, bid: -1n, ask: PRICE }],
      ["prices are negative", { price: -2n, bid: -3n, ask: -1n }],
      ["price has more than 128 bits", { price: 2n ** 128n, bid: 1n, ask: 2n ** 128n }],
    ] as const) {
      it(`reads as 0, with its window, when its ${name}`, async () => {
        const { don, reports, feed } = await loadFixture(streams);
        const now = await nextBlock();
        await reports.submit([don.report(now - 1, prices)]);

        expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(1), 0n, now - 1, now - 1));
      });
    }

    it("keeps a price at its bid, at its ask, and of 128 bits", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const largest = 2n ** 128n - 1n;
      const now = await nextBlock();
      await reports.submit([
        don.report(now - 3, { price: PRICE, bid: PRICE, ask: PRICE + 1n }),
        don.report(now - 2, { price: PRICE, bid: 1n, ask: PRICE }),
        don.report(now - 1, { price: largest, bid: largest, ask: largest }),
      ]);

      expect((await feed.getRoundData(inOrder(1))).answer).to.equal(PRICE);
      expect((await feed.getRoundData(inOrder(2))).answer).to.equal(PRICE);
      expect((await feed.getRoundData(inOrder(3))).answer).to.equal(largest);
    });
  });

  describe("a report that is stored already", () => {
    it("is skipped without being verified, though it has expired and its signers are gone", async () => {
      const { don, reports, feed, verifier } = await loadFixture(streams);
      const now = await nextBlock();
      const first = don.report(now - 3, { expiresAt: now + 10 });
      const latest = don.report(now - 1, { expiresAt: now + 10 });
      await reports.submit([first, latest]);
      await time.increase(60);
      await verifier.deactivateConfig(DIGEST);
      const receipt = await receiptOf(reports.submit([latest, first]));

      expect(receipt.logs).to.deep.equal([]);
      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(2));
    });

    it("does not keep one that comes with it from being stored", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const now = await nextBlock();
      const old = don.report(now - 3);
      await reports.submit([old]);
      await reports.submit([old, don.report(now - 1)]);

      expect(await feed.latestRoundData()).to.deep.equal(round(inOrder(2), PRICE, now - 1, now - 1));
    });

    it("is stored once when it comes twice in a call", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const now = await nextBlock();
      const report = don.report(now - 1);
      await reports.submit([report, report]);

      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(1));
    });

    it("is no excuse for a report of the same window with another price", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const now = await nextBlock();
      await reports.submit([don.report(now - 1)]);

      await expect(reports.submit([don.report(now - 1, { price: PRICE + 1n })]))
        .to.be.revertedWithCustomError(feed, "ReportOverlaps")
        .withArgs(ETH_STREAM, now - 1, now - 1, now - 1);
    });
  });

  describe("a report refused for its fields", () => {
    const cases: readonly (readonly [name: string, fields: (now: number) => Partial<ReportFields>, error: Expected])[] =
      [
        [
          "expired a second ago",
          (now) => ({ expiresAt: now - 1 }),
          { name: "ReportExpired", args: (now) => [ETH_STREAM, now - 1, now] },
        ],
        [
          "observed a second from now",
          (now) => ({ observed: now + 1 }),
          { name: "ReportFromFuture", args: (now) => [ETH_STREAM, now + 1, now] },
        ],
        [
          "with a window that ends before it begins",
          (now) => ({ validFrom: now - 1, observed: now - 2 }),
          { name: "WindowInverted", args: (now) => [ETH_STREAM, now - 1, now - 2] },
        ],
        [
          "with a window from the beginning of time",
          () => ({ validFrom: 0 }),
          { name: "WindowInverted", args: (now) => [ETH_STREAM, 0, now - 1] },
        ],
        [
          "of a stream without a feed",
          () => ({ feedId: feedIdOf(3, "SOL / USD") }),
          { name: "UnknownFeed", args: () => [feedIdOf(3, "SOL / USD")] },
        ],
        [
          "of another schema",
          () => ({ feedId: feedIdOf(4, "ETH / USD") }),
          { name: "WrongSchema", args: () => [feedIdOf(4, "ETH / USD"), 4, 3] },
        ],
      ];
    for (const [name, fields, error] of cases) {
      it(name, async () => {
        const { don, reports } = await loadFixture(streams);
        const now = await nextBlock();

        await expect(reports.submit([don.report(now - 1, fields(now))]))
          .to.be.revertedWithCustomError(reports, error.name)
          .withArgs(...error.args(now));
      });
    }

    it("a later one of a call takes those before it along", async () => {
      const { don, reports, feed } = await loadFixture(streams);
      const now = await nextBlock();

      await expect(
        reports.submit([don.report(now - 2), don.report(now - 1, { expiresAt: now - 1 })]),
      ).to.be.revertedWithCustomError(reports, "ReportExpired");
      expect(await feed.latestRoundData()).to.deep.equal(noRound(0n));
    });
  });

  describe("a payload refused for its layout", () => {
    const cases: readonly (readonly [name: string, change: (payload: string) => string, error: Expected])[] = [
      ["empty", () => "0x", { name: "ReportTruncated", args: () => [0, 0, 0x240] }],
      [
        "cut before the number of signatures",
        (payload) => ethers.dataSlice(payload, 0, 0x23f),
        { name: "ReportTruncated", args: () => [0, 0x23f, 0x240] },
      ],
      [
        "cut by its last byte",
        (payload) => ethers.dataSlice(payload, 0, LENGTH - 1),
        { name: "ReportTruncated", args: () => [0, LENGTH - 1, LENGTH] },
      ],
      [
        "with a byte too many",
        (payload) => ethers.concat([payload, "0x00"]),
        { name: "ReportTooLong", args: () => [0, LENGTH + 1, LENGTH] },
      ],
      [
        "longer than any report",
        (payload) => ethers.concat([payload, new Uint8Array(100_000)]),
        { name: "ReportTooLong", args: () => [0, LENGTH + 100_000, MAX_LENGTH] },
      ],
      [
        "with more signatures than any DON has",
        (payload) => withWord(payload, RS, 12n),
        { name: "ReportMalformed", args: () => [0, RS, 12, 11] },
      ],
      [
        "with a number of signatures that overflows",
        (payload) => withWord(payload, RS, 2n ** 255n),
        { name: "ReportMalformed", args: () => [0, RS, 2n ** 255n, 11] },
      ],
      [
        "with its data elsewhere",
        (payload) => withWord(payload, AT.data, 0x100n),
        { name: "ReportMalformed", args: () => [0, AT.data, 0x100, 0xe0] },
      ],
      [
        "with its first halves of signatures elsewhere",
        (payload) => withWord(payload, AT.rs, 0x240n),
        { name: "ReportMalformed", args: () => [0, AT.rs, 0x240, 0x220] },
      ],
      [
        "with its second halves of signatures elsewhere",
        (payload) => withWord(payload, AT.ss, 0x220n),
        { name: "ReportMalformed", args: () => [0, AT.ss, 0x220, SS] },
      ],
      [
        "with fewer second halves of signatures than first",
        (payload) => withWord(payload, SS, 1n),
        { name: "ReportMalformed", args: () => [0, SS, 1, 2] },
      ],
      [
        "with data of another length",
        (payload) => withWord(payload, AT.dataLength, 0x100n),
        { name: "ReportMalformed", args: () => [0, AT.dataLength, 0x100, 0x120] },
      ],
      ...(["validFrom", "observed", "expiresAt"] as const).map(
        (field) =>
          [
            `whose ${field} has more than 32 bits`,
            (payload: string) => withWord(payload, AT[field], UINT32_MAX + 1n),
            { name: "ReportMalformed", args: () => [0, AT[field], UINT32_MAX + 1n, UINT32_MAX] },
          ] as const,
      ),
    ];
    for (const [name, change, error] of cases) {
      it(name, async () => {
        const { don, reports } = await loadFixture(streams);
        const now = await nextBlock();

        await expect(reports.submit([change(don.report(now - 1))]))
          .to.be.revertedWithCustomError(reports, error.name)
          .withArgs(...error.args(now));
      });
    }

    it("names which one of the call it is", async () => {
      const { don, reports } = await loadFixture(streams);
      const now = await nextBlock();

      await expect(reports.submit([don.report(now - 2), "0x"]))
        .to.be.revertedWithCustomError(reports, "ReportTruncated")
        .withArgs(1, 0, 0x240);
    });
  });

  describe("a report that the verifier refuses", () => {
    async function refused(change: (world: Streams, payload: string, now: number) => Promise<string> | string) {
      const world = await loadFixture(streams);
      const report = world.don.report((await time.latest()) - 1);
      const payload = await change(world, report, await time.latest());
      return { ...world, sent: world.reports.submit([payload]) };
    }

    it("signed by others", async () => {
      const { sent, verifier } = await refused((_world, _payload, now) => new Don(4, "forger").report(now - 1));

      await expect(sent).to.be.revertedWithCustomError(verifier, "BadVerification").withArgs();
    });

    it("signed twice by the same oracle", async () => {
      const { sent, verifier } = await refused((_world, payload) => {
        const parts = decodeSigned(payload);
        const [r = "", s = "", parity = ""] = [parts.rs[0], parts.ss[0], ethers.dataSlice(parts.parities, 0, 1)];
        const parities = ethers.zeroPadBytes(ethers.concat([parity, parity]), 32);
        return encodeSigned({ ...parts, rs: [r, r], ss: [s, s], parities });
      });

      await expect(sent).to.be.revertedWithCustomError(verifier, "BadVerification").withArgs();
    });

    it("with another price than was signed", async () => {
      const { sent, verifier } = await refused((_world, payload) => withWord(payload, 0x1c0, PRICE + 1n));

      await expect(sent).to.be.revertedWithCustomError(verifier, "BadVerification").withArgs();
    });

    it("with the window moved to seconds that are not stored", async () => {
      const { sent, verifier } = await refused((_world, payload, now) =>
        withWord(withWord(payload, AT.validFrom, BigInt(now)), AT.observed, BigInt(now)),
      );

      await expect(sent).to.be.revertedWithCustomError(verifier, "BadVerification").withArgs();
    });

    for (const signatures of [1, 3]) {
      it(`signed by ${signatures}, where it takes two`, async () => {
        const { sent, verifier } = await refused(({ don }, _payload, now) => don.report(now - 1, {}, { signatures }));

        await expect(sent).to.be.revertedWithCustomError(verifier, "IncorrectSignatureCount").withArgs(signatures, 2);
      });
    }

    it("signed under a configuration that was never set", async () => {
      const digest = digestOf("of another chain");
      const { sent, proxy } = await refused(({ don }, _payload, now) => don.report(now - 1, {}, { digest }));

      await expect(sent).to.be.revertedWithCustomError(proxy, "VerifierNotFound").withArgs(digest);
    });

    it("signed under a configuration that is over", async () => {
      const { sent, verifier } = await refused(async ({ verifier: own, don }, payload) => {
        await own.setConfig(digestOf("second configuration"), don.addresses, don.faulty, []);
        await own.deactivateConfig(DIGEST);
        return payload;
      });

      await expect(sent).to.be.revertedWithCustomError(verifier, "DigestInactive").withArgs(DIGEST);
    });

    it("signed by oracles that have left the configuration", async () => {
      const { sent, verifier } = await refused(async ({ verifier: own, don }, payload) => {
        await own.updateConfig(DIGEST, don.addresses, new Don(4, "successor").addresses, 1);
        return payload;
      });

      await expect(sent).to.be.revertedWithCustomError(verifier, "BadVerification").withArgs();
    });

    it("and answers with another report instead", async () => {
      const digest = digestOf("of a wrong verifier");
      const { sent, reports } = await refused(async ({ proxy, don }, _payload, now) => {
        const altering = await ethers.deployContract("AlteringVerifier");
        await proxy.initializeVerifier(altering);
        await altering.register(proxy, digest, decodeSigned(don.report(now - 1, { price: 1n })).data);
        return don.report(now - 1, {}, { digest });
      });

      await expect(sent).to.be.revertedWithCustomError(reports, "ReportAltered").withArgs(ETH_STREAM);
    });

    it("as one who is not on its list", async () => {
      const { sent, proxy } = await refused(async ({ proxy: own }, payload) => {
        await own.setAccessController(await ethers.deployContract("SimpleWriteAccessController"));
        return payload;
      });

      await expect(sent).to.be.revertedWithCustomError(proxy, "AccessForbidden").withArgs();
    });
  });

  it("stores reports of the configuration that follows", async () => {
    const { don, reports, feed, verifier } = await loadFixture(streams);
    const digest = digestOf("second configuration");
    const next = new Don(7, "successor");
    await verifier.setConfig(digest, next.addresses, next.faulty, []);
    await verifier.deactivateConfig(DIGEST);
    const now = await nextBlock();
    await reports.submit([next.report(now - 1, {}, { digest })]);

    expect(don.addresses).not.to.include(next.addresses[0]);
    expect(await feed.getRoundData(byTime(now - 1))).to.deep.equal(round(byTime(now - 1), PRICE, now - 1, now - 1));
  });

  it("does nothing without reports", async () => {
    const { reports } = await loadFixture(streams);

    expect((await receiptOf(reports.submit([]))).logs).to.deep.equal([]);
  });
});

interface Expected {
  name: string;
  args: (now: number) => unknown[];
}
