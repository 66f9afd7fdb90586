/** An index that stays behind the head: its cycles are not good ones, and somebody hears of it. */
import { expect } from "chai";

import type { Contracts } from "../../scripts/keeper/contracts.ts";
import { DEFAULTS } from "../../scripts/keeper/decide/state.ts";
import type { Index } from "../../scripts/keeper/index/Index.ts";
import { Keeper } from "../../scripts/keeper/Keeper.ts";
import { MAX_INDEX_LAG, outlookOf, StaleIndexError } from "../../scripts/keeper/outlook.ts";
import { PLAN_DEFAULTS } from "../../scripts/keeper/plan.ts";
import type { Reader } from "../../scripts/keeper/reading/Reader.ts";
import { Health } from "../../scripts/keeper/watch/health.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { KEEPER, state } from "./decide/states.ts";
import { recordingLog, silent } from "./silent.ts";

const head = { number: 1_000, hash: "0x", parentHash: "0x", time: 1_000n };

/** Cycles with an index that has come to `block`. */
function setup(block: number) {
  const { log, lines } = recordingLog();
  const [metrics, health] = [new Metrics(), new Health({ limitMs: 60_000 })];
  const index = {
    accounts: new Map(),
    orders: new Map(),
    triggers: new Map(),
    counters: {},
    head: { number: block, hash: "0x" },
    sync: async () => Promise.resolve({ applied: 0, changed: new Set() }),
  } as unknown as Index;
  const nearness = { accounts: 0, unhealthy: 0, within5: 0, within10: 0, within20: 0 };
  const reading = { state: state(), nearness, liquidatable: [] };
  let performed = 0;
  const keeper = new Keeper({
    head: async () => Promise.resolve(head),
    outlook: outlookOf({
      index,
      reader: { read: async () => Promise.resolve(reading) } as unknown as Reader,
      contracts: {} as unknown as Contracts,
      roles: new Set(["monitor"]),
      settings: DEFAULTS,
      planSettings: { ...PLAN_DEFAULTS, account: KEEPER },
      margin: 0n,
      metrics,
      log: silent,
    }),
    performer: {
      perform: async () => {
        performed += 1;
        return Promise.resolve();
      },
    },
    inFlight: () => 0,
    describe: (error) => ({ text: error instanceof Error ? `${error.constructor.name}: ${error.message}` : "" }),
    metrics,
    health,
    log,
    intervalMs: 5,
    deadlineMs: 1_000,
  });
  return { keeper, health, lines, performed: () => performed };
}

describe("cycle on an index that is behind", () => {
  it("does what there is to do, but is not a good one", async () => {
    const { keeper, health, lines, performed } = setup(head.number - MAX_INDEX_LAG - 1);
    expect(await keeper.cycle()).to.equal(false);
    expect([performed(), health.hasBegun]).to.deep.equal([1, false]);
    expect(String(lines.at(-1)?.fields["reason"]))
      .to.include(StaleIndexError.name)
      .and.to.include("51 blocks");
  });

  it("is a good one within what is allowed to who follows", async () => {
    const { keeper, health } = setup(head.number - MAX_INDEX_LAG);
    expect(await keeper.cycle()).to.equal(true);
    expect(health.hasBegun).to.equal(true);
  });
});

describe("health of an index", () => {
  function healthAt() {
    const clock = { now: 0 };
    return { clock, health: new Health({ limitMs: 10_000, now: () => clock.now }) };
  }

  it("is good as long as the first index moves, and no longer", () => {
    const { clock, health } = healthAt();
    for (const block of [10, 20, 30]) {
      clock.now += 9_000;
      health.indexed({ block, head: 500 });
      expect(health.isHealthy).to.equal(true);
    }
    expect(health.report()).to.deep.equal({
      healthy: true,
      secondsSinceGoodCycle: 27,
      block: null,
      indexedBlock: 30,
      indexLagBlocks: 470,
    });
    clock.now += 9_000;
    health.indexed({ block: 30, head: 501 });
    clock.now += 1_001;
    expect(health.isHealthy).to.equal(false);
  });

  it("needs good cycles once there was one, whatever the index does", () => {
    const { clock, health } = healthAt();
    health.good(500);
    clock.now = 9_000;
    health.indexed({ block: 10, head: 500 });
    clock.now = 10_001;
    expect(health.isHealthy).to.equal(false);
  });
});
