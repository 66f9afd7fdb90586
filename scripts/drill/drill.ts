/** What a drill is: steps on a stage, each said and checked. */
import type { ContractTransactionReceipt, Interface, LogDescription } from "ethers";

import { DrillError, type Stage } from "./stage.ts";

export interface Drill {
  /** What has happened. */
  readonly cause: string;
  /** What the protocol and whoever runs it do about it. Throws a DrillError where something else comes out. */
  readonly run: (stage: Stage, say: Say) => Promise<void>;
}

/** Prints a step. */
export type Say = (text: string) => void;

/** Throws a DrillError unless what should hold does. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new DrillError(`not so: ${what}`);
}

/** The first event of a name in a receipt. Throws a DrillError without one. */
export function eventIn(
  receipt: ContractTransactionReceipt | null,
  abi: unknown,
  name: string,
): LogDescription["args"] {
  for (const log of receipt?.logs ?? []) {
    const event = (abi as Interface).parseLog(log);
    if (event?.name === name) return event.args;
  }
  throw new DrillError(`no ${name} has been emitted`);
}

/** WAD as whole units, for texts. */
export function whole(amount: bigint): string {
  return String(amount / 10n ** 18n).replace(/\B(?=(\d{3})+$)/g, ",");
}
