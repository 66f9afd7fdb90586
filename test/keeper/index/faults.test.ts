/** What happens to a database from outside: two keepers, a killed one, locks, damage, a server that is gone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import type { PendingOrder, RestingTrigger } from "../../../scripts/keeper/index/entries.ts";
import type { EventSource } from "../../../scripts/keeper/index/EventSource.ts";
import { Index } from "../../../scripts/keeper/index/Index.ts";
import { PostgresStore, StoreServerError } from "../../../scripts/keeper/index/PostgresStore.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { StoreBusyError, type Store, StoreInUseError } from "../../../scripts/keeper/index/Store.ts";
import type { Log } from "../../../scripts/keeper/log.ts";
import { accountAt, CONTRACTS, FakeChain } from "./fakeChain.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { expectRejection, keepingLog, temporaryDirectory } from "./support.ts";

const IDENTITY = { chainId: 1n, clearingHouse: CONTRACTS.clearingHouse };
const ALICE = accountAt(0);
async function openIndex(store: Store, chain: FakeChain, log: Log = keepingLog()): Promise<Index> {
  return Index.open({ store, source: chain, contracts: CONTRACTS, log, firstBlock: 1, range: 100 });
}

function chainOf(blocks: number): FakeChain {
  const chain = new FakeChain();
  more(chain, blocks);
  return chain;
}

/** So many accounts and blocks that a database has many pages. */
function more(chain: FakeChain, blocks: number): void {
  for (let block = 0; block < blocks; ++block) {
    chain.extend(
      Array.from({ length: 20 }, (_, place) => ({ kind: "cash", account: (block * 20 + place) % 500, amount: 10n })),
    );
  }
}

/** Another keeper's process with the same file. @return "open", and it stays so; or the name of the error. */
async function openInAnotherProcess(file: string): Promise<{ code: string; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, [
    "--input-type=module",
    "--eval",
    `import { SqliteStore } from ${JSON.stringify(new URL("../../../scripts/keeper/index/SqliteStore.ts", import.meta.url))};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    try {
      await SqliteStore.open({ file: ${JSON.stringify(file)}, log,
        identity: { chainId: 1n, clearingHouse: "${CONTRACTS.clearingHouse}" } });
      console.log("open");
      setInterval(() => undefined, 1_000);
    } catch (error) {
      console.log(error.constructor.name);
    }`,
  ]);
  const ended = once(child, "exit");
  const [output] = (await Promise.race([once(child.stdout, "data"), ended])) as [unknown];
  return {
    code: String(output).trim(),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The chain behind an endpoint that has no logs. */
class DeafChain implements EventSource {
  isDeaf = false;
  readonly #chain: FakeChain;

  constructor(chain: FakeChain) {
    this.#chain = chain;
  }

  async block(number: number) {
    return this.#chain.block(number);
  }

  async logs(from: number, to: number) {
    return this.isDeaf ? Promise.reject(new Error("the node keeps no logs")) : this.#chain.logs(from, to);
  }

  async books(accounts: readonly string[], block: number) {
    return this.#chain.books(accounts, block);
  }

  async orders(orders: readonly PendingOrder[], block: number) {
    return this.#chain.orders(orders, block);
  }

  async triggers(triggers: readonly RestingTrigger[]) {
    return this.#chain.triggers(triggers);
  }

  async debtIndex(block: number) {
    return this.#chain.debtIndex(block);
  }
}

async function expectRight(index: Index, chain: FakeChain): Promise<void> {
  const ids = [...index.accounts.keys()];
  const books = await chain.books(ids, chain.head.number);
  expect(ids.length).to.be.greaterThan(0);
  expect(ids.map((id) => index.accounts.get(id)?.cash)).to.deep.equal(books.map(({ cash }) => cash));
}

describe("index on a SQLite file that others touch", function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  let files = 0;
  let file = "";

  beforeEach(() => {
    file = join(directory, `faults-${files++}.sqlite`);
  });

  const open = async (log: Log = keepingLog(), patienceMs = 200) =>
    SqliteStore.open({ file, identity: IDENTITY, log, patienceMs });
  const setLease = (owner: string, expires: number): void => {
    const database = new DatabaseSync(file);
    database.prepare("INSERT OR REPLACE INTO lease VALUES (0, ?, ?)").run(owner, expires);
    database.close();
  };
  const expireLease = (): void => {
    const database = new DatabaseSync(file);
    database.exec("UPDATE lease SET expires = 0");
    database.close();
  };
  const asideOf = () => readdirSync(directory).filter((name) => name.startsWith(`${basename(file)}.damaged-`));

  it("refuses a second keeper at once", async () => {
    const first = await open();
    await expectRejection(open(), StoreInUseError);
    await first.close();
    await (await open()).close();
  });

  it("refuses a second keeper as long as the first lives, however long that has renewed nothing", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    expireLease();
    await expectRejection(open(), StoreInUseError);
    expireLease();
    const { code } = await openInAnotherProcess(file);
    expect(code).to.equal("StoreInUseError");
    more(chain, 1);
    await index.sync(chain.head);
    expect(index.head?.number).to.equal(3);
    await index.close();
  });

  it("takes over at once from a keeper that was killed, whoever has its process id now", async () => {
    const { code, kill } = await openInAnotherProcess(file);
    expect(code).to.equal("open");
    await expectRejection(open(), StoreInUseError);
    await kill();
    // Its lease has not expired, and names a process that lives.
    setLease(`${hostname()}/${process.ppid}/x`, Date.now() + 1_000_000);
    await (await open()).close();
  });

  it("waits for the lease of a keeper on another machine to expire", async () => {
    await (await open()).close();
    setLease("elsewhere/1/x", Date.now() + 1_000_000);
    await expectRejection(open(), StoreInUseError);
    setLease("elsewhere/1/x", Date.now() - 1);
    await (await open()).close();
  });

  it("writes nothing once another keeper has taken the file over", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    setLease("elsewhere/1/x", Date.now() + 1_000_000);
    more(chain, 1);
    await expectRejection(index.sync(chain.head), StoreInUseError);
    expect(index.head?.number).to.equal(2);
  });

  it("gives up on a lock after a while, loses nothing, and goes on once it is gone", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    more(chain, 3);
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    await expectRejection(index.sync(chain.head), StoreBusyError);
    expect(index.head?.number).to.equal(2);
    other.exec("ROLLBACK");
    other.close();
    await index.sync(chain.head);
    expect(index.head?.number).to.equal(5);
    await expectRight(index, chain);
    await index.close();
  });

  it("waits for a lock that is soon gone", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(keepingLog(), 5_000), chain);
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    const synced = index.sync(chain.head);
    setTimeout(() => {
      other.exec("ROLLBACK");
      other.close();
    }, 60);
    expect((await synced).applied).to.equal(40);
    await index.close();
  });

  /** Each begins with a closed database of many pages. */
  for (const [damage, harm] of [
    ["whose header is overwritten", overwriting({ at: 0, length: 100 })],
    ["with a page overwritten", overwriting({ at: 4_096, length: 4_096 })],
    ["that is cut short", cutting(4_096 * 7 + 100)],
    ["that is no database", overwriting({ at: 0, length: 1_000_000 })],
    ["with one digit of a balance changed", changeDigit],
    ["with a row that is gone", changing(`DELETE FROM accounts WHERE account = '${ALICE}'`)],
    ["with a number that is none", changing("UPDATE accounts SET cash = '1x'")],
  ] as const) {
    it(`moves a database ${damage} aside, says so, and rebuilds from the chain`, async () => {
      const chain = chainOf(60);
      const before = await openIndex(await open(), chain);
      await before.sync(chain.head);
      await before.close();
      harm(file);

      const log = keepingLog();
      const index = await openIndex(await open(log), chain, log);
      await index.sync(chain.head);
      await expectRight(index, chain);
      expect(index.accounts.size).to.equal(500);
      expect(asideOf().length).to.be.greaterThan(0);
      expect(log.lines.filter(({ level }) => level === "error").map(({ event }) => event)).to.include(
        "database moved aside",
      );
      await index.close();
    });
  }

  it("finds a damaged page when it opens the file, before anything is read", async () => {
    const chain = chainOf(60);
    const before = await openIndex(await open(), chain);
    await before.sync(chain.head);
    await before.close();
    overwrite(file, { at: 4_096, length: 4_096 });
    const log = keepingLog();
    await (await open(log)).close();
    expect(log.lines.map(({ event }) => event)).to.deep.equal(["database moved aside"]);
  });

  it("finds damage that is done while it runs, at the next check, and rebuilds", async () => {
    const chain = chainOf(60);
    const log = keepingLog();
    const index = await openIndex(await open(log), chain, log);
    await index.sync(chain.head);
    checkpoint(file);
    overwrite(file, { at: 4_096 * 4, length: 4_096 * 12 });
    more(chain, 1);
    await index.check(chain.head);
    expect(index.counters.corruptions).to.equal(1);
    await expectRight(index, chain);
    expect(asideOf().length).to.be.greaterThan(0);
    await index.close();
    await (await openIndex(await open(), chain)).close();
  });

  it("does not move a damaged file away from under a keeper that lives", async () => {
    const chain = chainOf(60);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    checkpoint(file);
    overwrite(file, { at: 4_096, length: 4_096 });
    await expectRejection(open(), StoreInUseError);
    expect(existsSync(file)).to.equal(true);
    expect(asideOf()).to.deep.equal([]);
    await index.close();
  });
});

describe("index on a PostgreSQL that several share", function () {
  this.timeout(60_000);
  let server: PostgresServer;

  before(async () => {
    server = await startPostgres();
  });

  beforeEach(async () => {
    await server.exec("DROP SCHEMA IF EXISTS plimsoll CASCADE");
  });

  after(async () => server.stop());

  const open = async (leaseMs?: number) => {
    const options = { url: server.url, identity: IDENTITY, log: keepingLog(), timeoutMs: 5_000 };
    return PostgresStore.open(leaseMs === undefined ? options : { ...options, leaseMs });
  };
  const expireLease = async () => server.exec("UPDATE plimsoll.lease SET expires = 0");

  it("lets one write and the others follow, row by row", async () => {
    const chain = chainOf(2);
    const writer = await openIndex(await open(), chain);
    await writer.sync(chain.head);
    const follower = await openIndex(await open(), chain);
    expect([writer.following, follower.following]).to.deep.equal([false, true]);
    await expectRight(follower, chain);
    await follower.sync(chain.head);

    chain.extend([
      { kind: "cash", account: 0, amount: 7n },
      { kind: "submit", account: 1, sequence: 0 },
    ]);
    await writer.sync(chain.head);
    const { changed } = await follower.sync(chain.head);
    expect([...changed].sort()).to.deep.equal([ALICE, accountAt(1)].sort());
    expect(follower.head?.number).to.equal(3);
    expect(follower.orders.size).to.equal(1);
    await expectRight(follower, chain);

    chain.extend([{ kind: "end", account: 1, sequence: 0 }]);
    await writer.sync(chain.head);
    await follower.sync(chain.head);
    expect(follower.orders.size).to.equal(0);
    await Promise.all([writer.close(), follower.close()]);
  });

  it("lets a follower take over once the writer's lease has expired, and the writer follow when it is back", async () => {
    const chain = chainOf(2);
    const first = await openIndex(await open(), chain);
    await first.sync(chain.head);
    const second = await openIndex(await open(), chain);
    await expireLease();
    more(chain, 1);
    await second.sync(chain.head);
    expect([second.following, second.head?.number]).to.deep.equal([false, 3]);
    await first.sync(chain.head);
    expect([first.following, first.head?.number]).to.deep.equal([true, 3]);
    await expectRight(first, chain);
    await Promise.all([first.close(), second.close()]);
  });

  it("stores nothing of a writer whose lease is taken in the middle of a sync", async () => {
    const chain = chainOf(2);
    const first = await openIndex(await open(), chain);
    await first.sync(chain.head);
    const second = await openIndex(await open(), chain);
    more(chain, 1);
    // The last question of a sync before its commit: whether its head is still there.
    chain.beforeBlock = async () => {
      await expireLease();
      await second.sync(chain.head);
    };
    await first.sync(chain.head);
    expect([first.following, second.following]).to.deep.equal([true, false]);
    await expectRight(first, chain);
    await Promise.all([first.close(), second.close()]);
    const again = await openIndex(await open(), chain);
    await expectRight(again, chain);
    await again.close();
  });

  it("stores nothing without its lease, even if nobody has written since", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    more(chain, 1);
    chain.beforeBlock = async () => server.exec("UPDATE plimsoll.lease SET owner = 'another', expires = 9000000000000");
    await index.sync(chain.head);
    expect([index.following, index.head?.number]).to.deep.equal([true, 2]);
    await index.close();
  });

  it("lets a follower take over from a writer that cannot read, however often that tries", async () => {
    const chain = chainOf(2);
    const deaf = new DeafChain(chain);
    const first = await Index.open({
      store: await open(),
      source: deaf,
      contracts: CONTRACTS,
      log: keepingLog(),
      firstBlock: 1,
      range: 100,
    });
    await first.sync(chain.head);
    const second = await openIndex(await open(), chain);
    more(chain, 1);
    deaf.isDeaf = true;
    await second.sync(chain.head);
    expect(second.following).to.equal(true);
    await expireLease();
    for (let turn = 0; turn < 3; ++turn) await expectRejection(first.sync(chain.head), Error);
    await second.sync(chain.head);
    expect([second.following, second.head?.number]).to.deep.equal([false, 3]);
    await first.sync(chain.head);
    expect([first.following, first.head?.number]).to.deep.equal([true, 3]);
    await expectRight(first, chain);
    await Promise.all([first.close(), second.close()]);
  });

  it("has a follower check what it has, say what is wrong, and leave it to the writer", async () => {
    const chain = chainOf(2);
    const writer = await openIndex(await open(), chain);
    await writer.sync(chain.head);
    const log = keepingLog();
    const follower = await openIndex(await open(), chain, log);
    // A block that the writer has not stored yet: a follower compares at the one that is.
    const stored = chain.head.number;
    chain.tamper(ALICE, (account) => (account.cash += 1n));
    more(chain, 1);
    expect(await follower.check(chain.head)).to.deep.equal({ accounts: 40, wrong: 1, repaired: 0 });
    expect(log.lines.find(({ event }) => event === "index wrong")?.fields).to.deep.equal({
      account: ALICE,
      block: stored,
      differences: ["cash"],
    });
    expect([follower.following, follower.head?.number]).to.deep.equal([true, stored]);
    expect((await writer.check(chain.head)).repaired).to.equal(1);
    expect((await follower.check(chain.head)).wrong).to.equal(0);
    await Promise.all([writer.close(), follower.close()]);
  });

  it("leaves the lease that has run out with its writer while there is nothing to write", async () => {
    const chain = chainOf(2);
    const writer = await openIndex(await open(), chain);
    await writer.sync(chain.head);
    const follower = await openIndex(await open(), chain);
    await expireLease();
    await follower.sync(chain.head);
    expect(follower.following).to.equal(true);
    more(chain, 1);
    await writer.sync(chain.head);
    await follower.sync(chain.head);
    expect([writer.following, follower.following, follower.head?.number]).to.deep.equal([false, true, 3]);
    await Promise.all([writer.close(), follower.close()]);
  });

  it("takes the lease back from nobody while the writer keeps renewing it", async () => {
    const chain = chainOf(2);
    const writer = await openIndex(await open(), chain);
    const follower = await openIndex(await open(), chain);
    for (let turn = 0; turn < 3; ++turn) {
      await writer.sync(chain.head);
      await follower.sync(chain.head);
    }
    expect([writer.following, follower.following]).to.deep.equal([false, true]);
    await writer.close();
    await follower.sync(chain.head);
    expect(follower.following).to.equal(false);
    await follower.close();
  });

  it("has a follower load everything where it has missed too much", async () => {
    const chain = chainOf(2);
    const writer = await openIndex(await open(), chain);
    await writer.sync(chain.head);
    const follower = await openIndex(await open(), chain);
    more(chain, 2);
    await writer.sync(chain.head);
    await server.exec("DELETE FROM plimsoll.changes; INSERT INTO plimsoll.meta VALUES ('reset_version', '2')");
    await follower.sync(chain.head);
    expect(follower.head?.number).to.equal(4);
    await expectRight(follower, chain);
    await Promise.all([writer.close(), follower.close()]);
  });

  it("says that a server does not answer, without its address, and goes on once it does", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    more(chain, 2);
    await server.pause();
    const error = await expectRejection(index.sync(chain.head), StoreBusyError);
    expect(error.message).to.not.include("s3cret");
    expect(index.head?.number).to.equal(2);
    await server.resume();
    await index.sync(chain.head);
    expect(index.head?.number).to.equal(4);
    await expectRight(index, chain);
    await index.close();
  });

  it("refuses an address that is none without repeating it", async () => {
    const options = { url: "postgres//keeper:s3cret@nowhere", identity: IDENTITY, log: keepingLog() };
    const error = await expectRejection(PostgresStore.open(options), StoreServerError);
    expect([error.message, String(error.cause)].join(" ")).to.not.include("s3cret");
  });

  it("rebuilds rows that somebody else has changed", async () => {
    const chain = chainOf(2);
    const index = await openIndex(await open(), chain);
    await index.sync(chain.head);
    await index.close();
    await server.exec(`UPDATE plimsoll.accounts SET cash = cash + 1 WHERE account = '${ALICE}'`);
    const again = await openIndex(await open(), chain);
    await again.sync(chain.head);
    expect(again.counters.corruptions).to.equal(1);
    await expectRight(again, chain);
    await again.close();
  });
});

/** Moves everything out of the log, into the file. */
function checkpoint(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

function overwrite(path: string, { at, length }: { at: number; length: number }): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, at, Math.min(at + length, bytes.length));
  writeFileSync(path, bytes);
}

/** In the file itself, past the database: what no check of its structure sees. */
function changeDigit(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(`${ALICE}30`);
  if (at < 0) throw new Error(`no balance of ${basename(path)} in ${dirname(path)}`);
  bytes.write("9", at + ALICE.length);
  writeFileSync(path, bytes);
}

type Harm = (path: string) => void;

function overwriting(place: { at: number; length: number }): Harm {
  return (path) => {
    overwrite(path, place);
  };
}

function cutting(length: number): Harm {
  return (path) => {
    truncateSync(path, length);
  };
}

function changing(sql: string): Harm {
  return (path) => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  };
}
