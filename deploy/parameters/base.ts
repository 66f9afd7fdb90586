/**
 * Base. Feeds and tokens are its own; risk, fees and caps are the numbers of Arbitrum One, whose file gives their reasons.
 * `scripts/deploy/parameters.ts` reads and checks it.
 *
 * Sources of addresses (public pages and repositories; a chain was not asked):
 *  [1] Chainlink's directory of feeds, docs.chain.link/data-feeds/price-feeds/addresses?network=base, as quoted with
 *      heartbeats and ages by bactory-tech/oracle-watch, README.md (2026-10-10), and with thresholds by others
 *      (2026-04-19 and 2026-09-21).
 *  [2] bgd-labs/aave-address-book, src/ts/AaveV3Base.ts: the feeds and tokens of Aave v3.
 *  [3] gmx-io/gmx-synthetics, config/tokens.ts: feed ids of Data Streams, which are the same on every chain.
 *  [4] docs.chain.link/data-feeds/l2-sequencer-feeds.
 *  [5] docs.chain.link/data-streams/supported-networks, as smartcontractkit/documentation's list of chains has it, and a
 *      read of `typeAndVersion()` that others quote.
 *  [6] docs.chain.link/data-streams/market-hours.
 * Deployment refuses a proxy whose `description()` or `decimals()` are not the ones written here, and a token with other
 * decimals. `npm run oracles -- --check deploy/parameters/base.ts --rpc URL` asks all of them before, and how old each
 * answer is.
 *
 * Of ETH, BTC and SOL the directory of late lists variants only whose proxies serve liquidations first (SVR). Whether
 * their rounds keep what `IPriceOracle` assumes has not been looked at, so the plain proxies stand here, which others
 * still read in September 2026. To be confirmed on the day of deployment: should one be stopped, it is stale.
 */
import arbitrum from "./arbitrum.ts";

const { assets, collaterals } = arbitrum;

export default {
  ...arbitrum,
  chainId: 8453n,

  oracle: {
    ...arbitrum.oracle,
    sequencer: "0xBCF85224fc0756B9Fa45aA7892530B47e10b6433", // [4]
    verifier: "0xDE1A28D87Afd0f546505B28AB50410A5c3a7387a", // [5]
  },

  groups: {
    ...arbitrum.groups,
    // Currencies against the dollar do not hedge each other here.
    fx: { hedgeFloor: "100 %" },
  },

  assets: {
    ETH: {
      ...assets.ETH,
      feed: {
        ...assets.ETH.feed,
        proxy: "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70", // [2]; in [1] of 2026-04, not of 2026-10
        heartbeat: "20 min", // [1], of its variants
        deviation: "0.15 %", // [1]
      },
    },
    BTC: {
      ...assets.BTC,
      feed: {
        ...assets.BTC.feed,
        proxy: "0x64c911996D3c6aC71f9b455B1E8E7266BcbD848F", // in [1] of 2026-04, not of 2026-10
        heartbeat: "20 min", // [1], of its variants
        deviation: "0.1 %", // [1]
      },
    },
    SOL: {
      ...assets.SOL,
      feed: {
        ...assets.SOL.feed,
        proxy: "0x975043adBb80fc32276CbF9Bbcfd4A601a12462D", // in [1] of 2026-04, not of 2026-10
        heartbeat: "24 h", // [1]
        deviation: "0.5 %", // [1]
      },
    },
    LINK: {
      ...assets.LINK,
      feed: {
        ...assets.LINK.feed,
        proxy: "0x17CAb8FE31E32f08326e5E27412894e49B0f9D65", // [1]
        heartbeat: "24 h", // [1]
        deviation: "0.5 %", // [1]
        deadAfter: "72 h",
      },
    },
    // A market with hours. The feed repeats its last answer through the weekend, at its heartbeat: only the hours tell
    // that nobody trades at it. While it is closed positions are valued at the interval, orders are void, and the pool
    // settles no requests as long as anybody holds a position.
    EUR: {
      group: "fx",
      feed: {
        proxy: "0xc91D87E81faB8f93699ECf7Ee9B44D11e1D53F0F", // [1]
        description: "EUR / USD",
        decimals: 8n,
        heartbeat: "1 h", // [1]
        deviation: "0.1 %", // [1]
        // Sunday 17:00 to Friday 17:00 in New York [6], the hours that are open in summer and in winter; the first hour of
        // the week is left out, in which nobody makes a market. January 1 and December 25, closed too, are not in here: the
        // guardian restricts the market.
        sessions: ["Sun 23:00 – Fri 21:00"],
        jump: "2 %",
        // It has reopened up to about 2 % away from where it closed.
        spread: "3 %",
        // Longer than a weekend with a holiday on either side.
        deadAfter: "5 d",
        minAnswer: "0.5 USD",
        maxAnswer: "2 USD",
      },
      // J = 2 % ≤ μ = 0.6·3.5 + 0.2 = 2.3 %. Listing invariant: 0.99 > 0.02 + 0.5.
      risk: { beta: "2 %", sigma: "1.5 %", gamma: "0.2 %", kappa: "100 %" },
      depth: "1_000_000_000 EUR",
      market: {
        openInterestCap: "5_000_000 EUR",
        openInterestShare: "25 %",
        skewCap: "5_000_000 EUR",
        takerFee: "0.02 %",
        makerFee: "0.01 %",
        maxFundingRate: "0.2 %/day",
        fundingVelocity: "4 %/day²",
        profitWeight: "90 %",
        lot: "1 EUR",
        insuranceCap: "50_000 USD",
      },
    },
    // Collateral only. Redeemed by its issuer and not on this chain: as WBTC on Arbitrum One.
    CBBTC: {
      ...assets.WBTC,
      feed: {
        ...assets.WBTC.feed,
        proxy: "0x07DA0E54543a844a80ABE69c8A12F22B3aA59f9D", // [1]
        description: "cbBTC / USD",
        heartbeat: "20 min", // [1]
        deviation: "0.15 %", // a read of 2026 that others quote; unconfirmed
        deadAfter: "24 h",
      },
      depth: "5_000 CBBTC",
    },
    WSTETH: {
      ...assets.WSTETH,
      feed: {
        ...assets.WSTETH.feed,
        market: [
          {
            proxy: "0x43a5C292A453A3bF3606fa856197f09D7B74251a", // [1]
            description: "WSTETH / ETH",
            decimals: 18n,
            heartbeat: "24 h", // [1]
            deviation: "0.5 %", // [1]
          },
        ],
        rate: [
          {
            proxy: "0xB88BAc61a4Ca37C43a3725912B1f472c9A5bc061", // [1]
            description: "wstETH-stETH Exchange Rate",
            decimals: 18n,
            heartbeat: "24 h", // [1]
            deviation: "0.01 %", // [1] says 1e-7: written when the rate changes, once a day
          },
        ],
      },
    },
    USDC: {
      ...assets.USDC,
      feed: {
        ...assets.USDC.feed,
        proxy: "0x7e860098F58bBFC8648a4311b374B1D669a2bc6B", // [1]
        heartbeat: "24 h", // [1]
        deviation: "0.3 %", // [1]
      },
    },
    // Collateral only: dollars lent at Aave, a share of an ERC-4626 vault (StataTokenV2). Its rate is Aave's liquidity index;
    // what exceeds the growth below is not believed until it has had the time, a fall at once.
    WAUSDC: {
      group: "stables",
      feed: {
        kind: "share",
        vault: "0xC768c589647798a6EE01A91FdE98EF2ed046DBD6", // [2], AaveV3BaseAssets.USDC_STATA_TOKEN: waBasUSDC
        description: "waBasUSDC / USD",
        asset: "USDC",
        // 22 % a year: above what lending dollars has paid for longer than days.
        growth: "0.06 %/day",
        // The index is behind two proxies of Aave's; not measured.
        vaultGas: "60_000 gas",
        jump: "5 %",
        spread: "5 %",
        deadAfter: "72 h",
        minAnswer: "0.5 USD",
        maxAnswer: "5 USD",
      },
      // σ: what Aave could lose.
      risk: { beta: "1 %", sigma: "4 %", gamma: "0.5 %", kappa: "100 %" },
      depth: "200_000_000 WAUSDC",
    },
  },

  settlement: { ...arbitrum.settlement, address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" }, // [2]
  collaterals: {
    WETH: { ...collaterals.WETH, address: "0x4200000000000000000000000000000000000006" }, // [2]
    CBBTC: {
      address: "0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf", // lists of tokens; [2]
      decimals: 8n,
      cap: "80 CBBTC",
      outflowLimit: "16 CBBTC",
      asset: "CBBTC",
      saleDiscount: "1 %",
      lot: "0.001 CBBTC",
    },
    WSTETH: { ...collaterals.WSTETH, address: "0xc1CBa3fCea344f92D9239c08C0568f6F2F0ee452" }, // [2]
    WAUSDC: {
      address: "0xC768c589647798a6EE01A91FdE98EF2ed046DBD6", // the vault's own share
      decimals: 6n,
      cap: "2_000_000 WAUSDC",
      outflowLimit: "400_000 WAUSDC",
      asset: "WAUSDC",
      saleDiscount: "0.5 %",
      lot: "1 WAUSDC",
    },
  },
};
