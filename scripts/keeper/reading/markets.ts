/** Assets, markets and the pool as the model values them. */

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { accrued, decodeFunding } from "../../model/funding.ts";
import {
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  type CollateralParameters,
} from "../../model/parameters.ts";
import type { PoolMarket, PoolState } from "../../model/pool.ts";
import type { Price } from "../../model/price.ts";
import { emptySide, type Side } from "../../model/sideIndex.ts";
import { decodeWatch, type MarketWatch } from "../../model/watch.ts";
import type { CommonTerms } from "../decide/state.ts";
import type { AssetTerms } from "../screen/Screen.ts";
import type { At, ReadingContext } from "./isolated.ts";

export interface MarketReading {
  readonly watch: MarketWatch;
  readonly market: PoolMarket;
}

/** Everything but accounts and feeds. */
export interface ProtocolReading {
  /** Every listed asset, ascending; funding accrued to the block. */
  readonly assets: readonly AssetTerms[];
  /** Those that are or were markets. */
  readonly markets: readonly MarketReading[];
  readonly pool: PoolState;
  readonly terms: CommonTerms;
  /** By token. */
  readonly collaterals: ReadonlyMap<number, CollateralParameters>;
  /** What insurance still pays by market, UNATTRIBUTED included. */
  readonly insuranceRooms: ReadonlyMap<number, bigint>;
  readonly pendingLosses: bigint;
  readonly markTime: bigint;
}

/** @param prices By asset. @param time Of the block. */
export async function readProtocol(
  { contracts }: ReadingContext,
  { prices, at, time }: { prices: readonly Price[]; at: At; time: bigint },
): Promise<ProtocolReading> {
  const { clearingHouse, insuranceFund } = contracts;
  const [[assetCount, tokenCount], [globals, groups, money], ledger, rooms] = await Promise.all([
    clearingHouse.listed(at),
    clearingHouse.globals(at),
    clearingHouse.ledger(at),
    insuranceFund.rooms(at),
  ]);
  const read = await Promise.all(
    Array.from({ length: Number(assetCount) }, async (_, asset) => {
      const price = prices[asset];
      if (price === undefined) throw new PlimsollError(`no price of asset ${asset}`);
      return readAsset({ contracts, asset, price, at, time });
    }),
  );
  const collaterals = await Promise.all(
    Array.from({ length: Number(tokenCount) }, async (_, token) => {
      return [token, decodeCollateral(await clearingHouse.collateralParametersOf(token, at))] as const;
    }),
  );
  const markets = read.flatMap(({ market }) => (market === undefined ? [] : [market]));
  return {
    assets: read.map(({ terms }) => terms),
    markets,
    pool: {
      base: ledger.base,
      lent: ledger.lent,
      closedValue: ledger.closedValue,
      markets: markets.map(({ market }) => market).filter(({ long, short }) => long.units !== 0n || short.units !== 0n),
    },
    terms: {
      globals: decodeGlobals(globals),
      groups: decodeGroups(groups),
      money: decodeMoney(money),
      insurance: ledger.insurance,
    },
    collaterals: new Map(collaterals),
    insuranceRooms: new Map(rooms.map(({ market, room }) => [Number(market), room])),
    pendingLosses: ledger.pendingLosses,
    markTime: ledger.markTime,
  };
}

async function readAsset({
  contracts: { clearingHouse },
  asset,
  price,
  at,
  time,
}: Pick<ReadingContext, "contracts"> & { asset: number; price: Price; at: At; time: bigint }): Promise<{
  terms: AssetTerms;
  market: MarketReading | undefined;
}> {
  const [[riskWord, sizesWord, tradeWord], stored] = await Promise.all([
    clearingHouse.parametersOf(asset, at),
    clearingHouse.marketOf(asset, at),
  ]);
  const [sizes, trade] = [decodeSizes(sizesWord), decodeTrade(tradeWord)];
  const funding = accrued(decodeFunding(stored.funding), {
    maxRate: trade.maxFundingRate,
    price: price.last,
    now: time,
  });
  const terms: AssetTerms = { asset, price, funding, risk: decodeRisk(riskWord), sizes, trade };
  if (sizes.status === "None") return { terms, market: undefined };
  const [long, short, watch] = await Promise.all([
    clearingHouse.sideOf(asset, true, at),
    clearingHouse.sideOf(asset, false, at),
    clearingHouse.watchOf(asset, at),
  ]);
  const market = { ...terms, long: sideOf(long, true), short: sideOf(short, false) };
  return { terms, market: { market, watch: decodeWatch(watch) } };
}

interface StoredSide {
  readonly units: bigint;
  readonly quote: bigint;
  readonly epoch: bigint;
  readonly cuts: bigint;
  readonly scale: bigint;
  readonly profitScale: bigint;
  readonly offset: bigint;
}

/** Of former epochs nothing is known here, and nothing is needed. */
function sideOf({ units, quote, epoch, cuts, scale, profitScale, offset }: StoredSide, long: boolean): Side {
  return { ...emptySide(long), units, quote, epoch, cuts, index: { scale, profitScale, offset } };
}
