/** Keepers as an operator runs them: processes of their own, restarted when they end by themselves. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { walletAt } from "../replay/wallets.ts";

const KEY_ENV = "PLIMSOLL_KEEPER_KEY";
const MAIN = fileURLToPath(new URL("../keeper/main.ts", import.meta.url));
const LEASH = new URL("../replay/leash.ts", import.meta.url).href;
/** As a service manager waits before it starts a service again, milliseconds. */
const RESTART_AFTER = 1_000;
/** How long a keeper may take to end after SIGTERM, milliseconds. */
const PATIENCE = 20_000;
const QUOTED_LINES = 25;
/** What it writes when it begins, and how long that may take, milliseconds. */
const STARTED = '"event":"started"';
const START_MS = 120_000;

export interface KeeperSettings {
  /** Of its key, in the published phrase. */
  readonly place: number;
  readonly bookFile: string;
  readonly endpoints: readonly string[];
  /** Its own, for the database and the log. */
  readonly folder: string;
  readonly intervalMs: number;
}

const living = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** What a keeper is started with. */
export function argumentsOf({ bookFile, endpoints, intervalMs }: KeeperSettings, database: string): string[] {
  return [
    ...["orders", "liquidate", "pool", "deleverage"],
    ...["--deployment", bookFile, "--rpc", endpoints.join(","), "--key-env", KEY_ENV, "--send"],
    ...["--database", database, "--interval", String(intervalMs), "--log-level", "info"],
    // Blocks come every half second or so: an answer that takes as long as many of them is none.
    ...["--rpc-timeout", "4000", "--timeout", "5000"],
  ];
}

export class KeeperProcess {
  readonly settings: KeeperSettings;
  readonly address: string;
  readonly database: string;
  /** Ends that nobody asked for, and what came of each: a status or a signal. */
  readonly exits: string[] = [];
  readonly #key: string;
  readonly #log: WriteStream;
  readonly #last: string[] = [];
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #wanted = false;
  #ready = false;

  constructor(settings: KeeperSettings) {
    const wallet = walletAt(settings.place);
    this.settings = settings;
    this.address = wallet.address;
    this.#key = wallet.privateKey;
    mkdirSync(settings.folder, { recursive: true });
    this.database = join(settings.folder, "keeper.sqlite");
    this.#log = createWriteStream(join(settings.folder, "log.jsonl"), { flags: "a" });
  }

  start(): void {
    this.#wanted = true;
    const child = spawn(process.execPath, ["--import", LEASH, MAIN, ...argumentsOf(this.settings, this.database)], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, [KEY_ENV]: this.#key },
    });
    this.#child = child;
    living.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#hear(text);
      });
    }
    child.once("exit", (code, signal) => {
      living.delete(child);
      if (this.#child !== child || !this.#wanted) return;
      this.exits.push(signal ?? String(code));
      this.#restart = setTimeout(() => {
        this.start();
      }, RESTART_AFTER);
    });
  }

  /** Throws where it has not begun to work in time. */
  async begun(): Promise<void> {
    const end = Date.now() + START_MS;
    while (!this.#ready) {
      if (Date.now() > end) throw new Error(`the keeper did not start in time:\n${this.lastLines}`);
      await sleep(50);
    }
  }

  #hear(text: string): void {
    if (text.includes(STARTED)) this.#ready = true;
    this.#log.write(text);
    this.#last.push(...text.split("\n").filter((line) => line !== ""));
    this.#last.splice(0, this.#last.length - QUOTED_LINES);
  }

  get lastLines(): string {
    return this.#last.join("\n");
  }

  /** Ends it without a warning. Returns whether there was anything to end. */
  async kill(): Promise<boolean> {
    const wasAlive = this.#child !== undefined && living.has(this.#child);
    await this.#end("SIGKILL");
    return wasAlive;
  }

  /** Lets it finish what it does. Returns its status; null if it had to be killed. */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || !living.has(child)) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    const code = await ended;
    clearTimeout(timer);
    return code;
  }

  /** Databases that it has found broken and moved aside. */
  get asides(): number {
    const { folder } = this.settings;
    if (!existsSync(folder)) return 0;
    const own = /^(log\.jsonl|keeper\.sqlite(-wal|-shm|-journal)?|.*\.(lock|lease))$/;
    return readdirSync(folder).filter((name) => !own.test(name) && !/-(wal|shm|journal)$/.test(name)).length;
  }

  close(): void {
    this.#log.end();
  }
}
