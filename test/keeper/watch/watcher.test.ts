import { expect } from "chai";

import { Health } from "../../../scripts/keeper/watch/health.ts";
import { Metrics } from "../../../scripts/keeper/watch/metrics.ts";
import { Overdue } from "../../../scripts/keeper/watch/Overdue.ts";
import { watcherOf } from "../../../scripts/keeper/watch/watcher.ts";
import { valueOf } from "../metricValue.ts";

function setup({ agreeing = 2, waitsMs = 0 } = {}) {
  const clock = { now: 0 };
  const now = () => clock.now;
  const [metrics, health, overdue] = [new Metrics(), new Health({ limitMs: 1_000_000, now }), new Overdue(now)];
  const concerns = new Map<string, Readonly<Record<string, unknown>> | undefined>();
  const quorum = agreeing * 2 > 2;
  const watch = watcherOf({
    provider: {
      standing: { configured: 2, reachable: 2, agreeing, lagging: ["late"], disagreeing: ["forked"], quorum },
      failures: new Map(),
    },
    sender: { inFlight: 3, waitsMs, counters: { broadcast: 0, replaced: 0, displaced: 0, filled: 0 } },
    metrics,
    health,
    alerts: { update: (concern, isActive, details) => void concerns.set(concern, isActive ? details : undefined) },
    overdue,
    overdueAfterMs: 300_000,
    stuckAfterMs: 180_000,
  });
  return { clock, metrics, health, overdue, concerns, watch };
}

describe("watcherOf", () => {
  it("names the account that waits longest, and how long it has", async () => {
    const { clock, metrics, overdue, concerns, watch } = setup();
    overdue.update(["0xa1"]);
    clock.now = 300_000;
    overdue.update(["0xb2", "0xa1"]);
    watch();
    expect(concerns.get("account not liquidated")).to.equal(undefined);
    expect(await valueOf(metrics, "plimsoll_keeper_oldest_unhealthy_seconds")).to.equal(300);

    clock.now = 301_000;
    watch();
    expect(concerns.get("account not liquidated")).to.deep.equal({ account: "0xa1", seconds: 301, accounts: 2 });
    expect(await valueOf(metrics, "plimsoll_keeper_unhealthy_accounts")).to.equal(2);
  });

  it("says that a nonce does not move, and since when", async () => {
    for (const waitsMs of [180_000, 181_000]) {
      const { metrics, concerns, watch } = setup({ waitsMs });
      watch();
      const details = waitsMs > 180_000 ? { seconds: 181, inFlight: 3 } : undefined;
      expect(concerns.get("nonce does not move")).to.deep.equal(details);
      expect(await valueOf(metrics, "plimsoll_keeper_nonce_waits_seconds")).to.equal(waitsMs / 1_000);
    }
  });

  it("wants more than half of the endpoints, and names the others", () => {
    for (const agreeing of [1, 2]) {
      const { health, concerns, watch } = setup({ agreeing });
      health.good(1);
      watch();
      const others = { lagging: ["late"], disagreeing: ["forked"] };
      const details = agreeing === 1 ? { agreeing, configured: 2, ...others } : undefined;
      expect(concerns.get("endpoint quorum lost")).to.deep.equal(details);
    }
  });
});
