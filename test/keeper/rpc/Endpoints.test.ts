import { expect } from "chai";
import fc from "fast-check";
import { keccak256 } from "ethers";

import { type Endpoint, EndpointError, RpcError } from "../../../scripts/keeper/rpc/endpoint.ts";
import { Endpoints, EndpointsError, QuorumError } from "../../../scripts/keeper/rpc/Endpoints.ts";
import { classify } from "../../../scripts/keeper/send/classify.ts";
import { rejected } from "../rejected.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;
const RAW = "0x02c0";

/** A block of a chain: from `forkAt` on its hashes are those of the fork. */
function block(number: number, { fork = 0, forkAt = 0 }: { fork?: number; forkAt?: number } = {}) {
  const hashOf = (at: number): string =>
    `0x${(at >= forkAt ? fork : 0).toString(16).padStart(4, "0")}${at.toString(16).padStart(60, "0")}`;
  return { number: hex(number), hash: hashOf(number), parentHash: hashOf(number - 1), timestamp: hex(1_000 + number) };
}

interface NodeOptions {
  readonly head?: number;
  readonly fork?: number;
  readonly forkAt?: number;
  readonly chainId?: string;
  /** Answers in place of the usual ones; what is thrown is thrown. */
  readonly on?: Readonly<Record<string, (params: readonly unknown[]) => unknown>>;
}

/** An endpoint whose answers a test can change at any time. */
function node(name: string, options: NodeOptions = {}) {
  const asked: string[] = [];
  const state = { head: 100, chainId: hex(31_337), ...options };
  const endpoint: Endpoint = {
    name,
    request: async (method, params) => {
      // Asked once, before everything else.
      if (method === "eth_chainId") return Promise.resolve(state.chainId);
      asked.push(method);
      const list = params as readonly unknown[];
      const special = state.on?.[method];
      if (special !== undefined) return Promise.resolve(special(list));
      if (method === "eth_getBlockByNumber") {
        const number = list[0] === "latest" ? state.head : Number(list[0]);
        return Promise.resolve(number > state.head ? null : block(number, state));
      }
      if (method === "eth_sendRawTransaction") return Promise.resolve(keccak256(String(list[0])));
      return Promise.resolve("0x01");
    },
  };
  return { endpoint, asked, state };
}

const down = (): never => {
  throw new EndpointError("down");
};

function pool(nodes: readonly { endpoint: Endpoint }[], options: { relay?: Endpoint; now?: () => number } = {}) {
  return new Endpoints({ endpoints: nodes.map(({ endpoint }) => endpoint), chainId: 31337n, ...options });
}

describe("Endpoints", () => {
  describe("head", () => {
    it("is the highest block that a majority has", async () => {
      const endpoints = pool([node("a", { head: 103 }), node("b", { head: 102 }), node("c", { head: 101 })]);

      expect((await endpoints.head()).number).to.equal(102);
      expect(endpoints.standing).to.deep.include({ agreeing: 2, quorum: true, disagreeing: [] });
    });

    it("leaves out one that lies, and reads nothing there", async () => {
      const liar = node("liar", { head: 900, fork: 7, forkAt: 90 });
      const failing = { on: { eth_call: down } };
      const endpoints = pool([liar, node("b", failing), node("c", failing)]);

      const head = await endpoints.head();
      liar.asked.length = 0;
      const read = endpoints.send("eth_call", [{}, hex(head.number)]);

      expect(await rejected(read)).to.be.instanceOf(EndpointsError);

      expect(head.hash).to.equal(block(100).hash);
      expect(endpoints.standing.disagreeing).to.deep.equal(["liar"]);
      expect(liar.asked).to.be.empty;
    });

    it("leaves out one that lags, and counts it", async () => {
      const endpoints = pool([node("a"), node("b"), node("late", { head: 90 })]);

      expect((await endpoints.head()).number).to.equal(100);
      expect(endpoints.standing).to.deep.include({ agreeing: 2, lagging: ["late"] });
    });

    it("of two follows the one that goes on, where the other has stopped", async () => {
      const [going, stopped] = [node("going"), node("stopped", { head: 97 })];
      const endpoints = pool([going, stopped]);

      expect((await endpoints.head()).number).to.equal(97);
      going.state.head = 110;
      expect((await endpoints.head()).number).to.equal(110);
      expect(endpoints.standing.lagging).to.deep.equal(["stopped"]);
    });

    it("does not follow one that runs ahead of two others, though its past is theirs", async () => {
      const endpoints = pool([node("liar", { head: 900, fork: 7, forkAt: 101 }), node("b"), node("c")]);

      expect((await endpoints.head()).number).to.equal(100);
    });

    it("of two does not follow one that has another past", async () => {
      const endpoints = pool([node("a", { head: 110, fork: 5, forkAt: 95 }), node("b")]);

      expect((await endpoints.head()).number).to.equal(94);
    });

    it("is the last common block while two are on different forks", async () => {
      const endpoints = pool([node("a", { fork: 1, forkAt: 98 }), node("b", { fork: 2, forkAt: 98 })]);

      expect((await endpoints.head()).number).to.equal(97);
    });

    it("is not that of another chain, whose endpoint was down at first and is the only one up now", async () => {
      const [right, wrong] = [node("right"), node("wrong", { chainId: "0x1", on: { eth_getBlockByNumber: down } })];
      let now = 0;
      const endpoints = pool([right, wrong], { now: () => now });
      expect((await endpoints.head()).number).to.equal(100);

      right.state.on = { eth_getBlockByNumber: down };
      wrong.state.on = {};
      now += 120_000;
      const error = await rejected(endpoints.head());
      expect(error).to.be.instanceOf(EndpointsError);
      now += 120_000;
      await rejected(endpoints.head());
      expect(endpoints.standing.reachable).to.equal(0);
      expect(wrong.asked).to.deep.equal([]);
      endpoints.destroy();
    });

    it("is refused where nothing is common", async () => {
      const endpoints = pool([node("a", { fork: 1 }), node("b", { fork: 2 })]);

      expect(await rejected(endpoints.head())).to.be.instanceOf(QuorumError);
      expect(endpoints.standing.quorum).to.equal(false);
    });

    it("says that the quorum is lost while most are down", async () => {
      const gone = { on: { eth_getBlockByNumber: down } };
      const endpoints = pool([node("a"), node("b", gone), node("c", gone)]);

      expect((await endpoints.head()).number).to.equal(100);
      expect(endpoints.standing).to.deep.include({ reachable: 1, quorum: false });
    });

    it("is refused while none answers", async () => {
      const endpoints = pool([node("a", { on: { eth_getBlockByNumber: down } })]);

      expect(await rejected(endpoints.head())).to.be.instanceOf(EndpointsError);
    });

    it("is the honest chain's, whatever a minority says", async () => {
      const lie = fc.record({ head: fc.integer({ min: 0, max: 400 }), fork: fc.integer({ min: 1, max: 3 }) });
      await fc.assert(
        fc.asyncProperty(
          fc.array(lie, { maxLength: 2 }),
          fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 4 }),
          async (lies, lags) => {
            const honest = lags.map((lag, place) => node(`honest ${place}`, { head: 100 - lag }));
            const liars = lies.map((options, place) => node(`liar ${place}`, { ...options, forkAt: 50 }));
            const head = await pool([...liars, ...honest]).head();

            expect(head.hash).to.equal(block(head.number).hash);
            expect(head.number).to.be.at.most(100);
          },
        ),
        { numRuns: 200 },
      );
    });
  });

  describe("reads", () => {
    it("go to the next endpoint when one fails, and back when it answers again", async () => {
      let now = 0;
      const first = node("a", { on: { eth_getBalance: down } });
      const second = node("b");
      const endpoints = pool([first, second], { now: () => now });

      expect(await endpoints.send("eth_getBalance", ["0x", "latest"])).to.equal("0x01");
      await endpoints.send("eth_getBalance", ["0x", "latest"]);
      expect(first.asked).to.have.length(1);

      first.state.on = {};
      now = 600;
      second.state.on = { eth_getBalance: down };
      expect(await endpoints.send("eth_getBalance", ["0x", "latest"])).to.equal("0x01");
      expect(endpoints.failures).to.deep.equal(new Map([["a", 1]]));
    });

    it("take a malformed answer for a failure", async () => {
      for (const wrong of ["nonsense", 5, null, "0x1"]) {
        const endpoints = pool([node("a", { on: { eth_call: () => wrong } }), node("b")]);

        expect(await endpoints.send("eth_call", [{}, "latest"])).to.equal("0x01");
      }
    });

    it("take a revert for an answer", async () => {
      const revert = (): never => {
        throw new RpcError({ code: 3, message: "execution reverted", data: "0x12345678" });
      };
      const second = node("b");
      const endpoints = pool([node("a", { on: { eth_call: revert } }), second]);

      const error = await rejected(endpoints.call({ to: `0x${"11".repeat(20)}`, data: "0x" }));
      expect(error).to.deep.include({ code: "CALL_EXCEPTION", data: "0x12345678" });
      expect(second.asked).to.be.empty;
      expect(endpoints.failures).to.be.empty;
    });

    it("ask another where a block is not there yet, and never call that a revert", async () => {
      const behind = (): never => {
        throw new RpcError({ code: -32_000, message: "header not found" });
      };
      const late = { on: { eth_call: behind } };

      expect(await pool([node("a", late), node("b")]).call({ to: `0x${"11".repeat(20)}` })).to.equal("0x01");
      const error = await rejected(pool([node("a", late)]).call({ to: `0x${"11".repeat(20)}` }));
      expect(error).to.be.instanceOf(EndpointsError);
    });

    it("pass on what an endpoint says of a range of logs", async () => {
      const tooMany = (): never => {
        throw new RpcError({ code: -32_005, message: "query returned more than 10000 results" });
      };
      const endpoints = pool([node("a", { on: { eth_getLogs: tooMany } })]);

      expect(await rejected(endpoints.send("eth_getLogs", [{}]))).to.match(/more than 10000 results/);
    });

    it("believe that a receipt is not there only when nobody has it", async () => {
      const none = { on: { eth_getTransactionReceipt: () => null } };
      const found = {
        transactionHash: block(1).hash,
        blockHash: block(1).hash,
        blockNumber: "0x1",
        gasUsed: "0x1",
      };
      const some = { on: { eth_getTransactionReceipt: () => found } };

      expect(await pool([node("a", none), node("b", some)]).send("eth_getTransactionReceipt", ["0x"])).to.equal(found);
      expect(await pool([node("a", none), node("b", none)]).send("eth_getTransactionReceipt", ["0x"])).to.equal(null);
    });

    it("fail with an EndpointsError when all have failed", async () => {
      const endpoints = pool([
        node("a", { on: { eth_getBalance: down } }),
        node("b", { on: { eth_getBalance: down } }),
      ]);

      expect(await rejected(endpoints.send("eth_getBalance", ["0x", "latest"]))).to.be.instanceOf(EndpointsError);
    });
  });

  describe("transactions", () => {
    const sends = ({ asked }: { asked: string[] }): boolean => asked.includes("eth_sendRawTransaction");

    it("go to all endpoints, and one that takes them is enough", async () => {
      const nodes = [node("a", { on: { eth_sendRawTransaction: down } }), node("b"), node("c")];
      const hash = await pool(nodes).send("eth_sendRawTransaction", [RAW]);

      expect(hash).to.equal(keccak256(RAW));
      expect(nodes.map(sends)).to.deep.equal([true, true, true]);
    });

    it("go to nobody but the private relay, where there is one", async () => {
      const [open, relay] = [node("open"), node("relay")];
      await pool([open], { relay: relay.endpoint }).send("eth_sendRawTransaction", [RAW]);

      expect([sends(open), sends(relay)]).to.deep.equal([false, true]);
    });

    const saying = (message: string) => (): never => {
      throw new RpcError({ code: -32_000, message });
    };
    const failureOf = async (...answers: (() => unknown)[]): Promise<unknown> => {
      const nodes = answers.map((answer, place) => node(`${place}`, { on: { eth_sendRawTransaction: answer } }));
      return rejected(pool(nodes).send("eth_sendRawTransaction", [RAW]));
    };

    it("fail with what a node says, before the failures of others", async () => {
      expect(await failureOf(down, saying("nonce too low"))).to.match(/nonce/);
    });

    it("are refused for good only where all refuse them so: an answer may be lost of one that has taken them", async () => {
      const never = saying("method eth_sendRawTransaction is not supported");
      for (const answers of [
        [down, never],
        [never, down],
        [never, saying("txpool is full")],
      ]) {
        expect(classify(await failureOf(...answers))).to.equal("retry");
      }
      expect(classify(await failureOf(never, saying("invalid sender")))).to.equal("fatal");
    });

    it("are known where any says so, whatever others say, in whatever order", async () => {
      const answers = [saying("not supported"), saying("already known"), down, saying("replacement underpriced")];
      expect(classify(await failureOf(...answers))).to.equal("known");
      expect(classify(await failureOf(...answers.reverse()))).to.equal("known");
    });

    it("go to all, the relay too, when they are no secret", async () => {
      const [open, relay] = [node("open"), node("relay", { on: { eth_sendRawTransaction: down } })];
      await pool([open], { relay: relay.endpoint }).broadcastOpenly(RAW);

      expect([sends(open), sends(relay)]).to.deep.equal([true, true]);
    });
  });
});
