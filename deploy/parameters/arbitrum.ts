/**
 * Arbitrum One. Every number that a person chose, in human units; `scripts/deploy/parameters.ts` reads and checks it.
 *
 * Sources of addresses (public pages and repositories; a chain was not asked):
 *  [1] Chainlink's directory of feeds, docs.chain.link/data-feeds/price-feeds/addresses?network=arbitrum, as others quote
 *      it with heartbeats (one quotation dated 2026-10-02 was checked against `description()` and `decimals()`).
 *  [2] bgd-labs/aave-address-book, src/ts/AaveV3ArbitrumAssets.ts: the feeds and tokens of Aave v3.
 *  [3] gmx-io/gmx-synthetics, config/tokens.ts: the feeds and tokens of GMX v2.
 *  [4] docs.chain.link/data-feeds/l2-sequencer-feeds.
 *  [5] docs.chain.link/data-streams/stream-ids and /crypto-streams: verifiers and feed ids of Data Streams.
 * Deployment refuses a proxy whose `description()` or `decimals()` are not the ones written here, and a token with other
 * decimals. `npm run oracles -- --check deploy/parameters/arbitrum.ts --rpc URL` asks all of them before, and how old
 * each answer is.
 *
 * Heartbeats and thresholds can be changed by Chainlink and are off-chain facts: compare [1] on the day of deployment.
 * A heartbeat here that is too short voids orders; one that is too long takes stale prices for live. Where quotations
 * of [1] disagree over time the newest stands here, and "unconfirmed" says that only older ones were found.
 */
export default {
  chainId: 42161n,

  governance: {
    // Of a change of risk rates: a week in which everybody affected sees the requirement come and can add margin.
    riskRamp: "7 d",
    // Who holds the roles is not decided: the deployer, until governance is deployed.
    governor: "deployer",
    guardian: "deployer",
    steward: "deployer",
    admin: "deployer",
    // Longer than the longest window of a feed (24 h + 5 min): a change of limits reaches no pending order. Two days
    // also leave a day to leave in.
    governorDelay: "2 d",
    adminDelay: "2 d",
  },

  oracle: {
    sequencer: "0xFdB631F5EE196F0ed6FAa767959853A9F217697D", // [4]
    // [4] gives 3600 s as an example; long enough to add margin after an outage.
    sequencerGrace: "1 h",
    // Time to add margin after a halt, in which a price has moved by more than the jump limit.
    haltGrace: "10 min",
    // Rounds land some blocks after their heartbeat. maxAge and window of a feed = heartbeat + this.
    feedMargin: "300 s",
    // Verifies the reports of Data Streams; markets with `settlement` settle by these.
    verifier: "0x478Aa2aC9F6D65F84e09D9185d126c3a17c2a93C", // [5]
    // Of asking one feed, for prices that are computed from several; a cold proxy takes 17,000.
    callGas: "30_000 gas",
    pegAsset: "USDC",
    nativeAsset: "ETH",
    // USDC/USD fell to 0.88 in March 2023 and has otherwise stayed within 0.5 %.
    pegLow: "0.98 USD",
    pegHigh: "1.02 USD",
  },

  /**
   * ρ: what a perfect hedge inside a group still needs. BTC against ETH keeps its ratio within a quarter of a shock;
   * thin assets do not: on 2025-10-10 beta-neutral pairs of alts against BTC lost more than 30 % in 15 minutes, so
   * these form a group of their own (no credit between groups) with a high floor.
   */
  groups: {
    majors: { hedgeFloor: "25 %" },
    alts: { hedgeFloor: "60 %" },
    stables: { hedgeFloor: "100 %" },
  },

  /**
   * In the order of their indices, which are the same in the oracle and in the clearing house.
   *
   * β + σ is the outright move that initial margin survives, m·(β + σ) + γ = μ the one that maintenance survives:
   * about the worst hour and the worst ten minutes of a stressed day. Jump limits J ≤ μ: a step that a feed may make
   * between two accepted rounds never takes an outright account from healthy to below zero, so that open interest
   * needs no insurance for one jump: OI·max(0, J − μ) = 0.
   *   ETH 6 % ≤ 0.6·10.5 + 0.5 = 6.8 %    BTC 5 % ≤ 0.6·8.5 + 0.5 = 5.6 %
   *   SOL 10 % ≤ 0.6·17 + 0.8 = 11 %      LINK 12 % ≤ 0.6·19 + 1 = 12.4 %
   *
   * Insurance cap, within a day: what is left to insure are steps that follow each other faster than liquidations do. Of
   * the open interest that may be there, 1.6 % of ETH (16 million at 4,000 USD), 1.1 % of BTC, 0.4 % of SOL, 2 % of LINK:
   * a market that is manipulated costs what its cap allows and not what the others rely on.
   *
   * Depth D is where a linear book would move the price by 100 %: a hundred times what the large venues show within 1 %
   * in a thin hour, halved. Net skew cap = D/100, so that the premium on a fill stays below 1 %. κ = 100 %: closing out
   * a position of y costs what the fill price of y costs. Taker fee ≥ the feed's deviation threshold where it is 0.05 %;
   * delayed settlement covers the rest.
   *
   * Listing invariant, (1 − φ)(γ + m·σ) against taker fee + open-interest cap/D. The open interest and not the skew cap,
   * because closes of the narrower side may leave all of the other as skew. In percent:
   *   ETH 1.53 > 0.05 + 1   BTC 1.26 > 0.05 + 1   SOL 3.42 > 0.06 + 2   LINK 4.14 > 0.08 + 2
   *
   * Funding v = 0.2/day² and r_max = 1 %/day: faster lets an imbalanced book be
   * harvested over days. At the skew cap the rate moves by 0.2 % a day per day.
   */
  assets: {
    ETH: {
      group: "majors",
      feed: {
        proxy: "0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612", // [1] [2] [3]
        description: "ETH / USD",
        decimals: 8n,
        heartbeat: "1755 s", // [1]; older quotations: 24 h
        deviation: "0.05 %", // [1]
        jump: "6 %",
        // While the feed is refused: about the move of a bad hour.
        spread: "10 %",
        deadAfter: "24 h",
        minAnswer: "50 USD",
        maxAnswer: "200000 USD",
        // Fast markets settle by reports: 30 s after they are sent and not when the push feed next moves. A report covers
        // about a second; one that covers more than a minute is from an outage and voids the order.
        settlement: {
          stream: "0x000362205e10b3a147d02792eccee483dca6c7b44ecce7012cb8c6e0b68b3ae9", // [3] [5] ETH/USD
          window: "60 s",
        },
      },
      risk: { beta: "8.5 %", sigma: "2 %", gamma: "0.5 %", kappa: "100 %" },
      depth: "400_000 ETH",
      market: {
        openInterestCap: "4_000 ETH",
        openInterestShare: "60 %",
        skewCap: "4_000 ETH",
        takerFee: "0.05 %",
        makerFee: "0.02 %",
        maxFundingRate: "1 %/day",
        fundingVelocity: "20 %/day²",
        profitWeight: "90 %",
        lot: "0.01 ETH",
        insuranceCap: "250_000 USD",
      },
    },
    BTC: {
      group: "majors",
      feed: {
        proxy: "0x6ce185860a4963106506C203335A2910413708e9", // [1] [2] [3]
        description: "BTC / USD",
        decimals: 8n,
        heartbeat: "1755 s", // [1]; older quotations: 24 h
        deviation: "0.05 %", // [1]
        jump: "5 %",
        spread: "10 %",
        deadAfter: "24 h",
        minAnswer: "1000 USD",
        maxAnswer: "5000000 USD",
        settlement: {
          stream: "0x00039d9e45394f473ab1f050a1b963e6b05351e52d71e507509ada0c95ed75b8", // [3] [5] BTC/USD
          window: "60 s",
        },
      },
      risk: { beta: "7 %", sigma: "1.5 %", gamma: "0.5 %", kappa: "100 %" },
      depth: "20_000 BTC",
      market: {
        openInterestCap: "200 BTC",
        openInterestShare: "60 %",
        skewCap: "200 BTC",
        takerFee: "0.05 %",
        makerFee: "0.02 %",
        maxFundingRate: "1 %/day",
        fundingVelocity: "20 %/day²",
        profitWeight: "90 %",
        lot: "0.001 BTC",
        insuranceCap: "250_000 USD",
      },
    },
    SOL: {
      group: "alts",
      feed: {
        proxy: "0x24ceA4b8ce57cdA5058b924B9B9987992450590c", // [3], and lists that quote [1]
        description: "SOL / USD",
        decimals: 8n,
        heartbeat: "24 h", // [3]; unconfirmed by a recent quotation of [1]
        deviation: "0.5 %", // unconfirmed: the widest that [1] uses for such a feed
        jump: "10 %",
        spread: "20 %",
        deadAfter: "72 h",
        minAnswer: "1 USD",
        maxAnswer: "10000 USD",
        settlement: {
          stream: "0x0003b778d3f6b2ac4991302b89cb313f99a42467d6c9c5f96f57c29c0d2bc24f", // [3] SOL/USD
          window: "60 s",
        },
      },
      risk: { beta: "12 %", sigma: "5 %", gamma: "0.8 %", kappa: "100 %" },
      depth: "3_000_000 SOL",
      market: {
        openInterestCap: "60_000 SOL",
        openInterestShare: "25 %",
        skewCap: "30_000 SOL",
        takerFee: "0.06 %",
        makerFee: "0.03 %",
        maxFundingRate: "1 %/day",
        fundingVelocity: "20 %/day²",
        profitWeight: "70 %",
        lot: "0.1 SOL",
        insuranceCap: "50_000 USD",
      },
    },
    LINK: {
      group: "alts",
      feed: {
        proxy: "0x86E53CF1B870786351Da77A57575e79CB55812CB", // [1] [2] [3]
        description: "LINK / USD",
        decimals: 8n,
        heartbeat: "1755 s", // [1]; older quotations: 1 h
        deviation: "0.2 %", // an older quotation of [1]
        jump: "12 %",
        spread: "20 %",
        deadAfter: "24 h",
        minAnswer: "0.1 USD",
        maxAnswer: "2000 USD",
        settlement: {
          stream: "0x00036d7a1251e3f67d6658466b5e9e7fe8418af7feac9567ff322bff95cc2401", // [3] LINK/USD
          window: "60 s",
        },
      },
      risk: { beta: "13 %", sigma: "6 %", gamma: "1 %", kappa: "100 %" },
      depth: "6_000_000 LINK",
      market: {
        openInterestCap: "120_000 LINK",
        openInterestShare: "10 %",
        skewCap: "60_000 LINK",
        takerFee: "0.08 %",
        makerFee: "0.04 %",
        maxFundingRate: "1 %/day",
        fundingVelocity: "20 %/day²",
        profitWeight: "70 %",
        lot: "1 LINK",
        insuranceCap: "50_000 USD",
      },
    },
    // Collateral only. Not redeemable for BTC on this chain, so an asset of its own: hedges a BTC perpetual up to the
    // floor of the group, and its own σ stands for a loss of the peg.
    WBTC: {
      group: "majors",
      feed: {
        proxy: "0xd0C7101eACbB49F3deCcCc166d238410D6D46d57", // lists that quote [1]; Aave and GMX price WBTC as BTC
        description: "WBTC / USD",
        decimals: 8n,
        heartbeat: "24 h", // an older quotation of [1]; unconfirmed by a recent one
        deviation: "0.05 %", // an older quotation of [1]
        jump: "6 %",
        spread: "15 %",
        deadAfter: "72 h",
        minAnswer: "1000 USD",
        maxAnswer: "5000000 USD",
      },
      risk: { beta: "7 %", sigma: "4 %", gamma: "1 %", kappa: "100 %" },
      depth: "5_000 WBTC",
    },
    // The settlement token's own price, for the peg guard. No market and no collateral.
    USDC: {
      group: "stables",
      feed: {
        proxy: "0x50834F3163758fcC1Df9973b6e91f0F0F0434aD3", // [1] [2]
        description: "USDC / USD",
        decimals: 8n,
        // [1] shows 255 s of late and has shown 24 h; the longer one stands until it is confirmed, because a stale peg
        // closes the protocol for increases, and the band bounds what an old price hides.
        heartbeat: "24 h",
        deviation: "0.1 %", // an older quotation of [1]
        jump: "5 %",
        spread: "5 %",
        deadAfter: "72 h",
        minAnswer: "0.5 USD",
        maxAnswer: "1.5 USD",
      },
      risk: { beta: "1 %", sigma: "1 %", gamma: "0.1 %", kappa: "100 %" },
      depth: "1_000_000_000 USDC",
    },
    // Collateral only. Not redeemable on this chain, so an asset of its own, worth the lower of what the market pays and what
    // Lido's contract on Ethereum owes: the market shows a loss of the peg, the rate bounds a market that is pushed up.
    // Each leg has its own heartbeat; the youngest requirement is that of ETH/USD.
    WSTETH: {
      group: "majors",
      feed: {
        kind: "composite",
        description: "wstETH / USD",
        both: ["ETH"],
        market: [
          {
            proxy: "0xb523AE262D20A936BC152e6023996e46FDC2A95D", // [3], and lists that quote [1]
            description: "WSTETH / ETH", // as [1] has it; unconfirmed by a read
            decimals: 18n,
            heartbeat: "24 h", // lists that quote [1]
            deviation: "0.5 %", // as on Base; unconfirmed
          },
        ],
        rate: [
          {
            proxy: "0xB1552C5e96B312d0Bf8b554186F846C40614a540", // lists that quote [1]; Aave's ratio provider for wstETH
            description: "wstETH-stETH Exchange Rate", // read on 2026-09-21, as was decimals()
            decimals: 18n,
            heartbeat: "24 h", // lists that quote [1]
            deviation: "0.01 %", // written when the rate changes, once a day
          },
        ],
        jump: "6 %",
        spread: "12 %",
        deadAfter: "24 h",
        minAnswer: "50 USD",
        maxAnswer: "300000 USD",
      },
      risk: { beta: "8.5 %", sigma: "3.5 %", gamma: "1 %", kappa: "100 %" },
      depth: "40_000 WSTETH",
    },
  },

  // Caps for a first season: what a flaw may cost. Outflow limits let everything below the cap leave within five days.
  settlement: {
    symbol: "USDC",
    address: "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", // native USDC: [2] (USDCn)
    decimals: 6n,
    cap: "10_000_000 USDC",
    outflowLimit: "2_000_000 USDC",
  },
  collaterals: {
    WETH: {
      address: "0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", // [2] [3]
      decimals: 18n,
      cap: "2_000 WETH",
      outflowLimit: "400 WETH",
      // Redeemable 1:1, atomically, on this chain: one asset with the market.
      asset: "ETH",
      // Above the taker fee and the impact of the amounts that a liquidation sells.
      saleDiscount: "0.5 %",
      lot: "0.01 WETH",
    },
    WBTC: {
      address: "0x2f2a2543B76A4166549F7aaB2e75Bef0aefC5B0f", // [2] [3]
      decimals: 8n,
      cap: "80 WBTC",
      outflowLimit: "16 WBTC",
      asset: "WBTC",
      saleDiscount: "1 %",
      lot: "0.001 WBTC",
    },
    WSTETH: {
      address: "0x5979D7b546E38E414F7E9822514be443A4800529", // [2]
      decimals: 18n,
      cap: "1_000 WSTETH",
      outflowLimit: "200 WSTETH",
      asset: "WSTETH",
      saleDiscount: "1 %",
      lot: "0.01 WSTETH",
    },
  },

  globals: {
    // m: initial margin outlasts a move by two thirds more than maintenance does.
    maintenanceFactor: "60 %",
    // λ_I, λ_M: debt against collateral; 15 points between them are a bad hour of ETH.
    shortfallInitial: "60 %",
    shortfallMaintenance: "75 %",
    // The pool carries the risk and gets most of the fees.
    protocolFeeShare: "10 %",
    insuranceFeeShare: "20 %",
    // Caps as a share of the pool may lag by this. Keepers refresh at half of it.
    markMaxAge: "1 h",
    // τ: half way to initial margin, so that the next tick does not liquidate again.
    liquidationTarget: "50 %",
    // φ of the requirement removed: an outright BTC account pays 0.56 % of what is closed.
    liquidationPenalty: "10 %",
    liquidatorShare: "50 %",
    // Equity below a fifth of R_M: what would be left could not pay for a second liquidation.
    deepLoss: "20 %",
    // Of the notional, for an account without equity; on the way there it grows with the shortfall. Above the impact of
    // closing at the open-interest cap (1 % to 2 %): nobody takes over what the pool would close for less.
    takeoverDiscount: "2 %",
  },

  money: {
    // 0.5·φ·μ·50 USD = 0.14 USD for the liquidator, several times the gas of a liquidation (0.35M at 0.02 gwei).
    minNotional: "50 USD",
    smallRequirement: "50 USD",
    flatReward: "2 USD",
    // Debts that no market has caused (interest, a fall of collateral), within a day: as much as an alt may cost.
    unattributedCap: "50_000 USD",
    // Borrow rate: 0 at no utilisation, a usual price of dollars at the kink, and a tenfold one where withdrawals from
    // the pool would have to wait for debts to be repaid.
    borrowKink: "80 %",
    borrowRateKink: "8 %/year",
    borrowRateFull: "80 %/year",
    // What one market may owe its traders before its crowded side is closed in part: four markets at once still leave
    // the pool a fifth.
    lossBudget: "20 %",
  },

  orders: {
    // d: nobody sees an exchange's price 30 s ahead.
    delay: "30 s",
    executionWindow: "10 min",
    // Of a basket's legs around the price at submission: a bad minute of an alt.
    band: "2 %",
    fixedPay: "0.05 USD",
    // The sequencer takes no tips.
    tip: "0 gwei",
    // Measured on a prototype: execution with 4 held assets 302k, in a batch less; a basket's leg 34k to 120k more.
    singleGas: "300_000 gas",
    basketGas: "180_000 gas",
    legGas: "120_000 gas",
    pokeGas: "180_000 gas",
    refundGas: "120_000 gas",
    // Reports of all markets are a second apart. While one leg's price is known and another's is not, a basket is an
    // option on the first; the charge (0.05 %) is worth more for a minute at 100 % of volatility a year.
    legGap: "60 s",
  },

  pool: {
    // Longer than a shock usually lasts, short of a day.
    cooldown: "4 h",
    // θ: the widest deviation threshold of a market's feed.
    deviation: "0.5 %",
  },

  insurance: {
    // Of the pool: the caps of all markets together are 0.6 million a day, which it lasts for in a pool of 12 million.
    targetShare: "5 %",
  },
};
