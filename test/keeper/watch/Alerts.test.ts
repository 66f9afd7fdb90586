import { expect } from "chai";

import { Alerts, type AlertsOptions } from "../../../scripts/keeper/watch/Alerts.ts";
import { silent } from "../silent.ts";

function setup(change: Partial<AlertsOptions> = {}) {
  const bodies: Record<string, unknown>[] = [];
  const results: string[] = [];
  const clock = { now: 0 };
  const alerts = new Alerts({
    post: async (body) => {
      bodies.push(JSON.parse(body) as Record<string, unknown>);
      return Promise.resolve();
    },
    from: { chainId: 1n },
    log: silent,
    redact: (text) => text.replaceAll("hunter22", "…"),
    record: (result) => results.push(result),
    repeatMs: 1_000,
    maxPerHour: 5,
    now: () => clock.now,
    ...change,
  });
  return { alerts, bodies, results, clock };
}

describe("Alerts", () => {
  it("says what begins once, again after a while, and when it is over", () => {
    const { alerts, bodies, clock } = setup();
    for (clock.now = 0; clock.now < 1_500; clock.now += 100) alerts.update("balance low", true, { balance: 5n });
    alerts.update("balance low", false);
    alerts.update("balance low", false);

    expect(bodies.map(({ state }) => state)).to.deep.equal(["active", "active", "over"]);
    expect(bodies[0]).to.deep.include({ concern: "balance low", chainId: "1", details: { balance: "5" } });
  });

  it("says nothing of what has never begun", () => {
    const { alerts, bodies } = setup();
    alerts.update("index wrong", false);

    expect(bodies).to.be.empty;
  });

  it("says each concern for itself", () => {
    const { alerts, bodies } = setup();
    alerts.update("balance low", true);
    alerts.update("no good cycle", true);

    expect(bodies).to.have.length(2);
  });

  it("says no more in an hour than it may, and the rest when it may", () => {
    const { alerts, bodies, results, clock } = setup({ maxPerHour: 2 });
    for (let turn = 0; turn < 4; ++turn) {
      alerts.update("balance low", true);
      alerts.update("balance low", false);
    }
    expect(bodies).to.have.length(2);
    expect(results).to.include("held");

    alerts.update("no good cycle", true);
    expect(bodies).to.have.length(2);
    clock.now = 3_600_000;
    alerts.update("no good cycle", true);
    expect(bodies).to.have.length(3);
  });

  it("shows no secret", () => {
    const { alerts, bodies } = setup();
    alerts.update("no good cycle", true, { reason: "hunter22 is wrong" });

    expect(JSON.stringify(bodies)).not.to.include("hunter22");
  });

  it("is not in the way: a webhook that hangs or fails costs nothing but its alert", async () => {
    const hanging = setup({ post: async () => new Promise(() => undefined) });
    hanging.alerts.update("no good cycle", true);

    const failing = setup({ post: async () => Promise.reject(new Error("hunter22")) });
    failing.alerts.update("no good cycle", true);
    await failing.alerts.settled();
    expect(failing.results).to.deep.equal(["failed"]);
  });

  it("tries again what was not taken, each time later, until it is, and then not before it is due", async () => {
    let failing = true;
    const tried: number[] = [];
    const { alerts, clock, results } = setup({
      post: async () => {
        tried.push(clock.now);
        return failing ? Promise.reject(new Error("status 500")) : Promise.resolve();
      },
      repeatMs: 3_600_000,
    });
    const watch = async (untilMs: number, isActive: boolean) => {
      for (; clock.now < untilMs; clock.now += 1_000) {
        alerts.update("index wrong", isActive);
        await alerts.settled();
      }
    };
    await watch(60_000, true);
    expect(tried).to.deep.equal([0, 5_000, 15_000, 35_000]);

    failing = false;
    await watch(3_600_000, true);
    expect(tried.slice(4)).to.deep.equal([75_000]);
    await watch(3_700_000, true);
    expect(tried.slice(5)).to.deep.equal([3_675_000]);

    // Its end is not forgotten either. What fails does not use up what may be said in an hour.
    failing = true;
    await watch(3_711_000, false);
    failing = false;
    await watch(3_800_000, false);
    expect(tried.slice(6)).to.deep.equal([3_700_000, 3_705_000, 3_715_000]);
    expect(results).not.to.include("held");
  });

  it("tries again with the next word of any concern, and not what has passed meanwhile", async () => {
    let failing = true;
    const { alerts, bodies, clock } = setup({
      post: async (body) => {
        if (failing) return Promise.reject(new Error("status 500"));
        bodies.push(JSON.parse(body) as Record<string, unknown>);
        return Promise.resolve();
      },
    });
    alerts.update("index wrong", true, { wrong: 3 });
    alerts.update("balance low", true);
    await alerts.settled();
    alerts.update("balance low", false);
    failing = false;
    clock.now = 5_000;
    alerts.update("no good cycle", false);

    expect(bodies.map(({ concern, details }) => [concern, details])).to.deep.equal([["index wrong", { wrong: 3 }]]);
  });

  it("needs no webhook", () => {
    const { alerts } = setup({ post: undefined });
    alerts.update("no good cycle", true);
    alerts.update("no good cycle", false);
  });
});
