import { expect } from "chai";

import type { Batch, Job, Plan, Trial, Verdict } from "../../scripts/keeper/job.ts";
import {
  type Deeds,
  type Estimate,
  Performer,
  type PerformerOptions,
  type PerformOptions,
  type Prospect,
} from "../../scripts/keeper/Performer.ts";
import { TooDearError } from "../../scripts/keeper/send/fees.ts";
import { BusyError, type Outcome, RefusedError } from "../../scripts/keeper/send/Sender.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { valueOf } from "./metricValue.ts";
import { silent } from "./silent.ts";

const receipt = { hash: "0x01", block: 9, succeeded: true, gasUsed: 100n, cost: 10n ** 17n, logs: [] };
const confirmed: Outcome = { kind: "confirmed", receipt };

const quoted = { price: { baseFee: 90n, tip: 10n }, fees: { maxFeePerGas: 200n, maxPriorityFeePerGas: 10n } };

class Revert extends Error {}

function job(name: string, change: Partial<Job> = {}): Job {
  const call = { to: "0x", data: name };
  return { role: "orders", kind: "execute", name, subjects: [name], call, reward: 0n, details: {}, ...change };
}

/** More than what is estimated. */
const TRIAL_GAS = 3_000n;

function batch(...names: string[]): Batch {
  const items = names.map((name) => job(name));
  const join = (some: readonly Job[]): Job => {
    const all = some.map(({ name }) => name);
    const [first, ...others] = some;
    return first !== undefined && others.length === 0 ? first : job(`[${all.join(" ")}]`, { subjects: all });
  };
  const trial = (some: readonly Job[]): Trial => ({
    call: { to: "0x", data: some.map(({ name }) => name).join(" ") },
    gas: TRIAL_GAS,
    verdicts: (answer) => JSON.parse(answer) as Verdict[],
  });
  return { items, join, trial };
}

interface Setup {
  readonly refused?: Readonly<Record<string, string>>;
  readonly outcome?: (job: Job) => Promise<Outcome>;
  readonly busy?: readonly string[];
  readonly deeds?: Deeds;
  readonly options?: Partial<PerformerOptions>;
}

function setup({ refused = {}, outcome, busy = [], deeds, options = {} }: Setup = {}) {
  /** Alone, or as a batch that is estimated. */
  const simulated: string[] = [];
  /** Batches, by the names of their items. */
  const asked: string[] = [];
  const sent: string[] = [];
  const limits: bigint[] = [];
  const clock = { now: 0 };
  const metrics = new Metrics();
  const state = { refused };
  const errorOf = (reason: string): Error => (reason === "down" ? new Error("down") : new Revert(reason));
  const ask: PerformerOptions["ask"] = async ({ data }) => {
    asked.push(data);
    const reasons = data.split(" ").map((name) => state.refused[name]);
    const whole = state.refused[`[${data}]`] ?? reasons.find((reason) => reason === "down");
    if (whole !== undefined) throw errorOf(whole);
    const verdictOf = (reason: string | undefined): Verdict =>
      reason === undefined ? "done" : reason === "UnknownOrder" ? "gone" : "refused";
    return Promise.resolve(JSON.stringify(reasons.map(verdictOf)));
  };
  const performer = new Performer({
    sender: {
      canTake: ({ subjects }) => !subjects.some((subject) => busy.includes(subject)),
      quote: async () => Promise.resolve(quoted),
      send: async (one, gas) => {
        sent.push(one.name);
        limits.push(gas);
        return Promise.resolve({ hash: "0x01", nonce: 1, outcome: outcome?.(one) ?? Promise.resolve(confirmed) });
      },
    },
    simulate: async ({ name }): Promise<Estimate> => {
      simulated.push(name);
      const reason = state.refused[name];
      if (reason !== undefined) throw errorOf(reason);
      return Promise.resolve({ gas: 1_000n, l1Fee: 5n });
    },
    ask,
    dataFee: async () => Promise.resolve(7n),
    describe: (error) => {
      const text = error instanceof Error ? error.message : "";
      return { name: error instanceof Revert ? text : "", text, isRevert: error instanceof Revert };
    },
    deedsOf: (_, items) => deeds ?? { done: items, refused: [], reward: 2n * 10n ** 18n },
    metrics,
    log: silent,
    send: true,
    width: 4,
    pauseMs: 1_000,
    longestPauseMs: 60_000,
    sliceMs: 5_000,
    now: () => clock.now,
    ...options,
  });
  const perform = async (plan: Plan, isWorth: PerformOptions["isWorth"] = () => true, block = 8): Promise<void> => {
    await performer.perform({ plan, block, isWorth, signal: new AbortController().signal });
    await performer.settled();
  };
  return { performer, perform, simulated, asked, sent, limits, clock, metrics, state };
}

describe("Performer", () => {
  it("sends in the order of the plan, whatever order simulations end in", async () => {
    const { perform, sent } = setup({
      options: {
        simulate: async ({ name }) => {
          await new Promise((resolve) => setTimeout(resolve, name === "a" ? 10 : 0));
          return { gas: 1n, l1Fee: 0n };
        },
      },
    });
    await perform([job("a"), job("b"), job("c")]);

    expect(sent).to.deep.equal(["a", "b", "c"]);
  });

  it("leaves to the next plan what it has no time to begin, and sends what it has begun", async () => {
    const made = setup({
      options: {
        width: 1,
        // Of five seconds.
        simulate: async () => {
          made.clock.now += 3_000;
          return Promise.resolve({ gas: 1n, l1Fee: 0n });
        },
      },
    });
    await made.perform([job("a"), job("b"), job("c")]);

    expect(made.sent).to.deep.equal(["a", "b"]);
  });

  it("only says what it would send, in a dry run", async () => {
    const { perform, sent, performer } = setup({ options: { send: false } });
    await perform([job("a"), batch("b", "c")]);

    expect(sent).to.be.empty;
    expect(performer.counters.dry).to.equal(2);
  });

  describe("batches", () => {
    it("tries one in a single simulation, whose limit it is sent with", async () => {
      const { perform, simulated, asked, sent, limits } = setup();
      await perform([batch("a", "b", "c")]);

      expect([asked, simulated]).to.deep.equal([["a b c"], []]);
      expect(sent).to.deep.equal(["[a b c]"]);
      expect(limits).to.deep.equal([TRIAL_GAS]);
    });

    it("estimates what data costs where it costs gas", async () => {
      const { perform, simulated, limits } = setup({ options: { dataFee: undefined } });
      await perform([batch("a", "b", "c")]);

      expect(simulated).to.deep.equal(["[a b c]"]);
      expect(limits).to.deep.equal([1_000n]);
    });

    it("weighs what the data of all of it costs", async () => {
      const { perform, sent } = setup();
      await perform([batch("a", "b")], ({ l1Fee, gas }) => l1Fee !== 7n || gas !== 600_000n);
      expect(sent).to.deep.equal(["[a b]"]);
      await perform([batch("c", "d")], ({ l1Fee }) => l1Fee !== 7n);
      expect(sent).to.have.length(1);
    });

    it("leaves out what is refused, for a reason that it says alone, and sends the rest together", async () => {
      const { perform, simulated, sent, performer, metrics } = setup({ refused: { b: "StalePoolMark" } });
      await perform([batch("a", "b", "c")]);

      expect(simulated).to.deep.equal(["b"]);
      expect(sent).to.deep.equal(["[a c]"]);
      expect(performer.counters).to.deep.include({ sent: 1, executed: 2, refused: 1 });
      const labels = { kind: "execute", reason: "StalePoolMark" };
      expect(await valueOf(metrics, "plimsoll_keeper_failures_total", labels)).to.equal(1);
    });

    it("asks nothing more about what somebody else has ended", async () => {
      const { perform, simulated, asked, sent, performer } = setup({
        refused: { a: "UnknownOrder", b: "UnknownOrder", d: "UnknownOrder" },
      });
      await perform([batch("a", "b", "c"), batch("d", "b")]);

      expect(asked).to.deep.equal(["a b c", "d b"]);
      // What is left of the first.
      expect(simulated).to.deep.equal(["c"]);
      expect(sent).to.deep.equal(["c"]);
      expect(performer.counters).to.deep.include({ lost: 4, refused: 0, failed: 0 });
    });

    it("halves one that fails as a whole, down to single items", async () => {
      const { perform, asked, simulated, sent, performer } = setup({
        refused: { "[a b c d]": "InsufficientGas", "[a b]": "InsufficientGas" },
      });
      await perform([batch("a", "b", "c", "d")]);

      expect(asked).to.deep.equal(["a b c d", "a b", "c d"]);
      expect(simulated).to.deep.equal(["a", "b"]);
      expect(sent).to.deep.equal(["a", "b", "[c d]"]);
      expect(performer.counters).to.deep.include({ refused: 0, failed: 0 });
    });

    it("halves one that was reverted in a block, before it is tried together again", async () => {
      const { perform, sent } = setup({
        outcome: async ({ name }) =>
          Promise.resolve({ kind: name === "[a b c d]" ? "reverted" : "confirmed", receipt }),
      });
      await perform([batch("a", "b", "c", "d")]);
      await perform([batch("a", "b", "c", "d")]);

      expect(sent).to.deep.equal(["[a b c d]", "[a b]", "[c d]"]);
    });
  });

  it("leaves out accounts that are in flight, without calling it a failure", async () => {
    const { perform, sent, simulated, performer } = setup({ busy: ["b"] });
    await perform([job("b"), batch("a", "b")]);

    expect(sent).to.deep.equal(["a"]);
    expect(simulated).not.to.include("b");
    expect(performer.counters).to.deep.include({ failed: 0, refused: 0 });
  });

  it("sends only what is worth it at the gas, the data and the price of now", async () => {
    const { perform, sent, metrics } = setup();
    await perform([job("a", { reward: 100_004n }), job("b", { reward: 100_005n })], (prospect) => {
      const { job: one, gas, feePerGas, l1Fee } = prospect;
      return (one.reward ?? 0n) >= gas * feePerGas + l1Fee;
    });

    expect(sent).to.deep.equal(["b"]);
    expect(await valueOf(metrics, "plimsoll_keeper_skipped_total", { why: "unprofitable" })).to.equal(1);
  });

  it("tries nothing while gas is dearer than the cap", async () => {
    const made = setup();
    const dear = setup({
      options: {
        sender: {
          canTake: () => true,
          quote: async () => Promise.reject(new TooDearError("dear")),
          send: async () => Promise.reject(new BusyError("")),
        },
      },
    });
    await dear.perform([job("a")]);

    expect(dear.simulated).to.be.empty;
    expect(await valueOf(dear.metrics, "plimsoll_keeper_skipped_total", { why: "dear" })).to.equal(1);
    await made.perform([job("a")]);
    expect(made.sent).to.deep.equal(["a"]);
  });

  describe("pauses", () => {
    it("double with each failure of a name, stop others not at all, and end with a success", async () => {
      const { perform, simulated, clock, state } = setup({ refused: { a: "StalePoolMark" } });
      const tries = () => simulated.filter((name) => name === "a").length;
      await perform([job("a"), job("b")]);
      clock.now = 999;
      await perform([job("a"), job("b")], undefined, 9);
      expect([tries(), simulated.length]).to.deep.equal([1, 3]);

      clock.now = 1_000;
      await perform([job("a")]);
      clock.now = 2_999;
      await perform([job("a")]);
      expect(tries()).to.equal(2);

      state.refused = {};
      clock.now = 3_000;
      await perform([job("a")], undefined, 9);
      state.refused = { a: "StalePoolMark" };
      await perform([job("a")], undefined, 10);
      clock.now = 4_000;
      await perform([job("a")], undefined, 10);
      expect(tries()).to.equal(5);
    });

    it("are no longer than their limit", async () => {
      const { perform, simulated, clock } = setup({ refused: { a: "StalePoolMark" } });
      for (let failure = 0; failure < 20; ++failure) {
        await perform([job("a")]);
        clock.now += 60_000;
      }
      expect(simulated).to.have.length(20);
    });
  });

  describe("endpoints that do not answer", () => {
    it("pause no job: what they have cost is tried again at once, all of it", async () => {
      const { perform, sent, state, performer } = setup({ refused: { a: "down", c: "down", "[b c]": "down" } });
      await perform([job("a"), batch("b", "c")]);
      await perform([job("a"), batch("b", "c")], undefined, 9);
      expect(performer.counters.failed).to.equal(4);
      state.refused = {};
      await perform([job("a"), batch("b", "c")], undefined, 10);

      expect(sent).to.deep.equal(["b", "b", "a", "[b c]"]);
    });

    it("pause nothing that was refused when it was sent, either", async () => {
      let isDown = true;
      const sent: string[] = [];
      const send = async ({ name }: Job) => {
        if (isDown) throw new Error("down");
        sent.push(name);
        return Promise.resolve({ hash: "0x01", nonce: 1, outcome: Promise.resolve(confirmed) });
      };
      const sender = { canTake: () => true, quote: async () => Promise.resolve(quoted), send };
      const { perform } = setup({ options: { sender } });
      await perform([job("a")]);
      isDown = false;
      await perform([job("a")]);

      expect(sent).to.deep.equal(["a"]);
    });

    it("pause what the chain will never take", async () => {
      let tries = 0;
      const send = async () => {
        tries += 1;
        return Promise.reject(new RefusedError("intrinsic gas too low"));
      };
      const sender = { canTake: () => true, quote: async () => Promise.resolve(quoted), send };
      const { perform } = setup({ options: { sender } });
      await perform([job("a")]);
      await perform([job("a")]);

      expect(tries).to.equal(1);
    });

    it("pause what was reverted in its block, though nobody says why", async () => {
      const made = setup({
        outcome: async () => {
          made.state.refused = { a: "down" };
          return Promise.resolve({ kind: "reverted", receipt });
        },
      });
      await made.perform([job("a")]);
      made.state.refused = {};
      await made.perform([job("a")]);

      expect(made.sent).to.deep.equal(["a"]);
    });

    it("leave the rest of a plan to the next one, once as many in a row as are tried at once have failed", async () => {
      const names = Array.from({ length: 40 }, (_, place) => `n${place}`);
      const down = Object.fromEntries(names.map((name) => [name, "down"]));
      const { perform, simulated, state, sent } = setup({ refused: down });
      await perform(names.map((name) => job(name)));
      expect(simulated.length).to.be.within(4, 8);

      // One that answers is enough to go on.
      simulated.length = 0;
      state.refused = Object.fromEntries(names.filter((_, place) => place % 3 !== 0).map((name) => [name, "down"]));
      await perform(names.map((name) => job(name)));
      expect(simulated).to.have.length(40);
      expect(sent).to.have.length(14);
    });
  });

  describe("records", () => {
    it("what was executed, earned and paid", async () => {
      const { perform, metrics } = setup();
      await perform([batch("a", "b")]);

      expect(await valueOf(metrics, "plimsoll_keeper_executed_total", { kind: "execute" })).to.equal(2);
      expect(await valueOf(metrics, "plimsoll_keeper_reward_total")).to.equal(2);
      expect(await valueOf(metrics, "plimsoll_keeper_gas_spent_ether_total")).to.equal(0.1);
    });

    it("a race that was lost apart from a failure, before sending, in a batch, and in a block", async () => {
      const before = setup({ refused: { a: "UnknownOrder" } });
      await before.perform([job("a")]);
      expect(before.performer.counters).to.deep.include({ lost: 1, refused: 0, failed: 0 });
      expect(await valueOf(before.metrics, "plimsoll_keeper_lost_races_total", { kind: "execute" })).to.equal(1);

      const within = setup({ deeds: { done: 1, refused: ["UnknownOrder"], reward: 0n } });
      await within.perform([batch("a", "b")]);
      expect(within.performer.counters).to.deep.include({ executed: 1, lost: 1, refused: 0 });

      const after = setup({
        outcome: async () => {
          after.state.refused = { a: "Healthy" };
          return Promise.resolve({ kind: "reverted", receipt });
        },
      });
      await after.perform([job("a")]);
      expect(after.performer.counters).to.deep.include({ executed: 0, lost: 1, failed: 0 });
    });

    it("failures by their reason, an endpoint's apart from a refusal", async () => {
      const { perform, performer, metrics } = setup({ refused: { a: "StalePoolMark", b: "down" } });
      await perform([job("a"), job("b")]);

      expect(performer.counters).to.deep.include({ refused: 1, failed: 1 });
      const labels = { kind: "execute", reason: "StalePoolMark" };
      expect(await valueOf(metrics, "plimsoll_keeper_failures_total", labels)).to.equal(1);
    });

    it("no failure of what was displaced, which is decided anew", async () => {
      const { perform, sent } = setup({ outcome: async () => Promise.resolve({ kind: "displaced" }) });
      await perform([job("a")]);
      await perform([job("a")]);

      expect(sent).to.deep.equal(["a", "a"]);
    });
  });

  describe("weighs what is stuck", () => {
    /** What a plan has sent, as the sender knows it, and what it is weighed with. */
    const sentOf = async (entry: Job | Batch, change: Parameters<typeof setup>[0] = {}) => {
      const jobs: Job[] = [];
      const weighed: Prospect[] = [];
      const sender = {
        canTake: () => true,
        quote: async () => Promise.resolve(quoted),
        send: async (one: Job) => {
          jobs.push(one);
          return Promise.resolve({ hash: "0x01", nonce: 1, outcome: Promise.withResolvers<Outcome>().promise });
        },
      };
      const made = setup({ ...change, options: { sender, ...change.options } });
      const isWorth: PerformOptions["isWorth"] = (prospect) => {
        weighed.push(prospect);
        return (prospect.job.reward ?? 0n) >= prospect.gas * prospect.feePerGas + prospect.l1Fee;
      };
      await made.performer.perform({ plan: [entry], block: 8, isWorth, signal: new AbortController().signal });
      weighed.length = 0;
      return { ...made, weigh: async () => made.performer.weigh(jobs[0] ?? job("")), weighed };
    };
    const items = (...rewards: bigint[]): Batch => {
      const { join, trial } = batch();
      const jobs = rewards.map((reward, place) => job(`n${place}`, { reward }));
      const reward = rewards.reduce((sum, one) => sum + one, 0n);
      return { items: jobs, trial, join: (some) => ({ ...join(some), reward }) };
    };

    it("at any price that it is asked for, less what an empty transaction would cost", async () => {
      const { weigh } = await sentOf(job("a", { reward: 500_005n }));
      const now = await weigh();

      expect(now?.does).to.equal(true);
      expect([now?.isWorth(500n), now?.isWorth(501n)]).to.deep.equal([true, false]);
      expect([now?.isWorth(1_000n, 500n), now?.isWorth(1_001n, 500n)]).to.deep.equal([true, false]);
      expect(now?.isWorth(10n ** 9n, 2_000n)).to.equal(true);
    });

    it("as nothing when it would revert now, and not at all when nobody answers", async () => {
      const { weigh, state } = await sentOf(job("a", { reward: 500_005n }));
      state.refused = { a: "UnknownOrder" };
      expect(await weigh()).to.deep.include({ does: false });
      state.refused = { a: "down" };
      expect(await weigh()).to.equal(undefined);
    });

    it("by the items of a batch that would still be done, with the gas and the data of all", async () => {
      const reward = 10n ** 9n;
      const { weigh, weighed, state } = await sentOf(items(reward, reward, reward));
      state.refused = { n0: "UnknownOrder", n2: "Healthy" };
      const now = await weigh();

      expect(now?.does).to.equal(true);
      now?.isWorth(100n);
      expect(weighed).to.have.length(1);
      expect(weighed[0]).to.deep.include({ gas: TRIAL_GAS, l1Fee: 7n, feePerGas: 100n });
      expect(weighed[0]?.job.reward).to.equal(reward);
    });

    it("as nothing when others have emptied a batch, though it would not revert", async () => {
      const { weigh, state, simulated } = await sentOf(items(10n ** 9n, 10n ** 9n));
      state.refused = { n0: "UnknownOrder", n1: "UnknownOrder" };

      expect(await weigh()).to.deep.include({ does: false });
      expect(simulated).to.be.empty;
    });

    it("a duty at any price, as long as it does something", async () => {
      const { weigh, weighed } = await sentOf(job("a", { reward: undefined }), { options: { send: true } });
      (await weigh())?.isWorth(1n);

      expect(weighed[0]?.job.reward).to.equal(undefined);
    });

    it("of nobody else: what it has not sent it knows nothing of", async () => {
      const { performer } = await sentOf(job("a", { reward: 500_005n }));

      expect(await performer.weigh(job("a"))).to.equal(undefined);
    });
  });

  it("does not do again what is in a block that the plan has not seen", async () => {
    const { perform, sent } = setup();
    await perform([job("a")], undefined, 8);
    await perform([job("a")], undefined, 8);
    expect(sent).to.deep.equal(["a"]);
    await perform([job("a")], undefined, 9);
    expect(sent).to.deep.equal(["a", "a"]);
  });

  it("begins nothing after its signal", async () => {
    const { performer, simulated, sent } = setup();
    await performer.perform({ plan: [job("a")], block: 1, isWorth: () => true, signal: AbortSignal.abort() });

    expect([...simulated, ...sent]).to.be.empty;
  });
});
