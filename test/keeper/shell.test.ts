/** The shell around the decisions, against a chain that does what a test says. */
import { expect } from "chai";
import { type JsonRpcProvider, Transaction, Wallet } from "ethers";

import { type Chain, revertDataOf } from "../../scripts/keeper/chain.ts";
import type { KeeperState } from "../../scripts/keeper/decide.ts";
import type { EventIndex } from "../../scripts/keeper/eventIndex.ts";
import { Keeper } from "../../scripts/keeper/Keeper.ts";
import type { Log } from "../../scripts/keeper/log.ts";
import { type Call, RevertedError, Sender, StuckError } from "../../scripts/keeper/sender.ts";

const NOW = 1_000_000n;
const PHASE = 1n << 64n;
const ACCOUNTS = ["aa", "bb", "cc"].map((byte) => `0x${byte.repeat(20)}${"00".repeat(12)}`);
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const refusal = (name: string) => Object.assign(new Error(name), { code: "CALL_EXCEPTION", data: "0x" });

/** Three orders that are ready, and a pool mark that is due. */
function fakeChain(refused: Readonly<Record<string, string>>, change: Partial<KeeperState> = {}) {
  const tried: string[] = [];
  const orders = {
    getAddress: () => Promise.resolve("orders"),
    interface: {
      encodeFunctionData: (_: string, [items]: [{ account: string }[]]) => items.map(({ account }) => account).join(),
    },
    execute: {
      staticCall: (account: string) => {
        tried.push(account);
        return refused[account] === undefined ? Promise.resolve([0n, 0n]) : Promise.reject(refusal(refused[account]));
      },
    },
  };
  const clearingHouse = {
    getAddress: () => Promise.resolve("house"),
    interface: { encodeFunctionData: (name: string, args: readonly unknown[] = []) => [name, ...args].join(" ") },
  };
  const state: KeeperState = {
    time: NOW,
    sequencerUp: true,
    upSince: 0n,
    feeds: [],
    orders: [],
    triggers: [],
    unhealthy: [],
    owing: [],
    mark: { time: 0n, maxAge: 3_600n },
    cash: 0n,
  };
  let failing = false;
  const chain = {
    orders,
    clearingHouse,
    oracle: {},
    latestBlock: () => (failing ? Promise.reject(new Error("no block")) : Promise.resolve({ number: 9, time: NOW })),
    readEvents: (index: EventIndex) => {
      if (index.orders.size > 0 || tried.length > 0) return Promise.resolve();
      for (const [place, account] of ACCOUNTS.entries()) {
        index.apply({
          name: "OrderSubmitted",
          args: { account, sequence: BigInt(place), asset: 0n, boundary: NOW - 100n, phase: 1n },
        });
      }
      return Promise.resolve();
    },
    readState: (index: EventIndex): Promise<KeeperState> =>
      Promise.resolve({
        ...state,
        ...change,
        orders: [...index.orders.values()].map((order) => ({
          order,
          settlements: [{ kind: "settled", hint: { round: PHASE + 2n, before: PHASE + 1n }, settledAt: NOW - 50n }],
        })),
      }),
    describe: (error: unknown) => {
      const name = error instanceof Error ? error.message : "";
      return { name, text: name };
    },
  };
  return { chain: chain as unknown as Chain, tried, fail: (value: boolean) => (failing = value) };
}

function fakeSender(onSend: (call: Call) => void = () => undefined) {
  const sent: Call[] = [];
  const sender = {
    address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    estimate: (call: Call) => (call.data === "" ? Promise.reject(refusal("empty")) : Promise.resolve(100_000n)),
    send: (call: Call) => {
      sent.push(call);
      onSend(call);
      return Promise.resolve({ hash: "0x", gasUsed: 1n });
    },
  };
  return { sender: sender as unknown as Sender, sent };
}

const options = { log: silent, send: true, firstBlock: 0, logRange: 100, intervalMs: 50 };

describe("Keeper", () => {
  it("leaves out of a batch what is refused, and goes on with the rest", async () => {
    const { chain } = fakeChain({ [ACCOUNTS[1] ?? ""]: "StalePoolMark" });
    const { sender, sent } = fakeSender();
    const keeper = new Keeper({ ...options, chain, sender });

    await keeper.cycle();

    expect(sent).to.deep.equal([
      { to: "house", data: "markPool" },
      { to: "orders", data: [ACCOUNTS[0], ACCOUNTS[2]].join() },
    ]);
    expect(keeper.counters).to.deep.include({ cycles: 1, sent: 2, refused: 1, failedCycles: 0 });
  });

  it("settles deficits", async () => {
    const [account = ""] = ACCOUNTS;
    const { chain } = fakeChain({}, { owing: [account] });
    const { sender, sent } = fakeSender();
    const keeper = new Keeper({ ...options, chain, sender });

    await keeper.cycle();

    expect(sent[0]).to.deep.equal({ to: "house", data: `settleDeficit ${account}` });
  });

  it("waits before it tries again what was refused", async () => {
    const refused = Object.fromEntries(ACCOUNTS.map((account) => [account, "StalePoolMark"]));
    const { chain, tried } = fakeChain(refused);
    const keeper = new Keeper({ ...options, intervalMs: 5_000, chain, sender: fakeSender().sender });

    await keeper.cycle();
    await keeper.cycle();

    expect(tried).to.deep.equal(ACCOUNTS);
  });

  it("forgets an order that the chain does not know", async () => {
    const refused = Object.fromEntries(ACCOUNTS.map((account) => [account, "UnknownOrder"]));
    const { chain, tried } = fakeChain(refused);
    const keeper = new Keeper({ ...options, chain, sender: fakeSender().sender });

    await keeper.cycle();
    await new Promise((resolve) => setTimeout(resolve, 120));
    await keeper.cycle();

    expect(tried).to.deep.equal(ACCOUNTS);
  });

  it("begins nothing after it was stopped, and ends", async () => {
    const { chain, tried } = fakeChain({});
    const { sender, sent } = fakeSender(() => {
      keeper.stop();
    });
    const keeper: Keeper = new Keeper({ ...options, chain, sender });

    await keeper.run();

    expect(sent.map(({ data }) => data)).to.deep.equal(["markPool"]);
    expect(tried).to.be.empty;
  });

  it("outlives a cycle that fails", async () => {
    const { chain, fail } = fakeChain({});
    const { sender, sent } = fakeSender();
    const keeper = new Keeper({ ...options, chain, sender });

    fail(true);
    await keeper.cycle();
    fail(false);
    await keeper.cycle();

    expect(keeper.counters).to.deep.include({ cycles: 2, failedCycles: 1 });
    expect(sent).not.to.be.empty;
  });
});

describe("Sender", () => {
  const wallet = Wallet.createRandom();
  const call = { to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", data: "0x12345678" };

  /** A node that takes the `taken`-th broadcast into a block; `answers` are the errors of broadcasts before. */
  function fakeNode({
    taken,
    status = 1,
    answers = [],
  }: {
    taken: number;
    status?: number;
    answers?: (string | undefined)[];
  }) {
    const seen: Transaction[] = [];
    const provider = {
      getTransactionCount: () => Promise.resolve(7),
      getFeeData: () => Promise.resolve({ maxFeePerGas: 1_000n, maxPriorityFeePerGas: 10n, gasPrice: null }),
      broadcastTransaction: (raw: string) => {
        const transaction = Transaction.from(raw);
        seen.push(transaction);
        const code = answers[seen.length - 1];
        return code === undefined
          ? Promise.resolve({ hash: transaction.hash })
          : Promise.reject(Object.assign(new Error(code), { code }));
      },
      getTransactionReceipt: (hash: string) =>
        Promise.resolve(seen.findIndex((one) => one.hash === hash) + 1 === taken ? { hash, status } : null),
    };
    const sender = new Sender({
      provider: provider as unknown as JsonRpcProvider,
      wallet: wallet as unknown as Wallet,
      chainId: 31337n,
      timeoutMs: 1,
      log: silent,
    });
    return { sender, seen };
  }

  async function rejected(promise: Promise<unknown>): Promise<unknown> {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error("nothing was thrown");
  }

  it("sends with a fifth more gas than estimated", async () => {
    const { sender, seen } = fakeNode({ taken: 1 });
    await sender.send(call, 100_000n);

    expect(seen).to.have.length(1);
    expect(seen[0]).to.deep.include({ nonce: 7, gasLimit: 120_000n, maxFeePerGas: 1_000n });
  });

  it("never asks for more gas than a transaction may have", async () => {
    const { sender, seen } = fakeNode({ taken: 1 });
    await sender.send(call, 16_000_000n);

    expect(seen[0]?.gasLimit).to.equal(16_777_216n);
  });

  it("replaces what is stuck at the same nonce for a higher fee", async () => {
    const { sender, seen } = fakeNode({ taken: 3 });
    await sender.send(call, 100_000n);

    expect(seen.map(({ nonce, maxFeePerGas }) => [nonce, maxFeePerGas])).to.deep.equal([
      [7, 1_000n],
      [7, 1_251n],
      [7, 1_564n],
    ]);
  });

  it("pays more than what an earlier process left at the nonce", async () => {
    const { sender, seen } = fakeNode({ taken: 2, answers: ["REPLACEMENT_UNDERPRICED"] });
    await sender.send(call, 100_000n);

    expect(seen).to.have.length(2);
  });

  it("says that a transaction reverted, or got into no block", async () => {
    expect(await rejected(fakeNode({ taken: 1, status: 0 }).sender.send(call, 1n))).to.be.instanceOf(RevertedError);
    expect(await rejected(fakeNode({ taken: 99 }).sender.send(call, 1n))).to.be.instanceOf(StuckError);
  });
});

describe("revertDataOf", () => {
  it("tells a revert from a failure of the node", () => {
    expect(revertDataOf(refusal("x"))).to.equal("0x");
    expect(revertDataOf(new Error("timeout"))).to.equal(undefined);
  });
});
