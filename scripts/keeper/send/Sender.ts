/**
 * The one owner of an account's nonces. Several transactions wait at once, each at a nonce of its own; what does not get
 * into a block is replaced at its nonce. A transaction is judged by what the chain says of its hash and its nonce, never
 * by the answer to its broadcast: an answer may be lost after the transaction was taken.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { keccak256 } from "ethers";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import { max, min } from "../../model/fixed.ts";
import type { Call, Job } from "../job.ts";
import type { Log } from "../log.ts";
import { classify } from "./classify.ts";
import { type FeeBounds, type Fees, feesFor, type GasPrice, paidAt, raised, TooDearError, weighedAt } from "./fees.ts";
import type { Node, Receipt } from "./node.ts";
import type { SentNonce } from "./sentNonce.ts";
import type { Signer } from "./signer.ts";

/** The sender takes no job like this now: too many wait, or one of the same subject. */
export class BusyError extends PlimsollError {}

/** The chain will never take this transaction. */
export class RefusedError extends PlimsollError {}

export type Outcome =
  | { readonly kind: "confirmed"; readonly receipt: Receipt }
  | { readonly kind: "reverted"; readonly receipt: Receipt }
  /** Another transaction has its nonce: sent by somebody else with the same key. */
  | { readonly kind: "displaced" }
  /** It was stuck, and an empty transaction, or one from before a fork, took its nonce. */
  | { readonly kind: "withdrawn"; readonly receipt: Receipt }
  /** The sender was stopped before anything was known. */
  | { readonly kind: "abandoned" };

export interface Sent {
  readonly hash: string;
  readonly nonce: number;
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
}

/** What a job in flight would do now. */
export interface Weighed {
  /** Whether it would do anything. */
  readonly does: boolean;
  /**
   * Whether it is worth it, with so many wei for a unit of gas.
   * @param spared Gas that the alternative costs; none by default.
   */
  readonly isWorth: (feePerGas: bigint, spared?: bigint) => boolean;
}

export interface SenderOptions {
  readonly node: Node;
  readonly signer: Signer;
  readonly chainId: bigint;
  readonly log: Log;
  /** Wei for a unit of gas, at most. */
  readonly maxFee: bigint;
  /** Wei for a unit of gas that is offered above the base fee, at most: three quarters, and the rest for replacements. */
  readonly maxTip: bigint;
  /** Blocks that a receipt must have on it, its own included. */
  readonly confirmations: number;
  /** Transactions that may wait at once. */
  readonly maxInFlight: number;
  /** After which the next transaction in line is replaced. */
  readonly timeoutMs: number;
  /** Between two looks at what is in flight. */
  readonly pollMs: number;
  /** What a job that is stuck would do now; undefined where nobody can say. Always worth it by default. */
  readonly weigh?: (job: Job) => Promise<Weighed | undefined>;
  /** With a private relay: what endpoints do not show is known from it. */
  readonly sentNonce?: SentNonce | undefined;
  readonly now?: () => number;
}

interface Version {
  readonly hash: string;
  readonly raw: string;
  readonly carriesJob: boolean;
}

interface Flight {
  readonly nonce: number;
  /** Undefined: left by an earlier process, or by a fork. */
  readonly job: Job | undefined;
  /** Its job's, and those of what had its nonce before a fork. */
  readonly subjects: readonly string[];
  call: Call;
  gasLimit: bigint;
  fees: Fees;
  versions: Version[];
  /** Of the last broadcast, or of becoming the next in line, or of the last thought about it; milliseconds. */
  since: number;
  /** Of the price at which it was last thought about. */
  block: number;
  /** Looks at which its nonce was used and no version of it had a receipt. */
  unseen: number;
  /** Times that it was sent again as it is, since it was last replaced. */
  repeats: number;
  /** Times that it would have paid, and no pool had it. */
  omitted: number;
  /** Times that it was left as it is. */
  left: number;
  /** Looks at which its nonce was unused again, after a fork; undefined: it has not been in a block. */
  returned: number | undefined;
  /** Perhaps waits at a private relay, sent by an earlier process. */
  readonly isHidden: boolean;
  readonly settle: (outcome: Outcome) => void;
}

/** EIP-7825. */
const MAX_GAS = 16_777_216n;
/** Looks until it is believed that somebody else has used a nonce, or nobody: nodes may be some blocks apart. */
const MAX_LOOKS = 4;
/** Attempts to outbid what waits at a nonce, in one go: 1.125^16 is 6.6 times the price. */
const MAX_BIDS = 16;
/** Wei: less than that is no tip, and no bound on replacements, which have to offer more than none. */
const SMALLEST_TIP = 16n;
/** What no pool has is sent again as it is so often, before it is replaced, */
const MAX_REPEATS = 2;
/** and is withdrawn after so often: whoever takes it leaves it out. */
const MAX_OMITTED = 8;
/** Times that what is not worth replacing is left as it is while others wait behind it, and while none do. */
const PATIENCE = 4;
const PATIENCE_ALONE = 20;
/** Transactions that are remembered after their end, in case a fork takes them out of their blocks. */
const REMEMBERED = 64;

const ALWAYS: Weighed = { does: true, isWorth: () => true };

export class Sender {
  readonly #options: SenderOptions;
  readonly #now: () => number;
  readonly #flights = new Map<number, Flight>();
  /** Accounts of jobs that are in flight or about to be. */
  readonly #taken = new Map<string, number>();
  /** What was in blocks, by nonce. */
  readonly #past = new Map<number, Flight>();
  /** Jobs between their admission and their flight. */
  #admitted = 0;
  #next = 0;
  /** Looks in a row at which nonces before the first in flight were unused. */
  #gaps = 0;
  /** Transactions in blocks, and since when it has been so while any was in flight. */
  #used = -1;
  #movedAt = 0;
  #isFirst = true;
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

  /** For how long the next nonce in line has not moved, milliseconds; 0 while nothing is in flight. */
  get waitsMs(): number {
    return this.#flights.size === 0 ? 0 : this.#now() - this.#movedAt;
  }

  /** Finds what an earlier process has left in the pool, or may have left with the relay, and looks after it. */
  async start(): Promise<void> {
    await this.#exclusively(async () => this.#synchronise());
  }

  /** Whether a job may be sent now. */
  canTake({ subjects }: Pick<Job, "subjects">): boolean {
    if (this.#closed || this.#flights.size + this.#admitted >= this.#options.maxInFlight) return false;
    return !this.#hasUnknown() && !subjects.some((subject) => this.#taken.has(subject));
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
    this.#take(job.subjects);
    this.#admitted += 1;
    try {
      return await this.#exclusively(async () => this.#launch(job, gas));
    } catch (error) {
      this.#release(job.subjects);
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

  /** What a node suggests as a tip may be far more than blocks ask for. A rest is kept: a replacement has to offer more. */
  async #price(): Promise<GasPrice & { readonly block: number }> {
    const { node, maxTip } = this.#options;
    const price = await node.gasPrice();
    return { ...price, tip: min(price.tip, maxTip - maxTip / 4n) };
  }

  // ---------------------------------------------------------------- sending

  async #launch(job: Job, gas: bigint): Promise<Sent> {
    const { maxFee, sentNonce } = this.#options;
    const [price] = await Promise.all([this.#price(), this.#checkNonces(job)]);
    const fees = feesFor(price, maxFee);
    if (this.#hasUnknown()) throw new BusyError("transactions of an earlier process are waiting");
    if (this.#touches(job)) throw new BusyError(`${job.name} has to wait for what a fork has taken out of its block`);
    const wanted = gas + gas / 5n;
    const nonce = this.#next;
    sentNonce?.keep(nonce);
    // What a fork has taken out of its block, and no pool has: it may come back at this nonce, and at no other.
    const before = this.#past.get(nonce);
    const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
    const flight: Flight = {
      nonce,
      job,
      subjects: [...job.subjects, ...(before?.subjects ?? [])],
      call: job.call,
      gasLimit: min(wanted, MAX_GAS),
      fees,
      versions: (before?.versions ?? []).map((version) => ({ ...version, carriesJob: false })),
      ...this.#fresh(),
      block: price.block,
      isHidden: false,
      settle: resolve,
    };
    // Before it is signed: from here on the nonce is spoken for.
    this.#take(before?.subjects ?? []);
    this.#past.delete(nonce);
    this.#add(flight);
    this.#next = nonce + 1;
    try {
      await this.#dispatch(flight);
    } catch (error) {
      // Nothing was sent. The nonce is the last one, because only one job at a time gets here.
      this.#flights.delete(nonce);
      this.#next = nonce;
      if (before !== undefined) {
        this.#past.set(nonce, before);
        this.#release(before.subjects);
      }
      throw error;
    }
    this.#tend();
    return { hash: flight.versions.at(-1)?.hash ?? "", nonce, outcome };
  }

  #fresh() {
    return { since: this.#now(), block: -1, unseen: 0, repeats: 0, omitted: 0, left: 0, returned: undefined };
  }

  /**
   * Signs and broadcasts a version of a flight. Throws only where no version of its job can ever be taken.
   * @returns Whether this one may be.
   */
  async #dispatch(flight: Flight): Promise<boolean> {
    const { node, signer, chainId, log } = this.#options;
    const { nonce, call, gasLimit, job } = flight;
    const carriesJob = carriesItsJob(flight);
    let weighed: Weighed | undefined;
    for (let bid = 0; bid < MAX_BIDS; ++bid) {
      const { fees } = flight;
      const raw = await signer.sign({ chainId, nonce, value: 0n, ...call, gasLimit, ...fees });
      const version = { hash: keccak256(raw), raw, carriesJob };
      flight.versions.push(version);
      flight.since = this.#now();
      try {
        await node.broadcast(raw, { openly: !carriesJob });
        this.counters.broadcast += 1;
        log.debug("broadcast", { hash: version.hash, nonce, bid, name: job?.name });
        return true;
      } catch (error) {
        const verdict = classify(error);
        if (verdict === "known") return true;
        log.warn("not accepted", { nonce, verdict, name: job?.name, reason: messageOf(error) });
        if (verdict === "fatal") {
          flight.versions.pop();
          if (carriesJob && !flight.versions.some((one) => one.carriesJob)) {
            throw new RefusedError(messageOf(error), { cause: error });
          }
          return false;
        }
        // Whether it was taken will be seen by its hash and its nonce.
        if (verdict !== "underpriced") return true;
        const price = await this.#price();
        const higher = raised(fees, price, this.#boundsOf(flight));
        if (higher === undefined) return true;
        weighed ??= await this.#weigh(flight);
        if (!pays(weighed, weighedAt(higher, price))) return true;
        flight.fees = higher;
      }
    }
    return true;
  }

  /** An empty transaction uses little gas, and a nonce that is stuck costs more than its tip. */
  #boundsOf(flight: Pick<Flight, "call" | "job">): FeeBounds {
    const { maxFee, maxTip } = this.#options;
    const most = max(maxTip, SMALLEST_TIP);
    return { maxFee, maxTip: carriesItsJob(flight) ? most : 2n * most };
  }

  async #weigh(flight: Flight): Promise<Weighed | undefined> {
    const { weigh } = this.#options;
    if (weigh === undefined || flight.job === undefined || !carriesItsJob(flight)) return ALWAYS;
    return weigh(flight.job);
  }

  // ---------------------------------------------------------------- nonces

  /** Before a job is sent: no subject of it may be in what a fork has taken out of its block. */
  async #checkNonces({ subjects }: Job): Promise<void> {
    await this.#synchronise();
    const isShared = (flight: Flight): boolean => flight.subjects.some((subject) => subjects.includes(subject));
    const shared = [...this.#past.values()].filter((flight) => flight.nonce < this.#next && isShared(flight));
    await Promise.all(
      shared.map(async (flight) => {
        if ((await this.#receiptOf(flight)) === undefined) this.#recall(flight);
      }),
    );
  }

  /** While none is in flight nonces are what the chain says. */
  async #synchronise(): Promise<void> {
    const { node, sentNonce, maxInFlight } = this.#options;
    if (this.#flights.size > 0) {
      this.#recallFrom(await node.nonceOf(this.address, "latest"));
      return;
    }
    const [latest, pending] = await Promise.all([
      node.nonceOf(this.address, "latest"),
      node.nonceOf(this.address, "pending"),
    ]);
    const known = Math.max(latest, pending);
    // As many as may be in flight where it is not known: a file that is gone must not be a second transaction.
    const hidden = Math.min((sentNonce?.last ?? latest + maxInFlight - 1) + 1, latest + REMEMBERED);
    const said = this.#isFirst && sentNonce !== undefined ? Math.max(known, hidden) : known;
    this.#isFirst = false;
    // Fewer than before: a fork, or a node that is behind. The last one's receipt tells them apart.
    const past = said < this.#next ? this.#past.get(this.#next - 1) : undefined;
    if (past !== undefined && (await this.#receiptOf(past)) !== undefined) return;
    for (let nonce = latest; nonce < said; ++nonce) {
      const before = this.#past.get(nonce);
      if (before === undefined) this.#adopt(nonce, nonce >= known);
      else this.#recall(before);
    }
    this.#next = said;
    // One alone may lose its nonce to another. Of several, those behind it would follow whatever gets the first nonce.
    if ([...this.#past.keys()].filter((nonce) => nonce >= said).length > 1) this.#recallFrom(said);
    if (this.#hasUnknown()) {
      this.#options.log.warn("transactions of an earlier process are waiting", { from: latest, to: said - 1 });
    }
    if (this.#flights.size > 0) this.#tend();
  }

  #add(flight: Flight): void {
    if (this.#flights.size === 0) this.#movedAt = this.#now();
    this.#flights.set(flight.nonce, flight);
  }

  /** A nonce that something must fill before later ones can get into a block. */
  #adopt(nonce: number, isHidden: boolean): void {
    this.#add({
      nonce,
      job: undefined,
      subjects: [],
      call: { to: this.address, data: "0x" },
      gasLimit: 0n,
      fees: { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
      versions: [],
      ...this.#fresh(),
      isHidden,
      settle: () => undefined,
    });
  }

  /** What a block had that is none any more may get into another: its subjects are busy again, at once. */
  #recall(flight: Flight): void {
    const { nonce, job, subjects } = flight;
    if (this.#past.get(nonce) !== flight || this.#flights.has(nonce)) return;
    this.#options.log.warn("taken out of its block", { nonce, name: job?.name });
    this.#past.delete(nonce);
    this.#take(subjects);
    this.#add({ ...flight, ...this.#fresh(), returned: 0, settle: () => undefined });
    this.#next = Math.max(this.#next, nonce + 1);
    this.#tend();
  }

  #recallFrom(used: number): void {
    for (const flight of [...this.#past.values()]) if (flight.nonce >= used) this.#recall(flight);
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
    const { node, timeoutMs } = this.#options;
    const used = await node.nonceOf(this.address, "latest");
    this.#next = Math.max(this.#next, used);
    if (used > this.#used) this.#movedAt = this.#now();
    this.#used = used;
    this.#recallFrom(used);
    const flights = [...this.#flights.values()].sort((a, b) => a.nonce - b.nonce);
    const first = flights[0];
    this.#gaps = first !== undefined && used < first.nonce ? this.#gaps + 1 : 0;
    if (first !== undefined && this.#gaps >= MAX_LOOKS) this.#fill(used, first.nonce);
    for (const flight of flights) {
      if (await this.#isEnded(flight, used)) continue;
      if (flight.nonce < used) {
        this.#missed(flight);
        continue;
      }
      flight.unseen = 0;
      await this.#bringBack(flight);
      // What perhaps nobody has needs no turn: none of those behind it would come by itself.
      if (flight.nonce > used && !(flight.isHidden && flight.versions.length === 0)) flight.since = this.#now();
      else if (this.#now() - flight.since >= timeoutMs) await this.#replace(flight);
    }
  }

  async #isEnded(flight: Flight, used: number): Promise<boolean> {
    const { node, confirmations } = this.#options;
    if (flight.nonce >= used) return false;
    const found = await this.#receiptOf(flight);
    if (found === undefined) return false;
    const { receipt, carriesJob } = found;
    flight.unseen = 0;
    const depth = confirmations > 1 ? (await node.blockNumber()) - receipt.block + 1 : 1;
    if (depth < confirmations) return true;
    if (this.#flights.get(flight.nonce) === flight) {
      this.#past.set(flight.nonce, flight);
      this.#past.delete(flight.nonce - REMEMBERED);
    }
    if (!carriesJob) this.#end(flight, { kind: "withdrawn", receipt });
    else this.#end(flight, { kind: receipt.succeeded ? "confirmed" : "reverted", receipt });
    return true;
  }

  /** Of the version that is in a block. */
  async #receiptOf({ versions }: Flight): Promise<{ receipt: Receipt; carriesJob: boolean } | undefined> {
    for (const { hash, carriesJob } of [...versions].reverse()) {
      const receipt = await this.#options.node.receiptOf(hash);
      if (receipt !== undefined) return { receipt, carriesJob };
    }
    return undefined;
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

  /** Nonces before the first in flight are unused, and nobody remembers what they were used for. */
  #fill(from: number, to: number): void {
    this.#options.log.warn("nonces are unused again", { from, to: to - 1 });
    for (let nonce = from; nonce < to; ++nonce) {
      this.#adopt(nonce, false);
      this.counters.filled += 1;
    }
  }

  /** What a fork has taken out of its block goes into pools again, where it is no secret. */
  async #bringBack(flight: Flight): Promise<void> {
    if (flight.returned === undefined) return;
    flight.returned += 1;
    const last = flight.versions.at(-1);
    if (flight.returned !== MAX_LOOKS || last === undefined) return;
    this.counters.filled += 1;
    await this.#options.node.broadcast(last.raw, { openly: true }).catch(() => undefined);
  }

  // ---------------------------------------------------------------- what is stuck

  /** The next in line has waited for its time: it is sent again, replaced, left, or withdrawn. */
  async #replace(flight: Flight): Promise<void> {
    const { maxFee, log } = this.#options;
    const price = await this.#price();
    const weighed = await this.#weigh(flight);
    flight.since = this.#now();
    const { nonce, job, fees } = flight;
    const moves = price.block > flight.block;
    flight.block = Math.max(price.block, flight.block);
    const wouldPay = fees.maxFeePerGas >= price.baseFee;
    const isOmitted = wouldPay && flight.versions.length > 0 && !(await this.#isKnown(flight));
    if (isOmitted && moves) flight.omitted += 1;
    const isUseless = await this.#isUseless(flight, weighed, price);
    if (isOmitted && !isUseless && flight.repeats < MAX_REPEATS && (await this.#repeat(flight))) return;
    const higher = raised(fees, price, this.#boundsOf(flight));
    if (higher === undefined) {
      log.warn("stuck at the highest fee", { nonce, name: job?.name, maxFeePerGas: maxFee });
    }
    // A chain that stands still takes nothing at any price.
    if (!moves) return;
    if (!carriesItsJob(flight)) {
      if (higher !== undefined) await this.#change(flight, { fees: higher });
      else if (isOmitted) await this.#repeat(flight);
      return;
    }
    if (!isUseless && flight.omitted <= MAX_OMITTED) {
      if (higher !== undefined && pays(weighed, weighedAt(higher, price))) {
        await this.#change(flight, { fees: higher });
        return;
      }
      flight.left += 1;
      if (flight.left <= (this.#flights.size > 1 ? PATIENCE : PATIENCE_ALONE)) {
        log.warn("left as it is", { nonce, name: job?.name, times: flight.left });
        if (isOmitted) await this.#repeat(flight);
        return;
      }
    }
    await this.#withdraw(flight, price);
  }

  /** Whether it would do nothing, or be mined at a greater loss than an empty transaction in its place. */
  async #isUseless(flight: Flight, weighed: Weighed | undefined, price: GasPrice): Promise<boolean> {
    if (weighed === undefined) return false;
    if (!weighed.does) return true;
    const cost = paidAt(flight.fees, price);
    if (flight.fees.maxFeePerGas < price.baseFee || weighed.isWorth(cost)) return false;
    return !weighed.isWorth(cost, await this.#options.node.emptyGas(this.address));
  }

  /** Of all versions, the last first: a pool may not have taken that one. */
  async #isKnown({ versions }: Flight): Promise<boolean> {
    for (const { hash } of [...versions].reverse()) if (await this.#options.node.knows(hash)) return true;
    return false;
  }

  /** What was dropped is sent again as it is: there is nothing to outbid. @returns Whether it may have been taken. */
  async #repeat(flight: Flight): Promise<boolean> {
    const { node, log } = this.#options;
    const last = flight.versions.at(-1);
    if (last === undefined) return false;
    flight.repeats += 1;
    log.warn("sent again", { hash: last.hash, nonce: flight.nonce });
    try {
      await node.broadcast(last.raw, { openly: !last.carriesJob });
      return true;
    } catch (error) {
      const verdict = classify(error);
      log.warn("not accepted", { nonce: flight.nonce, verdict, reason: messageOf(error) });
      return verdict !== "underpriced";
    }
  }

  /** Another version in place of the last. */
  async #change(flight: Flight, { fees, call = flight.call }: { fees: Fees; call?: Call }): Promise<void> {
    const { node, log } = this.#options;
    const before = { call: flight.call, gasLimit: flight.gasLimit, fees: flight.fees };
    this.counters.replaced += 1;
    try {
      if (call !== before.call || before.gasLimit === 0n) flight.gasLimit = await node.emptyGas(this.address);
      flight.call = call;
      flight.fees = fees;
      if (await this.#dispatch(flight)) Object.assign(flight, { repeats: 0, left: 0 });
      else Object.assign(flight, before);
    } catch (error) {
      Object.assign(flight, before);
      log.error("cannot replace", { nonce: flight.nonce, name: flight.job?.name, reason: messageOf(error) });
    }
  }

  /** An empty transaction takes its nonce: seen by everybody, because a relay may have left out what it replaces. */
  async #withdraw(flight: Flight, price: GasPrice): Promise<void> {
    const { nonce, job } = flight;
    const call = { to: this.address, data: "0x" };
    const outbid = raised(flight.fees, price, this.#boundsOf({ ...flight, call }));
    // Where no pool has it there is nothing to outbid.
    const fees = outbid ?? ((await this.#isKnown(flight)) ? undefined : this.#offer(price));
    if (fees === undefined) return;
    this.#options.log.warn("withdrawn", { nonce, name: job?.name });
    await this.#change(flight, { fees, call });
  }

  /** Undefined above the cap. */
  #offer(price: GasPrice): Fees | undefined {
    try {
      return feesFor(price, this.#options.maxFee);
    } catch (error) {
      if (error instanceof TooDearError) return undefined;
      throw error;
    }
  }

  #end(flight: Flight, outcome: Outcome): void {
    if (this.#flights.get(flight.nonce) !== flight) return;
    this.#flights.delete(flight.nonce);
    this.#release(flight.subjects);
    flight.settle(outcome);
  }

  // ---------------------------------------------------------------- admission

  #hasUnknown(): boolean {
    return [...this.#flights.values()].some(({ job }) => job === undefined);
  }

  /** Whether something in flight shares a subject with a job that is not. */
  #touches({ subjects }: Job): boolean {
    return [...this.#flights.values()].some((flight) => flight.subjects.some((subject) => subjects.includes(subject)));
  }

  #take(subjects: readonly string[]): void {
    for (const subject of subjects) this.#taken.set(subject, (this.#taken.get(subject) ?? 0) + 1);
  }

  #release(subjects: readonly string[]): void {
    for (const subject of subjects) {
      const count = (this.#taken.get(subject) ?? 0) - 1;
      if (count > 0) this.#taken.set(subject, count);
      else this.#taken.delete(subject);
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

function carriesItsJob({ call, job }: Pick<Flight, "call" | "job">): boolean {
  return call === job?.call;
}

/** What nobody can say anything of is not worth more than it has offered. */
function pays(weighed: Weighed | undefined, feePerGas: bigint): boolean {
  return weighed !== undefined && weighed.does && weighed.isWorth(feePerGas);
}
