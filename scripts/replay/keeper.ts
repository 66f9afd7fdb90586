/** The project's own keeper, as a process: it knows the address book, the endpoint and its key, nothing else. */
import { type Child, startChild } from "./children.ts";
import type { Protocol } from "./protocol.ts";
import { ROLES, walletAt } from "./wallets.ts";

const KEY_ENV = "PLIMSOLL_REPLAY_KEEPER_KEY";
const INTERVAL_MS = 50;
const KEPT_LINES = 20;

interface Cycle {
  readonly block: number;
  readonly idle: boolean;
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
      ...["--deployment", bookFile, "--rpc", url, "--key-env", KEY_ENV, "--send"],
      ...["--interval", String(INTERVAL_MS), "--log-level", "debug"],
    ],
    env: { [KEY_ENV]: walletAt(ROLES.keeper).privateKey },
  });
  const lines: string[] = [];
  let last: Cycle = { block: -1, idle: false };
  child.onLine((line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    const cycle = cycleOf(line);
    // One cycle is in flight at a time: the next at the same block says that the last one has ended.
    if (cycle !== undefined) last = { block: cycle.block, idle: cycle.idle || cycle.block === last.block };
  });
  return {
    failed: child.failed,
    isIdleAt: (block) => last.idle && last.block >= block,
    lastLines: () => lines.join("\n"),
    stop: () => child.stop(),
  };
}

/** What it says at the start of each cycle: the block that it has read, and what it is going to do. */
function cycleOf(line: string): Cycle | undefined {
  if (!line.startsWith("{")) return undefined;
  const entry = JSON.parse(line) as { event?: unknown; block?: unknown; actions?: unknown };
  if (entry.event !== "cycle" || typeof entry.block !== "number") return undefined;
  return { block: entry.block, idle: Array.isArray(entry.actions) && entry.actions.length === 0 };
}
