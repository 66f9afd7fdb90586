/** Sends transactions one after the other: the one owner of the account's nonces. */
import { setTimeout as sleep } from "node:timers/promises";

import type { JsonRpcProvider, TransactionReceipt, Wallet } from "ethers";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import type { Log } from "./log.ts";

export interface Call {
  readonly to: string;
  readonly data: string;
}

/** A transaction is in a block and has reverted. */
export class RevertedError extends PlimsollError {}

/** A transaction is in no block, after all its replacements. */
export class StuckError extends PlimsollError {}

/** EIP-7825. */
const MAX_GAS = 16_777_216n;
const MAX_REPLACEMENTS = 5;
const POLL_MS = 100;

interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export class Sender {
  readonly #provider: JsonRpcProvider;
  readonly #wallet: Wallet;
  readonly #chainId: bigint;
  readonly #timeoutMs: number;
  readonly #log: Log;

  constructor(options: { provider: JsonRpcProvider; wallet: Wallet; chainId: bigint; timeoutMs: number; log: Log }) {
    this.#provider = options.provider;
    this.#wallet = options.wallet;
    this.#chainId = options.chainId;
    this.#timeoutMs = options.timeoutMs;
    this.#log = options.log;
  }

  get address(): string {
    return this.#wallet.address;
  }

  /** Gas of a call now. Throws what it reverts with. */
  async estimate({ to, data }: Call): Promise<bigint> {
    return this.#provider.estimateGas({ from: this.#wallet.address, to, data });
  }

  /**
   * Sends and waits until it is in a block. What stays out is replaced at the same nonce for a higher fee.
   * @param gas As estimated; a fifth is added, because the state moves until then.
   */
  async send({ to, data }: Call, gas: bigint): Promise<TransactionReceipt> {
    // The first nonce that no block has: what an earlier process left waiting is replaced too.
    const nonce = await this.#provider.getTransactionCount(this.#wallet.address, "latest");
    const wanted = gas + gas / 5n;
    const gasLimit = wanted < MAX_GAS ? wanted : MAX_GAS;
    const hashes: string[] = [];
    let fees = await this.#fees();
    for (let attempt = 0; attempt <= MAX_REPLACEMENTS; ++attempt) {
      const raw = await this.#wallet.signTransaction({
        type: 2,
        chainId: this.#chainId,
        nonce,
        to,
        data,
        gasLimit,
        ...fees,
      });
      try {
        const { hash } = await this.#provider.broadcastTransaction(raw);
        hashes.push(hash);
        this.#log.debug("broadcast", { hash, nonce, attempt });
      } catch (error) {
        // One that waits at this nonce may pay more, or may just have got into a block.
        const { code } = error as { code?: unknown };
        const expected = code === "REPLACEMENT_UNDERPRICED" || (code === "NONCE_EXPIRED" && hashes.length > 0);
        if (!expected) throw error;
        this.#log.warn("not accepted", { nonce, attempt, reason: messageOf(error) });
      }
      const receipt = await this.#confirmation(hashes);
      if (receipt !== undefined) {
        if (receipt.status !== 1) throw new RevertedError(`transaction ${receipt.hash} reverted`);
        return receipt;
      }
      fees = raised(fees, await this.#fees());
    }
    throw new StuckError(`no transaction of nonce ${nonce} got into a block: ${hashes.join(", ")}`);
  }

  async #confirmation(hashes: readonly string[]): Promise<TransactionReceipt | undefined> {
    const until = Date.now() + this.#timeoutMs;
    do {
      for (const hash of hashes) {
        const receipt = await this.#provider.getTransactionReceipt(hash);
        if (receipt !== null) return receipt;
      }
      await sleep(POLL_MS);
    } while (Date.now() < until);
    return undefined;
  }

  async #fees(): Promise<Fees> {
    const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await this.#provider.getFeeData();
    const highest = maxFeePerGas ?? gasPrice;
    if (highest === null) throw new PlimsollError("the node knows no price of gas");
    return { maxFeePerGas: highest, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n };
  }
}

/** A quarter more than before, which every node takes for a replacement, and at least what is asked now. */
function raised(before: Fees, now: Fees): Fees {
  const raise = (old: bigint, asked: bigint): bigint => {
    const more = old + old / 4n + 1n;
    return more > asked ? more : asked;
  };
  return {
    maxFeePerGas: raise(before.maxFeePerGas, now.maxFeePerGas),
    maxPriorityFeePerGas: raise(before.maxPriorityFeePerGas, now.maxPriorityFeePerGas),
  };
}
