import { expect } from "chai";

import { EXIT_CODES, exitCodeOf } from "../../scripts/keeper/exit.ts";
import { CycleError, Keeper, type KeeperOptions, type Outlook } from "../../scripts/keeper/Keeper.ts";
import { QuorumError } from "../../scripts/keeper/rpc/Endpoints.ts";
import { Health } from "../../scripts/keeper/watch/health.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { valueOf } from "./metricValue.ts";
import { rejected } from "./rejected.ts";
import { recordingLog } from "./silent.ts";

const head = { number: 9, hash: "0x", parentHash: "0x", time: 1_000n };
const nothing: Outlook = { plan: [], actions: [], isWorth: () => true, liquidatable: [], seen: {} };

function setup(change: Partial<KeeperOptions> = {}) {
  const { log, lines } = recordingLog();
  const metrics = new Metrics();
  const health = new Health({ limitMs: 60_000 });
  const keeper: Keeper = new Keeper({
    head: async () => Promise.resolve(head),
    outlook: async () => Promise.resolve(nothing),
    performer: { perform: async () => Promise.resolve() },
    inFlight: () => 0,
    describe: (error) => ({ text: error instanceof Error ? error.message : "" }),
    metrics,
    health,
    log,
    intervalMs: 5,
    deadlineMs: 1_000,
    ...change,
  });
  return { keeper, lines, metrics, health };
}

describe("Keeper", () => {
  it("outlives a cycle that fails, and counts it", async () => {
    let failing = true;
    const { keeper, metrics, health } = setup({
      head: async () => (failing ? Promise.reject(new Error("no head")) : Promise.resolve(head)),
    });

    expect(await keeper.cycle()).to.equal(false);
    expect(health.hasBegun).to.equal(false);
    failing = false;
    expect(await keeper.cycle()).to.equal(true);
    expect(health.hasBegun).to.equal(true);
    expect(keeper.counters).to.deep.equal({ cycles: 2, failedCycles: 1 });
    expect(await valueOf(metrics, "plimsoll_keeper_cycles_total", { result: "failed" })).to.equal(1);
  });

  it("fails a cycle that takes too long, and begins no other before it has ended", async () => {
    let release: () => void = () => undefined;
    let running = 0;
    let most = 0;
    let performed = 0;
    const { keeper, lines } = setup({
      deadlineMs: 10,
      outlook: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => (release = resolve));
        running -= 1;
        return nothing;
      },
      performer: {
        perform: async ({ signal }) => {
          if (!signal.aborted) performed += 1;
          return Promise.resolve();
        },
      },
    });

    expect(await keeper.cycle()).to.equal(false);
    expect(lines.at(-1)?.fields["reason"]).to.match(/longer than 10 ms/);
    const second = keeper.cycle();
    await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    expect(await second).to.equal(false);
    release();
    expect([most, performed]).to.deep.equal([1, 0]);
  });

  it("ends when it is stopped, in the middle of its pause", async () => {
    const { keeper } = setup({
      intervalMs: 600_000,
      onCycle: () => {
        setTimeout(() => {
          keeper.stop();
        }, 1);
      },
    });
    await keeper.run();

    expect(keeper.counters.cycles).to.equal(1);
  });

  it("tells the plan that it was stopped", async () => {
    let aborted: boolean | undefined;
    const { keeper } = setup({
      performer: {
        perform: async ({ signal }) => {
          keeper.stop();
          aborted = signal.aborted;
          return Promise.resolve();
        },
      },
    });
    await keeper.run();

    expect(aborted).to.equal(true);
  });

  it("says before each plan what it is, and what is in flight", async () => {
    const { keeper, lines } = setup({
      outlook: async () => Promise.resolve({ ...nothing, actions: ["execute"], seen: { accounts: 3 } }),
      inFlight: () => 2,
    });
    await keeper.run({ once: true });

    expect(lines.find(({ event }) => event === "cycle")?.fields).to.deep.equal({
      block: 9,
      accounts: 3,
      actions: ["execute"],
      inFlight: 2,
    });
  });

  it("keeps up after good cycles only, and outlives a failure there", async () => {
    let kept = 0;
    let failing = false;
    const { keeper, lines } = setup({
      upkeep: async () => {
        kept += 1;
        return Promise.reject(new Error("no balance"));
      },
      head: async () => (failing ? Promise.reject(new Error("no head")) : Promise.resolve(head)),
    });
    await keeper.run({ once: true });
    expect(kept).to.equal(1);
    expect(lines.at(-1)?.fields["reason"]).to.equal("no balance");

    failing = true;
    await rejected(keeper.run({ once: true }));
    expect(kept).to.equal(1);
  });

  it("throws what its only cycle has failed of, once that has ended", async () => {
    for (const [failure, code] of [
      [new QuorumError("no quorum"), EXIT_CODES.QuorumError],
      [new Error("anything"), EXIT_CODES.CycleError],
    ] as const) {
      const { keeper, health } = setup({ head: async () => Promise.reject(failure) });
      const error = await rejected(keeper.run({ once: true }));

      expect(error).to.be.instanceOf(CycleError).and.to.have.property("cause", failure);
      expect(exitCodeOf(error)).to.equal(code);
      expect(health.hasBegun).to.equal(false);
    }

    let ended = false;
    const { keeper } = setup({
      deadlineMs: 10,
      outlook: async () => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        ended = true;
        return nothing;
      },
    });
    expect(exitCodeOf(await rejected(keeper.run({ once: true })))).to.equal(EXIT_CODES.CycleError);
    expect(ended).to.equal(true);
  });

  it("does not call it a failure that its only cycle was stopped, nor one among many", async () => {
    const stopped = setup({
      outlook: async (_, signal) => {
        stopped.keeper.stop();
        signal.throwIfAborted();
        return Promise.resolve(nothing);
      },
    });
    await stopped.keeper.run({ once: true });
    expect(stopped.keeper.counters.failedCycles).to.equal(1);

    const many = setup({
      head: async () => {
        if (many.keeper.counters.cycles === 3) many.keeper.stop();
        return Promise.reject(new Error("no head"));
      },
    });
    await many.keeper.run();
    expect(many.keeper.counters).to.deep.equal({ cycles: 3, failedCycles: 3 });
  });
});
