/** What goes wrong, when, and for how long. */
import { closeSync, existsSync, openSync, statSync, truncateSync, writeSync } from "node:fs";

import { BASE_FEE } from "../replay/chain.ts";
import { type Child, startChild } from "../replay/children.ts";
import { walletAt } from "../replay/wallets.ts";
import type { Broadcasts } from "./broadcasts.ts";
import type { KeeperProcess } from "./keepers.ts";
import type { FaultProxy, Mode } from "./proxy.ts";
import { DROP, OPENING } from "./script.ts";
import type { Stage } from "./stage.ts";

/** One of the competing keepers and what stands between it and the node. */
export interface Contender {
  readonly keeper: KeeperProcess;
  readonly endpoints: readonly FaultProxy[];
}

export interface Scene {
  readonly stage: Stage;
  readonly contenders: readonly Contender[];
  readonly broadcasts: Broadcasts;
  readonly random: () => number;
  /** Takes blocks back and makes others. */
  readonly reorg: (depth: number) => Promise<void>;
}

export interface Window {
  /** Unix seconds. */
  readonly from: number;
  /** Unix seconds. */
  readonly to: number;
}

export interface Fault {
  readonly key: string;
  /** As the table names it. */
  readonly name: string;
  readonly windows: readonly Window[];
  /** Databases that have to be rebuilt because of it, at least. */
  readonly rebuilds?: number;
  begin?(scene: Scene): Promise<void>;
  /** Before each block of a window. @param place Of the block in the window. */
  block?(scene: Scene, place: number): Promise<void>;
  end?(scene: Scene): Promise<void>;
}

/** Seconds between blocks. */
export const BLOCK_TIME = 4;
const REORG_DEPTH = 8;
const LAG = 10;
const KILLS = 20;
const GAS_FACTOR = 50n;
const GAS_BLOCKS = 30;
/** Blocks between two thefts of a nonce. */
const THEFT_EVERY = 4;
const PAGE = 4_096;

/** While most opening orders settle, and while the market falls fastest. */
const WINDOWS: readonly Window[] = [
  { from: OPENING + 60, to: OPENING + 140 },
  { from: DROP + 262, to: DROP + 382 },
];

function endpointFault(key: string, name: string, mode: Mode, which: "one" | "all"): Fault {
  const set = (scene: Scene, next: Mode): void => {
    for (const { endpoints } of scene.contenders) {
      for (const endpoint of which === "one" ? endpoints.slice(0, 1) : endpoints) endpoint.mode = next;
    }
  };
  return {
    key,
    name,
    windows: WINDOWS,
    begin: async (scene) => {
      set(scene, mode);
      return Promise.resolve();
    },
    end: async (scene) => {
      set(scene, { kind: "pass" });
      return Promise.resolve();
    },
  };
}

const kill: Fault = {
  key: "kill",
  name: `killed at random ${KILLS} times (SIGKILL), restarted`,
  windows: [{ from: OPENING + 40, to: DROP + 600 }],
  block: async (scene, place) => {
    const blocks = (DROP + 600 - OPENING - 40) / BLOCK_TIME;
    // So many kills over all blocks of the window, at random distances.
    const share = KILLS / blocks;
    const isDue = Math.floor((place + 1) * share) > Math.floor(place * share);
    if (!isDue) return;
    await new Promise((resolve) => setTimeout(resolve, scene.random() * 200));
    const keeper = scene.contenders[Math.floor(scene.random() * scene.contenders.length)]?.keeper;
    await keeper?.kill();
    keeper?.start();
  },
};

const theft: Fault = {
  key: "nonce",
  name: "nonce taken by another sender with the same key",
  windows: WINDOWS,
  block: async ({ stage, contenders, broadcasts }, place) => {
    if (place % THEFT_EVERY !== 0) return;
    for (const { keeper } of contenders) {
      const wallet = walletAt(keeper.settings.place);
      const nonce = await stage.chain.provider.getTransactionCount(keeper.address, "pending");
      const raw = await wallet.signTransaction({
        type: 2,
        chainId: 31_337,
        to: keeper.address,
        nonce,
        gasLimit: 21_000n,
        maxFeePerGas: 10_000n * BASE_FEE,
        maxPriorityFeePerGas: BASE_FEE,
      });
      // The keeper may be quicker, and then it is its own that is replaced, or that stays.
      const taken = await stage.broadcast(raw).then(
        () => true,
        () => false,
      );
      if (taken) broadcasts.add(raw, performance.now());
    }
  },
};

const gas: Fault = {
  key: "gas",
  name: `gas ×${String(GAS_FACTOR)} for ${GAS_BLOCKS} blocks`,
  windows: WINDOWS.map(({ from }) => ({ from, to: from + GAS_BLOCKS * BLOCK_TIME })),
  begin: async ({ stage }) => {
    stage.baseFee = BASE_FEE * GAS_FACTOR;
    return Promise.resolve();
  },
  end: async ({ stage }) => {
    stage.baseFee = BASE_FEE;
    return Promise.resolve();
  },
};

const reorg: Fault = {
  key: "reorg",
  name: `reorganisation of ${REORG_DEPTH} blocks`,
  windows: WINDOWS,
  block: async (scene, place) => {
    if (place === REORG_DEPTH) await scene.reorg(REORG_DEPTH);
  },
};

// ---------------------------------------------------------------- databases

function locked(): Fault {
  let holders: Child[] = [];
  return {
    key: "locked",
    name: "database locked by another process",
    windows: WINDOWS,
    begin: async ({ contenders }) => {
      holders = contenders.map(({ keeper }) =>
        startChild("lock holder", new URL("lockHolder.ts", import.meta.url), { args: [keeper.database] }),
      );
      await Promise.all(
        holders.map(async (holder) => {
          const holds = new Promise<void>((resolve) => {
            holder.onMessage(() => {
              resolve();
            });
          });
          await Promise.race([holds, holder.failed]);
        }),
      );
    },
    end: async () => {
      await Promise.all(holders.map(async (holder) => holder.stop()));
      holders = [];
    },
  };
}

const corruptedRunning: Fault = {
  key: "corrupted-running",
  name: "database overwritten while running, then restarted",
  windows: WINDOWS,
  rebuilds: 2,
  begin: async ({ contenders, random }) => {
    // What is new stands in the log beside the file.
    for (const { keeper } of contenders) {
      for (const file of [keeper.database, `${keeper.database}-wal`]) overwritePages(file, random);
    }
    return Promise.resolve();
  },
  // What it holds in memory it does not read again: at the latest the next start has to find the damage.
  end: async ({ contenders }) => {
    await Promise.all(contenders.map(async ({ keeper }) => keeper.stop()));
    for (const { keeper } of contenders) keeper.start();
  },
};

const corruptedStopped: Fault = {
  key: "corrupted-stopped",
  name: "database broken while stopped: header overwritten, file cut in half",
  windows: WINDOWS,
  rebuilds: 4,
  begin: async ({ contenders }) => {
    await Promise.all(contenders.map(async ({ keeper }) => keeper.stop()));
    for (const [place, { keeper }] of contenders.entries()) {
      if (place === 0) overwrite(keeper.database, { at: 0, bytes: Buffer.alloc(64, 0xa5) });
      else truncateSync(keeper.database, Math.floor(statSync(keeper.database).size / 2));
      keeper.start();
    }
    return Promise.resolve();
  },
};

/** Every second page after the first, at a random place in it, so that what is read next is wrong. */
function overwritePages(file: string, random: () => number): void {
  if (!existsSync(file)) return;
  const { size } = statSync(file);
  for (let page = PAGE; page < size; page += 2 * PAGE) {
    const at = page + Math.floor(random() * (PAGE / 2));
    overwrite(file, { at: Math.min(at, size - 1), bytes: Buffer.alloc(512, 0x5a) });
    overwrite(file, { at: page, bytes: Buffer.alloc(16, 0x5a) });
  }
}

function overwrite(file: string, { at, bytes }: { at: number; bytes: Buffer }): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

/** Several faults in one run, each in a window of its own; the windows follow each other. */
export function sequence(parts: readonly { readonly fault: Fault; readonly window: Window }[]): Fault {
  let place = -1;
  const current = (): Fault | undefined => parts[place]?.fault;
  return {
    key: parts.map(({ fault }) => fault.key).join("+"),
    name: parts.map(({ fault }) => fault.name).join("; "),
    windows: parts.map(({ window }) => window),
    begin: async (scene) => {
      place += 1;
      await current()?.begin?.(scene);
    },
    block: async (scene, block) => current()?.block?.(scene, block),
    end: async (scene) => current()?.end?.(scene),
  };
}

export const FAULTS: readonly Fault[] = [
  { key: "none", name: "none", windows: [] },
  endpointFault("hang-one", "one endpoint of three hangs", { kind: "hang" }, "one"),
  endpointFault("hang", "all endpoints hang", { kind: "hang" }, "all"),
  endpointFault("errors-one", "one endpoint of three answers errors and garbage", { kind: "errors" }, "one"),
  endpointFault("errors", "all endpoints answer errors and garbage", { kind: "errors" }, "all"),
  endpointFault("lag-one", `one endpoint of three lags ${LAG} blocks`, { kind: "lag", blocks: LAG }, "one"),
  endpointFault("lag", `all endpoints lag ${LAG} blocks`, { kind: "lag", blocks: LAG }, "all"),
  endpointFault("drop", "response lost after broadcasting", { kind: "dropAfterBroadcast" }, "all"),
  reorg,
  kill,
  theft,
  gas,
  locked(),
  corruptedRunning,
  corruptedStopped,
];
