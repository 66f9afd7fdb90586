/** The parameters that requirements, caps and insurance follow, decoded: what a plan changes before it is on the chain. */
import type { Contracts } from "../deploy/contracts.ts";
import {
  type CollateralParameters,
  decodeCollateral,
  decodeGlobals,
  decodeGroups,
  decodeMoney,
  decodeRisk,
  decodeSizes,
  decodeTrade,
  type GlobalParameters,
  type GroupParameters,
  type MoneyParameters,
  type RiskParameters,
  type SizeParameters,
  type TradeParameters,
} from "../model/parameters.ts";

export interface AssetWords {
  readonly risk: RiskParameters;
  readonly sizes: SizeParameters;
  readonly trade: TradeParameters;
}

export interface Books {
  /** By index. */
  readonly assets: readonly AssetWords[];
  readonly collaterals: readonly CollateralParameters[];
  readonly globals: GlobalParameters;
  readonly groups: GroupParameters;
  readonly money: MoneyParameters;
  /** θ of the insurance fund's target, 1e-6 of the pool mark. */
  readonly insuranceShare: bigint;
}

/** At which block a view is asked. */
export interface At {
  readonly blockTag: number;
}

export async function readBooks({ clearingHouse, insuranceFund }: Contracts, at: At): Promise<Books> {
  const [assetCount, tokenCount] = await clearingHouse.listed(at);
  const [globals, groups, money] = await clearingHouse.globals(at);
  const assets = await Promise.all(
    range(assetCount).map(async (asset) => {
      const [risk, sizes, trade] = await clearingHouse.parametersOf(asset, at);
      return { risk: decodeRisk(risk), sizes: decodeSizes(sizes), trade: decodeTrade(trade) };
    }),
  );
  const collaterals = await Promise.all(
    range(tokenCount).map(async (token) => decodeCollateral(await clearingHouse.collateralParametersOf(token, at))),
  );
  return {
    assets,
    collaterals,
    globals: decodeGlobals(globals),
    groups: decodeGroups(groups),
    money: decodeMoney(money),
    insuranceShare: await insuranceFund.targetShare(at),
  };
}

/** With other words of one asset. */
export function withAsset(books: Books, asset: number, change: (words: AssetWords) => AssetWords): Books {
  return { ...books, assets: books.assets.map((words, index) => (index === asset ? change(words) : words)) };
}

export function range(count: bigint | number): number[] {
  return Array.from({ length: Number(count) }, (_, index) => index);
}
