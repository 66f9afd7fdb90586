import { expect } from "chai";

import { ethers, loadFixture } from "../fixture.ts";
import { deployStreams, ETH_STREAM, feedIdOf } from "./don.ts";

const SOL_STREAM = feedIdOf(3, "SOL / USD");

async function streams() {
  return deployStreams();
}

describe("StreamReports.createFeed", () => {
  it("creates the feed of a stream for anyone, at the address that follows from its id", async () => {
    const { reports, stranger } = await loadFixture(streams);
    const { bytecode } = await ethers.getContractFactory("StreamFeed");
    const address = ethers.getCreate2Address(
      await reports.getAddress(),
      SOL_STREAM,
      ethers.keccak256(ethers.concat([bytecode, SOL_STREAM])),
    );

    await expect(reports.connect(stranger).createFeed(SOL_STREAM))
      .to.emit(reports, "FeedCreated")
      .withArgs(SOL_STREAM, address);
    expect(await reports.feedOf(SOL_STREAM)).to.equal(address);
    const feed = await ethers.getContractAt("StreamFeed", address);
    expect(await feed.feedId()).to.equal(SOL_STREAM);
    expect(await feed.reports()).to.equal(await reports.getAddress());
  });

  it("refuses a second feed of a stream", async () => {
    const { reports } = await loadFixture(streams);

    await expect(reports.createFeed(ETH_STREAM))
      .to.be.revertedWithCustomError(reports, "FeedExists")
      .withArgs(ETH_STREAM, await reports.feedOf(ETH_STREAM));
  });

  it("refuses a stream of another schema", async () => {
    const { reports } = await loadFixture(streams);
    const feedId = feedIdOf(8, "XAU / USD");

    await expect(reports.createFeed(feedId))
      .to.be.revertedWithCustomError(reports, "WrongSchema")
      .withArgs(feedId, 8, 3);
  });

  it("knows no feed before", async () => {
    const { reports } = await loadFixture(streams);

    expect(await reports.feedOf(SOL_STREAM)).to.equal(ethers.ZeroAddress);
  });
});

describe("StreamReports.constructor", () => {
  it("refuses a verifier without code", async () => {
    const { stranger, reports } = await loadFixture(streams);

    await expect(ethers.deployContract("StreamReports", [stranger]))
      .to.be.revertedWithCustomError(reports, "VerifierNotContract")
      .withArgs(stranger.address);
  });
});
