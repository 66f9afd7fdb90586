import { expect } from "chai";

import type { Job } from "../../../scripts/keeper/job.ts";
import { EndpointsError } from "../../../scripts/keeper/rpc/Endpoints.ts";
import { TooDearError } from "../../../scripts/keeper/send/fees.ts";
import {
  BusyError,
  RefusedError,
  Sender,
  type SenderOptions,
  type Sent,
  type Weighed,
} from "../../../scripts/keeper/send/Sender.ts";
import { SentNonceError } from "../../../scripts/keeper/send/sentNonce.ts";
import { keySigner, type Signer, SignerError } from "../../../scripts/keeper/send/signer.ts";
import { rejected } from "../rejected.ts";
import { recordingLog, silent } from "../silent.ts";
import { FakeChain } from "./fakeChain.ts";

/** The first account of every local chain. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const TO = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

function job(name: string, subjects: readonly string[] = [name]): Job {
  const call = { to: TO, data: `0x${Buffer.from(name).toString("hex")}` };
  return { role: "orders", kind: "execute", name, subjects, call, reward: 0n, details: {} };
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

/** A job that somebody else has done. */
const NOTHING: Weighed = { does: false, isWorth: () => false };

/** Waits for a condition. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; ++turn) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("waited in vain");
}

/** Until a sender that has something in flight has looked at it once more, whole. */
async function look(chain: FakeChain): Promise<void> {
  const enough = chain.looks + 3;
  await until(() => chain.looks >= enough);
}

/** One timeout. */
async function turn({ chain, clock }: ReturnType<typeof setup>): Promise<void> {
  chain.pass();
  clock.now += 1_000;
  await look(chain);
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
      const { sender, chain, clock } = start({ weigh: async () => Promise.resolve(NOTHING) });
      const sent = await sender.send(job("a"), 100n);
      chain.baseFee = 2_100n;
      clock.now += 1_000;
      await until(() => chain.broadcasts.length === 2);
      chain.mine();

      expect(chain.broadcasts[1]).to.deep.include({ nonce: 7, data: "0x", to: sender.address });
      expect(await kindOf(sent)).to.equal("withdrawn");
    });
  });

  describe("what a replacement is worth", () => {
    /** Worth it up to so many wei for so much gas. */
    const earning = (reward: bigint, gas: bigint): NonNullable<SenderOptions["weigh"]> => {
      const isWorth: Weighed["isWorth"] = (feePerGas, spared = 0n) => feePerGas * (gas - spared) <= reward;
      return async () => Promise.resolve({ does: true, isWorth });
    };

    it("raises nothing while the chain stands still", async () => {
      const { sender, chain, clock } = start();
      const sent = await sender.send(job("a"), 100n);
      for (let timeout = 0; timeout < 50; ++timeout) {
        clock.now += 1_000;
        await look(chain);
      }
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(chain.broadcasts).to.have.length(1);
    });

    it("offers no more of a tip than it may, in any replacement, and begins with less", async () => {
      const made = start({ maxTip: 1_000n });
      made.chain.tip = 5_000n;
      await made.sender.send(job("a"), 100n);
      for (let timeout = 0; timeout < 6; ++timeout) await turn(made);

      const tips = made.chain.broadcasts.map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas);
      expect(tips).to.deep.equal([750n, 844n, 950n]);
    });

    it("leaves what is not worth it at the higher fee as it is, until gas is cheaper", async () => {
      const made = start({ maxFee: 1_000_000n, weigh: earning(1_500n, 1n) });
      const { sender, chain } = made;
      const sent = await sender.send(job("a"), 100n);
      chain.baseFee = 50_000n;
      for (let timeout = 0; timeout < 6; ++timeout) await turn(made);
      expect(chain.broadcasts).to.have.length(1);
      chain.baseFee = 1_000n;
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
    });

    it("raises it while it is", async () => {
      const made = start({ maxFee: 1_000_000n, weigh: earning(60_000n, 1n) });
      await made.sender.send(job("a"), 100n);
      made.chain.baseFee = 50_000n;
      await turn(made);

      expect(made.chain.broadcasts[1]).to.deep.include({ nonce: 7, maxFeePerGas: 100_010n, data: job("a").call.data });
    });

    it("weighs what a raise may come to, when the base fee does not ask for it", async () => {
      // What costs 1,010 is worth it, what may come to 1,150 is not.
      const made = start({ weigh: earning(1_150n, 1n) });
      await made.sender.send(job("a"), 100n);
      await turn(made);

      expect(made.chain.broadcasts).to.have.length(1);
    });

    it("withdraws what is left so after a while, for what waits behind it", async () => {
      const made = start({ maxFee: 1_000_000n, weigh: earning(1_500n, 1n) });
      await made.sender.send(job("a"), 100n);
      await made.sender.send(job("b"), 100n);
      made.chain.baseFee = 50_000n;
      for (let timeout = 0; timeout < 4; ++timeout) await turn(made);
      expect(made.chain.broadcasts).to.have.length(2);
      await turn(made);

      expect(made.chain.broadcasts[2]).to.deep.include({ nonce: 7, data: "0x", to: made.sender.address });
    });

    it("withdraws at once what would be mined at a greater loss than an empty transaction", async () => {
      for (const [reward, withdrawn] of [
        [1_910n * 29_000n, false],
        [1_910n * 29_000n - 1n, true],
      ] as const) {
        const made = start({ weigh: earning(reward, 50_000n) });
        await made.sender.send(job("a"), 100n);
        made.chain.baseFee = 1_900n;
        await turn(made);

        expect(made.chain.broadcasts.some(({ data }) => data === "0x")).to.equal(withdrawn);
      }
    });

    it("raises nothing of what nobody can say anything of", async () => {
      const made = start({ weigh: async () => Promise.resolve(undefined) });
      await made.sender.send(job("a"), 100n);
      made.chain.baseFee = 3_000n;
      await turn(made);

      expect(made.chain.broadcasts).to.have.length(1);
    });

    it("outbids what waits at its nonce no further than that", async () => {
      const { sender, chain } = start({ weigh: earning(1_500n, 1n) });
      const stranger = setup({}, chain);
      chain.tip = 2_000n;
      await stranger.sender.send(job("stranger"), 100n);
      chain.tip = 10n;
      chain.nonceOf = async () => Promise.resolve(chain.used);
      await sender.send(job("a"), 100n);

      expect(chain.broadcasts.map(({ maxFeePerGas }) => maxFeePerGas)).to.deep.equal([4_000n, 2_010n, 2_262n]);
      await stranger.sender.drain(0);
    });

    it("replaces at once what a pool has dropped and does not take as it is", async () => {
      const made = start();
      const { sender, chain } = made;
      await sender.send(job("a"), 100n);
      chain.pool.clear();
      chain.refuse = ({ maxFeePerGas }) => (maxFeePerGas === 2_010n ? new Error("transaction underpriced") : undefined);
      await turn(made);

      expect(chain.pool.get(7)?.transaction.maxFeePerGas).to.equal(2_262n);
    });
  });

  describe("a private relay", () => {
    const relayed = () => {
      const chain = new FakeChain();
      chain.hasRelay = true;
      return chain;
    };
    const keeping = (last: number | undefined) => {
      const kept: number[] = [];
      return { kept, sentNonce: { last, keep: (nonce: number) => void kept.push(nonce) } };
    };

    it("is asked again, offered more, and then passed by, in so many steps", async () => {
      const made = start({}, relayed());
      const { sender, chain } = made;
      const sent = await sender.send(job("a"), 100n);
      for (let timeout = 0; timeout < 9; ++timeout) await turn(made);

      // As it is, twice, and then for more; an empty one goes to everybody.
      const fees = chain.relayed.map(({ maxFeePerGas }) => maxFeePerGas);
      expect(fees).to.deep.equal([2_010n, 2_010n, 2_010n, 2_262n, 2_262n, 2_262n, 2_545n, 2_545n, 2_545n]);
      expect(chain.broadcasts.map(({ nonce, data }) => [nonce, data])).to.deep.equal([[7, "0x"]]);
      expect(sender.waitsMs).to.equal(9_000);
      chain.mine();
      expect(await kindOf(sent)).to.equal("withdrawn");
      expect(sender.waitsMs).to.equal(0);
      expect(sender.canTake(job("b"))).to.equal(true);
    });

    it("is passed by at once for what would do nothing any more: it leaves out what reverts", async () => {
      const made = start({ weigh: async () => Promise.resolve(NOTHING) }, relayed());
      const sent = await made.sender.send(job("a"), 100n);
      await turn(made);
      made.chain.mine();

      expect(await kindOf(sent)).to.equal("withdrawn");
      expect(made.chain.relayed).to.have.length(1);
    });

    it("may have what an earlier process has sent: all of it is filled, at once, before anything new is sent", async () => {
      for (const [last, next] of [
        [9, 10],
        // Not known: as many as may be in flight.
        [undefined, 11],
        [6, 7],
      ] as const) {
        const { kept, sentNonce } = keeping(last);
        const made = start({ sentNonce }, relayed());
        const { sender, chain } = made;
        await sender.start();
        expect(sender.canTake(job("a"))).to.equal(next === 7);
        if (next > 7) await turn(made);
        expect(chain.broadcasts.map(({ nonce }) => nonce)).to.deep.equal([7, 8, 9, 10].filter((nonce) => nonce < next));
        chain.mine();
        await until(() => sender.canTake(job("a")));

        expect((await sender.send(job("a"), 100n)).nonce).to.equal(next);
        expect(kept).to.deep.equal([next]);
      }
    });

    it("is asked for nothing whose nonce could not be kept", async () => {
      const chain = relayed();
      const keep = (): never => {
        throw new SentNonceError("the disk is full");
      };
      const { sender } = start({ sentNonce: { last: 6, keep } }, chain);

      expect(await rejected(sender.send(job("a"), 100n))).to.be.instanceOf(SentNonceError);
      expect(chain.relayed).to.be.empty;
      expect(sender.canTake(job("a"))).to.equal(true);
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

    /** One that is confirmed, and out of its block again; `behind` it another is in flight. */
    const forked = async ({ keep, behind }: { keep: boolean; behind: boolean }) => {
      const made = start();
      const first = await made.sender.send(job("a", ["x"]), 100n);
      made.chain.mine();
      await first.outcome;
      const second = behind ? await made.sender.send(job("b"), 100n) : undefined;
      made.chain.revert({ keep });
      return { ...made, second };
    };

    it("sends nothing for an account whose transaction a fork has taken out of its block", async () => {
      for (const behind of [true, false]) {
        const { sender, chain, second } = await forked({ keep: true, behind });
        expect(await rejected(sender.send(job("again", ["x"]), 100n))).to.be.instanceOf(BusyError);
        expect(sender.canTake(job("again", ["x"]))).to.equal(false);
        const other = await sender.send(job("other"), 100n);
        chain.mine();

        if (second !== undefined) expect(await kindOf(second)).to.equal("confirmed");
        expect(await kindOf(other)).to.equal("confirmed");
        expect(namesOf(chain)).to.deep.equal(behind ? ["a", "b", "other"] : ["a", "other"]);
        await until(() => sender.canTake(job("again", ["x"])));
        await sender.send(job("again", ["x"]), 100n);
      }
    });

    it("believes the nonce of the chain before a receipt that some node still has", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a", ["x"]), 100n);
      chain.mine();
      await first.outcome;
      await sender.send(job("b"), 100n);
      const receipt = chain.receipts.get(first.hash);
      chain.revert({ keep: true });
      if (receipt !== undefined) chain.receipts.set(first.hash, receipt);

      expect(await rejected(sender.send(job("again", ["x"]), 100n))).to.be.instanceOf(BusyError);
      expect(namesOf(chain)).to.deep.equal(["a", "b"]);
    });

    it("takes the account of such a transaction at its next look", async () => {
      const { sender } = await forked({ keep: true, behind: true });
      await until(() => !sender.canTake(job("again", ["x"])));
      expect(sender.canTake(job("other"))).to.equal(true);
    });

    it("sends nothing for an account whose block is no longer the chain's, whatever a node says of the nonce", async () => {
      const { sender, chain } = start();
      const first = await sender.send(job("a", ["x"]), 100n);
      chain.mine();
      await first.outcome;
      const receipt = chain.receipts.get(first.hash);
      chain.receipts.delete(first.hash);
      expect(await rejected(sender.send(job("again", ["x"]), 100n))).to.be.instanceOf(BusyError);
      await sender.send(job("other"), 100n);
      if (receipt !== undefined) chain.receipts.set(first.hash, receipt);
      await until(() => sender.canTake(job("again", ["x"])));

      expect((await sender.send(job("again", ["x"]), 100n)).nonce).to.equal(9);
    });

    it("brings back several such transactions, and gives the nonce of none away", async () => {
      const { sender, chain } = start();
      for (const name of ["a", "b"]) {
        const sent = await sender.send(job(name), 100n);
        chain.mine();
        await sent.outcome;
      }
      for (let block = 0; block < 2; ++block) chain.revert({ keep: false });
      expect(await rejected(sender.send(job("again", ["b"]), 100n))).to.be.instanceOf(BusyError);
      expect((await sender.send(job("other"), 100n)).nonce).to.equal(9);
      await until(() => chain.pool.size === 3);
      chain.mine();
      await until(() => sender.inFlight === 0);

      expect(namesOf(chain).sort()).to.deep.equal(["a", "a", "b", "b", "other"]);
    });

    it("lets what gets the nonce of such a transaction hold its account: one of the two gets into a block", async () => {
      const { sender, chain } = await forked({ keep: false, behind: false });
      const sent = await sender.send(job("b"), 100n);
      expect(sent.nonce).to.equal(7);
      expect(sender.canTake(job("again", ["x"]))).to.equal(false);
      chain.mine();

      expect(await kindOf(sent)).to.equal("confirmed");
      expect(sender.canTake(job("again", ["x"]))).to.equal(true);
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
