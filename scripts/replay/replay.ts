/** The run itself: prices, traders and the keeper, second by second of the recorded day. */
import type { HDNodeWallet } from "ethers";

import {
  type AccountStanding,
  type Markets,
  readMarkets,
  readRules,
  readStanding,
  readTreasury,
  type Rules,
  type Treasury,
} from "./books.ts";
import type { Chain } from "./chain.ts";
import { type Conservation, measureConservation } from "./conservation.ts";
import { type Due, findDue } from "./due.ts";
import { EXIT, ReplayError } from "./errors.ts";
import { Journal } from "./journal.ts";
import type { KeeperProcess } from "./keeper.ts";
import { accountId, type Protocol, SETTLEMENT } from "./protocol.ts";
import type { Action } from "./scenario.ts";
import { IsolatedShadows } from "./shadow.ts";
import type { Step, Timeline } from "./timeline.ts";
import { prepare, reasonOf, type RejectedAction, type Sender, type Trader, transactionOf } from "./traders.ts";
import { ROLES, walletAt } from "./wallets.ts";

/** How long after a round or an order keepers act, seconds. */
const KEEPER_DELAY = 1;
/** How long the keeper may take for the due work of one moment, milliseconds. */
const PATIENCE = 30_000;
const POLL = 5;
/** Work that is due although the keeper rests: it waits after a failure. */
const PAUSE_OF_FAILED = 100;
/** Moments between two measurements of conservation. */
const MEASURE_EVERY = 10;

const POOL_DEPOSIT = 12_000_000n;
const INSURANCE = 100_000n;
/** To buy collateral with. */
const KEEPER_CASH = 500_000n;

export interface TraderAction {
  readonly trader: Trader;
  readonly action: Action;
}

/** One account at one moment. */
export interface Sample {
  readonly time: number;
  readonly equity: bigint;
  readonly maintenance: bigint;
  readonly initial: bigint;
}

/** A liquidation, judged by the model on the chain as it was before the transaction. */
export interface Judgement {
  readonly transaction: string;
  readonly account: string;
  readonly equity: bigint;
  readonly maintenance: bigint;
  readonly healthy: boolean;
}

export interface PricePoint {
  readonly time: number;
  readonly asset: number;
  /** WAD. */
  readonly price: bigint;
}

export interface ReplayResult {
  readonly traders: readonly Trader[];
  readonly journal: Journal;
  readonly rules: Rules;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly prices: readonly PricePoint[];
  readonly judgements: readonly Judgement[];
  readonly conservation: readonly Conservation[];
  readonly rejected: readonly RejectedAction[];
  readonly shadows: IsolatedShadows;
  readonly standings: ReadonlyMap<string, AccountStanding>;
  readonly markets: Markets;
  readonly opening: Treasury & { readonly poolEquity: bigint };
  readonly closing: Treasury & { readonly poolEquity: bigint };
  readonly keeperAccount: string;
  readonly lastBlock: number;
  readonly endTime: number;
}

export interface ReplayInput {
  readonly chain: Chain;
  readonly protocol: Protocol;
  readonly sender: Sender;
  readonly traders: readonly Trader[];
  readonly timeline: Timeline<TraderAction>;
  readonly from: number;
  readonly startKeeper: () => KeeperProcess;
  /** @param done Of 0 to 1. */
  readonly onProgress: (done: number, time: number) => void;
  readonly signal: AbortSignal;
}

export async function replay(input: ReplayInput): Promise<ReplayResult> {
  const run = new Run(input, await readRules(input.protocol), await Journal.open(input.chain.provider, input.protocol));
  return run.play();
}

class Run {
  readonly #input: ReplayInput;
  readonly #rules: Rules;
  readonly #journal: Journal;
  readonly #shadows: IsolatedShadows;
  readonly #samples = new Map<string, Sample[]>();
  readonly #prices: PricePoint[] = [];
  readonly #latest = new Map<number, bigint>();
  readonly #rounds = new Map<number, number[]>();
  readonly #judgements: Judgement[] = [];
  readonly #conservation: Conservation[] = [];
  readonly #rejected: RejectedAction[] = [];
  readonly #times = new Map<number, number>();
  readonly #sent: { hash: string; trader: string; action: string; time: number }[] = [];
  readonly #keeperAccount = accountId(walletAt(ROLES.keeper).address);
  #standings: ReadonlyMap<string, AccountStanding> = new Map();
  #keeper: KeeperProcess | undefined;
  #block = 0;
  #judged = 0;
  #fillsSeen = 0;
  #movesSeen = 0;

  constructor(input: ReplayInput, rules: Rules, journal: Journal) {
    this.#input = input;
    this.#rules = rules;
    this.#journal = journal;
    this.#shadows = new IsolatedShadows(rules);
  }

  async play(): Promise<ReplayResult> {
    const { chain, timeline, from, protocol } = this.#input;
    await chain.takeOver();
    this.#block = await chain.provider.getBlockNumber();
    await this.#fillPool(from);
    await this.#setUp(from);
    const opening = await this.#treasury();
    const keeper = this.#input.startKeeper();
    this.#keeper = keeper;
    const guard = Promise.race([keeper.failed, chain.child.failed]);
    try {
      for (const [index, step] of timeline.steps.entries()) {
        this.#input.signal.throwIfAborted();
        await Promise.race([this.#play(step), guard]);
        if (index % MEASURE_EVERY === 0) await this.#measure(step.time);
        this.#input.onProgress((index + 1) / timeline.steps.length, step.time);
      }
    } finally {
      await keeper.stop();
    }
    const endTime = await this.#timeOfLast();
    await this.#measure(endTime);
    return {
      traders: this.#input.traders,
      journal: this.#journal,
      rules: this.#rules,
      samples: this.#samples,
      prices: this.#prices,
      judgements: this.#judgements,
      conservation: this.#conservation,
      rejected: this.#rejected,
      shadows: this.#shadows,
      standings: this.#standings,
      markets: await readMarkets(protocol, { block: this.#block, time: BigInt(endTime) }),
      opening,
      closing: await this.#treasury(),
      keeperAccount: this.#keeperAccount,
      lastBlock: this.#block,
      endTime,
    };
  }

  // ---------------------------------------------------------------- set up

  /** The provider's deposit, from its request to its claim; the cooldown is over before the first recorded second. */
  async #fillPool(from: number): Promise<void> {
    const { sender, protocol, chain } = this.#input;
    const { usdc, pool } = protocol;
    const provider = walletAt(ROLES.provider);
    const { address } = provider;
    const units = POOL_DEPOSIT * 10n ** 6n;
    await sender.send(provider, await usdc.mint.populateTransaction(address, units));
    await sender.send(provider, await usdc.approve.populateTransaction(pool, units));
    await sender.send(provider, await pool.requestDeposit.populateTransaction(units, address, address));
    const deployed = await chain.provider.getBlock("latest");
    await this.#mine((deployed?.timestamp ?? 0) + 1);

    const { latest } = await pool.queue();
    const maturesAt = Number((await pool.batchOf(latest)).maturesAt);
    if (maturesAt >= from) {
      throw new ReplayError("the cooldown of the pool is longer than the lead", { exitCode: EXIT.process });
    }
    await sender.send(provider, await pool.fulfill.populateTransaction(latest));
    await sender.send(provider, await pool["deposit(uint256,address)"].populateTransaction(units, address));
    await this.#mine(maturesAt);
  }

  async #setUp(time: number): Promise<void> {
    const { protocol, sender, traders, timeline } = this.#input;
    for (const [feed, { answer }] of timeline.opening) await this.#transmit(feed, { answer, time });
    await this.#mine(time);

    // One after the other: two accounts may have one owner, whose nonces must not race.
    for (const trader of traders) await prepare(trader, { protocol, sender, time });
    await this.#mine(time);
    await this.#fund(walletAt(ROLES.insurer), INSURANCE);
    await this.#fund(walletAt(ROLES.keeper), KEEPER_CASH);
    for (const trader of traders) {
      for (const deposit of trader.plan.deposits) {
        const transaction = await transactionOf(trader, { do: "deposit", ...deposit }, protocol);
        await this.#send(trader, trader.wallet, { transaction, action: `deposit ${deposit.token}`, time });
      }
    }
    await this.#mine(time);

    const { insuranceFund } = protocol;
    const insurer = walletAt(ROLES.insurer);
    const wad = 10n ** 18n;
    await sender.send(
      insurer,
      await insuranceFund.contribute.populateTransaction(accountId(insurer.address), INSURANCE * wad),
    );
    await this.#mine(time);
    await this.#refresh(time);
    const { insurance, base } = await readTreasury(protocol, this.#block);
    if (base < POOL_DEPOSIT * wad || insurance < INSURANCE * wad) {
      throw new ReplayError("pool and insurance could not be funded", { exitCode: EXIT.process });
    }
  }

  async #fund(wallet: HDNodeWallet, whole: bigint): Promise<void> {
    const { sender, protocol } = this.#input;
    const { usdc, vault } = protocol;
    const units = whole * 10n ** 6n;
    await sender.send(wallet, await usdc.mint.populateTransaction(wallet.address, units));
    await sender.send(wallet, await usdc.approve.populateTransaction(vault, units));
    await sender.send(wallet, await vault.deposit.populateTransaction(accountId(wallet.address), SETTLEMENT, units));
  }

  // ---------------------------------------------------------------- a moment

  async #play({ time, reports, actions }: Step<TraderAction>): Promise<void> {
    if (reports.length > 0) {
      for (const { feed, round } of reports) await this.#transmit(feed, { answer: round.answer, time });
      await this.#mine(time);
    }
    if (actions.length > 0) {
      for (const { trader, action } of actions) await this.#act(trader, action, time);
      await this.#mine(time);
    }
    await this.#letKeeperWork(time + KEEPER_DELAY);
    await this.#observe(time + KEEPER_DELAY);
  }

  async #transmit(feed: string, { answer, time }: { answer: bigint; time: number }): Promise<void> {
    const { protocol, sender } = this.#input;
    const aggregator = protocol.aggregators.get(feed);
    const asset = protocol.assets.get(feed);
    if (aggregator === undefined || asset === undefined) throw new Error(`no feed ${feed}`);
    await sender.send(walletAt(ROLES.deployer), await aggregator.transmit.populateTransaction(answer, time, time));
    const price = answer * 10n ** 10n;
    this.#prices.push({ time, asset, price });
    this.#latest.set(asset, price);
    this.#rounds.set(asset, [...(this.#rounds.get(asset) ?? []), time]);
  }

  async #act(trader: Trader, action: Action, time: number): Promise<void> {
    const wallet = action.byOperator === true ? (trader.operator ?? trader.wallet) : trader.wallet;
    const transaction = await transactionOf(trader, action, this.#input.protocol);
    await this.#send(trader, wallet, { transaction, action: action.do, time });
  }

  async #send(
    { plan }: Trader,
    wallet: HDNodeWallet,
    {
      transaction,
      action,
      time,
    }: { transaction: Awaited<ReturnType<typeof transactionOf>>; action: string; time: number },
  ): Promise<void> {
    const hash = await this.#input.sender.send(wallet, transaction);
    this.#sent.push({ hash, trader: plan.name, action, time });
  }

  async #mine(time: number): Promise<void> {
    const { chain } = this.#input;
    await chain.mine(time);
    this.#block += 1;
    this.#times.set(this.#block, time);
    await this.#collectRejected();
  }

  /** Traders' transactions that reverted, with their reasons. */
  async #collectRejected(): Promise<void> {
    const { chain } = this.#input;
    for (const { hash, trader, action, time } of this.#sent.splice(0)) {
      const receipt = await chain.provider.getTransactionReceipt(hash);
      if (receipt?.status === 1) continue;
      const reason = receipt === null ? "not mined" : await this.#reasonOf(hash, receipt.blockNumber);
      this.#rejected.push({ trader, action, time, reason });
    }
  }

  /** What it reverts with before its block, or else after it: an earlier transaction of the block may be the cause. */
  async #reasonOf(hash: string, block: number): Promise<string> {
    const { chain, protocol } = this.#input;
    const transaction = await chain.provider.getTransaction(hash);
    if (transaction === null) return "unknown";
    const { from, to, data, value } = transaction;
    for (const blockTag of [block - 1, block]) {
      try {
        await chain.provider.call({ from, to, data, value, blockTag });
      } catch (error) {
        return reasonOf(error, [protocol.clearingHouse, protocol.orders, protocol.vault]);
      }
    }
    return "reverted";
  }

  // ---------------------------------------------------------------- keeper

  /** Mines what the keeper sends, all at one time, until it has looked at the last block and nothing is due. */
  async #letKeeperWork(time: number): Promise<void> {
    const { chain, signal } = this.#input;
    const deadline = Date.now() + PATIENCE;
    // The keeper sees the time at which it acts.
    await this.#mine(time);
    for (;;) {
      signal.throwIfAborted();
      if ((await chain.pendingCount()) > 0) {
        await this.#mine(time);
      } else if (this.#keeper?.isIdleAt(this.#block) === true) {
        await this.#refresh(time);
        const due = this.#due(time);
        if (due.length === 0) return;
        if (Date.now() > deadline) throw this.#undone(due);
        await pause(PAUSE_OF_FAILED);
      } else {
        if (Date.now() > deadline) throw this.#undone(this.#due(time));
        await pause(POLL);
      }
    }
  }

  #undone(due: readonly Due[]): ReplayError {
    const list = due.map(({ kind, subject }) => `\n    ${kind} ${subject}`).join("");
    return new ReplayError(`the keeper has left due work undone:${list}\n${this.#keeper?.lastLines() ?? ""}`, {
      exitCode: EXIT.process,
    });
  }

  #due(time: number): Due[] {
    return findDue({
      now: time,
      pending: this.#journal.pending.values(),
      triggers: this.#journal.triggers.values(),
      standings: this.#standings,
      rounds: this.#rounds,
      prices: this.#latest,
    });
  }

  // ---------------------------------------------------------------- observation

  /** Events and accounts up to the last block. */
  async #refresh(time: number): Promise<void> {
    const { traders, protocol } = this.#input;
    await this.#journal.read(this.#block, (block) => this.#times.get(block) ?? time);
    await this.#judge();
    const at = { block: this.#block, time: BigInt(time) };
    const standings = await Promise.all(
      traders.map(({ account }) => readStanding(protocol, this.#rules, { account, ...at })),
    );
    this.#standings = new Map(standings.map((standing) => [standing.account, standing]));
    this.#splitChanged(BigInt(time));
  }

  /** Each new liquidation, against the account as it was before it. */
  async #judge(): Promise<void> {
    const fresh = this.#journal.liquidations.slice(this.#judged);
    this.#judged += fresh.length;
    for (const { account, block, transaction, equityBefore, maintenanceBefore } of fresh) {
      this.#shadows.freeze(account);
      const time = BigInt(this.#times.get(block) ?? 0);
      const before = await readStanding(this.#input.protocol, this.#rules, { account, block: block - 1, time });
      this.#judgements.push({
        transaction,
        account,
        equity: before.equity,
        maintenance: before.maintenance,
        healthy: !before.unhealthy || equityBefore > maintenanceBefore,
      });
    }
  }

  /** Accounts that their own traders have changed are split anew for the comparison with isolated margin. */
  #splitChanged(time: bigint): void {
    const { fills, movements } = this.#journal;
    const filled = new Set(
      fills.slice(this.#fillsSeen).flatMap(({ account, liquidation }) => (liquidation ? [] : [account])),
    );
    const moved = movements.slice(this.#movesSeen).map(({ account }) => account);
    this.#fillsSeen = fills.length;
    this.#movesSeen = movements.length;
    for (const account of new Set([...filled, ...moved])) {
      const standing = this.#standings.get(account);
      if (standing !== undefined) this.#shadows.split(standing, time, { filled: filled.has(account) });
    }
  }

  async #observe(time: number): Promise<void> {
    const { protocol } = this.#input;
    this.#shadows.observe(await readMarkets(protocol, { block: this.#block, time: BigInt(time) }), time);
    for (const { account, equity, maintenance, initial } of this.#standings.values()) {
      const series = this.#samples.get(account) ?? [];
      series.push({ time, equity, maintenance, initial });
      this.#samples.set(account, series);
    }
  }

  async #measure(time: number): Promise<void> {
    const accounts = [...this.#journal.flows.keys()];
    const { escrows } = this.#journal;
    this.#conservation.push(
      await measureConservation(this.#input.protocol, { block: this.#block, time, accounts, escrows }),
    );
  }

  async #treasury(): Promise<ReplayResult["closing"]> {
    const { protocol } = this.#input;
    const treasury = await readTreasury(protocol, this.#block);
    const poolEquity = await protocol.clearingHouse.markPool.staticCall({ blockTag: this.#block });
    return { ...treasury, poolEquity };
  }

  async #timeOfLast(): Promise<number> {
    return this.#times.get(this.#block) ?? (await this.#input.chain.provider.getBlock("latest"))?.timestamp ?? 0;
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
