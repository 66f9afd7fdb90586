import { expect } from "chai";

import type { Job } from "../../../scripts/keeper/job.ts";
import { EndpointsError } from "../../../scripts/keeper/rpc/Endpoints.ts";
import { TooDearError } from "../../../scripts/keeper/send/fees.ts";
import { BusyError, RefusedError, Sender, type SenderOptions, type Sent } from "../../../scripts/keeper/send/Sender.ts";
import { keySigner, type Signer, SignerError } from "../../../scripts/keeper/send/signer.ts";
import { rejected } from "../rejected.ts";
import { recordingLog, silent } from "../silent.ts";
import { FakeChain } from "./fakeChain.ts";

/** The first account of every local chain. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const TO = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

function job(name: string, accounts: readonly string[] = [name]): Job {
  const call = { to: TO, data: `0x${Buffer.from(name).toString("hex")}` };
  return { role: "orders", kind: "execute", name, accounts, call, reward: 0n, details: {} };
}

/** A sender whose replacements come at once when its clock is moved. */
function setup(change: Partial<SenderOptions> = {}, chain = new FakeChain()) {
  const clock = { now: 0 };
  const sender = new Sender({
    node: chain,
    signer: keySigner(KEY),
    chainId: 31337n,
    log: silent,
    maxFee: 10_000n,
    maxTip: 5_000n,
    confirmations: 1,
    maxInFlight: 4,
    timeoutMs: 1_000,
    pollMs: 1,
    now: () => clock.now,
    ...change,
  });
  return { sender, chain, clock };
}

/** Waits for a condition. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; ++turn) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("waited in vain");
}

const kindOf = async ({ outcome }: Sent): Promise<string> => (await outcome).kind;
const namesOf = (chain: FakeChain): string[] =>
  chain.broadcasts.map(({ data }) => Buffer.from(data.slice(2), "hex").toString());

describe("Sender", () => {
  const senders: Sender[] = [];
  const start = (change: Partial<SenderOptions> = {}, chain = new FakeChain()) => {
    const made = setup(change, chain);
    senders.push(made.sender);
    return made;
  };
  afterEach(async () => {
    for (const sender of senders.splice(0)) await sender.drain(0);
  });

  describe("sending", () => {
    it("has several in flight, at nonces in a row, and confirms each", async () => {
      const { sender, chain } = start();
      const sent = [await sender.send(job("a"), 100n), await sender.send(job("b"), 100n)];

      expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7, 8]);
      expect(sender.inFlight).to.equal(2);
      chain.mine();
      expect(await Promise.all(sent.map(kindOf))).to.deep.equal(["confirmed", "confirmed"]);
      expect(sender.inFlight).to.equal(0);
    });

    it("gives a nonce to one job only, however many are sent at once", async () => {
      const { sender, chain } = start();
      await Promise.all(["a", "b", "c"].map(async (name) => sender.send(job(name), 100n)));

      expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7, 8, 9]);
    });

    it("adds a fifth of the gas, up to the most that a transaction may have", async () => {
      const { sender, chain } = start();
      await sender.send(job("a"), 100_000n);
      await sender.send(job("b"), 16_000_000n);

      expect(chain.broadcasts.map(({ gasLimit }) => gasLimit)).to.deep.equal([120_000n, 16_777_216n]);
    });

    it("takes no second job for an account that is in flight, until it has ended", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a", ["x", "y"]), 100n);

      expect(sender.canTake(job("b", ["y"]))).to.equal(false);
      expect(await rejected(sender.send(job("b", ["y"]), 100n))).to.be.instanceOf(BusyError);
      chain.mine();
      await first.outcome;
      expect(sender.canTake(job("b", ["y"]))).to.equal(true);
    });

    it("takes no second job for an account that is only being signed", async () => {
      const { sender, chain } = start();
      const both = await Promise.allSettled([sender.send(job("a", ["x"]), 100n), sender.send(job("b", ["x"]), 100n)]);

      expect(both.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected"]);
      expect(chain.broadcasts).to.have.length(1);
    });

    it("has no more in flight than it may", async () => {
      const { sender } = start({ maxInFlight: 2 });
      await sender.send(job("a"), 100n);
      await sender.send(job("b"), 100n);

      expect(await rejected(sender.send(job("c"), 100n))).to.be.instanceOf(BusyError);
    });

    it("says that a transaction has reverted", async () => {
      const { sender, chain } = start();
      chain.reverting = true;
      const sent = await sender.send(job("a"), 100n);
      chain.mine();

      expect(await kindOf(sent)).to.equal("reverted");
    });

    it("waits for as many blocks as it is told", async () => {
      const { sender, chain } = start({ confirmations: 3 });
      const sent = await sender.send(job("a"), 100n);
      chain.mine();
      chain.mine();
      let ended = false;
      void sent.outcome.then(() => (ended = true));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(ended).to.equal(false);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
    });

    it("sends nothing while gas is dearer than the cap", async () => {
      const { sender, chain } = start();
      chain.baseFee = 9_999n;

      expect(await rejected(sender.send(job("a"), 100n))).to.be.instanceOf(TooDearError);
      chain.baseFee = 1_000n;
      await sender.send(job("a"), 100n);
      expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7]);
    });

    it("offers no more of a tip than it may, whatever the node suggests", async () => {
      const { sender, chain } = start({ maxTip: 3n });
      chain.tip = 1_000_000n;
      await sender.send(job("a"), 100n);

      expect(chain.broadcasts[0]).to.deep.include({ maxPriorityFeePerGas: 3n, maxFeePerGas: 2_003n });
    });

    it("keeps the nonce of what the signer does not sign, and of what is refused for good", async () => {
      const good = keySigner(KEY);
      let fails = true;
      const signer: Signer = {
        address: good.address,
        sign: async (one) => (fails ? Promise.reject(new SignerError("no")) : good.sign(one)),
      };
      const { sender, chain } = start({ signer });

      expect(await rejected(sender.send(job("a"), 100n))).to.be.instanceOf(SignerError);
      fails = false;
      chain.refuse = () => new Error("insufficient funds for gas * price + value");
      expect(await rejected(sender.send(job("a"), 100n))).to.be.instanceOf(RefusedError);
      chain.refuse = () => undefined;
      await sender.send(job("a"), 100n);
      expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7]);
    });
  });

  describe("replacing", () => {
    it("outbids itself at the same nonce, up to the cap and not beyond", async () => {
      const { log, lines } = recordingLog();
      const { sender, chain, clock } = start({ maxFee: 3_000n, log });
      const sent = await sender.send(job("a"), 100n);
      chain.baseFee = 2_800n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 2);
      clock.now += 1_000;
      await until(() => lines.some(({ event }) => event === "stuck at the highest fee"));

      expect(chain.broadcasts.map(({ nonce, maxFeePerGas }) => [nonce, maxFeePerGas])).to.deep.equal([
        [7, 2_010n],
        [7, 3_000n],
      ]);
      chain.mine();
      expect(await kindOf(sent)).to.equal("confirmed");
    });

    it("replaces only the next in line: the others wait for it", async () => {
      const { sender, chain, clock } = start();
      await sender.send(job("a"), 100n);
      await sender.send(job("b"), 100n);
      chain.baseFee = 5_000n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 3);
      await new Promise((resolve) => setTimeout(resolve, 10));

      expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7, 8, 7]);
    });

    it("confirms whichever version gets into a block", async () => {
      const { sender, chain, clock } = start();
      const sent = await sender.send(job("a"), 100n);
      const first = chain.pool.get(7);
      chain.baseFee = 1_900n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 2);
      if (first !== undefined) chain.pool.set(7, first);
      chain.mine();

      const outcome = await sent.outcome;
      expect(outcome).to.deep.include({ kind: "confirmed" });
      expect("receipt" in outcome && outcome.receipt.hash).to.equal(sent.hash);
    });

    it("sends what the pool has dropped again, as it is", async () => {
      const { sender, chain, clock } = start();
      const sent = await sender.send(job("a"), 100n);
      chain.pool.clear();
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 2);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(chain.broadcasts[1]?.hash).to.equal(sent.hash);
    });

    it("takes the nonce back with an empty transaction when the job is no longer wanted", async () => {
      const { sender, chain, clock } = start({ isWanted: () => Promise.resolve(false) });
      const sent = await sender.send(job("a"), 100n);
      chain.baseFee = 2_100n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 2);
      chain.mine();

      expect(chain.broadcasts[1]).to.deep.include({ nonce: 7, data: "0x", to: sender.address });
      expect(await kindOf(sent)).to.equal("withdrawn");
    });
  });

  describe("doubt", () => {
    it("sends nothing twice when an answer is lost after the pool has the transaction", async () => {
      const { sender, chain } = start();
      chain.lose = () => new EndpointsError("no endpoint takes the transaction");
      const sent = await sender.send(job("a"), 100n);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(chain.broadcasts).to.have.length(1);
    });

    it("sends again, with the same hash, what never reached a pool", async () => {
      const { sender, chain, clock } = start();
      chain.refuse = () => new EndpointsError("no endpoint takes the transaction");
      const sent = await sender.send(job("a"), 100n);
      chain.refuse = () => undefined;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 1);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(chain.broadcasts[0]?.hash).to.equal(sent.hash);
    });

    it("confirms what is in a block already when a second endpoint says that its nonce is used", async () => {
      const { sender, chain } = start();
      chain.lose = () => {
        chain.mine();
        return new Error("nonce too low");
      };
      const sent = await sender.send(job("a"), 100n);

      expect(await kindOf(sent)).to.equal("confirmed");
    });

    it("says that a nonce was stolen, and goes on after it", async () => {
      const { sender, chain } = start();
      const [first, second] = [await sender.send(job("a"), 100n), await sender.send(job("b"), 100n)];
      chain.steal();
      chain.mine();

      expect(await kindOf(first)).to.equal("displaced");
      expect(await kindOf(second)).to.equal("confirmed");
      expect(sender.counters.displaced).to.equal(1);
      await sender.send(job("a"), 100n);
      expect(chain.broadcasts.at(-1)?.nonce).to.equal(9);
    });

    it("takes the next nonce after one that was stolen while nothing was in flight", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a"), 100n);
      chain.mine();
      await first.outcome;
      chain.steal();
      const second = await sender.send(job("b"), 100n);
      chain.mine();

      expect(second.nonce).to.equal(9);
      expect(await kindOf(second)).to.equal("confirmed");
    });

    it("outbids a stranger's transaction that waits at its nonce", async () => {
      const { sender, chain } = start();
      const stranger = setup({}, chain);
      chain.tip = 2_000n;
      await stranger.sender.send(job("stranger"), 100n);
      chain.tip = 10n;
      // What it does not see in the pool.
      chain.nonceOf = async () => Promise.resolve(chain.used);
      const sent = await sender.send(job("a"), 100n);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(await stranger.sender.drain(0)).to.equal(1);
    });
  });

  describe("forks", () => {
    it("waits again for what a fork has taken out of its block", async () => {
      const { sender, chain } = start({ confirmations: 2 });
      const sent = await sender.send(job("a"), 100n);
      chain.mine();
      await new Promise((resolve) => setTimeout(resolve, 10));
      chain.revert({ keep: true });
      await new Promise((resolve) => setTimeout(resolve, 10));
      chain.mine();
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(chain.broadcasts).to.have.length(1);
    });

    it("fills the nonces that a fork has emptied before those in flight", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a"), 100n);
      chain.mine();
      await first.outcome;
      const second = await sender.send(job("b"), 100n);
      chain.revert({ keep: false });
      await until(() => chain.pool.has(7));
      chain.mine();

      expect(await kindOf(second)).to.equal("confirmed");
      expect(namesOf(chain)).to.deep.equal(["a", "b", "a"]);
      expect(sender.counters.filled).to.equal(1);
    });

    it("begins at the nonce that the chain has after a fork, when nothing is in flight", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a"), 100n);
      chain.mine();
      await first.outcome;
      chain.revert({ keep: false });

      expect((await sender.send(job("b"), 100n)).nonce).to.equal(7);
    });

    it("does not begin anew because a node is behind", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a"), 100n);
      chain.mine();
      await first.outcome;
      const honest = chain.nonceOf.bind(chain);
      chain.nonceOf = async () => Promise.resolve(7);
      const sending = sender.send(job("b"), 100n);
      const { nonce } = await sending;
      chain.nonceOf = honest;

      expect(nonce).to.equal(8);
    });
  });

  describe("restart", () => {
    it("sends nothing before what an earlier process has left is in a block", async () => {
      const chain = new FakeChain();
      await setup({}, chain).sender.send(job("old"), 100n);
      const { sender } = start({}, chain);
      await sender.start();

      expect(sender.canTake(job("new"))).to.equal(false);
      chain.mine();
      await until(() => sender.canTake(job("new")));
      expect((await sender.send(job("new"), 100n)).nonce).to.equal(8);
      expect(namesOf(chain)).to.deep.equal(["old", "new"]);
    });

    it("replaces what an earlier process has left when it is stuck", async () => {
      const chain = new FakeChain();
      await setup({}, chain).sender.send(job("old"), 100n);
      const { sender, clock } = start({}, chain);
      await sender.start();
      chain.baseFee = 3_000n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.some(({ to }) => to === sender.address));
      chain.mine();
      await until(() => sender.canTake(job("new")));

      expect(chain.used).to.equal(8);
    });
  });

  describe("drain", () => {
    it("takes nothing more, and waits for what is in flight", async () => {
      const { sender, chain, clock } = start();
      const sent = await sender.send(job("a"), 100n);
      const draining = sender.drain(1_000);
      expect(await rejected(sender.send(job("b"), 100n))).to.be.instanceOf(BusyError);
      chain.mine();

      expect(await draining).to.equal(0);
      expect(await kindOf(sent)).to.equal("confirmed");
      expect(clock.now).to.equal(0);
    });

    it("ends in time, and says what it has left", async () => {
      const { sender } = start();
      const sent = await sender.send(job("a"), 100n);

      expect(await sender.drain(0)).to.equal(1);
      expect(await kindOf(sent)).to.equal("abandoned");
    });
  });
});
