/** The full check against the chain, and what it puts right. */
import { join } from "node:path";

import { expect } from "chai";

import { Index } from "../../../scripts/keeper/index/Index.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { accountAt, CONTRACTS, FakeChain } from "./fakeChain.ts";
import { expectRejection, keepingLog, temporaryDirectory } from "./support.ts";

const [ALICE, BOB] = [accountAt(0), accountAt(1)];

describe("full check of the index", () => {
  const directory = temporaryDirectory();
  let files = 0;

  async function openIndex(chain: FakeChain, file = join(directory, `check-${files++}.sqlite`)) {
    const log = keepingLog();
    const store = await SqliteStore.open({
      file,
      identity: { chainId: 1n, clearingHouse: CONTRACTS.clearingHouse },
      log,
    });
    return {
      index: await Index.open({ store, source: chain, contracts: CONTRACTS, log, firstBlock: 1, range: 100 }),
      log,
      file,
    };
  }

  function chainOf(): FakeChain {
    const chain = new FakeChain();
    chain.extend([
      { kind: "cash", account: 0, amount: 50n },
      { kind: "fill", account: 0, asset: 1, delta: 4n },
      { kind: "cash", account: 1, amount: 9n },
      { kind: "submit", account: 1, sequence: 0 },
    ]);
    chain.extend([{ kind: "cash", account: 0, amount: 1n }]);
    return chain;
  }

  it("finds nothing where all is right", async () => {
    const chain = chainOf();
    const { index, log } = await openIndex(chain);
    expect(await index.check(chain.head)).to.deep.equal({ accounts: 2, wrong: 0, repaired: 0 });
    expect(index.head?.number).to.equal(2);
    expect(log.lines.filter(({ level }) => level === "error")).to.deep.equal([]);
    await index.close();
  });

  it("finds an account that is not as the chain has it, says in what, and puts it right for good", async () => {
    const chain = chainOf();
    const { index, log, file } = await openIndex(chain);
    await index.sync(chain.head);
    chain.tamper(ALICE, (account) => {
      account.cash += 3n;
      account.positions.set(1, { size: 4n, quote: -1n });
    });
    expect(await index.check(chain.head)).to.deep.equal({ accounts: 2, wrong: 1, repaired: 1 });
    expect(log.lines.find(({ event }) => event === "index wrong")?.fields).to.deep.equal({
      account: ALICE,
      block: 2,
      differences: ["cash", "position 1"],
    });
    const { checked, wrong, repaired } = index.counters;
    expect({ checked, wrong, repaired }).to.deep.equal({ checked: 2, wrong: 1, repaired: 1 });
    await index.close();
    const { index: again } = await openIndex(chain, file);
    const [book] = await chain.books([ALICE], 2);
    expect(again.accounts.get(ALICE)?.cash).to.equal(book?.cash);
    expect(again.accounts.get(ALICE)?.positions).to.deep.equal(book?.positions);
    await again.close();
  });

  it("tells whoever follows the accounts which ones it has changed, with the next sync", async () => {
    const chain = chainOf();
    const { index } = await openIndex(chain);
    await index.sync(chain.head);
    chain.tamper(BOB, (account) => (account.cash += 1n));
    await index.check(chain.head);
    expect([...(await index.sync(chain.head)).changed]).to.deep.equal([BOB]);
    await index.close();
  });

  it("undoes its repair with the block of it", async () => {
    const chain = chainOf();
    const { index } = await openIndex(chain);
    await index.sync(chain.ref(1));
    await index.sync(chain.head);
    chain.tamper(ALICE, (account) => (account.cash += 3n));
    await index.check(chain.head);
    chain.drop(1);
    chain.extend([]);
    await index.sync(chain.head);
    const [book] = await chain.books([ALICE], 2);
    expect(index.accounts.get(ALICE)?.cash).to.equal(book?.cash);
    await index.close();
  });

  it("finds an account that is flagged and should not be, or the other way round, and puts it right", async () => {
    const chain = chainOf();
    const { index, log } = await openIndex(chain);
    await index.sync(chain.head);
    chain.tamper(ALICE, (account) => (account.insolvent = true));
    expect(await index.check(chain.head)).to.deep.equal({ accounts: 2, wrong: 1, repaired: 1 });
    expect([...index.insolvent]).to.deep.equal([ALICE]);
    expect(log.lines.find(({ event }) => event === "index wrong")?.fields["differences"]).to.deep.equal(["insolvency"]);
    await index.close();
  });

  it("finds an order that is not as the chain has it, and rebuilds", async () => {
    const chain = chainOf();
    const { index, log } = await openIndex(chain);
    await index.sync(chain.head);
    chain.spoilt.add(`${BOB}/0`);
    const { wrong, repaired } = await index.check(chain.head);
    expect({ wrong, repaired }).to.deep.equal({ wrong: 1, repaired: 1 });
    expect(log.lines.find(({ event }) => event === "index wrong")?.fields).to.deep.equal({
      account: BOB,
      block: 2,
      differences: ["order 0"],
    });
    expect(index.counters.rebuilds).to.equal(1);
    chain.spoilt.clear();
    expect((await index.check(chain.head)).wrong).to.equal(0);
    await index.close();
  });

  it("rebuilds where an account has more orders than the index", async () => {
    const chain = chainOf();
    const { index } = await openIndex(chain);
    chain.hidden.add(1);
    await index.sync(chain.ref(1));
    chain.hidden.clear();
    chain.extend([{ kind: "cash", account: 1, amount: 1n }]);
    // The block is too far back to be asked for again.
    for (let block = 0; block < 100; ++block) chain.extend([]);
    chain.hidden.add(1);
    await index.sync(chain.head);
    chain.hidden.clear();
    expect(index.orders.size).to.equal(0);
    const { wrong, repaired } = await index.check(chain.head);
    expect({ wrong, repaired }).to.deep.equal({ wrong: 2, repaired: 2 });
    expect([...index.orders.keys()]).to.deep.equal([`${BOB}/0`]);
    expect(index.counters.rebuilds).to.equal(1);
    expect((await index.check(chain.head)).wrong).to.equal(0);
    await index.close();
  });

  it("changes nothing when the chain fails in the middle", async () => {
    const chain = chainOf();
    const { index } = await openIndex(chain);
    await index.sync(chain.head);
    chain.tamper(ALICE, (account) => (account.cash += 3n));
    // After the accounts it asks whether its block is still there.
    chain.beforeBlock = () => Promise.reject(new Error("the endpoint is down"));
    await expectRejection(index.check(chain.head), Error);
    expect(index.accounts.get(ALICE)?.cash).to.equal(50n);
    expect((await index.check(chain.head)).repaired).to.equal(1);
    await index.close();
  });
});
