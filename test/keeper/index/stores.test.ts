/** What both databases must do alike. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

import { expect } from "chai";

import { Index } from "../../../scripts/keeper/index/Index.ts";
import { PostgresStore } from "../../../scripts/keeper/index/PostgresStore.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import {
  SchemaError,
  type Store,
  type StoreBatch,
  type StoreIdentity,
  StoreInUseError,
  StoreMismatchError,
} from "../../../scripts/keeper/index/Store.ts";
import { accountAt, CONTRACTS, FakeChain } from "./fakeChain.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { expectRejection, keepingLog, temporaryDirectory } from "./support.ts";

const IDENTITY: StoreIdentity = { chainId: 42_161n, clearingHouse: CONTRACTS.clearingHouse };
const [ALICE, BOB] = [accountAt(0), accountAt(1)];
/** The widest that a word holds. */
const HUGE = (1n << 255n) - 1n;

interface Bench {
  /** An empty database. */
  reset(): Promise<void>;
  open(identity?: StoreIdentity): Promise<Store>;
  exec(sql: string): Promise<void>;
  stop(): Promise<void>;
}

function sqliteBench(): Bench {
  const directory = temporaryDirectory();
  let file = "";
  let count = 0;
  return {
    reset: () => {
      file = join(directory, `store-${count++}.sqlite`);
      return Promise.resolve();
    },
    open: async (identity = IDENTITY) => SqliteStore.open({ file, identity, log: keepingLog() }),
    exec: (sql) => {
      const database = new DatabaseSync(file);
      database.exec(sql);
      database.close();
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
}

function postgresBench(): Bench {
  let server: PostgresServer;
  let started = false;
  return {
    reset: async () => {
      if (!started) server = await startPostgres();
      started = true;
      await server.exec("DROP SCHEMA IF EXISTS plimsoll CASCADE");
    },
    open: async (identity = IDENTITY) => PostgresStore.open({ url: server.url, identity, log: keepingLog() }),
    exec: async (sql) => server.exec(sql.replaceAll("meta", "plimsoll.meta")),
    stop: async () => server.stop(),
  };
}

function batch(changes: Partial<StoreBatch>): StoreBatch {
  return {
    after: 0,
    clear: false,
    cursor: { number: 9, hash: "0x09", keptFrom: 3, digest: 77 },
    put: [],
    remove: [],
    rewindTo: undefined,
    blocks: [],
    journal: [],
    keepFrom: 3,
    ...changes,
  };
}

const FULL: Partial<StoreBatch> = {
  put: [
    {
      table: "accounts",
      rows: [
        [ALICE, -HUGE, 5n, true],
        [BOB, 0n, 0n, false],
      ],
    },
    { table: "positions", rows: [[ALICE, 95, -1n, HUGE]] },
    { table: "collateral", rows: [[ALICE, 15, 1n]] },
    { table: "orders", rows: [[ALICE, 16_777_215n, 1_800_000_000n, "3:36893488147419103232,4:1"]] },
    { table: "triggers", rows: [[BOB, 0n, 2, -3n, 4n, true, 0n]] },
    { table: "pool_batches", rows: [[1n, 2n, 3n, 4n, 5n]] },
    { table: "touched_sides", rows: [[3, false]] },
    { table: "insolvencies", rows: [[ALICE]] },
    { table: "sources", rows: [[3, "0x0a:0:60", "", "", "0x0b:3:90", "0x0c:5"]] },
  ],
  blocks: [
    { number: 8, hash: "0x08", logs: 2 },
    { number: 9, hash: "0x09", logs: 0 },
  ],
  journal: [
    { block: 8, table: "accounts", key: [ALICE], before: undefined },
    { block: 8, table: "triggers", key: [BOB, 0n], before: [BOB, 0n, 1, -1n, -2n, false, 9n] },
    { block: 9, table: "touched_sides", key: [3, false], before: undefined },
  ],
};

for (const [name, makeBench] of [
  ["SQLite", sqliteBench],
  ["PostgreSQL", postgresBench],
] as const) {
  describe(`store in ${name}`, function () {
    this.timeout(60_000);
    const bench = makeBench();
    let store: Store;

    beforeEach(async () => {
      await bench.reset();
      store = await bench.open();
      await store.claim();
    });

    afterEach(async () => {
      await store.close();
    });

    after(async () => bench.stop());

    async function reopen(): Promise<void> {
      await store.close();
      store = await bench.open();
      await store.claim();
    }

    it("has everything again after a restart, to the last digit", async () => {
      await store.commit(batch(FULL));
      await reopen();
      const { version, cursor, rows, blocks, journal } = await store.load();
      expect(version).to.equal(1);
      expect(cursor).to.deep.equal(batch({}).cursor);
      expect(rows).to.deep.equal(FULL.put);
      expect(blocks).to.deep.equal(FULL.blocks);
      expect(journal).to.have.deep.members([...(FULL.journal ?? [])]);
    });

    it("puts a row in place of the one before, and removes rows by key", async () => {
      await store.commit(batch(FULL));
      await store.commit(
        batch({
          after: 1,
          put: [{ table: "accounts", rows: [[ALICE, 1n, 0n, true]] }],
          remove: [
            { table: "accounts", rows: [[BOB]] },
            { table: "positions", rows: [[ALICE, 95]] },
            { table: "touched_sides", rows: [[3, false]] },
            { table: "insolvencies", rows: [[ALICE]] },
          ],
        }),
      );
      const { rows } = await store.load();
      const rowsOf = (table: string) => rows.find((stored) => stored.table === table)?.rows;
      expect(rowsOf("accounts")).to.deep.equal([[ALICE, 1n, 0n, true]]);
      expect(rowsOf("positions")).to.deep.equal([]);
      expect(rowsOf("touched_sides")).to.deep.equal([]);
      expect(rowsOf("insolvencies")).to.deep.equal([]);
      expect(rowsOf("collateral")).to.deep.equal([[ALICE, 15, 1n]]);
    });

    it("stores nothing of a batch that fails", async () => {
      await store.commit(batch(FULL));
      const before = await store.load();
      const broken = {
        after: 1,
        put: [
          { table: "collateral", rows: [[ALICE, 1, 5n]] },
          { table: "orders", rows: [[ALICE, 1n, null, "0:1"]] },
        ],
      } as unknown as Partial<StoreBatch>;
      await expectRejection(store.commit(batch(broken)), Error);
      expect(await store.load()).to.deep.equal(before);
    });

    it("stores nothing that was made from another version", async () => {
      await store.commit(batch(FULL));
      const before = await store.load();
      await expectRejection(
        store.commit(batch({ after: 0, remove: [{ table: "accounts", rows: [[BOB]] }] })),
        StoreInUseError,
      );
      expect(await store.load()).to.deep.equal(before);
    });

    it("drops blocks and journal of a fork that has lost", async () => {
      await store.commit(batch(FULL));
      await store.commit(batch({ after: 1, rewindTo: 8 }));
      const { blocks, journal } = await store.load();
      expect(blocks.map(({ number }) => number)).to.deep.equal([8]);
      expect(journal.map(({ block }) => block)).to.deep.equal([8, 8]);
    });

    it("drops what is older than it must keep, but for one block to go back to", async () => {
      const blocks = [4, 5, 6, 9].map((number) => ({ number, hash: `0x0${number}`, logs: 1 }));
      const journal = [5, 6, 9].map(
        (block) => ({ block, table: "accounts", key: [ALICE], before: undefined }) as const,
      );
      await store.commit(batch({ blocks, journal }));
      await store.commit(batch({ after: 1, keepFrom: 7 }));
      const left = await store.load();
      expect(left.blocks.map(({ number }) => number)).to.deep.equal([6, 9]);
      expect(left.journal.map(({ block }) => block)).to.deep.equal([9]);
    });

    it("keeps the first of two journal entries for one row in one block", async () => {
      const entry = { block: 9, table: "collateral", key: [ALICE, 1] } as const;
      await store.commit(batch({ journal: [{ ...entry, before: [ALICE, 1, 5n] }] }));
      await store.commit(batch({ after: 1, journal: [{ ...entry, before: [ALICE, 1, 6n] }] }));
      expect((await store.load()).journal).to.deep.equal([{ ...entry, before: [ALICE, 1, 5n] }]);
    });

    it("is empty after a batch that clears it", async () => {
      await store.commit(batch(FULL));
      await store.commit(batch({ after: 1, clear: true, cursor: undefined }));
      const { cursor, rows, blocks, journal } = await store.load();
      expect(cursor).to.equal(undefined);
      expect(rows.flatMap((stored) => stored.rows)).to.deep.equal([]);
      expect([blocks, journal]).to.deep.equal([[], []]);
    });

    it("begins with nothing after it was made anew", async () => {
      await store.commit(batch(FULL));
      await store.recreate();
      const { version, cursor, rows } = await store.load();
      expect({ version, cursor }).to.deep.equal({ version: 0, cursor: undefined });
      expect(rows.flatMap((stored) => stored.rows)).to.deep.equal([]);
      await store.commit(batch(FULL));
    });

    for (const [kind, found] of [
      ["an older", 1],
      ["a newer", 3],
    ] as const) {
      it(`refuses ${kind} schema, and says which it is and which it needs`, async () => {
        await store.close();
        await bench.exec(`UPDATE meta SET value = '${found}' WHERE name = 'schema'`);
        const error = await expectRejection(bench.open(), SchemaError);
        expect([error.found, error.expected]).to.deep.equal([found, 2]);
        expect(error.message).to.include(`schema ${found}`).and.to.include("needs 2");
      });
    }

    it("refuses the database of another deployment", async () => {
      await store.close();
      await expectRejection(bench.open({ ...IDENTITY, chainId: 8_453n }), StoreMismatchError);
      await expectRejection(bench.open({ ...IDENTITY, clearingHouse: CONTRACTS.orders }), StoreMismatchError);
    });

    it("carries an index over restarts and forks", async () => {
      const chain = new FakeChain();
      const open = async () =>
        Index.open({ store, source: chain, contracts: CONTRACTS, log: keepingLog(), firstBlock: 1, range: 3 });
      chain.extend([
        { kind: "cash", account: 0, amount: 50n },
        { kind: "fill", account: 0, asset: 1, delta: 6n },
        { kind: "submit", account: 1, sequence: 0 },
        { kind: "flag", account: 0 },
        { kind: "settlement", asset: 1, stream: 7n, window: 60n },
      ]);
      for (let block = 0; block < 7; ++block) chain.extend([{ kind: "cash", account: 0, amount: 1n }]);
      await (await open()).sync(chain.head);
      await reopen();
      chain.drop(3);
      for (let block = 0; block < 5; ++block) chain.extend([{ kind: "deleverage", asset: 1, long: true }]);
      chain.extend([
        { kind: "clear", account: 0 },
        { kind: "flag", account: 1 },
        { kind: "settlement", asset: 1, stream: 0n, window: 0n },
      ]);
      const index = await open();
      const { rewoundTo } = await index.sync(chain.head);
      expect(rewoundTo).to.equal(5);
      const [book] = await chain.books([ALICE], chain.head.number);
      const { cash, positions, exact } = index.accounts.get(ALICE) ?? {};
      expect({ cash, positions, exact }).to.deep.equal({ cash: book?.cash, positions: book?.positions, exact: true });
      expect([...index.orders.keys()]).to.deep.equal([`${BOB}/0`]);
      expect((await index.check(chain.head)).wrong).to.equal(0);
      await reopen();
      const again = await open();
      expect(again.accounts.get(ALICE)).to.deep.equal(index.accounts.get(ALICE));
      expect([...again.insolvent]).to.deep.equal([BOB]);
      const { settlement, former } = again.sources.get(1) ?? {};
      const stream = `0x${"7".padStart(40, "0")}`;
      expect([settlement, former?.settlement]).to.deep.equal([undefined, { stream, window: 60n }]);
    });
  });
}
