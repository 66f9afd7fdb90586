/** A chain with a pool, as far as a sender sees it: blocks are made when a test says so. */
import { keccak256, Transaction } from "ethers";

import type { Node, Receipt } from "../../../scripts/keeper/send/node.ts";

interface Waiting {
  readonly hash: string;
  readonly transaction: Transaction;
}

export class FakeChain implements Node {
  /** By block. */
  readonly blocks: string[][] = [];
  readonly pool = new Map<number, Waiting>();
  readonly broadcasts: Transaction[] = [];
  readonly receipts = new Map<string, Receipt>();
  tip = 10n;
  /** What was sent to a private relay alone: nobody sees it there, and it gets into no block. */
  readonly relayed: Transaction[] = [];
  hasRelay = false;
  /** Questions for a nonce. */
  looks = 0;
  #baseFee = 1_000n;
  /** Count of transactions in blocks. */
  used: number;
  /** What happens at a broadcast, before (`refuse`) or after (`lose`) the pool has it. */
  refuse: (transaction: Transaction) => Error | undefined = () => undefined;
  lose: (transaction: Transaction) => Error | undefined = () => undefined;
  /** Hashes whose transactions revert. */
  reverting = false;

  constructor(used = 7) {
    this.used = used;
  }

  get baseFee(): bigint {
    return this.#baseFee;
  }

  /** In a block of its own. */
  set baseFee(baseFee: bigint) {
    this.#baseFee = baseFee;
    this.blocks.push([]);
  }

  async nonceOf(_: string, tag: "latest" | "pending"): Promise<number> {
    this.looks += 1;
    let count = this.used;
    while (tag === "pending" && this.pool.has(count)) count += 1;
    return Promise.resolve(count);
  }

  async broadcast(raw: string, { openly = false }: { readonly openly?: boolean } = {}): Promise<void> {
    const transaction = Transaction.from(raw);
    const refusal = this.refuse(transaction);
    if (refusal !== undefined) throw refusal;
    if (this.hasRelay && !openly) {
      this.relayed.push(transaction);
      return;
    }
    this.broadcasts.push(transaction);
    const { nonce } = transaction;
    if (nonce < this.used) throw new Error("nonce too low");
    const waiting = this.pool.get(nonce);
    const hash = keccak256(raw);
    if (waiting?.hash === hash) throw new Error("already known");
    if (waiting !== undefined && feeOf(transaction) < (feeOf(waiting.transaction) * 11n) / 10n) {
      throw new Error("replacement transaction underpriced");
    }
    this.pool.set(nonce, { hash, transaction });
    const loss = this.lose(transaction);
    if (loss !== undefined) throw loss;
    return Promise.resolve();
  }

  async receiptOf(hash: string): Promise<Receipt | undefined> {
    return Promise.resolve(this.receipts.get(hash));
  }

  async knows(hash: string): Promise<boolean> {
    const waiting = [...this.pool.values()].some((one) => one.hash === hash);
    return Promise.resolve(waiting || this.receipts.has(hash));
  }

  async blockNumber(): Promise<number> {
    return Promise.resolve(this.blocks.length);
  }

  async gasPrice() {
    return Promise.resolve({ baseFee: this.baseFee, tip: this.tip, block: this.blocks.length });
  }

  async emptyGas(): Promise<bigint> {
    return Promise.resolve(21_000n);
  }

  /** A block without transactions. */
  pass(): void {
    this.blocks.push([]);
  }

  /** A block with all that waits in line and pays enough. */
  mine(): void {
    const hashes: string[] = [];
    for (let next = this.pool.get(this.used); next !== undefined; next = this.pool.get(this.used)) {
      if (feeOf(next.transaction) < this.baseFee) break;
      this.pool.delete(this.used);
      this.used += 1;
      hashes.push(next.hash);
    }
    this.blocks.push(hashes);
    for (const hash of hashes) {
      this.receipts.set(hash, {
        hash,
        block: this.blocks.length,
        succeeded: !this.reverting,
        gasUsed: 50_000n,
        cost: 50_000n * this.baseFee,
        logs: [],
      });
    }
  }

  /** A block with a transaction that somebody else has made with the same key. */
  steal(): void {
    this.pool.delete(this.used);
    this.used += 1;
    this.blocks.push([]);
  }

  /** Takes the last block back. @param keep Whether its transactions go back into the pool. */
  revert({ keep }: { keep: boolean }): void {
    const hashes = this.blocks.pop() ?? [];
    for (const hash of [...hashes].reverse()) {
      this.receipts.delete(hash);
      this.used -= 1;
      const transaction = this.broadcasts.find((one) => one.hash === hash);
      if (keep && transaction !== undefined) this.pool.set(this.used, { hash, transaction });
    }
  }
}

function feeOf({ maxFeePerGas }: Transaction): bigint {
  return maxFeePerGas ?? 0n;
}
