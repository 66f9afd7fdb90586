/** Long work of the index that is stopped, and that keeps its lease. */
import { expect } from "chai";

import { Index } from "../../../scripts/keeper/index/Index.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { CONTRACTS, FakeChain } from "./fakeChain.ts";
import { expectRejection, keepingLog } from "./support.ts";

class Stopped extends Error {}

/** 250 accounts, one in each of as many blocks. */
function chainOf(): FakeChain {
  const chain = new FakeChain();
  for (let account = 0; account < 250; ++account) chain.extend([{ kind: "cash", account, amount: 5n }]);
  return chain;
}

async function openIndex(chain: FakeChain) {
  const log = keepingLog();
  const identity = { chainId: 1n, clearingHouse: CONTRACTS.clearingHouse };
  const store = await SqliteStore.open({ file: ":memory:", identity, log });
  const progress: { block: number; head: number }[] = [];
  const index = await Index.open({
    store,
    source: chain,
    contracts: CONTRACTS,
    log,
    firstBlock: 1,
    range: 10,
    onProgress: (one) => progress.push(one),
  });
  return { index, store, progress };
}

describe("index that is stopped in the middle", () => {
  it("ends its sync before the next range of blocks, and goes on from there", async () => {
    const chain = chainOf();
    const stopping = new AbortController();
    const { index, progress } = await openIndex(chain);
    const { requests } = chain;
    chain.beforeBlock = () => {
      stopping.abort(new Stopped());
      return Promise.resolve();
    };
    await expectRejection(index.sync(chain.head, stopping.signal), Stopped);
    expect(index.head?.number).to.equal(10);
    expect(chain.requests - requests).to.be.at.most(3);
    expect(progress.at(-1)).to.deep.equal({ block: 10, head: 250 });

    expect((await index.sync(chain.head)).applied).to.equal(240);
    expect(progress.at(-1)).to.deep.equal({ block: 250, head: 250 });
    expect((await index.check(chain.head)).wrong).to.equal(0);
    await index.close();
  });

  it("ends its check before the next page of accounts, and puts nothing right", async () => {
    const chain = chainOf();
    const stopping = new AbortController();
    const { index, store } = await openIndex(chain);
    await index.sync(chain.head);
    for (const account of index.accounts.keys()) chain.tamper(account, (book) => (book.cash += 1n));
    const renew = store.renew.bind(store);
    store.renew = async () => {
      stopping.abort(new Stopped());
      return renew();
    };
    const { booksRead } = chain;
    await expectRejection(index.check(chain.head, stopping.signal), Stopped);
    expect(chain.booksRead - booksRead).to.equal(100);
    expect([...index.accounts.values()].every(({ cash }) => cash === 5n)).to.equal(true);
    await index.close();
  });

  it("renews its lease with each page of a check, which stores nothing", async () => {
    const chain = chainOf();
    const { index, store } = await openIndex(chain);
    await index.sync(chain.head);
    let renewed = 0;
    const renew = store.renew.bind(store);
    store.renew = async () => {
      renewed += 1;
      return renew();
    };
    await index.check(chain.head);
    expect(renewed).to.equal(3);
    await index.close();
  });
});
