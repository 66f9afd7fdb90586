import { expect } from "chai";

import type { Batch, Job, Plan } from "../../scripts/keeper/job.ts";
import {
  type Deeds,
  type Estimate,
  Performer,
  type PerformerOptions,
  type PerformOptions,
} from "../../scripts/keeper/Performer.ts";
import { TooDearError } from "../../scripts/keeper/send/fees.ts";
import { BusyError, type Outcome } from "../../scripts/keeper/send/Sender.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { valueOf } from "./metricValue.ts";
import { silent } from "./silent.ts";

const receipt = { hash: "0x01", block: 9, succeeded: true, gasUsed: 100n, cost: 10n ** 17n, logs: [] };
const confirmed: Outcome = { kind: "confirmed", receipt };

class Revert extends Error {}

function job(name: string, change: Partial<Job> = {}): Job {
  const call = { to: "0x", data: name };
  return { role: "orders", kind: "execute", name, accounts: [name], call, reward: 0n, details: {}, ...change };
}

function batch(...names: string[]): Batch {
  const items = names.map((name) => job(name));
  const join = (some: readonly Job[]): Job => {
    const all = some.map(({ name }) => name);
    return job(`[${all.join(" ")}]`, { accounts: all });
  };
  return { items, join };
}

interface Setup {
  readonly refused?: Readonly<Record<string, string>>;
  readonly outcome?: (job: Job) => Promise<Outcome>;
  readonly busy?: readonly string[];
  readonly deeds?: Deeds;
  readonly options?: Partial<PerformerOptions>;
}

function setup({ refused = {}, outcome, busy = [], deeds, options = {} }: Setup = {}) {
  /** Checked or estimated. */
  const simulated: string[] = [];
  const estimated: string[] = [];
  const sent: string[] = [];
  const clock = { now: 0 };
  const metrics = new Metrics();
  const state = { refused };
  const check = async ({ name }: Job): Promise<void> => {
    simulated.push(name);
    const reason = state.refused[name];
    if (reason !== undefined) throw reason === "down" ? new Error("down") : new Revert(reason);
    return Promise.resolve();
  };
  const performer = new Performer({
    sender: {
      canTake: ({ accounts }) => !accounts.some((account) => busy.includes(account)),
      quote: async () =>
        Promise.resolve({
          price: { baseFee: 90n, tip: 10n },
          fees: { maxFeePerGas: 200n, maxPriorityFeePerGas: 10n },
        }),
      send: async (one) => {
        sent.push(one.name);
        return Promise.resolve({ hash: "0x01", nonce: 1, outcome: outcome?.(one) ?? Promise.resolve(confirmed) });
      },
    },
    simulate: async (one): Promise<Estimate> => {
      estimated.push(one.name);
      await check(one);
      return { gas: 1_000n, l1Fee: 5n };
    },
    check,
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
  return { performer, perform, simulated, estimated, sent, clock, metrics, state };
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

  it("leaves out of a batch what is refused, and sends the rest together", async () => {
    const { perform, sent, performer } = setup({ refused: { b: "StalePoolMark" } });
    await perform([batch("a", "b", "c")]);

    expect(sent).to.deep.equal(["[a c]"]);
    expect(performer.counters).to.deep.include({ sent: 1, executed: 2, refused: 1 });
  });

  it("estimates gas for a batch, and only checks what goes into it", async () => {
    const { perform, simulated, estimated } = setup();
    await perform([batch("a", "b", "c")]);

    expect(simulated).to.include.members(["a", "b", "c"]);
    expect(estimated).to.deep.equal(["[a b c]"]);
  });

  it("sends the items of a batch one by one where together they fail", async () => {
    const { perform, sent } = setup({ refused: { "[a b]": "InsufficientGas" } });
    await perform([batch("a", "b")]);

    expect(sent).to.deep.equal(["[a]", "[b]"]);
  });

  it("leaves out accounts that are in flight, without calling it a failure", async () => {
    const { perform, sent, simulated, performer } = setup({ busy: ["b"] });
    await perform([job("b"), batch("a", "b")]);

    expect(sent).to.deep.equal(["[a]"]);
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
