/** The project's own keeper, as a process: it knows the address book, the endpoint and its key, nothing else. */
import { type Child, startChild } from "./children.ts";
import type { Protocol } from "./protocol.ts";
import { ROLES, walletAt } from "./wallets.ts";

const KEY_ENV = "PLIMSOLL_REPLAY_KEEPER_KEY";
const INTERVAL_MS = 50;
const KEPT_LINES = 20;

interface Cycle {
  readonly block: number;
  readonly actions: number;
  /** Transactions that wait for their block. */
  readonly inFlight: number;
}

export interface KeeperProcess {
  readonly failed: Promise<never>;
  /** Whether it has read this block or a later one, and nothing that it has begun since is unfinished. */
  isIdleAt(block: number): boolean;
  lastLines(): string;
  stop(): Promise<void>;
}

export function startKeeper({ bookFile }: Protocol, url: string): KeeperProcess {
  const child: Child = startChild("keeper", new URL("../keeper/main.ts", import.meta.url), {
    args: [
      ...["orders", "liquidate", "pool", "deleverage", "--send"],
      ...["--deployment", bookFile, "--rpc", url, "--key-env", KEY_ENV],
      // Everything that is due is to be done, whether it pays or not.
      ...["--margin=-1000", "--interval", String(INTERVAL_MS), "--log-level", "debug"],
    ],
    env: { [KEY_ENV]: walletAt(ROLES.keeper).privateKey },
  });
  const lines: string[] = [];
  let last = { block: -1, idle: false };
  child.onLine((line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    const cycle = cycleOf(line);
    if (cycle === undefined) return;
    // One cycle at a time: the next at the same block says that the last one has ended.
    const hasEnded = cycle.actions === 0 || cycle.block === last.block;
    last = { block: cycle.block, idle: hasEnded && cycle.inFlight === 0 };
  });
  return {
    failed: child.failed,
    isIdleAt: (block) => last.idle && last.block >= block,
    lastLines: () => lines.join("\n"),
    stop: () => child.stop(),
  };
}

/** What it says at the start of each cycle: the block that it has read, what it is going to do, and what is under way. */
function cycleOf(line: string): Cycle | undefined {
  if (!line.startsWith("{")) return undefined;
  const { event, block, actions, inFlight } = JSON.parse(line) as Record<string, unknown>;
  if (event !== "cycle" || typeof block !== "number" || typeof inFlight !== "number") return undefined;
  return { block, actions: Array.isArray(actions) ? actions.length : 1, inFlight };
}
