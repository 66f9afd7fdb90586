/** A keeper's reading, decisions and calls on the real contracts, without the shell around them. */
import type { Provider } from "ethers";

import { Contracts } from "../../../scripts/keeper/contracts.ts";
import type { Action } from "../../../scripts/keeper/decide/actions.ts";
import { decide } from "../../../scripts/keeper/decide/decide.ts";
import { DEFAULTS, type Settings } from "../../../scripts/keeper/decide/state.ts";
import { applyEvent } from "../../../scripts/keeper/index/apply.ts";
import { ChainSource } from "../../../scripts/keeper/index/ChainSource.ts";
import {
  type AccountBook,
  type BlockRef,
  type IndexView,
  keyOf,
  type PendingOrder,
  type RestingTrigger,
} from "../../../scripts/keeper/index/entries.ts";
import { eventDecoder } from "../../../scripts/keeper/index/events.ts";
import type { IndexedContracts } from "../../../scripts/keeper/index/EventSource.ts";
import { State } from "../../../scripts/keeper/index/State.ts";
import { type Job, type Role, ROLES } from "../../../scripts/keeper/job.ts";
import type { Log } from "../../../scripts/keeper/log.ts";
import { plan, PLAN_DEFAULTS } from "../../../scripts/keeper/plan.ts";
import { Reader, type ReaderOptions } from "../../../scripts/keeper/reading/Reader.ts";
import type { AddressBook } from "../../../scripts/deploy/addressBook.ts";
import { addressBookWith } from "../../addressBook.ts";
import { type Account, accountOf, ethers, type World } from "../../fixture.ts";

const NEVER = 1n << 40n;
const MAX_ASSETS = 96;
const MAX_TOKENS = 16;

export type Stage = ReturnType<typeof keeperOf>;

interface StageOptions extends Partial<Pick<ReaderOptions, "reports" | "shard">> {
  readonly book?: Partial<AddressBook>;
  readonly settings?: Partial<Settings>;
  /** What calls go through; otherwise the fixture's. */
  readonly provider?: Provider;
}

/** A keeper of the world's `keeper`, which starts with nothing. */
export function keeperOf(
  world: World,
  { book = {}, settings = {}, provider = ethers.provider, ...options }: StageOptions = {},
) {
  const account = accountOf(world.keeper);
  const said: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const contractsOf = async () => new Contracts({ provider, book: { ...(await bookOf(world)), ...book } });
  let made: { contracts: Contracts; reader: Reader } | undefined;
  const parts = async () => {
    if (made !== undefined) return made;
    const contracts = await contractsOf();
    const reader = new Reader({ contracts, log: logTo(said), account, ...options });
    return (made = { contracts, reader });
  };

  /** What is read now. */
  async function read(roles: readonly Role[] = ROLES, index?: IndexView) {
    const { reader } = await parts();
    return reader.read(index ?? (await indexOf(world)), await latest(), new Set(roles));
  }

  /** The model against `Lens`, now. */
  async function compare(index?: IndexView, signal?: AbortSignal) {
    const { reader } = await parts();
    return reader.compare(index ?? (await indexOf(world)), await latest(), signal);
  }

  async function decided(roles: readonly Role[] = ROLES): Promise<Action[]> {
    const { state } = await read(roles);
    // Prices that are only old are left, so that what a test is about stands alone.
    return decide(state, { ...DEFAULTS, refreshAge: NEVER, ...settings }, new Set(roles));
  }

  /** Sends all that is decided, batches as batches. Throws what a transaction reverts with. */
  async function cycle(roles: readonly Role[] = ROLES) {
    const { contracts } = await parts();
    const actions = await decided(roles);
    const steps = plan(actions, contracts, { account, ...PLAN_DEFAULTS });
    const jobs: Job[] = steps.map((step) => ("items" in step ? step.join(step.items) : step));
    const receipts = [];
    for (const { call } of jobs) {
      const receipt = await (await world.keeper.sendTransaction(call)).wait();
      if (receipt === null) throw new Error("a transaction without a receipt");
      receipts.push(receipt);
    }
    return { actions, jobs, receipts };
  }

  return { account, read, compare, decided, cycle, said, contracts: async () => (await parts()).contracts };
}

export async function latest(): Promise<BlockRef> {
  const block = await ethers.provider.getBlock("latest");
  if (block?.hash === undefined || block.hash === null) throw new Error("no latest block");
  const { number, hash, parentHash, timestamp } = block;
  return { number, hash, parentHash, time: BigInt(timestamp) };
}

function logTo(said: { event: string; fields: Readonly<Record<string, unknown>> }[]): Log {
  const write = (event: string, fields: Readonly<Record<string, unknown>> = {}) => void said.push({ event, fields });
  return { debug: write, info: write, warn: write, error: write };
}

async function bookOf(world: World): Promise<AddressBook> {
  const { authority, oracle, clearingHouse, extension, governance, vault, orders, pool, insuranceFund, lens } = world;
  const { feeds, sequencer } = world;
  const addresses = await Promise.all(feeds.map(async ({ proxy }) => proxy.getAddress()));
  return addressBookWith({
    block: 0n,
    deployer: world.admin.address,
    contracts: {
      authority: await authority.getAddress(),
      oracle: await oracle.getAddress(),
      clearingHouse: await clearingHouse.getAddress(),
      extension: await extension.getAddress(),
      governance: await governance.getAddress(),
      vault: await vault.getAddress(),
      orders: await orders.getAddress(),
      pool: await pool.getAddress(),
      insuranceFund: await insuranceFund.getAddress(),
      lens: await lens.getAddress(),
    },
    feeds: Object.fromEntries(addresses.map((address, asset) => [String(asset), address])),
    sequencer: await sequencer.proxy.getAddress(),
  });
}

/** An index as events name accounts and orders, and the chain has their books. */
export async function indexOf({ clearingHouse, orders, pool, oracle, insuranceFund }: World): Promise<IndexView> {
  const accounts = new Set<Account>();
  for (const { args, name } of await eventsOf(clearingHouse)) {
    if (name === "Fill" || name === "Credited") accounts.add(args.getValue("account") as Account);
    if (name === "Transferred") accounts.add(args.getValue("to") as Account);
    if (name === "CollateralSold") accounts.add(args.getValue("buyer") as Account);
  }
  const books = await Promise.all([...accounts].map(async (account) => bookOfAccount({ clearingHouse }, account)));
  const pending = new Map<string, PendingOrder>();
  const triggers = new Map<string, RestingTrigger>();
  for (const { args, name } of await eventsOf(orders)) {
    const get = (field: string) => args.getValue(field) as bigint;
    const id = () => ({ account: args.getValue("account") as Account, sequence: get("sequence") });
    if (name === "OrderSubmitted") {
      const legs = [{ asset: Number(get("asset")), phase: get("phase") }];
      pending.set(keyOf(id()), { ...id(), boundary: get("boundary"), legs });
    }
    if (name === "TriggerSubmitted") {
      const above = args.getValue("above") as boolean;
      const [asset, delta, triggerPrice, expiry] = [
        Number(get("asset")),
        get("delta"),
        get("triggerPrice"),
        get("expiry"),
      ];
      triggers.set(keyOf(id()), { ...id(), asset, delta, triggerPrice, above, expiry });
    }
    if (name.startsWith("OrderFilled") || name === "OrderCancelled" || name === "OrderRefunded")
      pending.delete(keyOf(id()));
    if (name === "TriggerPoked" || name === "TriggerCancelled") triggers.delete(keyOf(id()));
  }
  const contracts = {
    clearingHouse: await clearingHouse.getAddress(),
    orders: await orders.getAddress(),
    pool: await pool.getAddress(),
    oracle: await oracle.getAddress(),
    insuranceFund: await insuranceFund.getAddress(),
  };
  const { insolvent, sources } = await stateOf(contracts);
  return {
    accounts: new Map(books.map((book) => [book.account, book])),
    orders: pending,
    triggers,
    insolvent,
    sources,
  };
}

/** What the index itself makes of all events. */
async function stateOf(contracts: IndexedContracts): Promise<State> {
  const state = new State();
  const decode = eventDecoder(contracts);
  const source = new ChainSource(ethers.provider, contracts);
  for (const log of await source.logs(0, await ethers.provider.getBlockNumber())) {
    const event = decode(log);
    if (event !== undefined) applyEvent(state, event, accountOf({ address: contracts.insuranceFund }));
  }
  return state;
}

type Source = Pick<World["clearingHouse"] | World["orders"], "getAddress" | "interface">;

async function eventsOf(contract: Source) {
  const logs = await ethers.provider.getLogs({ address: await contract.getAddress(), fromBlock: 0, toBlock: "latest" });
  return logs.flatMap((log) => contract.interface.parseLog(log) ?? []);
}

async function bookOfAccount({ clearingHouse }: Pick<World, "clearingHouse">, account: Account): Promise<AccountBook> {
  const { cash, positions, collaterals } = await clearingHouse.accountOf(account);
  const has = (bits: bigint, count: number) =>
    Array.from({ length: count }, (_, bit) => bit).filter((bit) => ((bits >> BigInt(bit)) & 1n) !== 0n);
  const sizes = await Promise.all(
    has(positions, MAX_ASSETS).map(async (asset) => {
      const { size, quote } = await clearingHouse.positionOf(account, asset);
      return [asset, { size, quote }] as const;
    }),
  );
  const amounts = await Promise.all(
    has(collaterals, MAX_TOKENS).map(
      async (token) => [token, await clearingHouse.collateralOf(account, token)] as const,
    ),
  );
  return { account, cash, positions: new Map(sizes), collateral: new Map(amounts), exact: true };
}
