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
  readonly tally: Tally;
}

/** What a fault has done, by its name in the table. */
export type Strike =
  | "requests hung"
  | "answers spoilt"
  | "old answers"
  | "answers lost"
  | "reorganisations"
  | "transactions un-mined"
  | "of these keepers'"
  | "kills"
  | "thefts tried"
  | "nonces stolen"
  | "blocks of dear gas"
  | "databases locked"
  | "databases damaged";

export type Strikes = Readonly<Partial<Record<Strike, number>>>;

/** Counts what a fault does. */
export class Tally {
  readonly #counts = new Map<Strike, number>();

  add(what: Strike, count = 1): void {
    this.#counts.set(what, this.count(what) + count);
  }

  count(what: Strike): number {
    return this.#counts.get(what) ?? 0;
  }

  /** In the order in which they were first counted. */
  get strikes(): Strikes {
    return Object.fromEntries(this.#counts);
  }
}

export interface Window {
  /** Unix seconds. */
  readonly from: number;
  /** Unix seconds. */
  readonly to: number;
  /** No keeper can act while it lasts, so that nobody waits for one in its blocks. */
  readonly excused?: true;
}

export interface Fault {
  readonly key: string;
  /** As the table names it. */
  readonly name: string;
  readonly windows: readonly Window[];
  /** Databases that have to be rebuilt because of it, at least. */
  readonly rebuilds?: number;
  /** What it has to have done at least, or nothing was tried. */
  readonly least: Strikes;
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
/** Blocks at the end of their window for kills that met nobody alive. */
const KILL_SPARE = 5;
const GAS_FACTOR = 50n;
const GAS_BLOCKS = 30;
/** Blocks between two thefts of a nonce. */
const THEFT_EVERY = 4;
const PAGE = 4_096;

/** While most opening orders settle. */
const OPENINGS: Window = { from: OPENING + 60, to: OPENING + 140 };

/** The second while accounts are liquidated: the deepest rounds of the fall come 383, 431 and 443 s after its beginning. */
const WINDOWS: readonly Window[] = [OPENINGS, { from: DROP + 382, to: DROP + 502 }];

/** Of what stops all keepers. The second ends with the last block before the deepest round: then all is due at once. */
const OUTAGES: readonly Window[] = [
  { ...OPENINGS, excused: true },
  { from: DROP + 322, to: DROP + 442, excused: true },
];

const BROKEN: Readonly<Record<Exclude<Mode["kind"], "pass">, Strike>> = {
  hang: "requests hung",
  errors: "answers spoilt",
  lag: "old answers",
  dropAfterBroadcast: "answers lost",
};

/** All that was counted: by the tally, and by the endpoints. */
export function strikesOf({ tally, contenders }: Pick<Scene, "tally" | "contenders">): Strikes {
  const all: Partial<Record<Strike, number>> = { ...tally.strikes };
  for (const { counts } of contenders.flatMap(({ endpoints }) => endpoints)) {
    for (const kind of ["hang", "errors", "lag", "dropAfterBroadcast"] as const) {
      if (counts[kind] > 0) all[BROKEN[kind]] = (all[BROKEN[kind]] ?? 0) + counts[kind];
    }
  }
  return all;
}

function endpointFault(key: string, name: string, mode: Exclude<Mode, { kind: "pass" }>, which: "one" | "all"): Fault {
  const set = (scene: Scene, next: Mode): void => {
    for (const { endpoints } of scene.contenders) {
      for (const endpoint of which === "one" ? endpoints.slice(0, 1) : endpoints) endpoint.mode = next;
    }
  };
  return {
    key,
    name,
    // What only loses answers to what was sent stops nobody.
    windows: which === "one" || mode.kind === "dropAfterBroadcast" ? WINDOWS : OUTAGES,
    least: { [BROKEN[mode.kind]]: 1 },
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

const KILL_WINDOW: Window = { from: OPENING + 40, to: DROP + 600 };

const kill: Fault = {
  key: "kill",
  name: `killed at random ${KILLS} times (SIGKILL), restarted`,
  // Of two keepers one is always left: it excuses nothing.
  windows: [KILL_WINDOW],
  least: { kills: KILLS },
  block: async ({ contenders, random, tally }, place) => {
    const blocks = Math.floor((KILL_WINDOW.to - KILL_WINDOW.from) / BLOCK_TIME) - KILL_SPARE;
    // Evenly over the blocks of the window, at random moments; one that met nobody alive is made up for.
    if (tally.count("kills") >= Math.min(KILLS, Math.floor(((place + 1) * KILLS) / blocks))) return;
    await new Promise((resolve) => setTimeout(resolve, random() * 200));
    const keeper = contenders[Math.floor(random() * contenders.length)]?.keeper;
    if ((await keeper?.kill()) === true) tally.add("kills");
    keeper?.start();
  },
};

const theft: Fault = {
  key: "nonce",
  name: "nonce taken by another sender with the same key",
  windows: WINDOWS,
  least: { "nonces stolen": 1 },
  block: async ({ stage, contenders, broadcasts, tally }, place) => {
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
      tally.add("thefts tried");
      // The keeper may be quicker, and then it is its own that is replaced, or that stays. Only a block says who was.
      const taken = await stage.broadcast(raw).then(
        () => true,
        () => false,
      );
      if (taken) broadcasts.add(raw, performance.now(), { stolen: true });
    }
  },
};

const gas: Fault = {
  key: "gas",
  name: `gas ×${String(GAS_FACTOR)} for ${GAS_BLOCKS} blocks`,
  // Orders do not pay for it and have to wait; liquidations do.
  windows: OUTAGES.map(({ from }) => ({ from, to: from + GAS_BLOCKS * BLOCK_TIME })),
  least: { "blocks of dear gas": GAS_BLOCKS },
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
  least: { reorganisations: 1, "of these keepers'": 1 },
  // The last blocks of the window, with what keepers have done in them.
  end: async (scene) => scene.reorg(REORG_DEPTH),
};

// ---------------------------------------------------------------- databases

function locked(): Fault {
  let holders: Child[] = [];
  return {
    key: "locked",
    name: "database locked by another process",
    windows: OUTAGES,
    least: { "databases locked": 1 },
    begin: async ({ contenders, tally }) => {
      holders = contenders.map(({ keeper }) =>
        startChild("lock holder", new URL("lockHolder.ts", import.meta.url), { args: [keeper.database] }),
      );
      await Promise.all(
        holders.map(async (holder) => {
          const holds = new Promise<void>((resolve) => {
            holder.onMessage(() => {
              tally.add("databases locked");
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
  name: "database overwritten while running, then killed and restarted",
  windows: WINDOWS,
  rebuilds: 2,
  least: { "databases damaged": 2 },
  begin: async ({ contenders, random, tally }) => {
    // What is new stands in the log beside the file.
    for (const { keeper } of contenders) {
      const files = [keeper.database, `${keeper.database}-wal`];
      const pages = files.reduce((sum, file) => sum + overwritePages(file, random), 0);
      if (pages > 0) tally.add("databases damaged");
    }
    return Promise.resolve();
  },
  // What it holds in memory it does not read again: at the latest the next start has to find the damage. No block comes
  // meanwhile, so that one which waited for what it has in flight would wait in vain.
  end: async ({ contenders }) => {
    await Promise.all(contenders.map(async ({ keeper }) => keeper.kill()));
    for (const { keeper } of contenders) keeper.start();
  },
};

const corruptedStopped: Fault = {
  key: "corrupted-stopped",
  name: "database broken while stopped: header overwritten, file cut in half",
  windows: WINDOWS,
  rebuilds: 4,
  least: { "databases damaged": 4 },
  begin: async ({ contenders, tally }) => {
    await Promise.all(contenders.map(async ({ keeper }) => keeper.stop()));
    for (const [place, { keeper }] of contenders.entries()) {
      if (place === 0) overwrite(keeper.database, { at: 0, bytes: Buffer.alloc(64, 0xa5) });
      else truncateSync(keeper.database, Math.floor(statSync(keeper.database).size / 2));
      tally.add("databases damaged");
      keeper.start();
    }
    return Promise.resolve();
  },
};

/** Every second page after the first, at a random place in it, so that what is read next is wrong. Returns how many. */
function overwritePages(file: string, random: () => number): number {
  if (!existsSync(file)) return 0;
  const { size } = statSync(file);
  let pages = 0;
  for (let page = PAGE; page < size; page += 2 * PAGE) {
    const at = page + Math.floor(random() * (PAGE / 2));
    overwrite(file, { at: Math.min(at, size - 1), bytes: Buffer.alloc(512, 0x5a) });
    overwrite(file, { at: page, bytes: Buffer.alloc(16, 0x5a) });
    pages += 1;
  }
  return pages;
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
    windows: parts.map(({ fault, window }) =>
      fault.windows.some(({ excused }) => excused === true) ? { ...window, excused: true } : window,
    ),
    least: Object.assign({}, ...parts.map(({ fault }) => fault.least)) as Strikes,
    begin: async (scene) => {
      place += 1;
      await current()?.begin?.(scene);
    },
    block: async (scene, block) => current()?.block?.(scene, block),
    end: async (scene) => current()?.end?.(scene),
  };
}

export const FAULTS: readonly Fault[] = [
  { key: "none", name: "none", windows: [], least: {} },
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
