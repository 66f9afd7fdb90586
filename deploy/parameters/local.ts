/**
 * A throw-away chain: the numbers of Arbitrum One over feeds and tokens that are deployed with it (`"local"`), so that
 * what is tried out is what runs. Only what such a chain needs otherwise differs.
 */
import arbitrum from "./arbitrum.ts";

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
};

const { assets, settlement, collaterals } = arbitrum;

export default {
  ...arbitrum,
  chainId: 31337n,
  oracle: { ...arbitrum.oracle, sequencer: "local" },
  assets: {
    ETH: local(assets.ETH, feeds.ETH),
    BTC: local(assets.BTC, feeds.BTC),
    SOL: local(assets.SOL, feeds.SOL),
    LINK: local(assets.LINK, feeds.LINK),
    WBTC: local(assets.WBTC, feeds.WBTC),
    USDC: local(assets.USDC, feeds.USDC),
  },
  // No caps that get in the way: the tokens are free.
  settlement: { ...settlement, address: "local", cap: "1_000_000_000 USDC", outflowLimit: "1_000_000_000 USDC" },
  collaterals: {
    WETH: { ...collaterals.WETH, address: "local" },
    WBTC: { ...collaterals.WBTC, address: "local" },
  },
};

function local<A extends { feed: object }>(asset: A, { price }: { price: string }) {
  return { ...asset, feed: { ...asset.feed, proxy: "local", heartbeat: HEARTBEAT, price } };
}
