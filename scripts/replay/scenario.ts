/**
 * Who trades what on 2023-08-17. Sizes follow from the initial requirements, not from the result: hedged books hold a
 * little more than their positions would need one by one, so that isolated margin would have allowed them too (one does
 * not, and says so); over-levered ones stand just above their initial requirement.
 */

export type MarketName = "ETH" | "BTC" | "SOL" | "LINK";
export type TokenName = "USDC" | "WETH" | "WBTC";

export const MARKETS: readonly MarketName[] = ["ETH", "BTC", "SOL", "LINK"];

export const KINDS = ["directional", "hedged pair", "delta-neutral", "market-neutral", "over-levered"] as const;
export type Kind = (typeof KINDS)[number];

export interface LegPlan {
  readonly market: MarketName;
  /** Base units, decimal; negative sells. */
  readonly size: string;
}

interface Timed {
  /** ISO 8601. */
  readonly at: string;
  /** Sent by the account's operator instead of its owner. */
  readonly byOperator?: true;
}

interface Payment {
  readonly token: TokenName;
  /** Whole tokens, decimal. */
  readonly amount: string;
}

export type Action =
  | (Timed & LegPlan & { readonly do: "order"; readonly reduceOnly?: true; readonly acceptable?: string })
  | (Timed & { readonly do: "basket"; readonly legs: readonly LegPlan[]; readonly reduceOnly?: true })
  | (Timed & LegPlan & { readonly do: "trigger"; readonly price: string; readonly above: boolean })
  | (Timed & Payment & { readonly do: "deposit" })
  | (Timed & Payment & { readonly do: "withdraw" })
  | (Timed & Payment & { readonly do: "transfer"; readonly toSub: bigint });

export interface TraderPlan {
  readonly name: string;
  readonly kind: Kind;
  /** What the account is there to show. */
  readonly note: string;
  /** Trades another account of this trader's owner. */
  readonly subAccountOf?: string;
  readonly deposits: readonly { readonly token: TokenName; readonly amount: string }[];
  /** Daily allowance of the operator, whole settlement tokens; absent: no operator. */
  readonly operatorAllowance?: number;
  readonly actions: readonly Action[];
}

const DAY = "2023-08-17T";
const usdc = (amount: string) => ({ token: "USDC", amount }) as const;
const weth = (amount: string) => ({ token: "WETH", amount }) as const;
const wbtc = (amount: string) => ({ token: "WBTC", amount }) as const;
const at = (time: string) => `${DAY}${time}Z`;
const leg = (market: MarketName, size: string): LegPlan => ({ market, size });
const order = (time: string, market: MarketName, size: string) =>
  ({ do: "order", at: at(time), market, size }) as const;
const reduce = (time: string, market: MarketName, size: string) =>
  ({ ...order(time, market, size), reduceOnly: true }) as const;
const basket = (time: string, ...legs: readonly LegPlan[]) => ({ do: "basket", at: at(time), legs }) as const;

export const TRADERS: readonly TraderPlan[] = [
  // ---------------------------------------------------------------- directional
  {
    name: "long-eth-3x",
    kind: "directional",
    note: "long ETH at three times its collateral, held through",
    deposits: [usdc("50000")],
    actions: [order("10:00:00", "ETH", "84")],
  },
  {
    name: "long-btc-stop",
    kind: "directional",
    note: "long BTC with a stop at 27,300",
    deposits: [usdc("60000")],
    actions: [
      order("11:30:00", "BTC", "9"),
      { do: "trigger", at: at("11:30:00"), market: "BTC", size: "-9", price: "27300", above: false },
    ],
  },
  {
    name: "short-sol-target",
    kind: "directional",
    note: "short SOL with a take-profit at 20.50",
    deposits: [usdc("40000")],
    actions: [
      order("12:00:00", "SOL", "-4000"),
      { do: "trigger", at: at("12:00:00"), market: "SOL", size: "4000", price: "20.5", above: false },
    ],
  },
  {
    name: "long-link-2x",
    kind: "directional",
    note: "long LINK at twice its collateral, halved before the drop",
    deposits: [usdc("30000")],
    actions: [order("10:30:00", "LINK", "9000"), reduce("20:10:00", "LINK", "-4500")],
  },
  {
    name: "long-eth-on-wbtc",
    kind: "directional",
    note: "long ETH on WBTC collateral",
    deposits: [wbtc("3"), usdc("1000")],
    actions: [order("13:00:00", "ETH", "70")],
  },
  {
    name: "dip-buyer",
    kind: "directional",
    note: "buys ETH and BTC during the drop, sells half at the rebound",
    deposits: [usdc("80000")],
    actions: [
      order("21:44:00", "ETH", "100"),
      order("21:47:00", "BTC", "3"),
      { do: "basket", at: at("23:08:00"), legs: [leg("ETH", "-50"), leg("BTC", "-1.5")], reduceOnly: true },
      { do: "withdraw", at: at("23:50:00"), token: "USDC", amount: "2000" },
    ],
  },
  {
    name: "limit-seller",
    kind: "directional",
    note: "sells ETH only above 1,700: accepted early, refused in the drop",
    deposits: [usdc("45000")],
    actions: [
      { ...order("14:00:00", "ETH", "-40"), acceptable: "1700" },
      { ...order("21:43:00", "ETH", "-40"), acceptable: "1700" },
    ],
  },
  // ---------------------------------------------------------------- hedged pairs
  {
    name: "pair-btc-eth",
    kind: "hedged pair",
    note: "long BTC against short ETH; moves 5,000 to its owner's other account",
    deposits: [usdc("50500")],
    actions: [
      basket("10:00:00", leg("BTC", "7"), leg("ETH", "-112")),
      { do: "transfer", at: at("18:00:00"), token: "USDC", amount: "5000", toSub: 1n },
    ],
  },
  {
    name: "pair-eth-btc",
    kind: "hedged pair",
    note: "long ETH against short BTC, with an operator that trades for it",
    operatorAllowance: 2000,
    deposits: [usdc("44000")],
    actions: [
      { ...basket("11:00:00", leg("ETH", "112"), leg("BTC", "-7")), byOperator: true },
      { ...reduce("23:30:00", "ETH", "-20"), byOperator: true },
      { ...reduce("23:30:00", "BTC", "1.2"), byOperator: true },
    ],
  },
  {
    name: "pair-sol-link",
    kind: "hedged pair",
    note: "long SOL against short LINK",
    deposits: [usdc("37000")],
    actions: [basket("12:30:00", leg("SOL", "4000"), leg("LINK", "-13000"))],
  },
  {
    name: "pair-link-sol",
    kind: "hedged pair",
    note: "long LINK against short SOL",
    deposits: [usdc("37000")],
    actions: [basket("13:00:00", leg("LINK", "13000"), leg("SOL", "-4000"))],
  },
  {
    name: "pair-levered",
    kind: "hedged pair",
    note: "long BTC against short ETH with 10 % of one leg: more than isolated margin allows",
    deposits: [usdc("20000")],
    actions: [basket("15:00:00", leg("BTC", "7"), leg("ETH", "-112"))],
  },
  {
    name: "pair-closed-late",
    kind: "hedged pair",
    note: "long ETH against short BTC, closed after the drop",
    deposits: [usdc("34000")],
    actions: [
      basket("16:30:00", leg("ETH", "90"), leg("BTC", "-5.6")),
      { do: "basket", at: at("22:10:00"), legs: [leg("ETH", "-90"), leg("BTC", "5.6")], reduceOnly: true },
      { do: "withdraw", at: at("23:55:00"), token: "USDC", amount: "10000" },
    ],
  },
  // ---------------------------------------------------------------- delta-neutral on ETH collateral
  {
    name: "neutral-eth",
    kind: "delta-neutral",
    note: "short ETH against the same amount of WETH",
    deposits: [weth("100"), usdc("500")],
    actions: [order("10:00:00", "ETH", "-100")],
  },
  {
    name: "neutral-eth-grown",
    kind: "delta-neutral",
    note: "the same, built in two steps with a later deposit",
    deposits: [weth("60"), usdc("500")],
    actions: [
      order("11:00:00", "ETH", "-60"),
      { do: "deposit", at: at("17:00:00"), token: "WETH", amount: "40" },
      order("17:00:00", "ETH", "-40"),
    ],
  },
  {
    name: "neutral-eth-levered",
    kind: "delta-neutral",
    note: "short ETH against WETH, and a large BTC/SOL pair on the same collateral",
    deposits: [weth("80"), usdc("1000")],
    actions: [order("12:00:00", "ETH", "-80"), basket("14:00:00", leg("BTC", "14"), leg("SOL", "-15000"))],
  },
  {
    name: "neutral-two",
    kind: "delta-neutral",
    note: "short ETH and BTC against WETH and WBTC",
    deposits: [weth("50"), wbtc("3"), usdc("500")],
    actions: [basket("13:30:00", leg("ETH", "-50"), leg("BTC", "-3"))],
  },
  {
    name: "neutral-eth-short",
    kind: "delta-neutral",
    note: "WETH hedged by three quarters: loses a quarter of the drop",
    deposits: [weth("40"), usdc("500")],
    actions: [order("15:30:00", "ETH", "-30")],
  },
  // ---------------------------------------------------------------- market-neutral baskets
  {
    name: "basket-majors-alts",
    kind: "market-neutral",
    note: "long ETH and BTC, short SOL and LINK",
    deposits: [usdc("62000")],
    actions: [basket("10:30:00", leg("ETH", "56"), leg("BTC", "3.5"), leg("SOL", "-3800"), leg("LINK", "-11000"))],
  },
  {
    name: "basket-alts-majors",
    kind: "market-neutral",
    note: "long SOL and LINK, short ETH and BTC",
    deposits: [usdc("58000")],
    actions: [basket("12:30:00", leg("ETH", "-56"), leg("BTC", "-3.5"), leg("SOL", "3800"), leg("LINK", "11000"))],
  },
  {
    name: "basket-crossed",
    kind: "market-neutral",
    note: "long ETH and LINK, short BTC and SOL: hedged inside each group",
    deposits: [usdc("58000")],
    actions: [basket("14:30:00", leg("ETH", "56"), leg("BTC", "-3.5"), leg("SOL", "-3800"), leg("LINK", "13000"))],
  },
  {
    name: "basket-on-weth",
    kind: "market-neutral",
    note: "long BTC, short ETH and SOL, on WETH",
    deposits: [weth("35"), usdc("500")],
    actions: [basket("16:00:00", leg("BTC", "6"), leg("ETH", "-110"), leg("SOL", "-1500"))],
  },
  {
    name: "basket-late",
    kind: "market-neutral",
    note: "tried in the drop, where its legs leave the band, and built in the rebound",
    deposits: [usdc("46000")],
    actions: [
      basket("21:43:30", leg("ETH", "-60"), leg("BTC", "3.8"), leg("SOL", "3000"), leg("LINK", "-9000")),
      basket("22:20:00", leg("ETH", "-60"), leg("BTC", "3.8"), leg("SOL", "3000"), leg("LINK", "-9000")),
    ],
  },
  // ---------------------------------------------------------------- over-levered
  {
    name: "over-eth-8.7x",
    kind: "over-levered",
    note: "long ETH at 8.7 times its collateral",
    deposits: [usdc("20000")],
    actions: [order("18:00:00", "ETH", "100")],
  },
  {
    name: "over-eth-8x",
    kind: "over-levered",
    note: "long ETH at eight times its collateral",
    deposits: [usdc("20000")],
    actions: [order("18:00:00", "ETH", "92")],
  },
  {
    name: "over-btc-10x",
    kind: "over-levered",
    note: "long BTC at ten times its collateral, in a sub-account that the pair's owner has added to",
    subAccountOf: "pair-btc-eth",
    deposits: [usdc("22000")],
    actions: [order("19:00:00", "BTC", "9.6")],
  },
  {
    name: "over-sol-5x",
    kind: "over-levered",
    note: "long SOL at five times its collateral",
    deposits: [usdc("26500")],
    actions: [order("17:30:00", "SOL", "6000")],
  },
  {
    name: "over-majors",
    kind: "over-levered",
    note: "long ETH and BTC at nine times its collateral: correlated, so no hedge",
    deposits: [usdc("35500")],
    actions: [basket("19:30:00", leg("ETH", "95"), leg("BTC", "6"))],
  },
  {
    name: "over-on-weth",
    kind: "over-levered",
    note: "long ETH on WETH collateral: both fall together",
    deposits: [weth("14"), usdc("300")],
    actions: [order("16:30:00", "ETH", "90")],
  },
  {
    name: "over-short-low",
    kind: "over-levered",
    note: "short ETH near the low at eight times its collateral, caught by the rebound",
    deposits: [usdc("20000")],
    actions: [order("21:45:30", "ETH", "-100")],
  },
];
