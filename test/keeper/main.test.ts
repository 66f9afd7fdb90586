/** The keeper as it runs: a process of its own against a node of its own. */
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

import { expect } from "chai";

import { writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { SEQUENCER } from "../../deploy/modules/LocalWorld.ts";
import { EXIT_CODES } from "../../scripts/keeper/exit.ts";
import { inWorld, startDeployment } from "../deployment.ts";
import { startPostgres } from "./index/postgres.ts";
import { freePort, startKeeper, until } from "./processes.ts";

/** The keys that every `hardhat node` shows: for throw-away chains. */
const MNEMONIC = "test test test test test test test test test test test junk";
const KEEPER_ACCOUNT = 5;

const ETH = 0;
const SETTLEMENT = 255;
const WAD = 10n ** 18n;
const USDC = 10n ** 6n;

async function startWorld(folder: string) {
  const deployment = await startDeployment(folder, "keeper");
  const { node, ethers, book, contracts, file } = deployment;

  // Blocks come by themselves, as on a live chain.
  const { provider } = ethers;
  await provider.send("evm_setIntervalMining", [250]);
  const walletOf = (index: number) =>
    ethers.HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`).connect(provider);
  const keeper = walletOf(KEEPER_ACCOUNT);
  const accountOf = (address: string) => ethers.toBeHex(BigInt(address) << 96n, 32);
  const usdc = await ethers.getContractAt("TestToken", book.tokens["USDC"] ?? "");
  const aggregator = await ethers.getContractAt("AccessListAggregator", book.aggregators["ETH"] ?? "");

  /** A wallet with cash in its account, in units of USDC. */
  async function fund(index: number, amount: bigint) {
    const wallet = walletOf(index);
    const signer = new ethers.NonceManager(wallet);
    const account = accountOf(wallet.address);
    await (await usdc.connect(signer).mint(wallet.address, amount)).wait();
    await (await usdc.connect(signer).approve(contracts.vault, amount)).wait();
    await (await contracts.vault.connect(signer).deposit(account, SETTLEMENT, amount)).wait();
    return { signer, account };
  }

  /** A deposit into the pool, from its request to its claim. Every feed has a new round afterwards. */
  async function fillPool(index: number, amount: bigint): Promise<void> {
    const { address } = walletOf(index);
    const signer = new ethers.NonceManager(walletOf(index));
    const pool = contracts.pool.connect(signer);
    await (await usdc.connect(signer).mint(address, amount)).wait();
    await (await usdc.connect(signer).approve(pool, amount)).wait();
    await (await pool.requestDeposit(amount, address, address)).wait();
    const { latest } = await pool.queue();
    const { maturesAt } = await pool.batchOf(latest);
    await skip(Number(maturesAt) - ((await provider.getBlock("latest"))?.timestamp ?? 0));
    await (await pool.fulfill(latest)).wait();
    await (await pool["deposit(uint256,address)"](amount, address)).wait();
    const time = (await provider.getBlock("latest"))?.timestamp ?? 0;
    for (const [name, address] of Object.entries(book.aggregators)) {
      if (name === SEQUENCER) continue;
      const source = await ethers.getContractAt("AccessListAggregator", address);
      await (await source.transmit(await source.latestAnswer(), time, time)).wait();
    }
  }

  /** A round at the time of the latest block. */
  async function setPrice(price: bigint): Promise<void> {
    const block = await provider.getBlock("latest");
    const time = block?.timestamp ?? 0;
    await (await aggregator.transmit(price * 10n ** 8n, time, time)).wait();
  }

  async function skip(seconds: number): Promise<void> {
    await provider.send("evm_increaseTime", [seconds]);
    await provider.send("evm_mine", []);
  }

  const roles = ["orders", "liquidate", "pool", "deleverage"];
  const args = [...roles, "--deployment", file, "--rpc", node.url, "--key-env", "KEEPER_KEY", "--interval", "100"];
  const start = (...more: string[]) => startKeeper([...args, ...more], { KEEPER_KEY: keeper.privateKey });
  return {
    ...deployment,
    provider,
    keeper,
    keeperAccount: accountOf(keeper.address),
    fund,
    fillPool,
    setPrice,
    skip,
    start,
  };
}

/** The last lines of a log, but for cycles with nothing to do. */
function busyLinesOf(output: string): string {
  const lines = output.split("\n").filter((line) => !line.includes('"actions":[]'));
  return lines.slice(-60).join("\n");
}

/** An endpoint whose blocks, all of them or those asked for by number, have hashes of their own. */
async function startForger(target: string, forged: "all" | "numbered") {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts).toString("utf8");
      const { method, params } = JSON.parse(body) as { method: string; params?: readonly unknown[] };
      const headers = { "content-type": "application/json" };
      const text = await (await fetch(target, { method: "POST", headers, body })).text();
      const isForged = method === "eth_getBlockByNumber" && (forged === "all" || params?.[0] !== "latest");
      const shown = isForged ? text.replace(/"hash":"0x.{8}/, '"hash":"0x00000000') : text;
      response.writeHead(200, headers).end(shown);
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

describe("keeper process", function () {
  this.timeout(120_000);

  const suite = inWorld(startWorld);

  it("executes an order, liquidates after a fall, and ends on SIGTERM", async () => {
    const { contracts, keeper, keeperAccount, provider, fund, fillPool, setPrice, skip, start } = suite.world;
    const { clearingHouse, orders, oracle } = contracts;
    await fillPool(1, 5_000_000n * USDC);
    const { signer, account } = await fund(2, 20_000n * USDC);
    const order = { asset: ETH, delta: 30n * WAD, acceptablePrice: 0, reduceOnly: false, expiry: 0 };
    await (await orders.connect(signer).submit(account, order)).wait();
    await skip(31);
    await setPrice(4_000n);

    // Without --send it only says what it would do.
    const dry = start("--once");
    expect(await dry.exited).to.equal(0);
    expect(dry.output()).to.match(/"event":"would send","action":"execute 0x/);
    expect(await provider.getTransactionCount(keeper.address)).to.equal(0);

    const running = start("--send", "--log-level", "debug");
    const sizeOf = async () => (await clearingHouse.positionOf(account, ETH)).size;
    const context = () => busyLinesOf(running.output());
    await until("the order is filled", async () => (await sizeOf()) === 30n * WAD, { context });
    const paid = (await clearingHouse.accountOf(keeperAccount)).cash;
    expect(paid).to.be.above(0n);

    // Twice within the jump limit, together beyond it.
    await setPrice(3_800n);
    await setPrice(3_610n);
    await setPrice(3_530n);
    await until("the account is liquidated", async () => (await sizeOf()) < 30n * WAD, { context });
    const [equity, maintenance] = (await contracts.lens.health([account]))[0] ?? [0n, 0n];
    expect(equity).to.be.above(maintenance);
    expect((await clearingHouse.accountOf(keeperAccount)).cash).to.be.above(paid);
    expect((await oracle.stateOf(ETH)).price).to.equal(3_530n * WAD);
    expect((await oracle.stateOf(ETH)).halted).to.equal(false);

    running.signal("SIGTERM");
    expect(await running.exited).to.equal(0);
    expect(running.output()).to.match(/"event":"stopped".*"sent":[1-9]/);
  });

  it("refunds an order that no round settles, and pokes a trigger", async () => {
    const { contracts, fund, setPrice, skip, start } = suite.world;
    const { orders, clearingHouse } = contracts;
    const { signer, account } = await fund(3, 20_000n * USDC);
    const input = { asset: ETH, delta: 10n * WAD, acceptablePrice: 0, reduceOnly: false, expiry: 0 };
    await (await orders.connect(signer).submit(account, input)).wait();
    await skip(31);
    await setPrice(3_530n);
    const trigger = {
      asset: ETH,
      delta: -4n * WAD,
      triggerPrice: 3_550n * WAD,
      above: true,
      acceptablePrice: 0,
      expiry: 0,
    };
    await (await orders.connect(signer).submitTrigger(account, trigger)).wait();

    const running = start("--send");
    const context = () => running.output().split("\n").slice(-30).join("\n");
    const sizeOf = async () => (await clearingHouse.positionOf(account, ETH)).size;
    await until("the order is filled", async () => (await sizeOf()) === 10n * WAD, { context });
    await setPrice(3_560n);
    await until("the trigger has become an order", async () => orders.isPending(account, 2), { context });
    // Its window passes without a round.
    await skip(4_000);
    await setPrice(3_560n);
    await until("it is refunded", async () => !(await orders.isPending(account, 2)), { context });
    expect(await sizeOf()).to.equal(10n * WAD);
    const refunds = await orders.queryFilter(orders.filters.OrderRefunded(account));
    expect(refunds.map(({ args: { sequence } }) => sequence)).to.deep.equal([2n]);
    running.signal("SIGTERM");
    expect(await running.exited).to.equal(0);
  });

  it("shows its health and what it has done, and no secret", async () => {
    const { fund, file, node, keeper, setPrice } = suite.world;
    await fund(4, 1_000n * USDC);
    await setPrice(3_560n);
    const port = await freePort();
    const { host } = new URL(node.url);
    const password = "word-of-an-endpoint";
    const args = ["orders", "monitor", "--deployment", file, "--rpc", `http://keeper:${password}@${host}/`];
    const keys = ["--key-env", "KEEPER_KEY", "--interval", "100", "--port", String(port), "--log-level", "debug"];
    const running = startKeeper([...args, ...keys], { KEEPER_KEY: keeper.privateKey });
    const get = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    const metrics = async () => (await get("/metrics"))?.text() ?? "";
    await until("the balance is read", async () => /signer_balance_ether [1-9]/.test(await metrics()), {
      context: running.output,
    });

    expect((await get("/health"))?.status).to.equal(200);
    const text = await metrics();
    expect(text).to.match(/^plimsoll_keeper_cycles_total\{result="ok"\} [1-9]/m);
    expect(text).to.match(/^plimsoll_keeper_accounts [1-9]/m);
    expect(text).to.match(/^plimsoll_keeper_signer_balance_ether (10000|9999\.)/m);
    expect(text).to.match(/^plimsoll_keeper_endpoints_up 1$/m);
    running.signal("SIGTERM");
    expect(await running.exited).to.equal(0);
    for (const shown of [running.output(), text]) {
      expect(shown).not.to.include(password);
      expect(shown).not.to.include(keeper.privateKey.slice(2));
    }
  });

  it("keeps its index in a file, that one process at a time may use", async () => {
    const { start } = suite.world;
    const database = ["--database", join(suite.folder, "index.db")];
    const first = start(...database, "--log-level", "debug");
    await until("it has indexed", () => first.output().includes('"event":"cycle"'), { context: first.output });

    expect(await start(...database, "--once").exited).to.equal(EXIT_CODES.StoreInUseError);
    first.signal("SIGTERM");
    expect(await first.exited).to.equal(0);
    const second = start(...database, "--once");
    expect(await second.exited).to.equal(0);
    expect(second.output()).to.match(/"event":"indexed".*"events":0/);
  });

  it("ends with a code of its own for each kind of wrong start", async () => {
    const { book, file, node, keeper, ethers, provider } = suite.world;
    const KEEPER_KEY = keeper.privateKey;
    const bookOf = (name: string, change: Partial<typeof book>): string => {
      const other = join(suite.folder, `${name}.json`);
      writeAddressBook(other, { ...book, ...change });
      return other;
    };
    const { contracts } = book;
    const nowhere = ethers.Wallet.createRandom();
    const otherChain = bookOf("chain", { chainId: 1n });
    const noCode = bookOf("empty", { contracts: { ...contracts, lens: nowhere.address } });
    const otherCode = bookOf("code", { contracts: { ...contracts, orders: contracts.pool } });
    const closed = `http://127.0.0.1:${await freePort()}`;
    const busyPort = new URL(node.url).port;
    const database = join(suite.folder, "other.db");
    const run = async (more: readonly string[], env = { KEEPER_KEY }, rpc = node.url, deployment = file) => {
      const usual = ["orders", "--deployment", deployment, "--rpc", rpc, "--key-env", "KEEPER_KEY", "--once"];
      // Many at once: the node may take its time.
      return startKeeper([...usual, "--rpc-timeout", "60000", ...more], env).exited;
    };
    expect(await run(["--database", database])).to.equal(0);
    const stored = new DatabaseSync(database);
    stored.exec("UPDATE meta SET value = '0' WHERE name = 'schema'");
    stored.close();
    const balance = await provider.getBalance(nowhere.address);
    expect(balance).to.equal(0n);

    const codes = await Promise.all([
      run(["--interval", "0"]),
      run([], { KEEPER_KEY }, node.url, otherChain),
      run([], { KEEPER_KEY }, closed),
      run([], { KEEPER_KEY }, node.url, noCode),
      run([], { KEEPER_KEY }, node.url, otherCode),
      run([], { KEEPER_KEY: "0x12" }),
      run(["--send"], { KEEPER_KEY: nowhere.privateKey }),
      run(["--database", database]),
      run(["--port", busyPort]),
    ]);
    expect(codes).to.deep.equal([2, 3, 4, 5, 5, 6, 7, 8, 13]);
  });

  it("ends --once with the code of what its cycle has failed of", async () => {
    const { file, node } = suite.world;
    const spoilt = await Promise.all([startForger(node.url, "all"), startForger(node.url, "numbered")]);
    try {
      const [forked, gone] = spoilt.map(({ url }) => url);
      const run = async (rpc: string) =>
        startKeeper(["orders", "--deployment", file, "--rpc", rpc, "--once"], {}).exited;

      expect(await run(`${node.url},${String(forked)}`)).to.equal(EXIT_CODES.QuorumError);
      expect(await run(String(gone))).to.equal(EXIT_CODES.CycleError);
    } finally {
      for (const { close } of spoilt) close();
    }
  });

  it("closes its connection to PostgreSQL where its start fails later", async () => {
    const { file, node } = suite.world;
    const postgres = await startPostgres();
    try {
      const args = ["orders", "--deployment", file, "--rpc", node.url, "--once", "--port", new URL(node.url).port];
      const begun = Date.now();
      const running = startKeeper(args, { DATABASE_URL: postgres.url });
      expect(await running.exited).to.equal(EXIT_CODES.PortError);
      expect(running.output()).to.not.match(/"not closed"/);
      // By itself, before it would be ended.
      expect(Date.now() - begun).to.be.below(9_000);
    } finally {
      await postgres.stop();
    }
  });

  it("wants no balance of one that sends nothing", async () => {
    const { file, node } = suite.world;
    const running = startKeeper(["monitor", "--deployment", file, "--rpc", node.url, "--once", "--send"]);

    expect(await running.exited).to.equal(0);
  });
});
