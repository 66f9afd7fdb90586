/** The books of the protocol as the chain tells them, valued by the model. */
import { decodeGlobals, decodeGroups, type GlobalParameters, type GroupParameters } from "../model/parameters.ts";
import { decodePrice, type Price } from "../model/price.ts";
import { assess, decodeExposure, type Exposure, initialUp, maintenanceUp } from "../model/risk.ts";
import { type Funding, accrued, decodeFunding, NO_FUNDING } from "../model/funding.ts";
import { decodeTrade } from "../model/parameters.ts";
import type { ProtocolParts } from "./protocol.ts";

/** What an account holds and is worth, WAD of settlement token. */
export interface AccountStanding {
  readonly account: string;
  readonly cash: bigint;
  /** Of pending orders; part of the equity. */
  readonly escrow: bigint;
  readonly pending: bigint;
  readonly exposures: readonly Exposure[];
  /** E at the better ends. */
  readonly equity: bigint;
  /** R_M. */
  readonly maintenance: bigint;
  /** R_I. */
  readonly initial: bigint;
  /** Something is held, and E ≤ R_M. */
  readonly unhealthy: boolean;
}

export interface Rules {
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
}

export async function readRules({ clearingHouse }: ProtocolParts): Promise<Rules> {
  const [globals, groups] = await clearingHouse.globals();
  return { globals: decodeGlobals(globals), groups: decodeGroups(groups) };
}

/** @param block At whose end; @param time Its timestamp. */
export async function readStanding(
  { clearingHouse }: ProtocolParts,
  rules: Rules,
  { account, block, time }: { account: string; block: number; time: bigint },
): Promise<AccountStanding> {
  const [state, raw] = await clearingHouse.snapshot(account, { blockTag: block });
  const exposures = raw.map((exposure) => decodeExposure(exposure));
  const cash = state.cash + state.escrow;
  const terms = assess({ exposures, cash, groups: rules.groups, time, end: "better" });
  const maintenance = maintenanceUp(terms, rules.globals);
  return {
    account,
    cash: state.cash,
    escrow: state.escrow,
    pending: state.pending,
    exposures,
    equity: terms.equity,
    maintenance,
    initial: initialUp(terms),
    unhealthy: (state.positions !== 0n || state.collaterals !== 0n) && terms.equity <= maintenance,
  };
}

/** Prices and accrued funding of all assets, by index. */
export type Markets = ReadonlyMap<number, { readonly price: Price; readonly funding: Funding }>;

export async function readMarkets(
  { clearingHouse, oracle, parameters }: ProtocolParts,
  { block, time }: { block: number; time: bigint },
): Promise<Markets> {
  const count = parameters.assets.length;
  const [[, words], ...markets] = await Promise.all([
    oracle.peek((1n << BigInt(count)) - 1n, false, { blockTag: block }),
    ...parameters.assets.map(async ({ listing }, asset) => {
      if (!listing.market) return undefined;
      const [market, [, , trade]] = await Promise.all([
        clearingHouse.marketOf(asset, { blockTag: block }),
        clearingHouse.parametersOf(asset, { blockTag: block }),
      ]);
      return { funding: decodeFunding(market.funding), maxRate: decodeTrade(trade).maxFundingRate };
    }),
  ]);
  return new Map(
    words.map((word, asset) => {
      const price = decodePrice(word);
      const market = markets[asset];
      const funding =
        market === undefined
          ? { ...NO_FUNDING, time }
          : accrued(market.funding, { maxRate: market.maxRate, price: price.last, now: time });
      return [asset, { price, funding }];
    }),
  );
}

/** What the protocol holds apart from accounts, WAD. */
export interface Treasury {
  readonly base: bigint;
  readonly debts: bigint;
  readonly insurance: bigint;
  readonly protocolFees: bigint;
}

export async function readTreasury({ clearingHouse }: ProtocolParts, block: number): Promise<Treasury> {
  const { base, debts, insurance, protocolFees } = await clearingHouse.balances({ blockTag: block });
  return { base, debts, insurance, protocolFees };
}
