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

  it("needs no webhook", () => {
    const { alerts } = setup({ post: undefined });
    alerts.update("no good cycle", true);
    alerts.update("no good cycle", false);
  });
});
