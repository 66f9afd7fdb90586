/** The run itself: rounds, traders, providers and keepers, second by second of the record. */
import type { ContractTransaction } from "ethers";

import { seeded } from "../../history/random.ts";
import { ChainSource } from "../../keeper/index/ChainSource.ts";
import { type Markets, readMarkets, readRules, readStanding, type Rules } from "../../replay/books.ts";
import { type Conservation, measureConservation } from "../../replay/conservation.ts";
import { Journal, type LiquidationRecord } from "../../replay/journal.ts";
import { SETTLEMENT } from "../../replay/protocol.ts";
import { Agenda } from "./agenda.ts";
import type { Deed, Leg, Trader } from "./cast.ts";
import { faultsOf, type Health, isUnhealthy, pushedOver, readHealth, readSides } from "./checks.ts";
import { type Attempt, Crew, type KeeperProfile, type Landing } from "./crew.ts";
import { priceAt, type Recording } from "./recording.ts";
import { castAt, type Stage } from "./stage.ts";

/** Money WAD of settlement token, sizes WAD of base units. */
export interface MarketSample {
  readonly asset: number;
  readonly price: bigint;
  readonly long: bigint;
  readonly short: bigint;
  readonly fundingIndex: bigint;
  /** WAD per day. */
  readonly fundingRate: bigint;
}

/** Everything at one second, after what happened in it. */
export interface Sample {
  readonly time: number;
  readonly poolEquity: bigint;
  /** Of the pool, WAD. */
  readonly shares: bigint;
  readonly insurance: bigint;
  readonly base: bigint;
  readonly protocolFees: bigint;
  /** Booked so far. */
  readonly badDebt: bigint;
  /** Σ of what accounts are short of, and nobody has booked yet. */
  readonly underwater: bigint;
  readonly unhealthy: number;
  /** Healthy ones whose equity is above maintenance by at most 5, 10, 20 % of itself. */
  readonly within: readonly [five: number, ten: number, twenty: number];
  readonly markets: readonly MarketSample[];
}

/** A liquidation, judged by the model on the account as it was before. */
export interface Judgement extends LiquidationRecord {
  readonly healthy: boolean;
  /** Seconds since it was seen unhealthy first. */
  readonly waited: number;
}

export interface Pushed {
  readonly time: number;
  readonly account: string;
  /** By what. */
  readonly kind: string;
}

export interface RejectedDeed {
  readonly time: number;
  readonly trader: string;
  readonly deed: Deed["do"];
  readonly reason: string;
}

/** Flow of money into the pool or out of it, of providers. */
export interface ProviderFlow {
  readonly time: number;
  readonly name: string;
  readonly what: "asks to deposit" | "asks to redeem" | "deposits" | "redeems";
  /** WAD of settlement token, or of shares where it asks to redeem. */
  readonly amount: bigint;
}

export interface RunResult {
  readonly journal: Journal;
  readonly samples: readonly Sample[];
  readonly judgements: readonly Judgement[];
  readonly landings: readonly Landing[];
  readonly pushed: readonly Pushed[];
  readonly rejected: readonly RejectedDeed[];
  readonly providerFlows: readonly ProviderFlow[];
  /** What did not add up, with its time; steps that were looked at. */
  readonly faults: readonly string[];
  readonly steps: number;
  /** Of the traders, in their order: before prices fall most, and at the end. */
  readonly health: { readonly before: readonly Health[]; readonly beforeAt: number; readonly after: readonly Health[] };
  readonly opened: readonly Health[];
  readonly rules: Rules;
  readonly markets: Markets;
  readonly lastBlock: number;
  /** Fills of orders with the oracle's price when they were sent. */
  readonly actions: { readonly transactions: number; readonly seconds: number; readonly keepers: number };
}

export interface RunOptions {
  readonly stage: Stage;
  readonly recording: Recording;
  readonly traders: readonly Trader[];
  readonly keepers: readonly KeeperProfile[];
  readonly providers: readonly { readonly name: string; readonly leavesAt?: number; readonly entersAt?: number }[];
  /** What who comes later brings, WAD. */
  readonly later: bigint;
  /** When the record is at its calmest before the fall: health is kept of then. */
  readonly calmAt: number;
  readonly seed: number;
  readonly onProgress: (done: number, time: number) => void;
  readonly checkpoint: () => Promise<void>;
}

type Item =
  | { readonly kind: "round"; readonly symbol: string; readonly answer: bigint }
  | { readonly kind: "deed"; readonly trader: number; readonly deed: Deed }
  | { readonly kind: "provider"; readonly provider: number; readonly leaves: boolean }
  | { readonly kind: "landing"; readonly attempt: Attempt }
  | { readonly kind: "look" };

/** Keepers look again after so long without anything that happens, s. */
const IDLE = 300;
/** What changes what others have, beside whom it names. */
const CHECKED = new Set([
  "liquidate",
  "takeOver",
  "convert",
  "deleverage",
  "cutProfits",
  "seize",
  "buySeized",
  "closeMarket",
]);
/** How soon a trader answers a call for margin, s. */
const MARGIN_CALL = 60;
const WAD = 10n ** 18n;

export async function play(options: RunOptions): Promise<RunResult> {
  const { stage, keepers } = options;
  const { provider } = stage.chain;
  const profiles = keepers.map((profile, index) => ({ profile, address: castAt(stage.keepers, index).address }));
  const crew = await Crew.open(stage.chain, stage.book, profiles);
  try {
    const run = new Run(options, {
      crew,
      rules: await readRules(stage.protocol),
      journal: await Journal.open(provider, stage.protocol, Number(stage.book.block)),
    });
    return await run.play();
  } finally {
    await crew.close();
  }
}

interface Parts {
  readonly crew: Crew;
  readonly rules: Rules;
  readonly journal: Journal;
}

class Run {
  readonly #options: RunOptions;
  readonly #crew: Crew;
  readonly #rules: Rules;
  readonly #journal: Journal;
  readonly #source: ChainSource;
  readonly #agenda = new Agenda<Item>();
  readonly #accounts: readonly string[];
  readonly #samples: Sample[] = [];
  readonly #judgements: Judgement[] = [];
  readonly #landings: Landing[] = [];
  readonly #pushed: Pushed[] = [];
  readonly #rejected: RejectedDeed[] = [];
  readonly #flows: ProviderFlow[] = [];
  readonly #faults: string[] = [];
  readonly #times = new Map<number, number>();
  readonly #unhealthySince = new Map<string, number>();
  readonly #reserves: bigint[];
  readonly #random: () => number;
  #health: readonly Health[] = [];
  #before: readonly Health[] = [];
  #beforeAt = 0;
  #judged = 0;
  #seen = 0;

  constructor(options: RunOptions, { crew, rules, journal }: Parts) {
    const { stage, traders, seed } = options;
    this.#options = options;
    this.#crew = crew;
    this.#rules = rules;
    this.#journal = journal;
    this.#source = new ChainSource(stage.chain.provider, stage.book.contracts);
    this.#accounts = stage.traders.map(({ account }) => account);
    this.#reserves = traders.map(({ reserve }) => reserve);
    this.#random = seeded(seed + 1);
  }

  async play(): Promise<RunResult> {
    const { stage, recording, onProgress, checkpoint } = this.#options;
    const { chain } = stage;
    const begun = { ...chain.work };
    this.#plan();
    await this.#follow();
    const opened = await readHealth(this.#crew.contracts.lens, this.#accounts, chain.block);
    await this.#sample(opened);
    for (let step = this.#agenda.take(); step !== undefined; step = this.#agenda.take()) {
      if (step.time > recording.to) break;
      await checkpoint();
      await this.#play(step);
      onProgress((step.time - recording.from) / (recording.to - recording.from), step.time);
    }
    await this.#claim();
    await this.#settle();
    return {
      journal: this.#journal,
      samples: this.#samples,
      judgements: this.#judgements,
      landings: this.#landings,
      pushed: this.#pushed,
      rejected: this.#rejected,
      providerFlows: this.#flows,
      faults: this.#faults,
      steps: this.#samples.length,
      health: { before: this.#before, beforeAt: this.#beforeAt, after: this.#health },
      opened,
      rules: this.#rules,
      markets: await readMarkets(stage.protocol, { block: chain.block, time: BigInt(chain.time) }),
      lastBlock: chain.block,
      actions: {
        transactions: chain.work.transactions - begun.transactions,
        seconds: chain.work.seconds - begun.seconds,
        keepers: this.#landings.length,
      },
    };
  }

  /** All that is known before. */
  #plan(): void {
    const { recording, traders, providers } = this.#options;
    const { from, to, rounds } = recording;
    for (const [symbol, series] of rounds) {
      for (const { updatedAt, answer } of series) {
        if (updatedAt > from && updatedAt <= to) this.#agenda.add(updatedAt, { kind: "round", symbol, answer });
      }
    }
    for (const [trader, { deeds }] of traders.entries()) {
      for (const { time, deed } of deeds) {
        if (time <= to) this.#agenda.add(Math.max(time, from + 1), { kind: "deed", trader, deed });
      }
    }
    for (const [provider, { leavesAt, entersAt }] of providers.entries()) {
      if (entersAt !== undefined) this.#agenda.add(entersAt, { kind: "provider", provider, leaves: false });
      if (leavesAt !== undefined) this.#agenda.add(leavesAt, { kind: "provider", provider, leaves: true });
    }
    for (let time = from + IDLE; time <= to; time += IDLE) this.#agenda.add(time, { kind: "look" });
  }

  // ---------------------------------------------------------------- a second

  async #play({ time, items }: { readonly time: number; readonly items: readonly Item[] }): Promise<void> {
    const { chain } = this.#options.stage;
    chain.moveTo(time);
    const isOf = <K extends Item["kind"]>(kind: K) =>
      items.filter((item): item is Extract<Item, { kind: K }> => item.kind === kind);
    for (const { symbol, answer } of isOf("round")) await this.#options.stage.transmit(symbol, answer);
    for (const { trader, deed } of isOf("deed")) await this.#act(trader, deed);
    for (const { provider, leaves } of isOf("provider")) await this.#provide(provider, leaves);
    // A reading is of a block: this one is of now.
    await chain.mine();
    for (const { attempt } of isOf("landing")) await this.#land(attempt);
    await this.#settle();
    // What was only asked for gives keepers nothing to do before the next round.
    if (!items.some(({ kind }) => kind === "round" || kind === "landing" || kind === "look")) return;
    for (const attempt of await this.#crew.look()) {
      this.#agenda.add(attempt.landsAt, { kind: "landing", attempt });
    }
  }

  /** Takes in what has happened up to the last block, checks it and keeps it. */
  async #settle(): Promise<void> {
    const { chain } = this.#options.stage;
    await this.#follow();
    await this.#judge();
    const health = await readHealth(this.#crew.contracts.lens, this.#accounts, chain.block);
    this.#watch(health);
    await this.#sample(health);
    this.#callForMargin();
  }

  async #follow(): Promise<void> {
    const { chain } = this.#options.stage;
    for (let block = this.#seen + 1; block <= chain.block; block += 1) this.#times.set(block, chain.time);
    this.#seen = chain.block;
    await this.#journal.read(chain.block, (block) => this.#times.get(block) ?? chain.time);
  }

  // ---------------------------------------------------------------- traders and providers

  async #act(trader: number, deed: Deed): Promise<void> {
    const { stage, traders } = this.#options;
    const cast = castAt(stage.traders, trader);
    const name = traders[trader]?.name ?? "";
    if (deed.do === "deposit") {
      const units = deed.funds.amount / 10n ** 12n;
      const { vault } = stage.protocol;
      const call = await vault.deposit.populateTransaction(cast.account, SETTLEMENT, units);
      const sent = await stage.send(cast.address, call);
      if (!sent.succeeded) await this.#reject({ name, deed: deed.do, from: cast.address, call });
      return;
    }
    const call = await this.#orderOf(cast.account, deed.legs, deed.reduceOnly);
    const sent = await stage.send(cast.address, call);
    if (!sent.succeeded) await this.#reject({ name, deed: deed.do, from: cast.address, call });
  }

  async #orderOf(account: string, legs: readonly Leg[], reduceOnly: boolean): Promise<ContractTransaction> {
    const { orders, assets } = this.#options.stage.protocol;
    const placed = legs.map(({ symbol, size }) => ({ asset: assets.get(symbol) ?? Number.NaN, delta: size }));
    const [first] = placed;
    if (placed.length === 1 && first !== undefined) {
      const order = { ...first, acceptablePrice: 0n, reduceOnly, expiry: 0 };
      return orders.submit.populateTransaction(account, order);
    }
    return orders.submitBasket.populateTransaction(account, placed, reduceOnly, 0);
  }

  async #reject({
    name,
    deed,
    from,
    call: { to, data },
  }: {
    name: string;
    deed: Deed["do"];
    from: string;
    call: ContractTransaction;
  }): Promise<void> {
    const { chain } = this.#options.stage;
    let reason = "would not be refused now";
    try {
      await chain.provider.call({ from, to, data });
    } catch (error) {
      reason = this.#crew.contracts.describe(error).text;
    }
    this.#rejected.push({ time: chain.time, trader: name, deed, reason });
  }

  async #provide(provider: number, leaves: boolean): Promise<void> {
    const { stage, providers, later } = this.#options;
    const { pool } = stage.protocol;
    const { address } = castAt(stage.providers, provider);
    const { name = "" } = providers[provider] ?? {};
    if (leaves) {
      const shares = await pool.balanceOf(address);
      await stage.must(address, await pool.requestRedeem.populateTransaction(shares, address, address));
      this.#flows.push({ time: stage.chain.time, name, what: "asks to redeem", amount: shares });
      return;
    }
    const units = later / 10n ** 12n;
    await stage.must(address, await pool.requestDeposit.populateTransaction(units, address, address));
    this.#flows.push({ time: stage.chain.time, name, what: "asks to deposit", amount: later });
  }

  /** Providers take what they were given. */
  async #claim(): Promise<void> {
    const { stage, providers } = this.#options;
    const { pool } = stage.protocol;
    const { chain } = stage;
    for (const [index, { name }] of providers.entries()) {
      const { address } = castAt(stage.providers, index);
      const assets = await pool.maxWithdraw(address);
      if (assets > 0n) {
        await stage.must(address, await pool.withdraw.populateTransaction(assets, address, address));
        this.#flows.push({ time: chain.time, name, what: "redeems", amount: assets * 10n ** 12n });
      }
      const deposit = await pool.maxDeposit(address);
      if (deposit > 0n) {
        await stage.must(address, await pool["deposit(uint256,address)"].populateTransaction(deposit, address));
        this.#flows.push({ time: chain.time, name, what: "deposits", amount: deposit * 10n ** 12n });
      }
    }
  }

  /** Whoever has a reserve and comes near its requirement brings it, once. */
  #callForMargin(): void {
    const { chain } = this.#options.stage;
    for (const [trader, { equity, maintenance }] of this.#health.entries()) {
      const amount = this.#reserves[trader] ?? 0n;
      if (amount === 0n || maintenance === 0n || equity <= 0n || 4n * equity > 5n * maintenance) continue;
      this.#reserves[trader] = 0n;
      const time = chain.time + MARGIN_CALL + Math.floor(this.#random() * MARGIN_CALL);
      this.#agenda.add(time, { kind: "deed", trader, deed: { do: "deposit", funds: { token: "USDC", amount } } });
    }
  }

  // ---------------------------------------------------------------- keepers

  async #land(attempt: Attempt): Promise<void> {
    const { chain } = this.#options.stage;
    const before = chain.block;
    const landing = await this.#crew.land(attempt);
    this.#landings.push(landing);
    if (!landing.succeeded || !CHECKED.has(attempt.kind)) return;
    const { lens } = this.#crew.contracts;
    const [was, is] = await Promise.all([
      readHealth(lens, this.#accounts, before),
      readHealth(lens, this.#accounts, landing.block),
    ]);
    for (const account of pushedOver(was, is, landing.accounts)) {
      this.#pushed.push({ time: chain.time, account, kind: attempt.kind });
    }
  }

  /** Each new liquidation, against the account as it was before it. */
  async #judge(): Promise<void> {
    const { protocol } = this.#options.stage;
    const fresh = this.#journal.liquidations.slice(this.#judged);
    this.#judged += fresh.length;
    for (const record of fresh) {
      const { account, block, time } = record;
      const before = await readStanding(protocol, this.#rules, { account, block: block - 1, time: BigInt(time) });
      const isSound = !before.unhealthy || record.equityBefore > record.maintenanceBefore;
      const waited = time - (this.#unhealthySince.get(account) ?? time);
      this.#judgements.push({ ...record, healthy: isSound, waited });
    }
  }

  // ---------------------------------------------------------------- what is kept

  #watch(health: readonly Health[]): void {
    const { chain } = this.#options.stage;
    for (const one of health) {
      if (!isUnhealthy(one)) this.#unhealthySince.delete(one.account);
      else if (!this.#unhealthySince.has(one.account)) this.#unhealthySince.set(one.account, chain.time);
    }
    this.#health = health;
    if (chain.time <= this.#options.calmAt) {
      this.#before = health;
      this.#beforeAt = chain.time;
    }
  }

  async #sample(health: readonly Health[]): Promise<void> {
    const { stage, recording } = this.#options;
    const { chain, protocol } = stage;
    const { block, time } = chain;
    const at = { blockTag: block };
    const { lens } = this.#crew.contracts;
    const named = [...new Set([...this.#journal.flows.keys()].map((account) => account.toLowerCase()))];
    let books: Awaited<ReturnType<ChainSource["books"]>> = [];
    const readBooks = async (accounts: readonly string[]) => (books = await this.#source.books(accounts, block));
    const { escrows } = this.#journal;
    const conservation: Conservation = await measureConservation(protocol, {
      ...{ block, time, accounts: named, escrows },
      readBooks,
    });
    for (const fault of faultsOf(conservation, await readSides(protocol, books, block))) {
      this.#faults.push(`${new Date(time * 1_000).toISOString()}: ${fault}`);
    }
    const [[poolEquity], shares, { base, insurance, protocolFees }, ...markets] = await Promise.all([
      lens.poolEquity(at),
      protocol.pool.totalSupply(at),
      protocol.clearingHouse.balances(at),
      ...protocol.parameters.assets.flatMap(({ symbol, listing }, asset) =>
        listing.market ? [this.#marketSample(asset, priceAt(recording, symbol, time))] : [],
      ),
    ]);
    const booked = health.filter(({ maintenance }) => maintenance > 0n);
    const margins = booked.filter((one) => !isUnhealthy(one)).map((one) => marginOf(one));
    const within = (share: number): number => margins.filter((margin) => margin <= share).length;
    this.#samples.push({
      time,
      poolEquity,
      shares,
      insurance,
      base,
      protocolFees,
      badDebt: this.#journal.badDebt,
      underwater: health.reduce((sum, { equity }) => sum + (equity < 0n ? -equity : 0n), 0n),
      unhealthy: booked.filter(isUnhealthy).length,
      within: [within(0.05), within(0.1), within(0.2)],
      markets,
    });
  }

  async #marketSample(asset: number, price: bigint): Promise<MarketSample> {
    const { chain } = this.#options.stage;
    const { longSize, shortSize, fundingIndex, fundingRate } = await this.#crew.contracts.lens.market(asset, {
      blockTag: chain.block,
    });
    return { asset, price, long: longSize, short: shortSize, fundingIndex, fundingRate };
  }
}

/** (E − R_M) / E. */
function marginOf({ equity, maintenance }: Health): number {
  return equity <= 0n ? -1 : Number(((equity - maintenance) * WAD) / equity) / 1e18;
}
