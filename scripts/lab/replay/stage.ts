/** The protocol, deployed by its own deployment on a chain in this process, with money in it, at the first second of a record. */
import { type ContractTransaction, MaxUint256 } from "ethers";

import type { AddressBook } from "../../deploy/addressBook.ts";
import { deployPlimsoll } from "../../deploy/deploy.ts";
import type { Parameters } from "../../deploy/parameters.ts";
import { readTreasury } from "../../replay/books.ts";
import { accountId, partsOf, type ProtocolParts, SETTLEMENT } from "../../replay/protocol.ts";
import { EXIT, LabError } from "../errors.ts";
import type { TokenAmount, Trader } from "./cast.ts";
import { LabChain, type Sent } from "./chain.ts";
import type { KeeperProfile } from "./crew.ts";

export interface StageOptions {
  readonly parameters: Parameters;
  /** First second of the record, unix. */
  readonly from: number;
  /** Answers of 8 decimals by symbol, at that second. */
  readonly opening: ReadonlyMap<string, bigint>;
  readonly traders: readonly Trader[];
  readonly keepers: readonly KeeperProfile[];
  /** What the first providers put into the pool, and insurance has, WAD. */
  readonly pool: bigint;
  readonly insurance: bigint;
  /** Providers that have money at the start. */
  readonly providers: number;
  /** What each later provider may bring, WAD. */
  readonly later: bigint;
  readonly baseFee: bigint;
}

export interface Cast {
  readonly address: string;
  readonly account: string;
}

/** Between the first block and the first second: the deployment, and the wait of the pool's first deposit, s. */
const LEAD = 12 * 3_600;
/** Of it, s: the most that the deployment may take by the clock of the machine. */
const DEPLOYMENT = 2 * 3_600;
const WAD_PER_UNIT = 10n ** 12n;

export class Stage {
  readonly chain: LabChain;
  readonly book: AddressBook;
  readonly protocol: ProtocolParts;
  readonly traders: readonly Cast[];
  readonly keepers: readonly Cast[];
  /** The last one has money and no shares yet. */
  readonly providers: readonly Cast[];
  readonly #deployer: string;

  private constructor(
    chain: LabChain,
    { book, protocol }: { book: AddressBook; protocol: ProtocolParts },
    { deployer, traders, keepers, providers }: People,
  ) {
    this.chain = chain;
    this.book = book;
    this.protocol = protocol;
    this.#deployer = deployer;
    this.traders = traders;
    this.keepers = keepers;
    this.providers = providers;
  }

  static async set(options: StageOptions): Promise<Stage> {
    const { parameters, from, traders, keepers, providers, baseFee } = options;
    const people = traders.length + keepers.length + providers + 3;
    const chain = await LabChain.start({ genesis: from - LEAD, accounts: people, baseFee });
    try {
      const { book } = await deployPlimsoll({ connection: chain.connection, parameters });
      const protocol = await partsOf({ book, parameters, runner: chain.provider });
      const stage = new Stage(chain, { book, protocol }, await peopleOf(chain, options));
      await stage.#fund(options);
      return stage;
    } catch (error) {
      await chain.close();
      throw error;
    }
  }

  /** Writes a round at the chain's time. @param answer 8 decimals. */
  async transmit(symbol: string, answer: bigint): Promise<void> {
    const aggregator = this.protocol.aggregators.get(symbol);
    if (aggregator === undefined) throw new LabError(`no feed of ${symbol}`, { exitCode: EXIT.unexpected });
    const { time } = this.chain;
    await this.must(this.#deployer, await aggregator.transmit.populateTransaction(answer, time, time));
  }

  async send(from: string, { to, data, value }: ContractTransaction): Promise<Sent> {
    return this.chain.send(from, { to, data, value: value ?? 0n });
  }

  /** Throws a LabError where it reverts: of what cannot fail. */
  async must(from: string, transaction: ContractTransaction): Promise<Sent> {
    const sent = await this.send(from, transaction);
    if (!sent.succeeded) {
      throw new LabError(`a transaction to ${transaction.to} reverted at ${this.chain.time}`, {
        exitCode: EXIT.unexpected,
      });
    }
    return sent;
  }

  /** Mints what is needed, and deposits it into an account. */
  async deposit({ address, account }: Cast, { token, amount }: TokenAmount): Promise<void> {
    const { vault, weth, wbtc, usdc, collaterals } = this.protocol;
    if (amount === 0n) return;
    const collateral = collaterals.find(({ symbol }) => symbol === token);
    const units = amount / 10n ** BigInt(18 - (collateral?.decimals ?? 6));
    if (token === "WETH") await this.must(address, await weth.deposit.populateTransaction({ value: units }));
    else {
      const contract = token === "WBTC" ? wbtc : usdc;
      await this.must(address, await contract.mint.populateTransaction(address, units));
    }
    const contract = token === "WETH" ? weth : token === "WBTC" ? wbtc : usdc;
    await this.must(address, await contract.approve.populateTransaction(vault, MaxUint256));
    const index = collateral?.token ?? SETTLEMENT;
    await this.must(address, await vault.deposit.populateTransaction(account, index, units));
  }

  // ---------------------------------------------------------------- before the first second

  async #fund({ from, opening, traders, keepers, pool, insurance, providers, later }: StageOptions): Promise<void> {
    const { chain, protocol } = this;
    // However long the deployment has taken, times are the same in every run.
    chain.moveTo(from - LEAD + DEPLOYMENT);
    await this.#fillPool(pool, providers, { from, opening });

    chain.moveTo(from);
    for (const [symbol, answer] of opening) await this.transmit(symbol, answer);
    await this.#updatePrices();
    for (const [index, { funds, reserve }] of traders.entries()) {
      const trader = castAt(this.traders, index);
      for (const amount of funds) await this.deposit(trader, amount);
      if (reserve > 0n) await this.#provide(trader.address, reserve);
    }
    for (const [index, { cash }] of keepers.entries()) {
      await this.deposit(castAt(this.keepers, index), { token: "USDC", amount: cash });
    }
    const insurer: Cast = { address: this.#deployer, account: accountId(this.#deployer) };
    await this.deposit(insurer, { token: "USDC", amount: insurance });
    const { insuranceFund } = protocol;
    if (insurance > 0n) {
      await this.must(insurer.address, await insuranceFund.contribute.populateTransaction(insurer.account, insurance));
    }
    if (later > 0n) await this.#provide(castAt(this.providers, providers).address, later);
    const treasury = await readTreasury(protocol, chain.block);
    if (treasury.base < pool - WAD_PER_UNIT || treasury.insurance < insurance) {
      throw new LabError("pool and insurance could not be funded", { exitCode: EXIT.unexpected });
    }
  }

  /** Settlement tokens in somebody's hands, which may go to the vault or into the pool. */
  async #provide(address: string, amount: bigint): Promise<void> {
    const { usdc, pool, vault } = this.protocol;
    await this.must(address, await usdc.mint.populateTransaction(address, amount / WAD_PER_UNIT));
    await this.must(address, await usdc.approve.populateTransaction(pool, MaxUint256));
    await this.must(address, await usdc.approve.populateTransaction(vault, MaxUint256));
  }

  /** Deposits of the first providers, the first one's twice the others', from request to claim. */
  async #fillPool(
    amount: bigint,
    providers: number,
    { from, opening }: { from: number; opening: ReadonlyMap<string, bigint> },
  ): Promise<void> {
    const { chain, protocol } = this;
    const { pool } = protocol;
    const parts = Array.from({ length: providers }, (_, index) => {
      const each = amount / BigInt(providers + 1);
      return (index === 0 ? amount - each * BigInt(providers - 1) : each) / WAD_PER_UNIT;
    });
    for (const [index, units] of parts.entries()) {
      const { address } = castAt(this.providers, index);
      await this.#provide(address, units * WAD_PER_UNIT);
      await this.must(address, await pool.requestDeposit.populateTransaction(units, address, address));
    }
    const { latest } = await pool.queue();
    const maturesAt = Number((await pool.batchOf(latest)).maturesAt);
    if (maturesAt >= from) {
      throw new LabError("the cooldown of the pool is longer than the time before the record", {
        exitCode: EXIT.unexpected,
      });
    }
    chain.moveTo(maturesAt);
    for (const [symbol, answer] of opening) await this.transmit(symbol, answer);
    await this.#updatePrices();
    await this.must(this.#deployer, await pool.fulfill.populateTransaction(latest));
    for (const [index, units] of parts.entries()) {
      const { address } = castAt(this.providers, index);
      await this.must(address, await pool["deposit(uint256,address)"].populateTransaction(units, address));
    }
  }

  async #updatePrices(): Promise<void> {
    const { oracle, parameters } = this.protocol;
    const all = (1n << BigInt(parameters.assets.length)) - 1n;
    await this.must(this.#deployer, await oracle.update.populateTransaction(all));
  }
}

interface People {
  readonly deployer: string;
  readonly traders: readonly Cast[];
  readonly keepers: readonly Cast[];
  readonly providers: readonly Cast[];
}

/** In the order of the chain's accounts: the deployer, keepers, providers with one that comes later, traders. */
async function peopleOf(
  chain: LabChain,
  { traders, keepers, providers }: Pick<StageOptions, "traders" | "keepers" | "providers">,
): Promise<People> {
  const signers = await chain.connection.ethers.getSigners();
  const all = signers.map(({ address }): Cast => ({ address, account: accountId(address) }));
  const [deployer, ...others] = all;
  if (deployer === undefined) throw new LabError("the chain has no accounts", { exitCode: EXIT.unexpected });
  const firstTrader = keepers.length + providers + 1;
  return {
    deployer: deployer.address,
    keepers: others.slice(0, keepers.length),
    providers: others.slice(keepers.length, firstTrader),
    traders: others.slice(firstTrader, firstTrader + traders.length),
  };
}

/** Throws a LabError for one that is not there. */
export function castAt(people: readonly Cast[], index: number): Cast {
  const person = people[index];
  if (person === undefined) throw new LabError(`nobody at place ${index}`, { exitCode: EXIT.unexpected });
  return person;
}
