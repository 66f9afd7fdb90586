/** Turns decisions into transactions: single calls, and batches sized by gas. */
import type { Action } from "./decide/actions.ts";
import type { Contracts } from "./contracts.ts";
import type { Plan } from "./job.ts";

export interface PlanSettings {
  /** The keeper's own account, which is paid and which buys. */
  readonly account: string;
  /** Most gas of a transaction: the chain's limit, at most 2^24. */
  readonly gasLimit: bigint;
  /** Share of it that a batch may be expected to need, 1e-6. */
  readonly batchShare: bigint;
}

export const PLAN_DEFAULTS = { gasLimit: 1n << 24n, batchShare: 600_000n } as const;

/** In the order of the actions, which is that of their urgency. */
export function plan(_actions: readonly Action[], _contracts: Contracts, _settings: PlanSettings): Plan {
  return [];
}
