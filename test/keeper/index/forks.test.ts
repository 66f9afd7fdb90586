/** The index over forks, restarts, endpoints that lag and answers that are not whole. */
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { SourceBehindError } from "../../../scripts/keeper/index/EventSource.ts";
import { Index } from "../../../scripts/keeper/index/Index.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { accountAt, CONTRACTS, FakeChain, type FakeEvent } from "./fakeChain.ts";
import { expectRejection, keepingLog, temporaryDirectory } from "./support.ts";

const RUNS = process.env["TEST_DEPTH"] === "deep" ? 1_000 : 25;
const SEED = 20_251_011;

describe("index over forks", () => {
  const directory = temporaryDirectory();
  let files = 0;

  /** Small limits, so that short histories pass all of them. */
  async function openIndex(chain: FakeChain, { file = join(directory, `${files++}.sqlite`), keep = 8 } = {}) {
    const log = keepingLog();
    const identity = { chainId: 1n, clearingHouse: CONTRACTS.clearingHouse };
    const store = await SqliteStore.open({ file, identity, log });
    const options = { store, source: chain, contracts: CONTRACTS, log, firstBlock: 1, range: 5, keep, overlap: 3 };
    return { index: await Index.open(options), log, file };
  }

  const credit = (account: number, amount: bigint): FakeEvent => ({ kind: "cash", account, amount });

  it("ends where indexing the final chain once ends, whatever has happened on the way", async function () {
    this.timeout(600_000);
    await fc.assert(
      fc.asyncProperty(fc.array(anyTurn, { minLength: 1, maxLength: 25 }), async (turns) => {
        const chain = new FakeChain();
        const { file, index: first } = await openIndex(chain);
        let index = first;
        const sequences = new Sequences();
        let hiddenAt: string | undefined;
        for (const turn of turns) {
          switch (turn.kind) {
            case "extend":
              for (const events of turn.blocks) chain.extend(sequences.valid(chain, events));
              break;
            case "fork":
              chain.drop(turn.depth);
              sequences.forget(chain);
              for (const events of turn.blocks) chain.extend(sequences.valid(chain, events));
              break;
            case "sync":
              await index.sync(chain.head);
              // A fork that is shorter so far may be an endpoint that lags; and what was left out is asked for again with
              // the next block.
              if (chain.head.hash !== index.head?.hash || chain.head.hash === hiddenAt) break;
              expect(shown(index)).to.deep.equal(await truth(chain, index));
              break;
            case "lag":
              if (chain.head.number > turn.behind) await index.sync(chain.ref(chain.head.number - turn.behind));
              break;
            case "hide":
              // Answers without the logs of the newest blocks, as of an endpoint that has only their headers.
              hiddenAt = chain.head.hash;
              chain.hidden.add(chain.head.number);
              await index.sync(chain.head).catch(ignoreBehind);
              chain.hidden.clear();
              break;
            case "fail":
              chain.failure = new Error("the endpoint is down");
              await index.sync(chain.head).catch(() => undefined);
              chain.failure = undefined;
              break;
            case "restart":
              await index.close();
              expect(index.counters.corruptions).to.equal(0);
              ({ index } = await openIndex(chain, { file }));
          }
        }
        do chain.extend([]);
        while (chain.head.number <= (index.head?.number ?? 0));
        await index.sync(chain.head);
        const { index: once } = await openIndex(chain);
        await once.sync(chain.head);
        const expected = shown(once);
        expect(shown(index)).to.deep.equal(expected);
        expect(expected).to.deep.equal(await truth(chain, once));
        await index.close();
        const { index: again } = await openIndex(chain, { file });
        await again.sync(chain.head);
        expect(shown(again)).to.deep.equal(expected);
        expect([index, once, again].map(({ counters }) => counters.corruptions)).to.deep.equal([0, 0, 0]);
        await Promise.all([again.close(), once.close()]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it("rewinds to the last common block, without asking for what came before", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain, { keep: 100 });
    for (let block = 0; block < 30; ++block) chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    chain.drop(4);
    for (let block = 0; block < 6; ++block) chain.extend([credit(1, 1n)]);
    const { requests } = chain;
    const { rewoundTo, applied } = await index.sync(chain.head);
    expect({ rewoundTo, applied }).to.deep.equal({ rewoundTo: 26, applied: 6 });
    expect(chain.requests - requests).to.be.lessThan(12);
    expect(index.accounts.get(accountAt(0))?.cash).to.equal(26n);
    expect(index.accounts.get(accountAt(1))?.cash).to.equal(6n);
    expect(index.counters.rebuilds).to.equal(0);
    await index.close();
  });

  it("names the accounts that a fork has taken away", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 5n)]);
    chain.extend([credit(1, 5n)]);
    await index.sync(chain.head);
    chain.drop(1);
    chain.extend([]);
    const { changed } = await index.sync(chain.head);
    expect([...changed]).to.deep.equal([accountAt(1)]);
    expect(index.accounts.has(accountAt(1))).to.equal(false);
    await index.close();
  });

  it("leaves no row of an account that a fork has taken away", async () => {
    const chain = new FakeChain();
    const { index, file } = await openIndex(chain);
    chain.extend([credit(0, 5n)]);
    chain.extend([
      { kind: "fill", account: 1, asset: 0, delta: 3n },
      { kind: "cash", account: 1, amount: 9n },
    ]);
    await index.sync(chain.head);
    chain.drop(1);
    chain.extend([]);
    await index.sync(chain.head);
    await index.close();
    const { index: again } = await openIndex(chain, { file });
    expect([...again.accounts.keys()]).to.deep.equal([accountAt(0)]);
    expect(again.counters.corruptions).to.equal(0);
    await again.close();
  });

  it("rebuilds from the first block, and says so, when a fork is deeper than what is kept", async () => {
    const chain = new FakeChain();
    const { index, log } = await openIndex(chain);
    for (let block = 0; block < 30; ++block) chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    chain.drop(15);
    for (let block = 0; block < 20; ++block) chain.extend([credit(0, 3n)]);
    await index.sync(chain.head);
    expect(index.accounts.get(accountAt(0))?.cash).to.equal(15n + 60n);
    expect(index.counters.rebuilds).to.equal(1);
    expect(log.lines.filter(({ level }) => level === "error").map(({ event }) => event)).to.deep.equal([
      "fork deeper than is kept, rebuilding",
    ]);
    await index.close();
  });

  it("ignores the older head of an endpoint that lags", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    for (let block = 0; block < 6; ++block) chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    const result = await index.sync(chain.ref(3));
    expect(result).to.deep.equal({ applied: 0, changed: new Set() });
    expect(index.head?.number).to.equal(6);
    expect(index.counters.rewinds).to.equal(0);
    await index.close();
  });

  it("takes in later what an answer has left out", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    chain.extend([credit(0, 10n)]);
    chain.hidden.add(2);
    await index.sync(chain.head);
    chain.hidden.clear();
    chain.extend([credit(0, 100n)]);
    await index.sync(chain.head);
    expect(index.accounts.get(accountAt(0))?.cash).to.equal(111n);
    expect(index.counters.missed).to.equal(1);
    await index.close();
  });

  it("refuses an answer with fewer logs of a block than before", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    chain.hidden.add(1);
    chain.extend([]);
    await expectRejection(index.sync(chain.head), SourceBehindError);
    chain.hidden.clear();
    await index.sync(chain.head);
    expect(index.accounts.get(accountAt(0))?.cash).to.equal(1n);
    await index.close();
  });

  it("believes in the end that a block has fewer logs than an answer once said", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 1n)]);
    await index.sync(chain.head);
    chain.hidden.add(1);
    chain.extend([]);
    for (let time = 0; time < 3; ++time) await expectRejection(index.sync(chain.head), SourceBehindError);
    await index.sync(chain.head);
    expect(index.head?.number).to.equal(2);
    expect(index.accounts.get(accountAt(0))).to.equal(undefined);
    await index.close();
  });

  it("takes nothing in when the chain moves while it reads", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 1n)]);
    const stale = chain.head;
    chain.drop(1);
    chain.extend([credit(0, 2n)]);
    await expectRejection(index.sync(stale), SourceBehindError);
    expect(index.accounts.size).to.equal(0);
    await index.sync(chain.head);
    expect(index.accounts.get(accountAt(0))?.cash).to.equal(2n);
    await index.close();
  });

  it("takes nothing in of a fork whose newest block says nothing of it", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 1n)]);
    chain.extend([]);
    const stale = chain.head;
    chain.drop(2);
    chain.extend([credit(0, 2n)]);
    chain.extend([]);
    await expectRejection(index.sync(stale), SourceBehindError);
    expect(index.accounts.size).to.equal(0);
    await index.close();
  });

  it("takes nothing in where logs come from another fork than blocks", async () => {
    const [chain, other] = [new FakeChain(), new FakeChain()];
    // From here on their hashes differ.
    other.extend([]);
    other.drop(1);
    chain.extend([credit(0, 1n)]);
    other.extend([credit(0, 2n)]);
    const { index } = await openIndex(chain);
    chain.logs = async (from, to) => other.logs(from, to);
    await expectRejection(index.sync(chain.head), SourceBehindError);
    expect(index.accounts.size).to.equal(0);
    await index.close();
  });

  it("reads an account only after an event that does not say all of it", async () => {
    const chain = new FakeChain();
    const { index } = await openIndex(chain);
    chain.extend([credit(0, 9n), credit(1, 9n)]);
    await index.sync(chain.head);
    expect(chain.booksRead).to.equal(0);
    chain.extend([credit(1, -20n)]);
    await index.sync(chain.head);
    expect(chain.booksRead).to.equal(1);
    // Its debt grows; that follows from the index of debts.
    chain.extend([]);
    await index.sync(chain.head);
    expect(chain.booksRead).to.equal(1);
    expect(shown(index)).to.deep.equal(await truth(chain, index));
    await index.close();
  });
});

type Turn =
  | { readonly kind: "extend"; readonly blocks: readonly (readonly FakeEvent[])[] }
  | { readonly kind: "fork"; readonly depth: number; readonly blocks: readonly (readonly FakeEvent[])[] }
  | { readonly kind: "lag"; readonly behind: number }
  | { readonly kind: "sync" | "hide" | "fail" | "restart" };

const account = fc.nat({ max: 3 });
const anyEvent: fc.Arbitrary<FakeEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("cash" as const), account, amount: fc.bigInt(-40n, 60n) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("fill" as const),
      account,
      asset: fc.nat({ max: 1 }),
      delta: fc.bigInt(-3n, 3n).filter((delta) => delta !== 0n),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("deleverage" as const), asset: fc.nat({ max: 1 }), long: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("submit" as const, "end" as const),
      account,
      sequence: fc.nat({ max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("flag" as const, "clear" as const), account }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("settlement" as const),
      asset: fc.nat({ max: 1 }),
      stream: fc.bigInt(0n, 3n),
      window: fc.bigInt(1n, 9n),
    }),
  },
);
const blocks = fc.array(fc.array(anyEvent, { maxLength: 3 }), { minLength: 1, maxLength: 7 });
const anyTurn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("extend" as const), blocks }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("fork" as const), depth: fc.integer({ min: 1, max: 14 }), blocks }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: "sync" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lag" as const), behind: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "hide" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "fail" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

/** Which orders wait at each block, so that none is submitted twice or ended without having been there. */
class Sequences {
  readonly #open: ReadonlySet<string>[] = [new Set()];

  valid(chain: FakeChain, events: readonly FakeEvent[]): FakeEvent[] {
    const open = new Set(this.#open[chain.head.number]);
    const valid = events.filter((event) => {
      if (event.kind !== "submit" && event.kind !== "end") return true;
      const name = `${event.account}/${event.sequence}`;
      if (open.has(name) === (event.kind === "submit")) return false;
      if (event.kind === "submit") open.add(name);
      else open.delete(name);
      return true;
    });
    this.#open[chain.head.number + 1] = open;
    return valid;
  }

  forget(chain: FakeChain): void {
    this.#open.length = chain.head.number + 1;
  }
}

interface Shown {
  readonly accounts: Readonly<Record<string, unknown>>;
  readonly orders: readonly string[];
  readonly insolvent: readonly string[];
  readonly sources: readonly unknown[];
}

function shown({
  accounts,
  orders,
  insolvent,
  sources,
}: Pick<Index, "accounts" | "orders" | "insolvent" | "sources">): Shown {
  return {
    accounts: Object.fromEntries(
      [...accounts.values()]
        .map(({ account: id, cash, positions, exact }) => [id, { cash, exact, positions: sorted(positions) }] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
    orders: [...orders.values()].map(({ account: id, sequence, boundary }) => `${id}/${sequence}/${boundary}`).sort(),
    insolvent: [...insolvent].sort(),
    sources: sorted(sources),
  };
}

/** What the chain says of the accounts of the index; its orders, and what they settle by, are only in events. */
async function truth(
  chain: FakeChain,
  { accounts, orders, sources }: Pick<Index, "accounts" | "orders" | "sources">,
): Promise<Shown> {
  const ids = [...accounts.keys()].sort();
  const books = await chain.books(ids, chain.head.number);
  const pending = new Map<string, number>();
  for (const { account: id } of orders.values()) pending.set(id, (pending.get(id) ?? 0) + 1);
  for (const book of books) expect(pending.get(book.account) ?? 0, "pending orders").to.equal(book.pending);
  return {
    accounts: Object.fromEntries(
      books.map(({ account: id, cash, positions }) => [id, { cash, exact: true, positions: sorted(positions) }]),
    ),
    orders: shown({ accounts: new Map(), orders, insolvent: new Set(), sources }).orders,
    insolvent: books.filter(({ insolvent }) => insolvent).map(({ account: id }) => id),
    sources: sorted(sources),
  };
}

function sorted<Value>(map: ReadonlyMap<number, Value>): (readonly [number, Value])[] {
  return [...map].sort(([a], [b]) => a - b);
}

function ignoreBehind(error: unknown): void {
  if (!(error instanceof SourceBehindError)) throw error;
}
