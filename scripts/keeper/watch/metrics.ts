/** What Prometheus reads of a keeper. The names are a contract with dashboards: `docs/keeper/dashboard.json`. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Reasons beyond so many are counted as `other`: each is a series that is kept. */
const MAX_REASONS = 50;
const ETHER = 1e18;

export class Metrics {
  readonly registry = new Registry();
  readonly #reasons = new Set<string>();
  readonly #started = Date.now();

  readonly #uptime = this.#gauge("plimsoll_keeper_uptime_seconds", "Since the process has begun to keep");
  readonly #head = this.#gauge("plimsoll_keeper_head_block", "Number of the block of the last cycle");
  readonly #lag = this.#gauge("plimsoll_keeper_block_lag_seconds", "Age of that block when it was read");
  readonly #lastGood = this.#gauge(
    "plimsoll_keeper_last_good_cycle_timestamp_seconds",
    "When a cycle last ended without failing",
  );
  readonly #cycles = this.#counter("plimsoll_keeper_cycles_total", "Cycles by their result: ok, failed", ["result"]);
  readonly #duration = new Histogram({
    name: "plimsoll_keeper_cycle_duration_seconds",
    help: "From the question for the head to the last broadcast",
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120],
    registers: [this.registry],
  });
  readonly #executed = this.#counter(
    "plimsoll_keeper_executed_total",
    "Orders, liquidations and duties that were carried out",
    ["kind"],
  );
  readonly #lostRaces = this.#counter("plimsoll_keeper_lost_races_total", "Jobs that somebody else has done first", [
    "kind",
  ]);
  readonly #failures = this.#counter("plimsoll_keeper_failures_total", "Jobs that failed, by kind and reason", [
    "kind",
    "reason",
  ]);
  readonly #skipped = this.#counter(
    "plimsoll_keeper_skipped_total",
    "Jobs left out: unprofitable, dear, busy, paused",
    ["why"],
  );
  readonly #gas = this.#counter("plimsoll_keeper_gas_spent_ether_total", "Native coin paid for gas and data");
  readonly #reward = this.#counter("plimsoll_keeper_reward_total", "Settlement token that was earned");
  readonly #balance = this.#gauge("plimsoll_keeper_signer_balance_ether", "Native coin of the signer");
  readonly #accounts = this.#gauge("plimsoll_keeper_accounts", "Accounts in the index");
  readonly #orders = this.#gauge("plimsoll_keeper_pending_orders", "Pending orders in the index");
  readonly #triggers = this.#gauge("plimsoll_keeper_resting_triggers", "Resting triggers in the index");
  readonly #near = this.#gauge(
    "plimsoll_keeper_accounts_near_liquidation",
    "Accounts whose equity is above maintenance by less than a share of it",
    ["within"],
  );
  readonly #unhealthy = this.#gauge(
    "plimsoll_keeper_unhealthy_accounts",
    "Accounts of its shard that can be liquidated now",
  );
  readonly #oldest = this.#gauge("plimsoll_keeper_oldest_unhealthy_seconds", "Since when the first of them waits");
  readonly #indexed = this.#gauge("plimsoll_keeper_index_block", "Number of the last block in the index");
  readonly #indexLag = this.#gauge("plimsoll_keeper_index_lag_blocks", "Blocks from there to the head");
  readonly #checked = this.#gauge("plimsoll_keeper_index_checked_accounts", "Accounts in the last check of the index");
  readonly #compared = this.#gauge("plimsoll_keeper_model_compared_accounts", "Accounts compared with Lens last time");
  readonly #differing = this.#counter("plimsoll_keeper_model_wrong_total", "Accounts whose health is another in Lens");
  readonly #wrong = this.#counter("plimsoll_keeper_index_wrong_total", "Accounts that the index had wrong");
  readonly #repaired = this.#counter("plimsoll_keeper_index_repaired_total", "Of these, put right from the chain");
  readonly #index = this.#counter(
    "plimsoll_keeper_index_total",
    "What befell the index: events, rewinds, rebuilds, corruptions, missed and others",
    ["what"],
  );
  readonly #configured = this.#gauge("plimsoll_keeper_endpoints_configured", "Endpoints");
  readonly #up = this.#gauge("plimsoll_keeper_endpoints_up", "Endpoints that have answered with the agreed block");
  readonly #quorum = this.#gauge("plimsoll_keeper_endpoints_quorum", "1 while more than half of all agree");
  readonly #endpointFailures = this.#counter("plimsoll_keeper_endpoint_failures_total", "Failures of endpoints", [
    "endpoint",
  ]);
  readonly #inFlight = this.#gauge("plimsoll_keeper_in_flight", "Transactions that wait for their block");
  readonly #waits = this.#gauge(
    "plimsoll_keeper_nonce_waits_seconds",
    "Since when the next nonce in line has not moved",
  );
  readonly #replaced = this.#counter("plimsoll_keeper_replaced_total", "Transactions replaced at their nonce");
  readonly #displaced = this.#counter("plimsoll_keeper_displaced_total", "Nonces that somebody else has used");
  readonly #alerts = this.#counter("plimsoll_keeper_alerts_total", "Alerts by result: sent, failed, held", ["result"]);

  /** In the format of Prometheus. */
  async text(): Promise<string> {
    this.#uptime.set((Date.now() - this.#started) / 1_000);
    return this.registry.metrics();
  }

  head({ number, time }: { number: number; time: bigint }): void {
    this.#head.set(number);
    this.#lag.set(Math.max(0, Date.now() / 1_000 - Number(time)));
  }

  cycle(result: "ok" | "failed", durationMs: number): void {
    this.#cycles.inc({ result });
    this.#duration.observe(durationMs / 1_000);
    if (result === "ok") this.#lastGood.set(Date.now() / 1_000);
  }

  executed(kind: string, count: number): void {
    this.#executed.inc({ kind }, count);
  }

  lostRace(kind: string): void {
    this.#lostRaces.inc({ kind });
  }

  failed(kind: string, reason: string): void {
    const known = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS;
    if (known) this.#reasons.add(reason);
    this.#failures.inc({ kind, reason: known ? reason : "other" });
  }

  skipped(why: "unprofitable" | "dear" | "busy" | "paused"): void {
    this.#skipped.inc({ why });
  }

  /** Wei. */
  gas(cost: bigint): void {
    this.#gas.inc(Number(cost) / ETHER);
  }

  /** WAD. */
  reward(amount: bigint): void {
    this.#reward.inc(Number(amount) / ETHER);
  }

  /** Wei. */
  balance(wei: bigint): void {
    this.#balance.set(Number(wei) / ETHER);
  }

  index({ accounts, orders, triggers }: { accounts: number; orders: number; triggers: number }): void {
    this.#accounts.set(accounts);
    this.#orders.set(orders);
    this.#triggers.set(triggers);
  }

  indexAt({ block, head }: { block: number; head: number }): void {
    this.#indexed.set(block);
    this.#indexLag.set(Math.max(0, head - block));
  }

  near({ within5, within10, within20 }: { within5: number; within10: number; within20: number }): void {
    this.#near.set({ within: "5%" }, within5);
    this.#near.set({ within: "10%" }, within10);
    this.#near.set({ within: "20%" }, within20);
  }

  unhealthy(count: number, oldestSeconds: number): void {
    this.#unhealthy.set(count);
    this.#oldest.set(oldestSeconds);
  }

  checked({ accounts, wrong, repaired }: { accounts: number; wrong: number; repaired: number }): void {
    this.#checked.set(accounts);
    this.#wrong.inc(wrong);
    this.#repaired.inc(repaired);
  }

  /** Of accounts, the model with `Lens`. */
  compared(accounts: number, differing: number): void {
    this.#compared.set(accounts);
    this.#differing.inc(differing);
  }

  /** @param counters So far. */
  indexed(counters: Readonly<Record<string, number>>): void {
    this.#index.reset();
    for (const [what, count] of Object.entries(counters)) this.#index.inc({ what }, count);
  }

  /** @param failures So far, by endpoint. */
  endpoints(
    { configured, agreeing, quorum }: { configured: number; agreeing: number; quorum: boolean },
    failures: ReadonlyMap<string, number>,
  ): void {
    this.#configured.set(configured);
    this.#up.set(agreeing);
    this.#quorum.set(quorum ? 1 : 0);
    this.#endpointFailures.reset();
    for (const [endpoint, count] of failures) this.#endpointFailures.inc({ endpoint }, count);
  }

  /** @param seconds Since when the next nonce in line has not moved; 0: nothing is in flight. */
  nonceWaits(seconds: number): void {
    this.#waits.set(seconds);
  }

  /** @param counters So far. */
  sender(inFlight: number, counters: { readonly replaced: number; readonly displaced: number }): void {
    this.#inFlight.set(inFlight);
    this.#replaced.reset();
    this.#replaced.inc(counters.replaced);
    this.#displaced.reset();
    this.#displaced.inc(counters.displaced);
  }

  alert(result: "sent" | "failed" | "held"): void {
    this.#alerts.inc({ result });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
