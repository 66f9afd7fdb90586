/**
 * Judges what keepers have done, without asking them: events of the node, and the model on the books that they leave. It
 * shares no code with the keeper but the model.
 */
import { revalued } from "../model/isolated.ts";
import { isLiquidatable } from "../model/price.ts";
import { assess, type Exposure, maintenanceUp } from "../model/risk.ts";
import {
  type AccountStanding,
  type Markets,
  readMarkets,
  readRules,
  readStanding,
  type Rules,
} from "../replay/books.ts";
import type { Protocol } from "../replay/protocol.ts";
import { earnedBy } from "./earnings.ts";
import { Ledger, type LiquidationEvent } from "./ledger.ts";

/** A time in which an account could be liquidated, in blocks. */
export interface Spell {
  readonly account: string;
  readonly from: number;
  /** First block in which it could not any more; undefined: it still can. */
  readonly to: number | undefined;
  readonly liquidated: boolean;
}

interface Sheet {
  readonly standing: AccountStanding;
  /** Of its books. */
  readonly block: number;
}

/** Accounts in one question at the end. */
const PAGE = 50;
/** Blocks beyond which nothing is taken back any more. */
const KEPT = 64;

export class Observer {
  readonly ledger: Ledger;
  readonly #protocol: Protocol;
  readonly #rules: Rules;
  readonly #accounts: readonly string[];
  readonly #known: ReadonlySet<string>;
  /** Books by account, the newest last: older ones come back when blocks are taken back. */
  readonly #sheets = new Map<string, Sheet[]>();
  readonly #markets = new Map<number, Markets>();
  readonly #times = new Map<number, number>();
  /** Last prices by asset, WAD, of every block. */
  readonly #prices = new Map<number, ReadonlyMap<number, bigint>>();
  #open = new Map<string, number>();
  #spells: Spell[] = [];

  private constructor(protocol: Protocol, rules: Rules, ledger: Ledger, accounts: readonly string[]) {
    this.#protocol = protocol;
    this.#rules = rules;
    this.ledger = ledger;
    this.#accounts = accounts;
    this.#known = new Set(accounts);
  }

  static async open(protocol: Protocol, accounts: readonly string[]): Promise<Observer> {
    return new Observer(protocol, await readRules(protocol), await Ledger.open(protocol), accounts);
  }

  /** Takes in the next block, or one in place of a block that was taken back. */
  async see({ number, time }: { readonly number: number; readonly time: number }): Promise<void> {
    this.#forget(number);
    this.#times.set(number, time);
    const happenings = await this.ledger.read(number);
    const touched = [...this.ledger.touchedIn(number)].filter((account) => this.#known.has(account));
    const at = { block: number, time: BigInt(time) };
    const [markets] = await Promise.all([
      readMarkets(this.#protocol, at),
      ...touched.map(async (account) => {
        const standing = await readStanding(this.#protocol, this.#rules, { account, ...at });
        this.#sheets.set(account, [...(this.#sheets.get(account) ?? []), { standing, block: number }]);
      }),
    ]);
    this.#markets.set(number, markets);
    this.#markets.delete(number - KEPT);
    this.#prices.set(number, new Map([...markets].map(([asset, { price }]) => [asset, price.last])));
    const liquidated = new Set(
      happenings.flatMap(({ name, args }) => (name === "Liquidated" ? [String(args["account"])] : [])),
    );
    this.#judge({ number, liquidated });
  }

  /** A block with this number comes anew: what was seen of the old one, and of those after it, was never so. */
  #forget(number: number): void {
    for (const block of this.#times.keys()) if (block >= number) this.#times.delete(block);
    for (const [account, sheets] of this.#sheets) {
      if ((sheets.at(-1)?.block ?? -1) < number) continue;
      this.#sheets.set(
        account,
        sheets.filter(({ block }) => block < number),
      );
    }
    const again = this.#spells.filter(({ from, to }) => from < number && (to ?? 0) >= number);
    this.#spells = this.#spells.filter(({ to }) => (to ?? 0) < number);
    this.#open = new Map([...this.#open].filter(([, from]) => from < number));
    for (const { account, from } of again) this.#open.set(account, from);
  }

  #judge({ number, liquidated }: { number: number; liquidated: ReadonlySet<string> }): void {
    for (const account of this.#accounts) {
      const standing = this.#sheets.get(account)?.at(-1)?.standing;
      const isOpen = standing !== undefined && this.#isOpenAt(standing, number);
      const from = this.#open.get(account);
      if (isOpen && from === undefined) this.#open.set(account, number);
      if (!isOpen && from !== undefined) {
        this.#open.delete(account);
        this.#spells.push({ account, from, to: number, liquidated: liquidated.has(account) });
      }
    }
  }

  /** Whether the contract would let anybody liquidate it at the prices of a block: in grace after a halt it does not. */
  #isOpenAt(standing: AccountStanding, number: number): boolean {
    const isTakable = ({ size, collateral, price }: Exposure): boolean =>
      (size !== 0n || collateral !== 0n) && isLiquidatable(price);
    return this.#isUnhealthyAt(standing, number) && this.#exposuresAt(standing, number).some(isTakable);
  }

  /** By the model, at the prices of a block. */
  #isUnhealthyAt(standing: AccountStanding, number: number): boolean {
    const cash = standing.cash + standing.escrow;
    const time = BigInt(this.#times.get(number) ?? 0);
    const exposures = this.#exposuresAt(standing, number);
    if (exposures.length === 0) return false;
    const terms = assess({ exposures, cash, groups: this.#rules.groups, time, end: "better" });
    return terms.equity <= maintenanceUp(terms, this.#rules.globals);
  }

  /** None where the prices of the block are not known. */
  #exposuresAt({ exposures, cash }: AccountStanding, number: number): readonly Exposure[] {
    const markets = this.#markets.get(number);
    return markets === undefined ? [] : revalued({ asset: 0, exposures, cash }, markets).exposures;
  }

  /** Accounts that could be liquidated now. */
  get liquidatable(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Times that a jump was recorded, which halts its asset. */
  get halts(): number {
    return this.ledger.count("JumpHalted");
  }

  get spells(): readonly Spell[] {
    const open = [...this.#open].map(([account, from]) => ({ account, from, to: undefined, liquidated: false }));
    return [...this.#spells, ...open];
  }

  /** USD of a whole unit at the end of a block, WAD; 0 where the block was not seen. */
  priceAt(block: number, asset: number): bigint {
    return this.#prices.get(block)?.get(asset) ?? 0n;
  }

  /** What an account was paid as a keeper, WAD of settlement token. */
  earnedBy(account: string): bigint {
    const assetOf = (token: number): number => this.#protocol.collaterals[token]?.asset ?? -1;
    const priceAt = this.priceAt.bind(this);
    return earnedBy(account, this.ledger.all(), { assetOf, priceAt });
  }

  /** Orders that have not ended, whether or not anybody could end them yet. */
  get unended(): number {
    return [...this.ledger.orders().values()].filter(({ ends }) => ends.length === 0).length;
  }

  /** Orders that a round settles already, so that anybody could execute them. @param rounds Times by asset, ascending. */
  executable(rounds: ReadonlyMap<number, readonly number[]>, now: number): string[] {
    return [...this.ledger.orders().values()]
      .filter(({ ends, boundary, assets }) => {
        if (ends.length > 0) return false;
        return assets.every((asset) => (rounds.get(asset) ?? []).some((time) => time > boundary && time < now));
      })
      .map(({ key }) => key);
  }

  /**
   * Liquidations of accounts that were sound: by their own figures, and by the model on the books of the block before, at
   * that block's prices and at those of the liquidation's own block.
   */
  async healthyLiquidations(): Promise<LiquidationEvent[]> {
    const found: LiquidationEvent[] = [];
    for (const event of this.ledger.liquidations()) {
      const { account, block, equityBefore, maintenanceBefore, touchedBefore } = event;
      if (equityBefore > maintenanceBefore) {
        found.push(event);
        continue;
      }
      if (touchedBefore || !this.#known.has(account)) continue;
      const time = this.#times.get(block) ?? 0;
      const before = await readStanding(this.#protocol, this.#rules, { account, block: block - 1, time: BigInt(time) });
      if (before.unhealthy) continue;
      const markets = await readMarkets(this.#protocol, { block, time: BigInt(time) });
      this.#markets.set(block, markets);
      if (!this.#isUnhealthyAt(before, block)) found.push(event);
    }
    return found;
  }

  /** Accounts of which the chain's own view of the last block says otherwise than the model. */
  async disagreements(lens: Lens): Promise<string[]> {
    const block = Math.max(...this.#times.keys());
    const wrong: string[] = [];
    for (let start = 0; start < this.#accounts.length; start += PAGE) {
      const page = this.#accounts.slice(start, start + PAGE);
      const healths = await lens.health(page, { blockTag: block });
      for (const [place, account] of page.entries()) {
        const health = healths[place];
        const standing = this.#sheets.get(account)?.at(-1)?.standing;
        if (health === undefined || standing === undefined || standing.exposures.length === 0) continue;
        if (health.equity <= health.maintenance !== this.#isUnhealthyAt(standing, block)) wrong.push(account);
      }
    }
    return wrong;
  }
}

/** What of the protocol's view is asked. */
export interface Lens {
  health(
    accounts: readonly string[],
    at: { readonly blockTag: number },
  ): Promise<readonly { readonly equity: bigint; readonly maintenance: bigint }[]>;
}
