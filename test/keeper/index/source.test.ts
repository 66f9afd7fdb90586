import { expect } from "chai";
import { toBeHex, toQuantity } from "ethers";

import { ChainSource, MalformedAnswerError } from "../../../scripts/keeper/index/ChainSource.ts";
import { CONTRACTS } from "./fakeChain.ts";
import { expectRejection } from "./support.ts";

const HASH = toBeHex(0xabc, 32);

function rawLog(blockNumber: number, logIndex = 0, rest: Readonly<Record<string, unknown>> = {}) {
  return {
    address: CONTRACTS.orders.toUpperCase().replace("0X", "0x"),
    topics: [HASH.toUpperCase().replace("0X", "0x")],
    data: "0xABCD",
    blockNumber: toQuantity(blockNumber),
    blockHash: HASH,
    logIndex: toQuantity(logIndex),
    ...rest,
  };
}

interface Filter {
  readonly address: readonly string[];
  readonly fromBlock: string;
  readonly toBlock: string;
}

/** A node with one log in each block, that answers for at most `most` blocks at once. */
function nodeWith({ most = Infinity, reason = "query returned more than 10000 results" } = {}) {
  const asked: string[] = [];
  return {
    asked,
    send: (method: string, [filter]: unknown[]): Promise<unknown> => {
      expect(method).to.equal("eth_getLogs");
      const { fromBlock, toBlock } = filter as Filter;
      const [from, to] = [Number(fromBlock), Number(toBlock)];
      asked.push(`${from}-${to}`);
      if (to - from + 1 > most) return Promise.reject(new Error(reason));
      return Promise.resolve(Array.from({ length: to - from + 1 }, (_, place) => rawLog(from + place)));
    },
  };
}

function sourceOf(answer: unknown): ChainSource {
  return new ChainSource({ send: () => Promise.resolve(answer) }, CONTRACTS);
}

describe("chain as the source of the index", () => {
  it("asks once for a range that the node answers", async () => {
    const node = nodeWith();
    const logs = await new ChainSource(node, CONTRACTS).logs(5, 104);
    expect(logs.length).to.equal(100);
    expect(node.asked).to.deep.equal(["5-104"]);
  });

  it("halves a range that is too large, and remembers what the node manages", async () => {
    const node = nodeWith({ most: 30 });
    const source = new ChainSource(node, CONTRACTS);
    expect((await source.logs(1, 100)).map(({ blockNumber }) => blockNumber)).to.deep.equal(
      Array.from({ length: 100 }, (_, place) => place + 1),
    );
    expect(node.asked.slice(0, 3)).to.deep.equal(["1-100", "1-50", "1-25"]);
    const before = node.asked.length;
    await source.logs(101, 1_000);
    for (const range of node.asked.slice(before)) {
      const [from, to] = range.split("-").map(Number);
      expect(Number(to) - Number(from)).to.be.lessThan(33);
    }
  });

  it("asks for more again, little by little", async () => {
    const node = nodeWith({ most: 16 });
    const source = new ChainSource(node, CONTRACTS);
    await source.logs(1, 32);
    await source.logs(33, 200);
    const refused = node.asked.filter((range) => {
      const [from, to] = range.split("-").map(Number);
      return Number(to) - Number(from) + 1 > 16;
    });
    expect(refused.length).to.be.within(2, 6);
  });

  it("gives up on a single block that is too large, and on any other error at once", async () => {
    await expectRejection(new ChainSource(nodeWith({ most: 0 }), CONTRACTS).logs(1, 4), Error);
    const node = nodeWith({ most: 0, reason: "connection refused" });
    await expectRejection(new ChainSource(node, CONTRACTS).logs(1, 4), Error);
    expect(node.asked).to.deep.equal(["1-4"]);
  });

  it("has logs in the order of the chain, in lower case, without those that were removed", async () => {
    const source = sourceOf([rawLog(3, 1), rawLog(3, 0), rawLog(2, 7), rawLog(2, 8, { removed: true })]);
    const logs = await source.logs(1, 4);
    expect(logs.map(({ blockNumber, logIndex }) => [blockNumber, logIndex])).to.deep.equal([
      [2, 7],
      [3, 0],
      [3, 1],
    ]);
    const { address, topics, data } = logs[0] ?? {};
    expect([address, topics, data]).to.deep.equal([CONTRACTS.orders, [HASH], "0xabcd"]);
  });

  for (const [what, answer] of [
    ["no list", {}],
    ["a log of a block outside", [rawLog(9)]],
    ["a log of another contract", [rawLog(2, 0, { address: toBeHex(0xbad, 20) })]],
    ["a log without its block's hash", [rawLog(2, 0, { blockHash: null })]],
    ["a log without data", [rawLog(2, 0, { data: undefined })]],
    ["a topic of the wrong length", [rawLog(2, 0, { topics: ["0x12"] })]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await expectRejection(sourceOf(answer).logs(1, 4), MalformedAnswerError);
    });
  }

  it("reads a block, or that there is none", async () => {
    const block = { number: "0x7", hash: HASH, parentHash: toBeHex(1, 32), timestamp: "0x65" };
    expect(await sourceOf(block).block(7)).to.deep.equal({
      number: 7,
      hash: HASH,
      parentHash: toBeHex(1, 32),
      time: 101n,
    });
    expect(await sourceOf(null).block(7)).to.equal(undefined);
  });

  for (const [what, block] of [
    ["another block", { number: "0x8", hash: HASH, parentHash: HASH, timestamp: "0x1" }],
    ["a block without a hash", { number: "0x7", parentHash: HASH, timestamp: "0x1" }],
    ["a block at no time", { number: "0x7", hash: HASH, parentHash: HASH, timestamp: "soon" }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await expectRejection(sourceOf(block).block(7), MalformedAnswerError);
    });
  }
});
