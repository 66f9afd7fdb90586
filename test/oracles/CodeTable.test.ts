import { expect } from "chai";

import { ethers } from "./fixture.ts";

/** Bytes 0, 1, 2 … of this length. */
function bytes(length: number): string {
  return ethers.hexlify(Uint8Array.from({ length }, (_, index) => index % 251));
}

async function createTable(data: string) {
  const probe = await ethers.deployContract("CodeTableProbe");
  await probe.write(data);
  return probe;
}

describe("CodeTable", () => {
  for (const length of [0, 1, 31, 32, 33, 6_208, 24_575]) {
    it(`gives back ${length} bytes`, async () => {
      const probe = await createTable(bytes(length));
      expect(await probe.read()).to.equal(bytes(length));
      expect(await probe.length()).to.equal(BigInt(length));
    });
  }

  it("refuses more than code can hold", async () => {
    const probe = await ethers.deployContract("CodeTableProbe");
    await expect(probe.write(bytes(24_576)))
      .to.be.revertedWithCustomError(probe, "TableTooLong")
      .withArgs(24_576n, 24_575n);
  });

  it("loads words at any byte offset, and zeros beyond the end", async () => {
    const data = bytes(128);
    const probe = await createTable(data);
    const wordAt = (offset: number) => BigInt(ethers.dataSlice(`${data}${"00".repeat(128)}`, offset, offset + 32));
    for (const offset of [0, 1, 32, 64, 96, 100, 128]) {
      expect(await probe.word(offset)).to.equal(wordAt(offset));
      expect(await probe.words2(offset)).to.deep.equal([wordAt(offset), wordAt(offset + 32)]);
      expect(await probe.words3(offset)).to.deep.equal([0, 32, 64].map((shift) => wordAt(offset + shift)));
    }
  });

  it("writes no word beyond its words, nor one whose place wraps around to them", async () => {
    const probe = await ethers.deployContract("CodeTableProbe");
    const word = 2n ** 256n - 1n;

    expect(await probe.put(bytes(64), 1, word)).to.equal(`${bytes(32)}${"ff".repeat(32)}`);
    for (const place of [2n, 1n + (1n << 251n), 2n ** 256n - 1n]) {
      await expect(probe.put(bytes(64), place, word)).to.be.revertedWithPanic(1);
    }
  });

  it("reads zeros and no bytes where there is no table", async () => {
    const probe = await ethers.deployContract("CodeTableProbe");
    expect(await probe.word(0)).to.equal(0n);
    expect(await probe.read()).to.equal("0x");
    expect(await probe.length()).to.equal(0n);
  });

  it("does nothing when called", async () => {
    const probe = await createTable(`0xfe${"ff".repeat(31)}`);
    expect(await ethers.provider.call({ to: await probe.table() })).to.equal("0x");
  });
});
