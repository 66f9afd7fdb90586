/**
 * The one owner of an account's nonces. Several transactions wait at once, each at a nonce of its own; what does not get
 * into a block is replaced at its nonce. A transaction is judged by what the chain says of its hash and its nonce, never
 * by the answer to its broadcast: an answer may be lost after the transaction was taken.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { keccak256 } from "ethers";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Call, Job } from "../job.ts";
import type { Log } from "../log.ts";
import { classify } from "./classify.ts";
import { type Fees, feesFor, type GasPrice, raised } from "./fees.ts";
import type { Node, Receipt } from "./node.ts";
import type { Signer } from "./signer.ts";

/** The sender takes no job like this now: too many wait, or one of the same account. */
export class BusyError extends PlimsollError {}

/** The chain will never take this transaction. */
export class RefusedError extends PlimsollError {}

export type Outcome =
  | { readonly kind: "confirmed"; readonly receipt: Receipt }
  | { readonly kind: "reverted"; readonly receipt: Receipt }
  /** Another transaction has its nonce: sent by somebody else with the same key. */
  | { readonly kind: "displaced" }
  /** It was stuck, no longer wanted, and an empty transaction took its nonce. */
  | { readonly kind: "withdrawn"; readonly receipt: Receipt }
  /** The sender was stopped before anything was known. */
  | { readonly kind: "abandoned" };

export interface Sent {
  readonly hash: string;
  readonly nonce: number;
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
}

export interface SenderOptions {
  readonly node: Node;
  readonly signer: Signer;
  readonly chainId: bigint;
  readonly log: Log;
  /** Wei for a unit of gas, at most. */
  readonly maxFee: bigint;
  /** Wei for a unit of gas that is offered above the base fee, at most, before replacements. */
  readonly maxTip: bigint;
  /** Blocks that a receipt must have on it, its own included. */
  readonly confirmations: number;
  /** Transactions that may wait at once. */
  readonly maxInFlight: number;
  /** After which the next transaction in line is replaced. */
  readonly timeoutMs: number;
  /** Between two looks at what is in flight. */
  readonly pollMs: number;
  /** Whether a job that is stuck is still worth replacing. */
  readonly isWanted?: (job: Job) => Promise<boolean>;
  readonly now?: () => number;
}

interface Flight {
  readonly nonce: number;
  /** Undefined: left by an earlier process, or by a fork. */
  readonly job: Job | undefined;
  call: Call;
  gasLimit: bigint;
  fees: Fees;
  /** Of all versions, with whether it carries the job. */
  readonly versions: { readonly hash: string; readonly raw: string; readonly carriesJob: boolean }[];
  /** Of the last broadcast, or of becoming the next in line; milliseconds. */
  since: number;
  /** Looks at which its nonce was used and no version of it had a receipt. */
  unseen: number;
  readonly settle: (outcome: Outcome) => void;
}

/** EIP-7825. */
const MAX_GAS = 16_777_216n;
/** Looks until it is believed that somebody else has used a nonce, or nobody: nodes may be some blocks apart. */
const MAX_LOOKS = 4;
/** Attempts to outbid what waits at a nonce, in one go: 1.25^16 is 35 times the price. */
const MAX_BIDS = 16;
/** Transactions that are remembered after their end, in case a fork takes them out of their blocks. */
const REMEMBERED = 64;

export class Sender {
  readonly #options: SenderOptions;
  readonly #now: () => number;
  readonly #flights = new Map<number, Flight>();
  /** Accounts of jobs that are in flight or about to be. */
  readonly #taken = new Map<string, number>();
  readonly #past = new Map<number, { readonly hash: string; readonly raw: string }>();
  /** Jobs between their admission and their flight. */
  #admitted = 0;
  #next = 0;
  /** Looks in a row at which nonces before the first in flight were unused. */
  #gaps = 0;
  #lock: Promise<unknown> = Promise.resolve();
  #tending: Promise<void> | undefined;
  #closed = false;
  #abandoned = false;
  readonly counters = { broadcast: 0, replaced: 0, displaced: 0, filled: 0 };

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get address(): string {
    return this.#options.signer.address;
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** Finds what an earlier process has left in the pool, and looks after it. */
  async start(): Promise<void> {
    await this.#exclusively(async () => this.#synchronise());
  }

  /** Whether a job may be sent now. */
  canTake({ accounts }: Pick<Job, "accounts">): boolean {
    if (this.#closed || this.#flights.size + this.#admitted >= this.#options.maxInFlight) return false;
    return !this.#hasUnknown() && !accounts.some((account) => this.#taken.has(account));
  }

  /** Gas price now, and what would be offered. Throws a TooDearError above the cap. */
  async quote(): Promise<{ readonly price: GasPrice; readonly fees: Fees }> {
    const price = await this.#price();
    return { price, fees: feesFor(price, this.#options.maxFee) };
  }

  /**
   * Broadcasts a job, and says later what became of it.
   * @param gas As estimated; a fifth is added, because the state moves until then.
   * Throws a BusyError, a TooDearError, a SignerError or a RefusedError: nothing was sent then.
   */
  async send(job: Job, gas: bigint): Promise<Sent> {
    if (!this.canTake(job)) throw new BusyError(`${job.name} has to wait`);
    this.#take(job);
    this.#admitted += 1;
    try {
      return await this.#exclusively(async () => this.#launch(job, gas));
    } catch (error) {
      this.#release(job);
      throw error;
    } finally {
      this.#admitted -= 1;
    }
  }

  /** Takes nothing more, and waits until all that is in flight has ended. @returns What is left. */
  async drain(timeoutMs: number): Promise<number> {
    this.#closed = true;
    const until = this.#now() + timeoutMs;
    while (this.#flights.size + this.#admitted > 0 && this.#now() < until) await sleep(this.#options.pollMs);
    this.#abandoned = true;
    const left = [...this.#flights.values()];
    for (const flight of left) this.#end(flight, { kind: "abandoned" });
    await this.#tending;
    return left.length;
  }

  /** What a node suggests as a tip may be far more than blocks ask for. */
  async #price(): Promise<GasPrice> {
    const { node, maxTip } = this.#options;
    const { baseFee, tip } = await node.gasPrice();
    return { baseFee, tip: tip < maxTip ? tip : maxTip };
  }

  // ---------------------------------------------------------------- sending

  async #launch(job: Job, gas: bigint): Promise<Sent> {
    const [{ fees }] = await Promise.all([this.quote(), this.#synchronise()]);
    if (this.#hasUnknown()) throw new BusyError("transactions of an earlier process are waiting");
    const wanted = gas + gas / 5n;
    const nonce = this.#next;
    const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
    const flight: Flight = {
      nonce,
      job,
      call: job.call,
      gasLimit: wanted < MAX_GAS ? wanted : MAX_GAS,
      fees,
      versions: [],
      since: this.#now(),
      unseen: 0,
      settle: resolve,
    };
    // Before it is signed: from here on the nonce is spoken for.
    this.#flights.set(nonce, flight);
    this.#next = nonce + 1;
    try {
      await this.#dispatch(flight);
    } catch (error) {
      // Nothing was sent. The nonce is the last one, because only one job at a time gets here.
      this.#flights.delete(nonce);
      this.#next = nonce;
      throw error;
    }
    this.#tend();
    return { hash: flight.versions.at(-1)?.hash ?? "", nonce, outcome };
  }

  /** Signs and broadcasts a version of a flight. Throws only where no version of it can ever be taken. */
  async #dispatch(flight: Flight): Promise<void> {
    const { node, signer, chainId, maxFee, log } = this.#options;
    for (let bid = 0; bid < MAX_BIDS; ++bid) {
      const { nonce, call, gasLimit, fees, job } = flight;
      const raw = await signer.sign({ chainId, nonce, value: 0n, ...call, gasLimit, ...fees });
      const version = { hash: keccak256(raw), raw, carriesJob: call === job?.call };
      flight.versions.push(version);
      flight.since = this.#now();
      try {
        await node.broadcast(raw);
        this.counters.broadcast += 1;
        log.debug("broadcast", { hash: version.hash, nonce, bid, name: job?.name });
        return;
      } catch (error) {
        const verdict = classify(error);
        if (verdict === "known") return;
        log.warn("not accepted", { nonce, verdict, name: job?.name, reason: messageOf(error) });
        if (verdict === "fatal") {
          flight.versions.pop();
          if (flight.versions.length === 0) throw new RefusedError(messageOf(error), { cause: error });
          return;
        }
        // Whether it was taken will be seen by its hash and its nonce.
        if (verdict !== "underpriced") return;
        const higher = raised(fees, await this.#price(), maxFee);
        if (higher === undefined) return;
        flight.fees = higher;
      }
    }
  }

  /** Before the first transaction, and whenever none is in flight: nonces are what the chain says. */
  async #synchronise(): Promise<void> {
    if (this.#flights.size > 0) return;
    const { node } = this.#options;
    const [latest, pending] = await Promise.all([
      node.nonceOf(this.address, "latest"),
      node.nonceOf(this.address, "pending"),
    ]);
    const said = Math.max(latest, pending);
    // Fewer than before: a fork, or a node that is behind. The last one's receipt tells them apart.
    const past = said < this.#next ? this.#past.get(this.#next - 1) : undefined;
    if (past !== undefined && (await node.receiptOf(past.hash)) !== undefined) return;
    for (let nonce = latest; nonce < pending; ++nonce) this.#adopt(nonce);
    this.#next = said;
    if (this.#flights.size > 0) {
      this.#options.log.warn("transactions of an earlier process are waiting", { from: latest, to: pending - 1 });
      this.#tend();
    }
  }

  /** A nonce that something must fill before later ones can get into a block. */
  #adopt(nonce: number): void {
    const past = this.#past.get(nonce);
    this.#flights.set(nonce, {
      nonce,
      job: undefined,
      call: { to: this.address, data: "0x" },
      gasLimit: 0n,
      fees: { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
      versions: past === undefined ? [] : [{ ...past, carriesJob: false }],
      since: this.#now(),
      unseen: 0,
      settle: () => undefined,
    });
  }

  // ---------------------------------------------------------------- what is in flight

  #tend(): void {
    this.#tending ??= this.#tendAll().finally(() => {
      this.#tending = undefined;
      // One may have been launched between the last look and here.
      if (this.#flights.size > 0 && !this.#abandoned) this.#tend();
    });
  }

  async #tendAll(): Promise<void> {
    while (this.#flights.size > 0 && !this.#abandoned) {
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.warn("cannot look after transactions", { reason: messageOf(error) });
      }
      if (this.#flights.size > 0) await sleep(this.#options.pollMs);
    }
  }

  /** Nonce first, receipts after it: a transaction that has used the nonce then has its receipt. */
  async #look(): Promise<void> {
    const { node } = this.#options;
    const used = await node.nonceOf(this.address, "latest");
    this.#next = Math.max(this.#next, used);
    const flights = [...this.#flights.values()].sort((a, b) => a.nonce - b.nonce);
    const first = flights[0];
    this.#gaps = first !== undefined && used < first.nonce ? this.#gaps + 1 : 0;
    if (first !== undefined && this.#gaps >= MAX_LOOKS) await this.#fill(used, first.nonce);
    for (const flight of flights) {
      if (await this.#isEnded(flight, used)) continue;
      if (flight.nonce < used) this.#missed(flight);
      else {
        flight.unseen = 0;
        if (flight.nonce > used) flight.since = this.#now();
        else if (this.#now() - flight.since >= this.#options.timeoutMs) await this.#replace(flight);
      }
    }
  }

  async #isEnded(flight: Flight, used: number): Promise<boolean> {
    const { node, confirmations } = this.#options;
    if (flight.nonce >= used) return false;
    for (const { hash, carriesJob } of [...flight.versions].reverse()) {
      const receipt = await node.receiptOf(hash);
      if (receipt === undefined) continue;
      flight.unseen = 0;
      const depth = confirmations > 1 ? (await node.blockNumber()) - receipt.block + 1 : 1;
      if (depth < confirmations) return true;
      this.#remember(flight, hash);
      if (!carriesJob) this.#end(flight, { kind: "withdrawn", receipt });
      else this.#end(flight, { kind: receipt.succeeded ? "confirmed" : "reverted", receipt });
      return true;
    }
    return false;
  }

  /** Its nonce is used, and not by it. */
  #missed(flight: Flight): void {
    flight.unseen += 1;
    if (flight.unseen < MAX_LOOKS && flight.versions.length > 0) return;
    if (flight.job !== undefined) {
      this.counters.displaced += 1;
      this.#options.log.error("another transaction has used the nonce", { nonce: flight.nonce, name: flight.job.name });
    }
    this.#end(flight, { kind: "displaced" });
  }

  /** Nonces before the first in flight are unused: a fork has taken their transactions out of their blocks. */
  async #fill(from: number, to: number): Promise<void> {
    this.#options.log.warn("nonces are unused again", { from, to: to - 1 });
    for (let nonce = from; nonce < to; ++nonce) {
      this.#adopt(nonce);
      this.counters.filled += 1;
      const raw = this.#past.get(nonce)?.raw;
      if (raw !== undefined) await this.#options.node.broadcast(raw).catch(() => undefined);
    }
  }

  async #replace(flight: Flight): Promise<void> {
    const { node, maxFee, log, isWanted } = this.#options;
    const price = await this.#price();
    const last = flight.versions.at(-1);
    // One that was dropped is sent again as it is, as long as it pays: there is nothing to outbid.
    if (last !== undefined && flight.fees.maxFeePerGas >= price.baseFee && !(await node.knows(last.hash))) {
      flight.since = this.#now();
      log.warn("sent again", { hash: last.hash, nonce: flight.nonce });
      try {
        await node.broadcast(last.raw);
      } catch (error) {
        log.warn("not accepted", { nonce: flight.nonce, verdict: classify(error), reason: messageOf(error) });
      }
      return;
    }
    const { job } = flight;
    if (isWanted !== undefined && flight.call === job?.call && !(await isWanted(job))) {
      flight.call = { to: this.address, data: "0x" };
      flight.gasLimit = 0n;
    }
    if (flight.gasLimit === 0n) flight.gasLimit = await node.emptyGas(this.address);
    const fees = raised(flight.fees, price, maxFee);
    if (fees === undefined) {
      flight.since = this.#now();
      log.warn("stuck at the highest fee", { nonce: flight.nonce, name: job?.name, maxFeePerGas: maxFee });
      return;
    }
    flight.fees = fees;
    this.counters.replaced += 1;
    try {
      await this.#dispatch(flight);
    } catch (error) {
      flight.since = this.#now();
      log.error("cannot replace", { nonce: flight.nonce, name: job?.name, reason: messageOf(error) });
    }
  }

  #end(flight: Flight, outcome: Outcome): void {
    if (this.#flights.get(flight.nonce) !== flight) return;
    this.#flights.delete(flight.nonce);
    if (flight.job !== undefined) this.#release(flight.job);
    flight.settle(outcome);
  }

  #remember({ nonce, versions }: Flight, hash: string): void {
    const version = versions.find((one) => one.hash === hash);
    if (version === undefined) return;
    this.#past.set(nonce, version);
    this.#past.delete(nonce - REMEMBERED);
  }

  // ---------------------------------------------------------------- admission

  #hasUnknown(): boolean {
    return [...this.#flights.values()].some(({ job }) => job === undefined);
  }

  #take({ accounts }: Job): void {
    for (const account of accounts) this.#taken.set(account, (this.#taken.get(account) ?? 0) + 1);
  }

  #release({ accounts }: Job): void {
    for (const account of accounts) {
      const count = (this.#taken.get(account) ?? 0) - 1;
      if (count > 0) this.#taken.set(account, count);
      else this.#taken.delete(account);
    }
  }

  /** One at a time, whatever became of the one before. */
  async #exclusively<Value>(task: () => Promise<Value>): Promise<Value> {
    const before = this.#lock;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#lock = promise;
    try {
      await before;
      return await task();
    } finally {
      resolve(undefined);
    }
  }
}
