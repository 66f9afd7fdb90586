/** `npm start` as a process: a short run, its exit status, and what it leaves behind. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { EXIT } from "../../scripts/replay/errors.ts";

const MAIN = fileURLToPath(new URL("../../scripts/replay/main.ts", import.meta.url));
const DEPLOYMENTS = fileURLToPath(new URL("../../deploy/deployments", import.meta.url));
const PATIENCE = 60_000;

/** The fast part of the drop, with the first trader of each kind. */
const SHORT = ["--from", "2023-08-17T21:43:30Z", "--to", "2023-08-17T21:46:30Z", "--per-kind", "1"];

interface Run {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** @param scratch Where it keeps what a killed run leaves behind. */
function start(args: readonly string[], scratch = tmpdir()): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: scratch },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, output: () => output, ended };
}

/** Waits until the run has printed `text`. */
async function printed(run: Run, text: string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!run.output().includes(text)) {
    if (Date.now() > deadline) throw new Error(`never printed "${text}":\n${run.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<number> {
  const server = await listenOn(0);
  const address = server.address();
  await close(server);
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

/** Processes that a run has started, by what only they have in their command line. */
function childrenOf(port: number): string[] {
  const processes = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" }).split("\n");
  return processes.filter(
    (line) =>
      line.includes(`replay/node.ts ${port} `) || (line.includes("keeper/main.ts") && line.includes(`:${port} `)),
  );
}

async function gone(port: number): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (childrenOf(port).length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(childrenOf(port)).to.deep.equal([]);
  // The port is free again.
  await close(await listenOn(port));
}

describe("npm start", function () {
  this.timeout(2 * PATIENCE);
  let reports = "";
  let port = 0;

  beforeEach(async () => {
    reports = mkdtempSync(join(tmpdir(), "replay-"));
    port = await freePort();
  });
  afterEach(() => {
    rmSync(reports, { recursive: true, force: true });
    // A killed run cannot clean up.
    rmSync(join(DEPLOYMENTS, `replay-31337-${port}`), { recursive: true, force: true });
  });

  const args = (...more: string[]) => ["--port", String(port), "--reports", reports, ...more];

  it("replays a slice of the day, writes both reports and ends with status 0", async () => {
    const run = start(args(...SHORT), reports);
    expect(await run.ended, run.output()).to.equal(0);
    const report = JSON.parse(readFileSync(join(reports, "report.json"), "utf8")) as {
      orders: { submitted: number; executed: number };
      conservationDriftWei: string;
      healthyLiquidations: number;
      accounts: { name: string; survivedCross: boolean }[];
    };
    expect(report.orders.executed).to.be.greaterThan(0);
    expect(report.conservationDriftWei).to.equal("0");
    expect(report.healthyLiquidations).to.equal(0);
    expect(report.accounts).to.have.lengthOf(5);
    expect(readFileSync(join(reports, "report.html"), "utf8")).to.include("<svg");
    await gone(port);
    const left = existsSync(DEPLOYMENTS) ? readdirSync(DEPLOYMENTS) : [];
    expect(left.filter((name) => name.endsWith(`-${port}`))).to.deep.equal([]);
  });

  it("ends its chain and its keeper when it is stopped half way", async () => {
    const run = start(args(...SHORT), reports);
    await printed(run, "%");
    expect(childrenOf(port), "chain and keeper run").to.have.lengthOf(2);
    run.process.kill("SIGTERM");
    expect(await run.ended).to.equal(143);
    expect(run.output()).to.include("stopped by SIGTERM");
    await gone(port);
  });

  it("ends them even when it is killed", async () => {
    const run = start(args(...SHORT), reports);
    await printed(run, "%");
    run.process.kill("SIGKILL");
    await run.ended;
    await gone(port);
  });

  it("says that the port is in use", async () => {
    const server = await listenOn(port);
    const run = start(args(...SHORT), reports);
    expect(await run.ended).to.equal(EXIT.port);
    expect(run.output()).to.include(`port ${port} is in use; choose another with --port`);
    await close(server);
  });

  const bad: [args: string[], message: string][] = [
    [["--slow"], "unknown option '--slow'"],
    [["--port", "eight"], "--port needs a whole number"],
    [["--from", "2023-08-16T00:00:00Z"], "the recorded rounds reach from 2023-08-17T09:55:35Z"],
  ];
  for (const [flags, message] of bad) {
    it(`refuses ${flags.join(" ")} without starting anything`, async () => {
      const run = start(flags);
      expect(await run.ended).to.equal(EXIT.usage);
      expect(run.output()).to.include(`error: ${message}`);
    });
  }

  it("explains itself", async () => {
    const run = start(["--help"]);
    expect(await run.ended).to.equal(0);
    expect(run.output()).to.include("--keep").and.include("Exit status");
  });
});
