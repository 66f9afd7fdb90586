/** The parameters of a file as the model keeps them, and the limits of its feeds. */
import { loadParameters, type Parameters } from "../../deploy/parameters.ts";
import type { GuardLimits } from "../../history/guards.ts";
import { type Asset, Books } from "../../model/books.ts";
import type { CollateralParameters } from "../../model/parameters.ts";
import { livePrice } from "../../model/price.ts";
import { ScenarioError } from "./errors.ts";

/** Every run begins at this unix time: after the clock of any chain that it is confirmed on. */
export const START = 2_000_000_000n;
/** When the contracts are deployed and the assets listed, unix seconds: long before, as a chain's clock goes on in between. */
export const DEPLOYED = START - 200_000n;
export const LISTED = START - 100_000n;

/** Rates of funding are listed in 1e-9. */
const NANO = 10n ** 9n;

export interface World {
  readonly parameters: Parameters;
  /** By the index in the file, as are `tokens`. */
  readonly assets: readonly Asset[];
  readonly tokens: readonly CollateralParameters[];
  readonly feeds: readonly FeedTerms[];
}

export interface FeedTerms {
  readonly limits: GuardLimits;
  /** Without an answer for so long collateral counts nothing, s. */
  readonly deadAfter: number;
  /** How long a settlement round may be waited for, s. */
  readonly window: number;
  /** Whether orders settle by the reports of a stream: at their boundary, not at the next round. */
  readonly isStreamed: boolean;
}

export async function loadWorld(path: string): Promise<World> {
  return worldOf(await loadParameters(path));
}

export function worldOf(parameters: Parameters): World {
  return {
    parameters,
    assets: parameters.assets.map(({ listing }): Asset => {
      const { risk, group, depth, openInterestCap, openInterestShare, market, ...trade } = listing;
      return {
        risk: { from: risk, to: risk, start: LISTED, duration: 0n, group: Number(group) },
        sizes: { depth, openInterestCap, openInterestShare, status: market ? "Active" : "None" },
        trade: {
          ...trade,
          maxFundingRate: trade.maxFundingRate * NANO,
          fundingVelocity: trade.fundingVelocity * NANO,
        },
      };
    }),
    tokens: parameters.collaterals.map(({ asset, saleDiscount, lotExponent }) => ({
      asset,
      saleDiscount,
      lotExponent,
      listed: true,
    })),
    feeds: parameters.assets.map(({ limits, settlement }) => ({
      limits: { maxAge: Number(limits.maxAge), jump: Number(limits.jump), spread: Number(limits.spread) },
      deadAfter: Number(limits.deadAfter),
      window: Number(settlement?.window ?? limits.window),
      isStreamed: settlement !== undefined,
    })),
  };
}

/** Index of an asset by its symbol. */
export function assetOf({ parameters }: World, symbol: string): number {
  const index = parameters.assets.findIndex((asset) => asset.symbol === symbol);
  if (index < 0) throw new ScenarioError(`${parameters.file} has no asset ${symbol}`);
  return index;
}

/** Index of a collateral token by its symbol. */
export function tokenOf({ parameters }: World, symbol: string): number {
  const index = parameters.collaterals.findIndex((token) => token.symbol === symbol);
  if (index < 0) throw new ScenarioError(`${parameters.file} has no collateral ${symbol}`);
  return index;
}

/** Markets, by index. */
export function marketsOf({ assets }: World): readonly number[] {
  return assets.flatMap(({ sizes }, asset) => (sizes.status === "None" ? [] : [asset]));
}

/** Books with nothing in them. @param prices Of every asset, WAD. */
export function emptyBooks(world: World, { accounts, prices }: { accounts: number; prices: readonly bigint[] }): Books {
  const { globals, hedgeFloors, money } = world.parameters;
  return new Books({
    accounts,
    assets: world.assets,
    tokens: world.tokens,
    prices: prices.map((price) => livePrice(price, START)),
    globals,
    groups: hedgeFloors,
    money,
    deployedAt: DEPLOYED,
    listedAt: LISTED,
  });
}
