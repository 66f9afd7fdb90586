import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";

import { nodeOf } from "../../../scripts/keeper/send/node.ts";

const hash = (byte: string): string => `0x${byte.repeat(32)}`;

describe("nodeOf", () => {
  /** A provider with one transaction in block 5, and another block there than the receipt's where it says so. */
  function setup({ isForked = false } = {}) {
    const sent: unknown[] = [];
    const receipt = {
      transactionHash: hash("aa"),
      blockHash: hash("55"),
      blockNumber: "0x5",
      status: "0x1",
      gasUsed: "0x64",
      effectiveGasPrice: "0x3",
      logs: [],
    };
    const answers: Record<string, unknown> = {
      eth_getTransactionReceipt: receipt,
      eth_getBlockByNumber: { number: "0x5", hash: hash(isForked ? "66" : "55"), baseFeePerGas: "0x9" },
      eth_maxPriorityFeePerGas: "0x2",
    };
    const provider = {
      send: async (method: string, params: unknown[]) => {
        if (method === "eth_sendRawTransaction") sent.push(params[0]);
        return Promise.resolve(answers[method] ?? null);
      },
    } as unknown as JsonRpcApiProvider;
    return { provider, sent };
  }

  it("has a receipt of a block of the chain, and none of a fork's", async () => {
    const receipt = await nodeOf(setup().provider).receiptOf(hash("aa"));
    expect(receipt).to.deep.include({ hash: hash("aa"), block: 5, succeeded: true, gasUsed: 100n, cost: 300n });
    expect(await nodeOf(setup({ isForked: true }).provider).receiptOf(hash("aa"))).to.equal(undefined);
  });

  it("says of which block the price of gas is", async () => {
    expect(await nodeOf(setup().provider).gasPrice()).to.deep.equal({ baseFee: 9n, tip: 2n, block: 5 });
  });

  it("broadcasts openly only what it is told to", async () => {
    const { provider, sent } = setup();
    const open: string[] = [];
    const node = nodeOf(provider, async (raw) => Promise.resolve(void open.push(raw)));
    await node.broadcast("0x01");
    await node.broadcast("0x02", { openly: true });

    expect([sent, open]).to.deep.equal([["0x01"], ["0x02"]]);
  });
});
