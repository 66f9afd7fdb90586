/**
 * Every signed transaction that keepers have sent, as the endpoints have seen them. The rule that is checked here: a keeper
 * never has two transactions of its own in flight that name the same account.
 */
import { Transaction } from "ethers";

export interface Broadcast {
  readonly hash: string;
  readonly raw: string;
  /** Lower case. */
  readonly from: string;
  readonly nonce: number;
  /** Accounts of traders that its data names. */
  readonly accounts: ReadonlySet<string>;
  /** `performance.now()` of its first arrival. */
  readonly at: number;
  /** By somebody else with the keeper's key. */
  readonly stolen: boolean;
}

/** A time in which a nonce was used up on the chain, `performance.now()`. */
interface Use {
  readonly block: number;
  readonly from: number;
  /** When the block was taken back. */
  to: number;
}

export interface DoubleSend {
  readonly account: string;
  readonly earlier: Broadcast;
  readonly later: Broadcast;
}

/** Hex digits of an account id. */
const ID_DIGITS = 64;
/** Ids stand at whole words behind a selector, of which a call inside a call has one more: multiples of four bytes. */
const STEP = 8;

export class Broadcasts {
  readonly #known = new Map<string, Broadcast>();
  /** By `from/nonce`: more than one where blocks were taken back. */
  readonly #uses = new Map<string, Use[]>();
  readonly #accounts: ReadonlySet<string>;

  /** @param accounts Of the traders; a keeper's own is in all that it sends. */
  constructor(accounts: Iterable<string>) {
    this.#accounts = new Set([...accounts].map((account) => account.toLowerCase()));
  }

  get all(): readonly Broadcast[] {
    return [...this.#known.values()];
  }

  find(hash: string): Broadcast | undefined {
    return this.#known.get(hash);
  }

  /** The same transaction may come through several endpoints, and again. */
  add(raw: string, at: number, { stolen = false }: { stolen?: boolean } = {}): void {
    const { hash, from, nonce, data } = Transaction.from(raw);
    if (hash === null || from === null || this.#known.has(hash)) return;
    const accounts = accountsIn(data, this.#accounts);
    this.#known.set(hash, { hash, raw, from: from.toLowerCase(), nonce, accounts, at, stolen });
  }

  /** A block has used a nonce up. @param at Before the block was made: what arrives later could know of it. */
  used({ from, nonce, block, at }: { from: string; nonce: number; block: number; at: number }): void {
    const key = keyOf({ from, nonce });
    this.#uses.set(key, [...(this.#uses.get(key) ?? []), { block, from: at, to: Number.POSITIVE_INFINITY }]);
  }

  /** This block and those after it are no more: what they used is in flight again. @param at When they were taken back. */
  takenBack({ block, at }: { block: number; at: number }): void {
    for (const uses of this.#uses.values()) {
      for (const use of uses) if (use.block >= block && use.to > at) use.to = at;
    }
  }

  /** Pairs of which the later came while the earlier was still in flight. A replacement at one nonce is none. */
  doubleSends(): DoubleSend[] {
    const found: DoubleSend[] = [];
    const bySender = new Map<string, Broadcast[]>();
    for (const sent of this.#known.values()) {
      const earlier = bySender.get(sent.from) ?? [];
      for (const other of earlier) {
        if (other.nonce === sent.nonce) continue;
        if (this.#isUsed(other, sent.at) || isReplaced(other, earlier)) continue;
        for (const account of sent.accounts) {
          if (other.accounts.has(account)) found.push({ account, earlier: other, later: sent });
        }
      }
      bySender.set(sent.from, [...earlier, sent]);
    }
    return found;
  }

  #isUsed(of: { from: string; nonce: number }, at: number): boolean {
    return (this.#uses.get(keyOf(of)) ?? []).some(({ from, to }) => at >= from && at < to);
  }
}

function keyOf({ from, nonce }: { from: string; nonce: number }): string {
  return `${from.toLowerCase()}/${nonce}`;
}

/** Whether a later one has taken its nonce, so that it will never be in a block. */
function isReplaced({ nonce, at, hash }: Broadcast, among: readonly Broadcast[]): boolean {
  return among.some((other) => other.nonce === nonce && other.hash !== hash && other.at > at);
}

/** The accounts that are named anywhere in call data. */
export function accountsIn(data: string, accounts: ReadonlySet<string>): Set<string> {
  const digits = data.slice(2).toLowerCase();
  const found = new Set<string>();
  for (let start = 0; start + ID_DIGITS <= digits.length; start += STEP) {
    const word = `0x${digits.slice(start, start + ID_DIGITS)}`;
    if (accounts.has(word)) found.add(word);
  }
  return found;
}
