import { expect } from "chai";

import { ethers, loadFixture, WAD } from "../fixture.ts";
import { BTC_STREAM, deployPaidStreams, deployStreams, ETH_STREAM, inOrder, nextBlock } from "./don.ts";

/** Odd, so that a discount does not come out even. */
const NATIVE_FEE = 1_234_567_890_123_457n;
const LINK_FEE = WAD / 100n;
const FEES = { nativeFee: NATIVE_FEE, linkFee: LINK_FEE };
const EXCESS = 10n ** 15n;

async function free() {
  return deployStreams();
}

async function paid() {
  return deployPaidStreams();
}

/** What is paid for one report of the next block, brought with so much value. */
async function quoted(fixture: typeof paid) {
  const world = await loadFixture(fixture);
  const observed = (await nextBlock()) - 1;
  const fee = (value = 10n * NATIVE_FEE) =>
    world.reports.submit.staticCall([world.don.report(observed, FEES)], { value });
  return { ...world, fee };
}

describe("StreamReports.submit, its fees", () => {
  describe("without a fee manager", () => {
    it("needs no value, whatever fee the report names", async () => {
      const { don, reports, feed } = await loadFixture(free);
      const now = await nextBlock();
      await reports.submit([don.report(now - 1, FEES)]);

      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(1));
    });

    it("gives all value back", async () => {
      const { don, reports, owner, proxy } = await loadFixture(free);
      const now = await nextBlock();

      await expect(reports.submit([don.report(now - 1, FEES)], { value: EXCESS })).to.changeEtherBalances(
        ethers,
        [owner, reports, proxy],
        [0n, 0n, 0n],
      );
    });
  });

  describe("with a fee manager", () => {
    it("wraps the fee out of the value, and rewards the oracles", async () => {
      const { don, reports, feed, fees, weth, link, rewards } = await loadFixture(paid);
      const now = await nextBlock();
      await reports.submit([don.report(now - 1, FEES)], { value: NATIVE_FEE });

      expect(await weth.balanceOf(fees)).to.equal(NATIVE_FEE);
      expect(await link.balanceOf(rewards)).to.equal(LINK_FEE);
      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(1));
    });

    it("gives back what is left", async () => {
      const { don, reports, owner, fees, weth } = await loadFixture(paid);
      const now = await nextBlock();

      await expect(reports.submit([don.report(now - 1, FEES)], { value: NATIVE_FEE + EXCESS })).to.changeEtherBalances(
        ethers,
        [owner, reports, fees, weth],
        [-NATIVE_FEE, 0n, 0n, NATIVE_FEE],
      );
    });

    it("pays for all reports of a call at once", async () => {
      const { don, reports, owner, bitcoin } = await loadFixture(paid);
      const now = await nextBlock();
      const sent = reports.submit(
        [don.report(now - 1, FEES), don.report(now - 1, { ...FEES, feedId: BTC_STREAM, nativeFee: 5n })],
        { value: NATIVE_FEE + EXCESS },
      );

      await expect(sent).to.changeEtherBalance(ethers, owner, -(NATIVE_FEE + 5n));
      expect((await bitcoin.latestRoundData()).roundId).to.equal(inOrder(1));
    });

    for (const value of [0n, NATIVE_FEE - 1n]) {
      it(`refuses ${value} wei`, async () => {
        const { don, reports } = await loadFixture(paid);
        const now = await nextBlock();

        await expect(reports.submit([don.report(now - 1, FEES)], { value }))
          .to.be.revertedWithCustomError(reports, "FeeNotCovered")
          .withArgs(NATIVE_FEE, value);
      });
    }

    it("asks nothing for a report that is stored already", async () => {
      const { don, reports, owner } = await loadFixture(paid);
      const now = await nextBlock();
      const report = don.report(now - 1, FEES);
      await reports.submit([report], { value: NATIVE_FEE });

      await expect(reports.submit([report], { value: EXCESS })).to.changeEtherBalance(ethers, owner, 0n);
      await reports.submit([report]);
    });

    it("asks nothing for a report without a fee", async () => {
      const { don, reports, owner } = await loadFixture(paid);
      const now = await nextBlock();

      await expect(reports.submit([don.report(now - 1)], { value: EXCESS })).to.changeEtherBalance(ethers, owner, 0n);
      await reports.submit([don.report(now)]);
    });

    it("pays the surcharge on the native token", async () => {
      const { fees, fee } = await quoted(paid);
      await fees.setNativeSurcharge(WAD / 10n);

      expect(await fee()).to.equal((NATIVE_FEE * 11n + 9n) / 10n);
    });

    it("has the discount of a subscriber", async () => {
      const { fees, fee, reports, weth } = await quoted(paid);
      await fees.updateSubscriberDiscount(reports, ETH_STREAM, weth, WAD / 4n);

      expect(await fee()).to.equal((NATIVE_FEE * 3n + 3n) / 4n);
    });

    it("pays nothing with a discount of all", async () => {
      const { fees, fee, reports, weth } = await quoted(paid);
      await fees.updateSubscriberGlobalDiscount(reports, weth, WAD);

      expect(await fee(0n)).to.equal(0n);
    });

    it("keeps no report when the fee for one of them is not there", async () => {
      const { don, reports, feed } = await loadFixture(paid);
      const now = await nextBlock();

      await expect(reports.submit([don.report(now - 2), don.report(now - 1, FEES)]))
        .to.be.revertedWithCustomError(reports, "FeeNotCovered")
        .withArgs(NATIVE_FEE, 0n);
      expect((await feed.latestRoundData()).updatedAt).to.equal(0n);
    });
  });

  describe("whose caller is a contract", () => {
    async function caller() {
      const world = await loadFixture(paid);
      const taker = await ethers.deployContract("ChangeTaker");
      const data = (reports: string[]) => world.reports.interface.encodeFunctionData("submit", [reports]);
      return { ...world, taker, data };
    }

    it("refuses the call of one that takes no change", async () => {
      const { don, reports, taker, data } = await caller();
      await taker.refuse();
      const now = await nextBlock();

      await expect(taker.call(reports, data([don.report(now - 1, FEES)]), { value: NATIVE_FEE + EXCESS }))
        .to.be.revertedWithCustomError(reports, "ChangeRefused")
        .withArgs(await taker.getAddress(), EXCESS);
    });

    it("sends none where none is left", async () => {
      const { don, reports, taker, data, feed } = await caller();
      await taker.refuse();
      const now = await nextBlock();
      await taker.call(reports, data([don.report(now - 1, FEES)]), { value: NATIVE_FEE });

      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(1));
    });

    it("gives each of two nested calls its own change", async () => {
      const { don, reports, taker, data, feed } = await caller();
      const now = (await nextBlock()) + 1;
      await taker.arm(reports, data([don.report(now - 1, FEES)]), NATIVE_FEE + 1n);
      await nextBlock();
      const sent = taker.call(reports, data([don.report(now - 2, FEES)]), { value: 3n * NATIVE_FEE });

      await expect(sent).to.changeEtherBalances(ethers, [taker, reports], [NATIVE_FEE, 0n]);
      expect((await feed.latestRoundData()).roundId).to.equal(inOrder(2));
    });
  });
});
