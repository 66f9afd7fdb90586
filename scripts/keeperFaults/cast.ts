/**
 * Who trades through the drop of 2023-08-17. Margins are spread so that each kind has accounts that the fall liquidates
 * at every stage of it, and accounts that come through.
 */
import { type HDNodeWallet, HDNodeWallet as Wallets, Mnemonic, parseUnits } from "ethers";

import { accountId } from "../replay/protocol.ts";
import type { LegPlan, MarketName } from "../replay/scenario.ts";
import { MNEMONIC } from "../replay/wallets.ts";

/** The first place of the published phrase that a trader has; those before are the rig's own. */
const FIRST = 100;

export interface Later {
  /** Seconds after the drop has begun. */
  readonly after: number;
  readonly market: MarketName;
  /** Base units, WAD. */
  readonly size: bigint;
  readonly reduceOnly: boolean;
}

export interface Stop {
  readonly market: MarketName;
  readonly size: bigint;
  /** WAD. */
  readonly price: bigint;
}

export interface Member {
  readonly wallet: HDNodeWallet;
  readonly account: string;
  /** Units of USDC. */
  readonly cash: bigint;
  /** Wei of WETH. */
  readonly weth: bigint;
  readonly legs: readonly LegPlan[];
  readonly later: Later | undefined;
  readonly stop: Stop | undefined;
}

/** Opening prices in whole settlement tokens. */
export type Prices = Readonly<Record<MarketName, number>>;

interface Recipe {
  /** Of each leg: market and direction. */
  readonly legs: readonly (readonly [MarketName, 1 | -1])[];
  /** Margin of the first and of the last rung, of the notional of one leg. */
  readonly margin: readonly [number, number];
  /** Its margin is WETH, but for what orders cost. */
  readonly onWeth?: true;
  /** What it does in the drop: part of the opening size. */
  readonly later?: { readonly part: number; readonly reduceOnly: boolean };
  /** Fall at which all of it is closed. */
  readonly stop?: number;
  /** Of the notional that others have, where the market's cap on its skew is too small for all of the kind. */
  readonly share?: number;
}

/** Initial requirements: ETH 11.3 %, BTC 9.3 %, SOL 18.2 %, LINK 20.5 % of an outright position. */
const RECIPES: readonly Recipe[] = [
  { legs: [["ETH", 1]], margin: [0.12, 0.18] },
  { legs: [["ETH", 1]], margin: [0.12, 0.15] },
  { legs: [["ETH", 1]], margin: [0.14, 0.2], onWeth: true },
  { legs: [["BTC", 1]], margin: [0.098, 0.14] },
  { legs: [["BTC", 1]], margin: [0.098, 0.12] },
  { legs: [["SOL", 1]], margin: [0.19, 0.26] },
  { legs: [["ETH", -1]], margin: [0.14, 0.2], later: { part: -0.5, reduceOnly: true } },
  {
    legs: [
      ["BTC", 1],
      ["ETH", -1],
    ],
    margin: [0.15, 0.25],
  },
  { legs: [["LINK", 1]], margin: [0.4, 0.5], stop: 0.05, share: 0.85 },
  { legs: [["ETH", 1]], margin: [0.35, 0.4], later: { part: 0.1, reduceOnly: false } },
];

/** So many stay below all caps with their notional whole. */
const FULL = 1_000;
const RUNGS = 10;
const LEAST_NOTIONAL = 3_000;
const NOTIONAL_STEP = 400;
const NOTIONALS = 7;
/** What orders and a poke may cost, in whole settlement tokens. */
const COSTS = 25;
const FIRST_LATER = 30;
const LATER_SPAN = 480;

export function cast(count: number, prices: Prices): readonly Member[] {
  const parent = Wallets.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0");
  const part = Math.min(1, FULL / count);
  return Array.from({ length: count }, (_, place) => {
    return memberAt(place, { wallet: parent.deriveChild(FIRST + place), prices, part });
  });
}

/** @param part Of its notional that it takes. */
function memberAt(
  place: number,
  { wallet, prices, part }: { readonly wallet: HDNodeWallet; readonly prices: Prices; readonly part: number },
): Member {
  const recipe = RECIPES[place % RECIPES.length];
  if (recipe === undefined) throw new Error("no recipe");
  const rung = Math.floor(place / RECIPES.length) % RUNGS;
  const notional = part * (recipe.share ?? 1) * (LEAST_NOTIONAL + NOTIONAL_STEP * (place % NOTIONALS));
  const [least, most] = recipe.margin;
  const margin = notional * (least + ((most - least) * rung) / (RUNGS - 1));
  const sizeOf = (market: MarketName, share: number): string => ((notional * share) / prices[market]).toFixed(4);
  const [first] = recipe.legs;
  if (first === undefined) throw new Error("a recipe without a leg");
  const [market, sign] = first;
  return {
    wallet,
    account: accountId(wallet.address),
    cash: parseUnits((COSTS + (recipe.onWeth === true ? 0 : margin)).toFixed(6), 6),
    weth: recipe.onWeth === true ? parseUnits((margin / prices.ETH).toFixed(6), 18) : 0n,
    legs: recipe.legs.map(([name, direction]) => ({ market: name, size: sizeOf(name, direction) })),
    later: recipe.later && {
      after: FIRST_LATER + ((place * 37) % LATER_SPAN),
      market,
      size: parseUnits(sizeOf(market, sign * recipe.later.part), 18),
      reduceOnly: recipe.later.reduceOnly,
    },
    stop:
      recipe.stop === undefined
        ? undefined
        : {
            market,
            size: parseUnits(sizeOf(market, -sign), 18),
            price: parseUnits((prices[market] * (1 - recipe.stop)).toFixed(8), 18),
          },
  };
}
