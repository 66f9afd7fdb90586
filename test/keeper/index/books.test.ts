/** The books of the index against the contracts', after histories that meet every kind of event. */
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { id as topicOf, toBeHex } from "ethers";

import { ChainSource } from "../../../scripts/keeper/index/ChainSource.ts";
import type { RawLog } from "../../../scripts/keeper/index/EventSource.ts";
import { Index } from "../../../scripts/keeper/index/Index.ts";
import { SqliteStore } from "../../../scripts/keeper/index/SqliteStore.ts";
import { SEED } from "../../model/arbitraries.ts";
import { newTally, Player } from "../../model/player.ts";
import { anyStep, type Step } from "../../model/steps.ts";
import { deploy, ethers, type World } from "../../model/world.ts";
import { blockOf, keepingLog, temporaryDirectory, wordOf } from "./support.ts";

const HISTORIES = process.env["TEST_DEPTH"] === "deep" ? 8 : 1;
const STEPS = process.env["TEST_DEPTH"] === "deep" ? 220 : 40;
/** Steps from one sync to the next. */
const PACE = 8;
const USUAL = [
  "liquidations",
  "deficits",
  "realised",
  "folded",
  "seizures",
  "seizedSold",
  "deleveraged",
  "cuts",
  "marketsClosed",
  "withdrawals",
  "funded",
  "drained",
] as const;
/** Short histories do not meet these. */
const RARE = ["takeOvers", "conversions", "settledDeficits", "flips"] as const;
const MET = process.env["TEST_DEPTH"] === "deep" ? [...USUAL, ...RARE] : USUAL;
const ASSETS = [0, 1, 2, 3];
const TOKENS = [0, 1];

describe("index against the clearing house", () => {
  const directory = temporaryDirectory();
  const tally = newTally();

  for (let run = 0; run < HISTORIES; ++run) {
    it(`has every account as the chain has it, all through a random history (${run})`, async () => {
      const world = await deploy();
      const { index, log } = await openIndex(world, join(directory, `books-${run}.sqlite`));
      const player = new Player(world, tally);
      await player.open();
      for (const [place, step] of historyOf(run).entries()) {
        await player.play(step);
        if (place % PACE !== 0) continue;
        const head = await blockOf(ethers.provider);
        await index.sync(head);
        await expectSame(world, index, head.number, `step ${place}, ${JSON.stringify(step)}`);
      }
      const head = await blockOf(ethers.provider);
      const { accounts, wrong } = await index.check(head);
      expect({ accounts, wrong }).to.deep.equal({ accounts: index.accounts.size, wrong: 0 });
      expect(log.lines.filter(({ level }) => level === "error")).to.deep.equal([]);
      await index.close();
    });
  }

  it("met on the way what moves books in an unusual manner", () => {
    for (const kind of MET) expect(tally[kind], kind).to.be.greaterThan(0);
  });
});

const ORDER_CLOSED = topicOf("OrderClosed(bytes32,bytes32,uint256,uint256,uint256)");
const ORDER_SUBMITTED = topicOf(
  "OrderSubmitted(bytes32,uint256,uint256,int256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
);
const ORDER_FILLED = topicOf("OrderFilled(bytes32,uint256,bytes32,uint256,uint256)");

/** This world's driver opens and executes orders in one go, in place of `Orders`; what that would emit is added here. */
class OrderedSource extends ChainSource {
  readonly #orders: string;

  constructor(...[requester, contracts]: ConstructorParameters<typeof ChainSource>) {
    super(requester, contracts);
    this.#orders = contracts.orders.toLowerCase();
  }

  override async logs(from: number, to: number): Promise<readonly RawLog[]> {
    const logs = await super.logs(from, to);
    return [...Map.groupBy(logs, ({ blockNumber }) => blockNumber).values()].flatMap((block) => {
      const closed = block.find(({ topics }) => topics[0] === ORDER_CLOSED);
      if (closed === undefined) return block;
      const account = String(closed.topics[1]);
      const sequence = toBeHex(closed.blockNumber, 32);
      const released = closed.data.slice(2, 66);
      const order = { ...closed, address: this.#orders };
      const words = [0n, 0n, 0n, 0n, 0n, 0n].map(wordOf).join("");
      return [
        {
          ...order,
          topics: [ORDER_SUBMITTED, account, sequence, toBeHex(0, 32)],
          data: `0x${words}${released}${wordOf(0n)}`,
        },
        ...block,
        { ...order, topics: [ORDER_FILLED, account, sequence, account], data: `0x${wordOf(0n)}${wordOf(0n)}` },
      ];
    });
  }
}

async function openIndex({ driver, house }: World, file: string) {
  const fund = await driver.getAddress();
  const pool = toBeHex(1, 20);
  const oracle = toBeHex(2, 20);
  const contracts = { clearingHouse: await house.getAddress(), orders: fund, pool, oracle, insuranceFund: fund };
  const log = keepingLog();
  const { chainId } = await ethers.provider.getNetwork();
  const store = await SqliteStore.open({
    file,
    identity: { chainId, clearingHouse: contracts.clearingHouse },
    log,
  });
  const source = new OrderedSource(ethers.provider, contracts);
  return { index: await Index.open({ store, source, contracts, log, firstBlock: 0, range: 1_000 }), log };
}

async function expectSame({ house, ids, fund }: World, index: Index, block: number, what: string): Promise<void> {
  const at = { blockTag: block };
  for (const id of [...ids, fund]) {
    const known = index.accounts.get(id);
    const { cash } = await house.accountOf(id, at);
    const insolvent = (await house.insolventSince(id, at)) !== 0n;
    const positions: [number, { size: bigint; quote: bigint }][] = [];
    for (const asset of ASSETS) {
      const [size, quote] = await house.positionOf(id, asset, at);
      if (size !== 0n || quote !== 0n) positions.push([asset, { size, quote }]);
    }
    const collateral: [number, bigint][] = [];
    for (const token of TOKENS) {
      const amount = await house.collateralOf(id, token, at);
      if (amount !== 0n) collateral.push([token, amount]);
    }
    expect(
      {
        cash: known?.cash ?? 0n,
        positions: inOrder(known?.positions ?? new Map()),
        collateral: inOrder(known?.collateral ?? new Map()),
        exact: known?.exact ?? true,
        insolvent: index.insolvent.has(id),
      },
      `${id} after ${what}`,
    ).to.deep.equal({ cash, positions, collateral, exact: true, insolvent });
  }
}

function inOrder<Value>(map: ReadonlyMap<number, Value>): [number, Value][] {
  return [...map].sort(([a], [b]) => a - b);
}

/** Random steps, and of those that are rare some for everybody; with the end of a market, so that sides are closed whole. */
function historyOf(run: number): readonly Step[] {
  const [random = []] = fc.sample(fc.array(anyStep, { minLength: STEPS, maxLength: STEPS, size: "max" }), {
    seed: SEED + 300 + run,
    numRuns: 1,
  });
  const asset = run % 3;
  const traders = [0, 1, 2, 3, 4, 5];
  const half = Math.floor(STEPS / 2);
  return [
    ...random.slice(0, half),
    { kind: "insolvency", account: 1, share: 50, rescued: false },
    { kind: "buySeized", token: 0, share: 60, seconds: 9_000 },
    ...random.slice(half),
    { kind: "cutProfits", asset, insurance: 0 },
    { kind: "windDown", asset },
    { kind: "closeMarket", asset, proved: true },
    ...traders.flatMap((account): Step[] => [
      { kind: "realise", account },
      { kind: "settleDeficit", account },
    ]),
    { kind: "pool", value: -60 },
  ];
}
