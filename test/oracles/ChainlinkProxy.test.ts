import { expect } from "chai";
import { network } from "hardhat";

const { ethers } = await network.create();

const ROUND_OF_PHASE_1 = 1n << 64n;

async function deployFeed({ revertsOnMissing = false } = {}) {
  const [owner] = await ethers.getSigners();
  if (owner === undefined) throw new Error("the network has no accounts");
  const aggregator = await ethers.deployContract("AccessListAggregator", [8, "ETH / USD", revertsOnMissing]);
  const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
  return { owner, aggregator, proxy };
}

describe("EACAggregatorProxy over AccessListAggregator", () => {
  it("reads the latest round, with its phase in the round id", async () => {
    const { aggregator, proxy } = await deployFeed();
    await aggregator.addAccess(proxy);

    await expect(aggregator.transmit(2_000_00000000n, 1_700_000_000n, 1_700_000_005n))
      .to.emit(aggregator, "AnswerUpdated")
      .withArgs(2_000_00000000n, 1n, 1_700_000_005n);

    const roundId = ROUND_OF_PHASE_1 + 1n;
    const round = [roundId, 2_000_00000000n, 1_700_000_000n, 1_700_000_005n, roundId];
    expect(await proxy.latestRoundData()).to.deep.equal(round);
    expect(await proxy.getRoundData(roundId)).to.deep.equal(round);
    expect(await proxy.decimals()).to.equal(8n);
  });

  it("refuses a reader that is not on the access list", async () => {
    const { owner, aggregator, proxy } = await deployFeed();

    await expect(proxy.connect(owner).latestRoundData())
      .to.be.revertedWithCustomError(aggregator, "NoAccess")
      .withArgs(await proxy.getAddress());
  });

  it("answers an unknown round with zeros, as OCR2 does", async () => {
    const { aggregator, proxy } = await deployFeed();
    await aggregator.addAccess(proxy);

    const roundId = ROUND_OF_PHASE_1 + 7n;
    expect(await proxy.getRoundData(roundId)).to.deep.equal([roundId, 0n, 0n, 0n, roundId]);
  });

  it("refuses an unknown round where the aggregator does, as FluxAggregator does", async () => {
    const { aggregator, proxy } = await deployFeed({ revertsOnMissing: true });
    await aggregator.addAccess(proxy);

    await expect(proxy.getRoundData(ROUND_OF_PHASE_1 + 7n)).to.be.revertedWith("No data present");
  });
});
