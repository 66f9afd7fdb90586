/** Says to a webhook what a person has to look at. Never in the way of a cycle: nothing here is waited for. */
import type { Log } from "../log.ts";
import { toJson } from "../log.ts";
import type { Redact } from "./redact.ts";

export type Concern =
  | "no good cycle"
  | "balance low"
  | "account not liquidated"
  | "index wrong"
  | "model wrong"
  | "index behind"
  | "endpoint quorum lost"
  | "nonce does not move";

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
  readonly concern: Concern;
  isActive: boolean;
  details: Readonly<Record<string, unknown>>;
  /** What was said last, unless it was not taken; undefined: nothing yet. */
  said: Said | undefined;
  /** Attempts in a row that were not taken. */
  failures: number;
  /** No attempt before then. */
  retryAt: number;
}

interface Said {
  readonly state: "active" | "over";
  readonly at: number;
}

/** Until the next attempt after one that was not taken; doubles with each. */
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
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

  /** Says when it begins, again while it lasts, and when it is over. Each call tries again what was not taken, of any concern. */
  update(concern: Concern, isActive: boolean, details: Readonly<Record<string, unknown>> = {}): void {
    const state = this.#states.get(concern) ?? {
      concern,
      isActive: false,
      details,
      said: undefined,
      failures: 0,
      retryAt: 0,
    };
    this.#states.set(concern, state);
    if (isActive && !state.isActive) this.#options.log.error("alert", { concern, ...details });
    state.isActive = isActive;
    state.details = details;
    for (const one of this.#states.values()) this.#tell(one);
  }

  /** Waits for what is being posted; each has a time limit of its own. */
  async settled(): Promise<void> {
    await Promise.all(this.#posting);
  }

  /** Says of a concern what whoever listens does not know, if it is time to. */
  #tell(state: State): void {
    const { said, isActive } = state;
    const now = this.#now();
    const isDue = isActive
      ? said?.state !== "active" || now - said.at >= this.#options.repeatMs
      : said?.state === "active";
    if (isDue && now >= state.retryAt) this.#say(state, { state: isActive ? "active" : "over", at: now });
  }

  #say(one: State, saying: Said): void {
    const { post, from, redact, record, maxPerHour, log } = this.#options;
    const { concern, details, said: before } = one;
    const { state, at } = saying;
    if (post === undefined) {
      one.said = saying;
      return;
    }
    this.#recent = this.#recent.filter((time) => at - time < HOUR_MS);
    if (this.#recent.length >= maxPerHour) {
      record("held");
      return;
    }
    this.#recent.push(at);
    // Until it is known better, so that it is not said twice meanwhile.
    one.said = saying;
    const time = new Date(at).toISOString();
    // Both `text` and `content`: what chat services show of a webhook.
    const text = `${concern}${state === "over" ? ": over" : ""} ${toJson({ ...from, ...details })}`;
    const body = redact(toJson({ time, concern, state, ...from, details, text, content: text }));
    const posting = post(body).then(
      () => {
        record("sent");
        one.failures = 0;
        one.retryAt = 0;
      },
      () => {
        record("failed");
        log.warn("an alert was not taken", { concern });
        // What reaches nobody leaves room for what may.
        const place = this.#recent.indexOf(at);
        if (place !== -1) this.#recent.splice(place, 1);
        one.retryAt = this.#now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** one.failures);
        one.failures += 1;
        if (one.said === saying) one.said = before;
      },
    );
    this.#posting.add(posting);
    void posting.finally(() => this.#posting.delete(posting));
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
