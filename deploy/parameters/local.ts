/**
 * A throw-away chain: the numbers of Arbitrum One, and of Base what only Base has, over feeds and tokens that are deployed
 * with it (`"local"`), so that what is tried out is what runs. Only what such a chain needs otherwise differs.
 */
import arbitrum from "./arbitrum.ts";
import base from "./base.ts";

/** Nobody writes rounds on a quiet chain: an hour lets a session go on without. */
const HEARTBEAT = "1 h";

// The first rounds, in the region of autumn 2025.
const feeds = {
  ETH: { price: "4000 USD" },
  BTC: { price: "110000 USD" },
  SOL: { price: "200 USD" },
  LINK: { price: "20 USD" },
  WBTC: { price: "109900 USD" },
  USDC: { price: "1 USD" },
  EUR: { price: "1.16 USD" },
};

const { assets, settlement, collaterals } = arbitrum;

export default {
  ...arbitrum,
  chainId: 31337n,
  // Nobody signs reports here: markets settle by their rounds.
  oracle: { ...arbitrum.oracle, sequencer: "local", verifier: "none" },
  // Rounds of two feeds are minutes apart: with money at stake that would make a basket an option on its early leg.
  orders: { ...arbitrum.orders, legGap: "1 h" },
  groups: base.groups,
  assets: {
    ETH: local(assets.ETH, feeds.ETH),
    BTC: local(assets.BTC, feeds.BTC),
    SOL: local(assets.SOL, feeds.SOL),
    LINK: local(assets.LINK, feeds.LINK),
    WBTC: local(assets.WBTC, feeds.WBTC),
    USDC: local(assets.USDC, feeds.USDC),
    WSTETH: {
      ...assets.WSTETH,
      feed: {
        ...assets.WSTETH.feed,
        market: assets.WSTETH.feed.market.map((leg) => localLeg(leg, "1.217")),
        rate: assets.WSTETH.feed.rate.map((leg) => localLeg(leg, "1.2175")),
      },
    },
    EUR: local(base.assets.EUR, feeds.EUR),
    WAUSDC: { ...base.assets.WAUSDC, feed: { ...base.assets.WAUSDC.feed, vault: "local" } },
  },
  // No caps that get in the way: the tokens are free.
  settlement: { ...settlement, address: "local", cap: "1_000_000_000 USDC", outflowLimit: "1_000_000_000 USDC" },
  collaterals: {
    WETH: { ...collaterals.WETH, address: "local" },
    WBTC: { ...collaterals.WBTC, address: "local" },
    WSTETH: { ...collaterals.WSTETH, address: "local" },
    WAUSDC: { ...base.collaterals.WAUSDC, address: "local" },
  },
};

function local<A extends { feed: object }>(asset: A, { price }: { price: string }) {
  return { ...asset, feed: { ...withoutSettlement(asset.feed), proxy: "local", heartbeat: HEARTBEAT, price } };
}

function withoutSettlement(feed: { settlement?: unknown }): object {
  const copy = { ...feed };
  delete copy.settlement;
  return copy;
}

function localLeg(leg: object, answer: string) {
  return { ...leg, proxy: "local", heartbeat: HEARTBEAT, answer };
}
