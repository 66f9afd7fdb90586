/**
 * Child processes that do not outlive this one. Each way to end is covered: a normal end and a signal stop them here, a
 * crash kills them on exit, and a kill of this process closes their IPC channel, at which `leash.ts` ends them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { EXIT, ReplayError } from "./errors.ts";

/** How long a child may take to end by itself, milliseconds. */
const PATIENCE = 3_000;
/** Lines of a child's output that an error quotes. */
const QUOTED_LINES = 12;

const LEASH = new URL("leash.ts", import.meta.url).href;

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Rejects with a ReplayError when the child ends before it was asked to. */
  readonly failed: Promise<never>;
  /** Hears each line of its standard output. */
  onLine(listener: (line: string) => void): void;
  onMessage(listener: (message: unknown) => void): void;
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Runs a TypeScript file of the project as a process of its own. */
export function startChild(
  name: string,
  file: URL,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Child {
  const child = spawn(process.execPath, ["--import", LEASH, fileURLToPath(file), ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A terminal sends Ctrl-C to the whole group; the order of the end is ours.
    detached: true,
    env: { ...process.env, ...env },
  });
  living.add(child);
  const listeners: ((line: string) => void)[] = [];
  const last: string[] = [];
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("a child without pipes");
  splitLines(stdout, (line) => {
    for (const listener of listeners) listener(line);
  });
  for (const stream of [stdout, stderr]) {
    splitLines(stream, (line) => {
      last.push(line);
      if (last.length > QUOTED_LINES) last.shift();
    });
  }

  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      living.delete(child);
      resolve();
    });
    child.once("error", () => {
      living.delete(child);
      resolve();
    });
  });
  const failed = new Promise<never>((_, reject) => {
    const fail = (how: string): void => {
      if (stopping) return;
      const quote = last.join("\n    ");
      reject(new ReplayError(`the ${name} ${how}:\n    ${quote}`, { exitCode: EXIT.process }));
    };
    child.once("close", (code, signal) => {
      fail(`ended with ${signal ?? `status ${String(code)}`}`);
    });
    child.once("error", (error) => {
      fail(`could not be started (${error.message})`);
    });
  });
  // Whoever waits for it sees the failure; until then it must not count as unhandled.
  failed.catch(() => undefined);

  return {
    name,
    pid: child.pid ?? 0,
    failed,
    onLine: (listener) => listeners.push(listener),
    onMessage: (listener) => child.on("message", listener),
    stop: async () => {
      stopping = true;
      if (!living.has(child)) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
      await ended;
      clearTimeout(timer);
    },
  };
}

function splitLines(stream: NodeJS.ReadableStream, listener: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) listener(line);
  });
  stream.on("end", () => {
    if (rest !== "") listener(rest);
  });
}
