/**
 * What isolated margin would have done. Whenever a trader's own order or transfer changes an account, its positions are
 * split into isolated ones, cash and collateral shared out by initial requirement (`scripts/model/isolated.ts`). From
 * then on each lives and is liquidated alone. Once one of them is, or the account itself is liquidated, the split stays
 * as it is: what came later might not have happened.
 */
import { type IsolatedAccount, isIsolatedLiquidatable, isolate, revalued } from "../model/isolated.ts";
import { assess, initialUp, maintenanceUp } from "../model/risk.ts";
import type { AccountStanding, Markets, Rules } from "./books.ts";

export interface IsolatedLoss {
  readonly asset: number;
  /** Unix seconds. */
  readonly time: number;
  /** Equity that is left to the trader after the penalty, WAD. */
  readonly kept: bigint;
}

export interface IsolatedVerdict {
  /** Of the last split, unix seconds: what moved in or out later did not reach the isolated parts. */
  readonly splitAt: number;
  /** Whether each part met its own initial requirement after every fill. */
  readonly openable: boolean;
  /** Positions at the last split. */
  readonly positions: number;
  readonly losses: readonly IsolatedLoss[];
  /** Equity of what is alive, and what is kept of the rest, WAD. */
  readonly equity: bigint;
}

interface Shadow {
  splitAt: number;
  parts: readonly IsolatedAccount[];
  /** Without positions: all cash and collateral, which nothing threatens. */
  idle: Pick<AccountStanding, "exposures" | "cash"> | undefined;
  positions: number;
  openable: boolean;
  frozen: boolean;
  readonly losses: IsolatedLoss[];
}

export class IsolatedShadows {
  readonly #shadows = new Map<string, Shadow>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /**
   * The account has changed by what its trader did.
   * @param filled Whether by a fill: only that asks whether isolated margin would have opened it.
   */
  split(standing: AccountStanding, time: bigint, { filled }: { filled: boolean }): void {
    const shadow = this.#shadowOf(standing.account);
    if (shadow.frozen) return;
    const { groups } = this.#rules;
    shadow.splitAt = Number(time);
    const held = { exposures: standing.exposures, cash: standing.cash + standing.escrow };
    const parts = isolate({ ...held, groups, time });
    shadow.parts = parts;
    shadow.idle = parts.length === 0 ? held : undefined;
    if (parts.length === 0) return;
    shadow.positions = parts.length;
    if (!filled) return;
    shadow.openable &&= parts.every((part) => {
      const terms = assess({ exposures: part.exposures, cash: part.cash, groups, time, end: "worse" });
      return terms.weighted >= initialUp(terms);
    });
  }

  /** The account has been liquidated: its split stays as it was. */
  freeze(account: string): void {
    this.#shadowOf(account).frozen = true;
  }

  /** Takes new prices, and closes what they liquidate. */
  observe(markets: Markets, time: number): void {
    for (const shadow of this.#shadows.values()) {
      shadow.parts = shadow.parts.filter((part) => {
        const now = revalued(part, markets);
        const options = { ...this.#rules, time: BigInt(time) };
        if (!isIsolatedLiquidatable(now, options)) return true;
        shadow.losses.push({ asset: part.asset, time, kept: this.#keptOf(now, BigInt(time)) });
        shadow.frozen = true;
        return false;
      });
    }
  }

  verdictOf(account: string, markets: Markets, time: bigint): IsolatedVerdict {
    const { splitAt, parts, idle, positions, openable, losses } = this.#shadowOf(account);
    const { groups } = this.#rules;
    const alive = idle === undefined ? parts : [idle];
    const living = alive.map(({ exposures, cash }) => {
      const current = exposures.map((exposure) => ({ ...exposure, ...markets.get(exposure.asset) }));
      return assess({ exposures: current, cash, groups, time, end: "better" }).equity;
    });
    const equity = [...living, ...losses.map(({ kept }) => kept)].reduce((sum, part) => sum + part, 0n);
    return { splitAt, openable, positions, losses, equity };
  }

  #shadowOf(account: string): Shadow {
    const known = this.#shadows.get(account);
    if (known !== undefined) return known;
    const shadow: Shadow = {
      splitAt: 0,
      parts: [],
      idle: undefined,
      positions: 0,
      openable: true,
      frozen: false,
      losses: [],
    };
    this.#shadows.set(account, shadow);
    return shadow;
  }

  /** Equity less the penalty on the requirement that its closing removes; nothing below zero. */
  #keptOf({ exposures, cash }: IsolatedAccount, time: bigint): bigint {
    const { globals, groups } = this.#rules;
    const terms = assess({ exposures, cash, groups, time, end: "better" });
    const penalty = (maintenanceUp(terms, globals) * globals.liquidationPenalty) / 1_000_000n;
    return terms.equity > penalty ? terms.equity - penalty : 0n;
  }
}
