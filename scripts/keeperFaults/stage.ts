/** The chain that everything happens on: blocks are made here alone, one after the other, and can be unmade. */
import { Contract, type ContractTransaction, type HDNodeWallet, keccak256, toQuantity } from "ethers";
import { artifacts } from "hardhat";

import { BASE_FEE, type Chain, startChain } from "../replay/chain.ts";
import { accountId, deployProtocol, type Protocol, SETTLEMENT } from "../replay/protocol.ts";
import { ROLES, walletAt } from "../replay/wallets.ts";
import type { Member } from "./cast.ts";
import type { Lens } from "./observer.ts";
import { OPENING, openingAnswers, recorded } from "./script.ts";

/** Between the first block and the opening: the deployment, and the wait of the pool's first deposit. */
const LEAD = 12 * 3_600;
const POOL_DEPOSIT = 12_000_000n;
const INSURANCE = 250_000n;
/** Of each keeper, to buy collateral with. */
const KEEPER_CASH = 500_000n;
const USDC = 10n ** 6n;
const WAD = 10n ** 18n;
const GAS_LIMIT = 3_000_000n;
/** Traders put up with any price of gas that a fault makes. */
const TRADERS_FEE = 1_000n * BASE_FEE;
/** Transactions in one block of the preparation. */
const CHUNK = 200;
/** Deposits beside the traders' that keepers make: places in the phrase. */
export const KEEPERS = [ROLES.keeper, 4] as const;

export interface Mined {
  readonly number: number;
  /** Unix seconds. */
  readonly time: number;
  readonly hashes: readonly string[];
  /** Wei. */
  readonly baseFee: bigint;
  /** `performance.now()` before it was made. */
  readonly at: number;
}

export interface Reorganisation {
  /** Blocks that are no more, and those in their place, ascending. */
  readonly undone: readonly Mined[];
  readonly mined: readonly Mined[];
}

interface Entry extends Mined {
  /** State before it. */
  readonly snapshot: string;
}

export interface ReorgOptions {
  readonly depth: number;
  /** Raw form of a transaction that is not the stage's own; undefined: nobody has it. */
  readonly rawOf: (hash: string) => string | undefined;
  /** Whether a keeper's transaction is in the new chain's blocks as well. */
  readonly keeps: () => boolean;
  /** Whether a trader's transaction comes a block later there. */
  readonly delays: (raw: string) => boolean;
}

/** What a checkpoint keeps. */
interface Checkpoint {
  readonly snapshot: string;
  readonly number: number;
  readonly time: number;
}

export class Stage {
  readonly chain: Chain;
  readonly protocol: Protocol;
  baseFee = BASE_FEE;
  readonly #nonces = new Map<string, number>();
  readonly #own = new Map<string, string>();
  #queue: string[] = [];
  #history: Entry[] = [];
  #number = 0;
  #time = 0;
  #checkpoint: Checkpoint | undefined;
  #forks = 0;

  private constructor(chain: Chain, protocol: Protocol) {
    this.chain = chain;
    this.protocol = protocol;
  }

  /** A chain with the protocol on it, and with a full pool, insurance and keepers that have cash. */
  static async open(): Promise<Stage> {
    const chain = await startChain({ port: 0, genesis: OPENING - LEAD });
    try {
      const opening = openingAnswers(recorded());
      const protocol = await deployProtocol({ url: chain.url, provider: chain.provider, opening });
      const stage = new Stage(chain, protocol);
      await stage.#prepare(opening);
      return stage;
    } catch (error) {
      await chain.stop();
      throw error;
    }
  }

  get number(): number {
    return this.#number;
  }

  get time(): number {
    return this.#time;
  }

  async lens(): Promise<Lens> {
    const { abi } = await artifacts.readArtifact("Lens");
    return new Contract(this.protocol.addresses["lens"] ?? "", abi, this.chain.provider) as unknown as Lens;
  }

  async close(): Promise<void> {
    await this.chain.stop();
    this.protocol.cleanUp();
  }

  // ---------------------------------------------------------------- transactions and blocks

  /** Signs a transaction for the next block. Nonces are counted here. Returns the hash. */
  async queue(wallet: HDNodeWallet, transaction: ContractTransaction): Promise<string> {
    const { address } = wallet;
    const nonce = this.#nonces.get(address) ?? (await this.chain.provider.getTransactionCount(address));
    this.#nonces.set(address, nonce + 1);
    const raw = await wallet.signTransaction({
      type: 2,
      chainId: 31_337,
      to: transaction.to,
      data: transaction.data,
      value: transaction.value ?? 0n,
      nonce,
      gasLimit: transaction.gasLimit ?? GAS_LIMIT,
      maxFeePerGas: TRADERS_FEE,
      maxPriorityFeePerGas: 0n,
    });
    const hash = keccak256(raw);
    this.#own.set(hash, raw);
    this.#queue.push(raw);
    return hash;
  }

  /** Gives a signed transaction of anybody to the node at once. */
  async broadcast(raw: string): Promise<void> {
    await this.#rpc("eth_sendRawTransaction", raw);
  }

  /** A block at `time` (unix seconds) with what is queued and what waits in the node. */
  async mine(time: number): Promise<Mined> {
    const queued = this.#queue;
    this.#queue = [];
    return this.#mine(time, queued);
  }

  async #mine(time: number, raws: readonly string[]): Promise<Mined> {
    const snapshot = String(await this.#rpc("evm_snapshot"));
    for (const raw of raws) await this.#rpc("eth_sendRawTransaction", raw);
    const at = performance.now();
    await Promise.all([
      this.#rpc("hardhat_setNextBlockBaseFeePerGas", toQuantity(this.baseFee)),
      this.#rpc("evm_setNextBlockTimestamp", toQuantity(time)),
      this.#rpc("evm_mine"),
    ]);
    this.#number += 1;
    this.#time = time;
    const block = (await this.#rpc("eth_getBlockByNumber", toQuantity(this.#number), false)) as {
      transactions: string[];
      baseFeePerGas: string;
    };
    const baseFee = BigInt(block.baseFeePerGas);
    const mined = { number: this.#number, time, hashes: block.transactions, baseFee, at };
    this.#history.push({ ...mined, snapshot });
    return mined;
  }

  // ---------------------------------------------------------------- reorganisations

  /**
   * Takes the last blocks back and makes others in their place, and one more. Traders' transactions come again, some of
   * them a block later; of the keepers' some come again, and the rest is lost with the pool that held it.
   */
  async reorg({ depth, rawOf, keeps, delays }: ReorgOptions): Promise<Reorganisation> {
    const undone = this.#history.splice(-depth);
    const [first] = undone;
    if (first === undefined || undone.length < depth) throw new Error(`there are no ${depth} blocks to take back`);
    await this.#rpc("evm_revert", first.snapshot);
    this.#number = first.number - 1;
    // Another producer: no new block has the hash of an old one.
    this.#forks += 1;
    await this.#rpc("hardhat_setCoinbase", `0x${this.#forks.toString(16).padStart(40, "0")}`);
    const mined: Mined[] = [];
    let late: string[] = [];
    for (const { time, hashes } of undone) {
      const now = late;
      late = [];
      for (const hash of hashes) {
        const own = this.#own.get(hash);
        if (own !== undefined) (delays(own) ? late : now).push(own);
        else {
          const raw = rawOf(hash);
          if (raw !== undefined && keeps()) now.push(raw);
        }
      }
      mined.push(await this.#mineWhatFits(time, now));
    }
    mined.push(await this.#mineWhatFits(this.#time + 1, late));
    return { undone, mined };
  }

  /** In a chain that went otherwise a transaction may have lost its place. */
  async #mineWhatFits(time: number, raws: readonly string[]): Promise<Mined> {
    const accepted: string[] = [];
    for (const raw of raws) {
      if (this.#own.has(keccak256(raw))) accepted.push(raw);
      // A keeper's: its nonce may be taken.
      else await this.broadcast(raw).catch(() => undefined);
    }
    return this.#mine(time, accepted);
  }

  // ---------------------------------------------------------------- checkpoints

  /** Remembers the state; `restore` may come back to it any number of times. */
  async checkpoint(): Promise<void> {
    const snapshot = String(await this.#rpc("evm_snapshot"));
    this.#checkpoint = { snapshot, number: this.#number, time: this.#time };
    this.#history = [];
  }

  async restore(): Promise<void> {
    const kept = this.#checkpoint;
    if (kept === undefined) throw new Error("there is no checkpoint");
    await this.#rpc("evm_revert", kept.snapshot);
    this.#number = kept.number;
    this.#time = kept.time;
    this.#queue = [];
    this.#nonces.clear();
    this.#own.clear();
    this.baseFee = BASE_FEE;
    await this.checkpoint();
  }

  // ---------------------------------------------------------------- preparation

  async #prepare(opening: ReadonlyMap<string, bigint>): Promise<void> {
    const { chain } = this;
    await chain.takeOver();
    const block = await chain.provider.getBlock("latest");
    if (block === null) throw new Error("a chain without a block");
    this.#number = block.number;
    this.#time = block.timestamp;
    await this.#fillPool();
    for (const [feed, answer] of opening) await this.transmit(feed, { answer, at: OPENING });
    await this.mine(OPENING);
    const insurer = walletAt(ROLES.insurer);
    await this.#fund(insurer, INSURANCE);
    for (const place of KEEPERS) await this.#fund(walletAt(place), KEEPER_CASH);
    await this.mine(OPENING);
    const { insuranceFund } = this.protocol;
    const contribution = insuranceFund.contribute.populateTransaction(accountId(insurer.address), INSURANCE * WAD);
    await this.queue(insurer, await contribution);
    await this.mine(OPENING);
  }

  async #fillPool(): Promise<void> {
    const { usdc, pool } = this.protocol;
    const provider = walletAt(ROLES.provider);
    const { address } = provider;
    const units = POOL_DEPOSIT * USDC;
    await this.queue(provider, await usdc.mint.populateTransaction(address, units));
    await this.queue(provider, await usdc.approve.populateTransaction(pool, units));
    await this.queue(provider, await pool.requestDeposit.populateTransaction(units, address, address));
    await this.mine(this.#time + 1);
    const { latest } = await pool.queue();
    const maturesAt = Number((await pool.batchOf(latest)).maturesAt);
    if (maturesAt >= OPENING) throw new Error("the cooldown of the pool is longer than the lead");
    await this.queue(provider, await pool.fulfill.populateTransaction(latest));
    await this.queue(provider, await pool["deposit(uint256,address)"].populateTransaction(units, address));
    await this.mine(maturesAt);
  }

  async #fund(wallet: HDNodeWallet, whole: bigint): Promise<void> {
    const { usdc, vault } = this.protocol;
    const units = whole * USDC;
    await this.queue(wallet, await usdc.mint.populateTransaction(wallet.address, units));
    await this.queue(wallet, await usdc.approve.populateTransaction(vault, units));
    await this.queue(wallet, await vault.deposit.populateTransaction(accountId(wallet.address), SETTLEMENT, units));
  }

  /** Ether, cash and collateral of all traders. The provider pays the cash in: anybody may. */
  async endow(members: readonly Member[], onProgress: (done: number) => void = () => undefined): Promise<void> {
    const { usdc, weth, vault } = this.protocol;
    const provider = walletAt(ROLES.provider);
    const total = members.reduce((sum, { cash }) => sum + cash, 0n);
    await this.queue(provider, await usdc.mint.populateTransaction(provider.address, total));
    await this.queue(provider, await usdc.approve.populateTransaction(vault, total));
    for (const [place, { wallet, account, cash, weth: held }] of members.entries()) {
      const ether = toQuantity(10n * WAD + held);
      await this.#rpc("hardhat_setBalance", wallet.address, ether);
      await this.queue(provider, await vault.deposit.populateTransaction(account, SETTLEMENT, cash));
      if (held > 0n) {
        await this.queue(wallet, await weth.deposit.populateTransaction({ value: held }));
        await this.queue(wallet, await weth.approve.populateTransaction(vault, held));
        await this.queue(wallet, await vault.deposit.populateTransaction(account, 0, held));
      }
      if (place % CHUNK === CHUNK - 1 || place === members.length - 1) {
        await this.mine(OPENING);
        onProgress((place + 1) / members.length);
      }
    }
  }

  /** A round of a feed, in the next block. @param round Answer with 8 decimals, time in unix seconds. */
  async transmit(feed: string, { answer, at }: { answer: bigint; at: number }): Promise<void> {
    const aggregator = this.protocol.aggregators.get(feed);
    if (aggregator === undefined) throw new Error(`no feed ${feed}`);
    await this.queue(walletAt(ROLES.deployer), await aggregator.transmit.populateTransaction(answer, at, at));
  }

  async #rpc(method: string, ...params: unknown[]): Promise<unknown> {
    return this.chain.provider.send(method, params);
  }
}
