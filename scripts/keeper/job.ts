/** What the decisions hand to the shell that carries them out. */

export const ROLES = ["orders", "liquidate", "pool", "deleverage", "monitor"] as const;

export type Role = (typeof ROLES)[number];

export interface Call {
  readonly to: string;
  readonly data: string;
  /** Wei that go along, for the fees of reports; what is too much comes back. None by default. */
  readonly value?: bigint;
}

/** One transaction that may be sent. */
export interface Job {
  readonly role: Role;
  /** As the method of the contract, for metrics: few different ones. */
  readonly kind: string;
  /** Unique among what is to be done: pauses after failures, and logs, go by it. */
  readonly name: string;
  /** Accounts, or what else it changes. Never are two transactions that share one of these in flight. */
  readonly subjects: readonly string[];
  readonly call: Call;
  /** Reward to expect, WAD of settlement token; undefined: a duty, done at any price of gas within the cap. */
  readonly reward: bigint | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a job of a batch comes to: it is done, somebody else has done it, or it is refused. */
export type Verdict = "done" | "gone" | "refused";

/** All items of a batch in one call, which is simulated and never sent. */
export interface Trial {
  readonly call: Call;
  /** Limit of the call: a transaction of the items that are done gets by with it, where the trial does. */
  readonly gas: bigint;
  /** @param answer What the call returns. @returns Of each item, in their order. */
  readonly verdicts: (answer: string) => readonly Verdict[];
}

/** Jobs that go into one transaction, in which each succeeds or fails by itself. What is refused stays out. */
export interface Batch {
  readonly items: readonly Job[];
  /** @param items Some of `items`, at least one. */
  readonly join: (items: readonly Job[]) => Job;
  /** @param items Some of `items`, at least one. */
  readonly trial: (items: readonly Job[]) => Trial;
}

/** In the order of their urgency. */
export type Plan = readonly (Job | Batch)[];
