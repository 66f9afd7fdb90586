import { expect } from "chai";

import { lagging, type RpcCall, trim } from "../../scripts/keeperFaults/lag.ts";

const HEAD = 90;

function call(method: string, ...params: unknown[]): RpcCall {
  return { jsonrpc: "2.0", id: 1, method, params };
}

describe("lag", () => {
  it("answers the number of the block that it has", () => {
    expect(lagging(call("eth_blockNumber"), HEAD)).to.deep.equal({ answer: { result: "0x5a" } });
  });

  it("reads at the block that it has where the latest is asked for", () => {
    const { call: asked } = lagging(call("eth_call", { to: "0x1" }, "latest"), HEAD) as { call: RpcCall };
    expect(asked.params).to.deep.equal([{ to: "0x1" }, "0x5a"]);
  });

  it("reads at the block that it has where none is named", () => {
    const { call: asked } = lagging(call("eth_estimateGas", { to: "0x1" }), HEAD) as { call: RpcCall };
    expect(asked.params).to.deep.equal([{ to: "0x1" }, "0x5a"]);
  });

  it("leaves an earlier block as it is", () => {
    const asked = call("eth_getBalance", "0x1", "0x59");
    expect(lagging(asked, HEAD)).to.deep.equal({ call: asked });
  });

  it("knows no later block", () => {
    expect(lagging(call("eth_getBlockByNumber", "0x5b", false), HEAD)).to.deep.equal({ answer: { result: null } });
    expect(lagging(call("eth_call", {}, "0x5b"), HEAD)).to.have.nested.property("answer.error.code", -32000);
  });

  it("has taken in what it was sent", () => {
    const asked = call("eth_getTransactionCount", "0x1", "pending");
    expect(lagging(asked, HEAD)).to.deep.equal({ call: asked });
  });

  it("gives events up to the block that it has", () => {
    const asked = call("eth_getLogs", { address: "0x1", fromBlock: "0x50", toBlock: "0x64" });
    const { call: changed } = lagging(asked, HEAD) as { call: RpcCall };
    expect(changed.params).to.deep.equal([{ address: "0x1", fromBlock: "0x50", toBlock: "0x5a" }]);
    const later = call("eth_getLogs", { fromBlock: "0x5b", toBlock: "0x64" });
    expect(lagging(later, HEAD)).to.deep.equal({ answer: { result: [] } });
  });

  it("has no receipt of a later block, and the receipts of earlier ones", () => {
    const asked = call("eth_getTransactionReceipt", "0xaa");
    const receipt = (blockNumber: string) => ({ jsonrpc: "2.0", id: 1, result: { blockNumber } }) as const;
    expect(trim(asked, receipt("0x5b"), HEAD).result).to.equal(null);
    expect(trim(asked, receipt("0x5a"), HEAD).result).to.deep.equal({ blockNumber: "0x5a" });
  });

  it("shows a transaction of a later block as waiting", () => {
    const found = { blockNumber: "0x5b", blockHash: "0xbb", transactionIndex: "0x0", nonce: "0x1" };
    const { result } = trim(call("eth_getTransactionByHash", "0xaa"), { jsonrpc: "2.0", id: 1, result: found }, HEAD);
    expect(result).to.deep.equal({ blockNumber: null, blockHash: null, transactionIndex: null, nonce: "0x1" });
  });
});
