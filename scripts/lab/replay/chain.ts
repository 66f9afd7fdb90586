/** A chain inside this process, whose blocks have the times of the record. Every transaction has a block of its own. */
import { type JsonRpcProvider, type Provider, toQuantity } from "ethers";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { MNEMONIC } from "../../replay/wallets.ts";
import { EXIT, LabError } from "../errors.ts";

/** EIP-7825. */
const GAS_LIMIT = 2 ** 24;
/** For calls that read a page of accounts. */
const BLOCK_GAS_LIMIT = 300_000_000n;

export interface Call {
  readonly to: string;
  readonly data: string;
  readonly value?: bigint;
}

export interface Sent {
  readonly succeeded: boolean;
  readonly block: number;
  readonly gasUsed: bigint;
  readonly hash: string;
}

interface Receipt {
  readonly status: string;
  readonly blockNumber: string;
  readonly gasUsed: string;
  readonly transactionHash: string;
}

export class LabChain {
  readonly connection: NetworkConnection;
  /** Transactions so far, and the seconds of the wall clock that they have taken. */
  readonly work = { transactions: 0, seconds: 0 };
  /** Wei per gas of every block. */
  readonly baseFee: bigint;
  #time = 0;
  #block = 0;

  private constructor(connection: NetworkConnection, baseFee: bigint) {
    this.connection = connection;
    this.baseFee = baseFee;
  }

  /** @param genesis Unix seconds. @param accounts Of the published phrase, each with ether. */
  static async start({
    genesis,
    accounts,
    baseFee,
  }: {
    genesis: number;
    accounts: number;
    baseFee: bigint;
  }): Promise<LabChain> {
    const connection = await network.create({
      network: "default",
      override: {
        initialDate: new Date(genesis * 1_000),
        // What happens at one second of the record takes no time of its own.
        allowBlocksWithSameTimestamp: true,
        blockGasLimit: BLOCK_GAS_LIMIT,
        accounts: { mnemonic: MNEMONIC, count: accounts },
        throwOnTransactionFailures: false,
      },
    });
    return new LabChain(connection, baseFee);
  }

  get provider(): Provider & Pick<JsonRpcProvider, "send"> {
    return this.connection.ethers.provider as unknown as Provider & Pick<JsonRpcProvider, "send">;
  }

  /** Number of the last block. */
  get block(): number {
    return this.#block;
  }

  /** Of the next blocks, unix seconds. */
  get time(): number {
    return this.#time;
  }

  /** From here on blocks have these times. Throws a LabError for one before the last. */
  moveTo(time: number): void {
    if (time < this.#time) {
      throw new LabError(`time goes back from ${this.#time} to ${time}`, { exitCode: EXIT.unexpected });
    }
    this.#time = time;
  }

  /** A block with nothing in it. */
  async mine(): Promise<void> {
    await this.#prepare();
    await this.#request("evm_mine", []);
    this.#block = Number(await this.#request("eth_blockNumber", []));
  }

  /** One transaction of an account that the chain has the key of. What reverts has its block too. */
  async send(from: string, { to, data, value = 0n }: Call): Promise<Sent> {
    const begun = performance.now();
    await this.#prepare();
    const transaction = {
      from,
      to,
      data,
      value: toQuantity(value),
      gas: toQuantity(GAS_LIMIT),
      maxFeePerGas: toQuantity(2n * this.baseFee),
      maxPriorityFeePerGas: "0x0",
    };
    const hash = await this.#request("eth_sendTransaction", [transaction]);
    const receipt = (await this.#request("eth_getTransactionReceipt", [hash])) as Receipt;
    this.#block = Number(receipt.blockNumber);
    this.work.transactions += 1;
    this.work.seconds += (performance.now() - begun) / 1_000;
    return {
      succeeded: receipt.status === "0x1",
      block: this.#block,
      gasUsed: BigInt(receipt.gasUsed),
      hash: receipt.transactionHash,
    };
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #prepare(): Promise<void> {
    await this.#request("evm_setNextBlockTimestamp", [toQuantity(this.#time)]);
    await this.#request("hardhat_setNextBlockBaseFeePerGas", [toQuantity(this.baseFee)]);
  }

  async #request(method: string, params: unknown[]): Promise<unknown> {
    return this.connection.provider.request({ method, params });
  }
}
