/** `npm run gov` as it runs: a process of its own against a node of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { stateFolder } from "../../scripts/deploy/ignition.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { EXIT } from "../../scripts/gov/errors.ts";
import { walletAt } from "../../scripts/replay/wallets.ts";
import { endAll, freePort, startNode } from "../keeper/processes.ts";

const root = join(import.meta.dirname, "../..");
const local = join(root, "deploy/parameters/local.ts");
const ENV = { GOVERNOR: walletAt(0).privateKey, STRANGER: walletAt(5).privateKey };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const file = join(root, "scripts/gov/main.ts");
    execFile(process.execPath, [file, ...args], { cwd: root, env: { ...process.env, ...ENV } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** The deployer holds every role, as the local file has it. */
async function startWorld(folder: string) {
  const node = await startNode();
  const connection = await network.create({ network: "localhost", override: { url: node.url } });
  const deploymentId = `chain-31337-gov-${String(process.pid)}`;
  const { book } = await deployPlimsoll({
    connection,
    parameters: await loadParameters(local),
    deploymentId,
    fresh: true,
  });
  const file = join(folder, "addresses.json");
  writeAddressBook(file, book);
  const close = async (): Promise<void> => {
    await connection.close();
    rmSync(stateFolder(deploymentId), { recursive: true, force: true });
  };
  return { url: node.url, provider: connection.ethers.provider, book, file, close };
}

describe("gov process", function () {
  this.timeout(120_000);

  let folder = "";
  let world: Awaited<ReturnType<typeof startWorld>>;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-"));
    world = await startWorld(folder);
  });
  after(async () => {
    try {
      await (world as typeof world | undefined)?.close();
    } finally {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  /** A parameter file with edits on the local one. */
  function edited(name: string, edits: string): string {
    const file = join(folder, name);
    const from = JSON.stringify(local);
    writeFileSync(
      file,
      `import local from ${from};\nconst file = structuredClone(local);\n${edits}\nexport default file;\n`,
    );
    return file;
  }

  async function gov(command: string, ...more: string[]): Promise<Ended> {
    return run(command, "--deployment", world.file, "--rpc", world.url, ...more);
  }

  const nonceOf = async (): Promise<number> => world.provider.getTransactionCount(world.book.deployer);

  it("plans, proposes, waits, executes, and audits what has come of it", async () => {
    const parameters = edited("longer.ts", 'file.pool.cooldown = "5 h";');
    const from = ["--parameters", parameters];
    const before = await nonceOf();

    const [plan, dry, drift] = await Promise.all([
      gov("plan", ...from),
      gov("propose", ...from),
      gov("audit", ...from),
    ]);
    expect([plan.err, plan.code]).to.deep.equal(["", EXIT.ok]);
    expect(plan.out).to.match(/^1 +pool\.setCooldown +pool\.cooldown +4 h +→ +5 h /m);
    expect(dry.code).to.equal(EXIT.ok);
    expect(dry.out).to.match(/dry run: nothing is sent without --send\n$/);
    expect(drift.code).to.equal(EXIT.attention);
    expect(drift.out).to.include("number: pool.cooldown is 4 h, not 5 h");
    expect(await nonceOf()).to.equal(before);

    const proposed = await gov("propose", ...from, "--key-env", "GOVERNOR", "--send");
    expect([proposed.err, proposed.code]).to.deep.equal(["", EXIT.ok]);
    const status = JSON.parse((await gov("status", "--json")).out) as { operations: { id: string; state: string }[] };
    expect(status.operations.map(({ state }) => state)).to.deep.equal(["waiting"]);
    const id = status.operations[0]?.id ?? "";

    const early = await gov("execute", "--operation", id, "--key-env", "GOVERNOR", "--send");
    expect(early.code).to.equal(EXIT.notReady);
    expect(early.err).to.match(new RegExp(`^${id} may be executed from `));

    await world.provider.send("evm_increaseTime", [2 * 86_400]);
    await world.provider.send("evm_mine", []);
    const done = await gov("execute", "--all", "--key-env", "GOVERNOR", "--send");
    expect([done.err, done.code]).to.deep.equal(["", EXIT.ok]);
    const after = await gov("plan", ...from);
    expect(after.out).to.match(/\n\nnothing to change\n$/);
  });

  it("writes a file for Safe in place of sending", async () => {
    const safe = join(folder, "safe.json");
    const before = await nonceOf();
    const { code } = await gov("propose", "--call", "clearingHouse.windDown(LINK)", "--safe", safe);

    expect(code).to.equal(EXIT.ok);
    const batch = JSON.parse(readFileSync(safe, "utf8")) as { chainId: string; transactions: { to: string }[] };
    expect(batch.chainId).to.equal("31337");
    expect(batch.transactions.map(({ to }) => to)).to.deep.equal([world.book.contracts.authority]);
    expect(await nonceOf()).to.equal(before);
  });

  it("ends with a code of its own for each way in which nothing is sent", async () => {
    const elsewhere = join(folder, "elsewhere.json");
    writeAddressBook(elsewhere, { ...world.book, chainId: 1n });
    const send = ["--key-env", "GOVERNOR", "--send"];
    const before = await nonceOf();
    const unit = edited("unit.ts", "file.pool.cooldown = 18000n;");
    const wad = edited("wad.ts", 'file.assets.ETH.market.takerFee = "0.0005";');
    const range = edited("range.ts", 'file.pool.cooldown = "8 d";');
    const unknown = edited("unknown.ts", "file.assets.ETH.market.maxLeverage = 50n;");
    const fixed = edited("fixed.ts", 'file.assets.ETH.market.profitWeight = "80 %";');
    const shorter = edited("shorter.ts", 'file.pool.cooldown = "2 h";');
    const other = join(root, "deploy/parameters/base.ts");

    const ends = await Promise.all([
      gov("propose", "--parameters", unit, ...send),
      gov("propose", "--parameters", wad, ...send),
      gov("propose", "--parameters", range, ...send),
      gov("propose", "--parameters", unknown, ...send),
      gov("propose", "--call", "clearingHouse.windDown(DOGE)", ...send),
      run("propose", "--deployment", elsewhere, "--rpc", world.url, ...send),
      gov("propose", "--parameters", other, ...send),
      run("plan", "--deployment", world.file, "--rpc", `http://127.0.0.1:${String(await freePort())}`),
      gov("execute", "--operation", `0x${"ab".repeat(32)}`, ...send),
      gov("propose", "--parameters", shorter, "--key-env", "STRANGER", "--send"),
      gov("propose", "--parameters", fixed, ...send),
    ]);

    expect(ends.map(({ code }) => code)).to.deep.equal([
      EXIT.config,
      EXIT.config,
      EXIT.config,
      EXIT.config,
      EXIT.config,
      EXIT.wrongChain,
      EXIT.wrongChain,
      EXIT.unreachable,
      EXIT.nothingToDo,
      EXIT.unauthorized,
      EXIT.refused,
    ]);
    const said = ends.map(({ err }) => err.split("\n")[0] ?? "");
    expect(said[0]).to.match(/unit\.ts: pool\.cooldown: wrong type \(a number with its unit\): 18000n$/);
    expect(said[1]).to.match(/wad\.ts: assets\.ETH\.market\.takerFee: wrong unit \(in %\): "0\.0005"$/);
    expect(said[2]).to.match(/range\.ts: pool\.cooldown: out of range \(1 h to 7 d\): "8 d"$/);
    expect(said[3]).to.match(/unknown\.ts: assets\.ETH\.market\.maxLeverage: unknown key: 50n$/);
    expect(said[4]).to.equal("asset: not understood: DOGE");
    expect(said[5]).to.equal("chain 31337, the deployment is on 1");
    expect(said[10]).to.match(/^no call changes assets\.ETH\.market\.profitWeight /);
    expect(await nonceOf()).to.equal(before);
  });
});
