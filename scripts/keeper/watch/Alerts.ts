/** Says to a webhook what a person has to look at. Never in the way of a cycle: nothing here is waited for. */
import type { Log } from "../log.ts";
import { toJson } from "../log.ts";
import type { Redact } from "./redact.ts";

export type Concern =
  "no good cycle" | "balance low" | "account not liquidated" | "index wrong" | "endpoint quorum lost";

/** Throws where it was not taken. */
export type Post = (body: string) => Promise<void>;

export interface AlertsOptions {
  readonly post: Post | undefined;
  /** Who speaks: goes with every alert. */
  readonly from: Readonly<Record<string, unknown>>;
  readonly log: Log;
  readonly redact: Redact;
  readonly record: (result: "sent" | "failed" | "held") => void;
  /** Until the same concern is said again while it lasts. */
  readonly repeatMs: number;
  /** Of all concerns together, in an hour. */
  readonly maxPerHour: number;
  readonly now?: () => number;
}

interface State {
  active: boolean;
  /** When it was last said; undefined: not since it began. */
  saidAt: number | undefined;
}

const HOUR_MS = 3_600_000;

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #now: () => number;
  readonly #states = new Map<Concern, State>();
  #recent: number[] = [];
  #posting = new Set<Promise<void>>();

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Says when it begins, again while it lasts, and when it is over. */
  update(concern: Concern, isActive: boolean, details: Readonly<Record<string, unknown>> = {}): void {
    const state = this.#states.get(concern) ?? { active: false, saidAt: undefined };
    this.#states.set(concern, state);
    const now = this.#now();
    if (!isActive) {
      if (state.active && state.saidAt !== undefined) this.#say(concern, "over", details);
      state.active = false;
      state.saidAt = undefined;
      return;
    }
    if (!state.active) this.#options.log.error("alert", { concern, ...details });
    state.active = true;
    if (state.saidAt !== undefined && now - state.saidAt < this.#options.repeatMs) return;
    if (this.#say(concern, "active", details)) state.saidAt = now;
  }

  /** Waits for what is being posted; each has a time limit of its own. */
  async settled(): Promise<void> {
    await Promise.all(this.#posting);
  }

  /** @returns Whether it was not held back. */
  #say(concern: Concern, state: "active" | "over", details: Readonly<Record<string, unknown>>): boolean {
    const { post, from, redact, record, maxPerHour, log } = this.#options;
    if (post === undefined) return true;
    const now = this.#now();
    this.#recent = this.#recent.filter((time) => now - time < HOUR_MS);
    if (this.#recent.length >= maxPerHour) {
      record("held");
      return false;
    }
    this.#recent.push(now);
    const time = new Date(now).toISOString();
    // Both `text` and `content`: what chat services show of a webhook.
    const text = `${concern}${state === "over" ? ": over" : ""} ${toJson({ ...from, ...details })}`;
    const body = redact(toJson({ time, concern, state, ...from, details, text, content: text }));
    const posting = post(body).then(
      () => {
        record("sent");
      },
      () => {
        record("failed");
        log.warn("an alert was not taken", { concern });
      },
    );
    this.#posting.add(posting);
    void posting.finally(() => this.#posting.delete(posting));
    return true;
  }
}

/** @param url Never shown. */
export function webhook(url: string, timeoutMs: number): Post {
  return async (body) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error",
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`status ${response.status}`);
  };
}
