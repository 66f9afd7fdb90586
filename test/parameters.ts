/** Every number that the tests' protocol starts from. A test that needs another one changes a copy: see `deploy`. */

export const WAD = 10n ** 18n;
export const MINUTE = 60;
export const HOUR = 3_600;
export const DAY = 86_400;

/** `"1.5"` as 1e18 fixed point. Takes up to 18 decimals, and `_` between digits. */
export function wad(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,18}))?$/.exec(text.replaceAll("_", ""));
  if (match === null) throw new Error(`not a number: ${text}`);
  const [, sign, whole = "0", fraction = ""] = match;
  const value = BigInt(whole) * WAD + BigInt(fraction.padEnd(18, "0"));
  return sign === "-" ? -value : value;
}

/** A share or rate in percent as millionths. */
export function percent(value: number): number {
  return Math.round(value * 10_000);
}

/** Indices of assets. */
export const ETH = 0;
export const BTC = 1;
export const SOL = 2;
export const LINK = 3;
export const WBTC = 4;
export const USDC = 5;
export const ASSETS = { ETH, BTC, SOL, LINK, WBTC, USDC } as const;

/** The enum `FeedKind`. */
export const Kind = { Rounds: 0, Observed: 1, Derived: 2, Stream: 3 } as const;

/** Indices of tokens in the vault. */
export const SETTLEMENT = 255;
export const WETH_TOKEN = 0;
export const WBTC_TOKEN = 1;

const MAJORS = 0;
const ALTS = 1;

const crypto = (price: string) => ({
  price: wad(price),
  kind: Kind.Rounds as number,
  limits: {
    maxAge: HOUR + 5 * MINUTE,
    window: HOUR + 5 * MINUTE,
    jump: percent(20),
    spread: percent(10),
    deadAfter: DAY,
    minAnswer: wad(price) / 1_000n,
    maxAnswer: wad(price) * 1_000n,
  },
});

export function defaults() {
  return {
    /** Feeds in the order of asset indices. */
    feeds: [
      { description: "ETH / USD", ...crypto("1800") },
      { description: "BTC / USD", ...crypto("29000") },
      { description: "SOL / USD", ...crypto("24") },
      { description: "LINK / USD", ...crypto("7") },
      { description: "WBTC / USD", ...crypto("29000") },
      {
        description: "USDC / USD",
        price: WAD,
        kind: Kind.Rounds as number,
        limits: {
          maxAge: DAY + HOUR,
          window: DAY + HOUR,
          jump: percent(5),
          spread: percent(5),
          deadAfter: 7 * DAY,
          minAnswer: wad("0.5"),
          maxAnswer: wad("1.5"),
        },
      },
    ],
    environment: {
      sequencerGrace: HOUR,
      haltGrace: 10 * MINUTE,
      pegAsset: USDC as number,
      nativeAsset: ETH as number,
      pegLow: wad("0.98"),
      pegHigh: wad("1.02"),
    },
    globals: {
      maintenanceFactor: percent(60),
      shortfallInitial: percent(50),
      shortfallMaintenance: percent(70),
      protocolFeeShare: percent(10),
      insuranceFeeShare: percent(20),
      markMaxAge: HOUR,
      liquidationTarget: percent(50),
      liquidationPenalty: percent(10),
      liquidatorShare: percent(50),
      deepLoss: percent(50),
      takeoverDiscount: percent(2),
    },
    /** ρ of each of the ten groups. */
    hedgeFloors: [percent(25), percent(50), ...Array.from({ length: 8 }, () => percent(100))],
    /** Amounts in cents, rates in millionths. */
    money: {
      minNotional: 20_00,
      smallRequirement: 50_00,
      flatReward: 5_00,
      unattributedCap: 50_000_00,
      borrowKink: percent(80),
      borrowRateKink: percent(8),
      borrowRateFull: percent(80),
      lossBudget: percent(20),
    },
    /** What the clearing house lists, in the order of asset indices. */
    assets: [
      {
        risk: { beta: percent(5), sigma: percent(1.5), gamma: percent(0.3), kappa: percent(5) },
        group: MAJORS,
        depth: wad("250_000"),
        openInterestCap: wad("2_500"),
        openInterestShare: percent(90),
        skewCap: wad("2_000"),
        takerFee: 600,
        makerFee: 200,
        maxFundingRate: 10_000_000, // 1 % a day
        fundingVelocity: 200_000_000, // 0.2 a day²
        profitWeight: percent(80),
        lotExponent: 15,
        insuranceCap: wad("250_000"),
        market: true,
      },
      {
        risk: { beta: percent(4.5), sigma: percent(1.2), gamma: percent(0.3), kappa: percent(5) },
        group: MAJORS,
        depth: wad("20_000"),
        openInterestCap: wad("160"),
        openInterestShare: percent(90),
        skewCap: wad("120"),
        takerFee: 600,
        makerFee: 200,
        maxFundingRate: 10_000_000,
        fundingVelocity: 200_000_000,
        profitWeight: percent(80),
        lotExponent: 14,
        insuranceCap: wad("250_000"),
        market: true,
      },
      {
        risk: { beta: percent(9), sigma: percent(4), gamma: percent(0.6), kappa: percent(10) },
        group: ALTS,
        depth: wad("10_000_000"),
        openInterestCap: wad("150_000"),
        openInterestShare: percent(40),
        skewCap: wad("100_000"),
        takerFee: 800,
        makerFee: 300,
        maxFundingRate: 10_000_000,
        fundingVelocity: 200_000_000,
        profitWeight: percent(60),
        lotExponent: 17,
        insuranceCap: wad("50_000"),
        market: true,
      },
      {
        risk: { beta: percent(8), sigma: percent(5), gamma: percent(0.8), kappa: percent(10) },
        group: ALTS,
        depth: wad("20_000_000"),
        openInterestCap: wad("300_000"),
        openInterestShare: percent(30),
        skewCap: wad("200_000"),
        takerFee: 800,
        makerFee: 300,
        maxFundingRate: 10_000_000,
        fundingVelocity: 200_000_000,
        profitWeight: percent(60),
        lotExponent: 17,
        insuranceCap: wad("50_000"),
        market: true,
      },
      {
        // Collateral only: not redeemable for the index on this chain.
        risk: { beta: percent(4.5), sigma: percent(2), gamma: percent(0.5), kappa: percent(5) },
        group: MAJORS,
        depth: wad("5_000"),
        openInterestCap: 0n,
        openInterestShare: 0,
        skewCap: 0n,
        takerFee: 0,
        makerFee: 0,
        maxFundingRate: 0,
        fundingVelocity: 0,
        profitWeight: 0,
        lotExponent: 14,
        insuranceCap: 0n,
        market: false,
      },
    ],
    /** Collateral tokens of the clearing house, in the order of token indices. */
    collateral: [
      { asset: ETH as number, saleDiscount: percent(1), lotExponent: 15 },
      { asset: WBTC as number, saleDiscount: percent(1), lotExponent: 14 },
    ],
    /** Of the vault, token units. */
    custody: {
      usdc: { cap: 1_000_000_000n * 10n ** 6n, outflowLimit: 0n },
      weth: { cap: 100_000n * 10n ** 18n, outflowLimit: 0n },
      wbtc: { cap: 5_000n * 10n ** 8n, outflowLimit: 0n },
    },
    orders: {
      delay: 30n,
      executionWindow: BigInt(10 * MINUTE),
      band: BigInt(percent(2)),
      fixedPay: wad("0.1"),
      tip: 10_000_000n,
      singleGas: 250_000n,
      basketGas: 150_000n,
      legGas: 120_000n,
      pokeGas: 150_000n,
      refundGas: 120_000n,
      legGap: BigInt(HOUR),
    },
    pool: { cooldown: HOUR, deviation: percent(0.5) },
    insurance: { targetShare: percent(5) },
  };
}

export type Parameters = ReturnType<typeof defaults>;
