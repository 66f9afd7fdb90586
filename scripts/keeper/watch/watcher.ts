/** Looks at a keeper from outside of its cycles: what it measures, and what a person has to know of. */
import { MAX_INDEX_LAG } from "../outlook.ts";
import type { Endpoints } from "../rpc/Endpoints.ts";
import type { Sender } from "../send/Sender.ts";
import type { Alerts } from "./Alerts.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import type { Overdue } from "./Overdue.ts";

export interface WatcherOptions {
  readonly provider: Pick<Endpoints, "standing" | "failures">;
  readonly sender: Pick<Sender, "inFlight" | "counters" | "waitsMs">;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly alerts: Pick<Alerts, "update">;
  readonly overdue: Overdue;
  /** Age from which an account that can be liquidated is a concern. */
  readonly overdueAfterMs: number;
  /** For how long the next nonce in line may wait for its block. */
  readonly stuckAfterMs: number;
}

/** @returns What is called after good cycles, and by the clock: a cycle that hangs must be noticed too. */
export function watcherOf(options: WatcherOptions): () => void {
  const { provider, sender, metrics, health, alerts, overdue, overdueAfterMs, stuckAfterMs } = options;
  return () => {
    const { standing } = provider;
    const { oldest, count } = overdue;
    const ageMs = oldest?.ageMs ?? 0;
    metrics.endpoints(standing, provider.failures);
    metrics.sender(sender.inFlight, sender.counters);
    metrics.nonceWaits(sender.waitsMs / 1_000);
    metrics.unhealthy(count, ageMs / 1_000);
    alerts.update("no good cycle", !health.isHealthy, { seconds: secondsOf(health.ageMs) });
    const behind = health.indexLag ?? 0;
    alerts.update("index behind", !health.isHealthy && behind > MAX_INDEX_LAG, { blocks: behind });
    alerts.update("endpoint quorum lost", standing.configured > 1 && health.hasBegun && !standing.quorum, {
      agreeing: standing.agreeing,
      configured: standing.configured,
      lagging: standing.lagging,
      disagreeing: standing.disagreeing,
    });
    alerts.update("account not liquidated", ageMs > overdueAfterMs, {
      account: oldest?.account,
      seconds: secondsOf(ageMs),
      accounts: count,
    });
    alerts.update("nonce does not move", sender.waitsMs > stuckAfterMs, {
      seconds: secondsOf(sender.waitsMs),
      inFlight: sender.inFlight,
    });
  };
}

function secondsOf(ms: number): number {
  return Math.round(ms / 1_000);
}
