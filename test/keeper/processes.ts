/** Child processes of the end-to-end tests: a real node and a real keeper, ended whatever happens. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const children = new Set<ChildProcess>();

// Where mocha itself is ended: hooks do not run then.
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export interface Running {
  readonly output: () => string;
  /** Exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  readonly signal: (name: NodeJS.Signals) => void;
}

export function startKeeper(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return start([join(root, "scripts/keeper/main.ts"), ...args], env);
}

/** `hardhat node` on a free port. */
export async function startNode(): Promise<Running & { readonly url: string }> {
  const port = await freePort();
  const cli = join(root, "node_modules/hardhat/dist/src/cli.js");
  const node = start([cli, "node", "--hostname", "127.0.0.1", "--port", String(port)]);
  const url = `http://127.0.0.1:${port}`;
  await until("the node answers", async () => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
    const response = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } }).catch(
      () => undefined,
    );
    return response?.ok === true;
  });
  return { ...node, url };
}

export async function endAll(): Promise<void> {
  const ends = [...children].map(
    async (child) =>
      new Promise<void>((resolve) => {
        child.once("exit", () => {
          resolve();
        });
        child.kill("SIGKILL");
      }),
  );
  await Promise.all(ends);
}

/** Waits for a condition. Throws after `timeoutMs`, with what `context` says. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  { timeoutMs = 20_000, context = () => "" }: { timeoutMs?: number; context?: () => string } = {},
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}\n${context()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      children.delete(child);
      resolve(code);
    });
  });
  return {
    output: () => output,
    exited,
    signal: (name) => {
      child.kill(name);
    },
  };
}
