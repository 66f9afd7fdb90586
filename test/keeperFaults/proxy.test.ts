import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { FaultProxy, type Mode } from "../../scripts/keeperFaults/proxy.ts";

const RAW = "0x02aa";

/** A node that has a block and takes transactions. */
async function startNode(seen: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const { id, method } = JSON.parse(text) as { id: number; method: string };
      seen.push(method);
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: "0x64" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describe("fault proxy", () => {
  const seen: string[] = [];
  let node: Server;
  let proxy: FaultProxy;
  let broadcasts: string[] = [];
  let heads: number[] = [];

  before(async () => {
    node = await startNode(seen);
  });
  beforeEach(async () => {
    seen.length = 0;
    [broadcasts, heads] = [[], []];
    proxy = await FaultProxy.start({
      target: `http://127.0.0.1:${(node.address() as AddressInfo).port}`,
      head: () => 100,
      heard: {
        broadcast: (raw) => broadcasts.push(raw),
        head: (block) => heads.push(block),
      },
    });
  });
  afterEach(async () => proxy.close());
  after(() => {
    node.closeAllConnections();
    node.close();
  });

  async function ask(method: string, params: readonly unknown[] = []): Promise<Response> {
    return fetch(proxy.url, { method: "POST", body: JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }) });
  }

  /** Whether an answer came, or the connection broke. */
  async function outcome(asked: Promise<Response>): Promise<"answered" | "broken"> {
    return asked.then(
      () => "answered",
      () => "broken",
    );
  }

  it("passes a question on and its answer back, and tells of the head", async () => {
    const answer = await (await ask("eth_blockNumber")).json();
    expect(answer).to.deep.equal({ jsonrpc: "2.0", id: 7, result: "0x64" });
    expect(heads).to.deep.equal([100]);
  });

  it("tells of a transaction that it passes on", async () => {
    await ask("eth_sendRawTransaction", [RAW]);
    expect(broadcasts).to.deep.equal([RAW]);
    expect(seen).to.deep.equal(["eth_sendRawTransaction"]);
  });

  it("loses the answer to a transaction that the node has got", async () => {
    proxy.mode = { kind: "dropAfterBroadcast" };
    expect(await outcome(ask("eth_sendRawTransaction", [RAW]))).to.equal("broken");
    expect(seen).to.deep.equal(["eth_sendRawTransaction"]);
    expect(await outcome(ask("eth_blockNumber"))).to.equal("answered");
  });

  it("does not answer while it hangs, and breaks the connection afterwards", async () => {
    proxy.mode = { kind: "hang" };
    const asked = outcome(ask("eth_blockNumber"));
    while (proxy.counts.hang === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).to.deep.equal([]);
    proxy.mode = { kind: "pass" };
    expect(await asked).to.equal("broken");
  });

  it("gives no answer that can be used while it fails, and asks the node nothing", async () => {
    proxy.mode = { kind: "errors" };
    const usable: unknown[] = [];
    for (let turn = 0; turn < 16; ++turn) {
      const answer = await ask("eth_blockNumber")
        .then(async (response) => (await response.json()) as { id?: unknown; result?: unknown })
        .catch(() => undefined);
      if (answer?.id === 7 && answer.result !== undefined) usable.push(answer);
    }
    expect(usable).to.deep.equal([]);
    expect(seen).to.deep.equal([]);
  });

  it("is behind by as many blocks as it lags", async () => {
    const mode: Mode = { kind: "lag", blocks: 10 };
    proxy.mode = mode;
    const { result } = (await (await ask("eth_blockNumber")).json()) as { result: string };
    expect(Number(result)).to.equal(90);
  });

  it("counts what went wrong, and nothing else", async () => {
    await ask("eth_blockNumber");
    proxy.mode = { kind: "errors" };
    await outcome(ask("eth_blockNumber"));
    proxy.mode = { kind: "lag", blocks: 10 };
    await ask("eth_blockNumber");
    // Whatever block it has, it knows its chain.
    await ask("eth_chainId");
    proxy.mode = { kind: "dropAfterBroadcast" };
    await outcome(ask("eth_sendRawTransaction", [RAW]));
    await ask("eth_blockNumber");
    expect(proxy.counts).to.deep.equal({ requests: 6, hang: 0, errors: 1, lag: 1, dropAfterBroadcast: 1 });
  });

  it("holds questions back while it is paused", async () => {
    await proxy.pause();
    const asked = ask("eth_blockNumber");
    while (proxy.counts.requests === 0) await new Promise((resolve) => setImmediate(resolve));
    // A question that goes to the node directly is there first.
    const body = JSON.stringify({ jsonrpc: "2.0", id: 8, method: "eth_chainId", params: [] });
    await fetch(`http://127.0.0.1:${(node.address() as AddressInfo).port}`, { method: "POST", body });
    expect(seen).to.deep.equal(["eth_chainId"]);
    proxy.resume();
    expect((await asked).status).to.equal(200);
    expect(seen).to.deep.equal(["eth_chainId", "eth_blockNumber"]);
  });
});
