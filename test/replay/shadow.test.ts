import { expect } from "chai";

import { WAD } from "../../scripts/model/fixed.ts";
import { NO_FUNDING } from "../../scripts/model/funding.ts";
import { livePrice } from "../../scripts/model/price.ts";
import type { Exposure } from "../../scripts/model/risk.ts";
import type { AccountStanding, Markets, Rules } from "../../scripts/replay/books.ts";
import { IsolatedShadows } from "../../scripts/replay/shadow.ts";

const RATES = { beta: 80_000n, sigma: 20_000n, gamma: 5_000n, kappa: 0n };
const RULES: Rules = {
  globals: {
    maintenanceFactor: 600_000n,
    shortfallInitial: 600_000n,
    shortfallMaintenance: 750_000n,
    protocolFeeShare: 0n,
    insuranceFeeShare: 0n,
    markMaxAge: 3_600n,
    liquidationTarget: 500_000n,
    liquidationPenalty: 100_000n,
    liquidatorShare: 500_000n,
    deepLoss: 0n,
    takeoverDiscount: 0n,
  },
  groups: Array.from({ length: 10 }, () => 250_000n),
};

function exposure(asset: number, size: bigint): Exposure {
  return {
    asset,
    price: livePrice(100n * WAD),
    size: size * WAD,
    quote: -100n * size * WAD,
    collateral: 0n,
    funding: NO_FUNDING,
    risk: { from: RATES, to: RATES, start: 0n, duration: 0n, group: 0 },
    sizes: { depth: 1_000_000n * WAD, openInterestCap: 0n, openInterestShare: 0n, status: "Active" },
    trade: {
      skewCap: 0n,
      takerFee: 0n,
      makerFee: 0n,
      maxFundingRate: 0n,
      fundingVelocity: 0n,
      profitWeight: 1_000_000n,
      lotExponent: 15n,
      insuranceCap: 0n,
    },
  };
}

function standing(cash: bigint, exposures: readonly Exposure[]): AccountStanding {
  const wad = cash * WAD;
  return {
    account: "a",
    cash: wad,
    escrow: 0n,
    pending: 0n,
    exposures,
    equity: wad,
    maintenance: 0n,
    initial: 0n,
    unhealthy: false,
  };
}

const marketsAt = (price: bigint): Markets =>
  new Map([0, 1].map((asset) => [asset, { price: livePrice(price * WAD), funding: NO_FUNDING }]));

describe("IsolatedShadows", () => {
  const pair = [exposure(0, 10n), exposure(1, -10n)];

  it("liquidates one leg of a pair that is whole together", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(250n, pair), 1n, { filled: true });
    shadows.observe(marketsAt(95n), 2);
    expect(shadows.verdictOf("a", marketsAt(95n), 2n).losses).to.deep.equal([]);
    shadows.observe(marketsAt(93n), 3);
    const { openable, positions, losses } = shadows.verdictOf("a", marketsAt(93n), 3n);
    expect({ openable, positions }).to.deep.equal({ openable: true, positions: 2 });
    expect(losses.map(({ asset, time }) => ({ asset, time }))).to.deep.equal([{ asset: 0, time: 3 }]);
    // 125 of cash less 70 lost, less a tenth of the requirement of 930 · 6.5 %.
    expect(losses[0]?.kept).to.equal((125n - 70n) * WAD - (6_045n * WAD) / 1_000n);
  });

  it("splits without loss while nothing is liquidated", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(250n, pair), 1n, { filled: true });
    expect(shadows.verdictOf("a", marketsAt(99n), 2n).equity).to.equal(250n * WAD);
  });

  it("keeps its split once a part is gone, whatever the trader does later", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(250n, pair), 1n, { filled: true });
    shadows.observe(marketsAt(93n), 2);
    shadows.split(standing(9_000n, pair), 3n, { filled: true });
    expect(shadows.verdictOf("a", marketsAt(93n), 3n)).to.include({ splitAt: 1 });
  });

  it("keeps its split once the account itself is liquidated", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(250n, pair), 1n, { filled: true });
    shadows.freeze("a");
    shadows.split(standing(9_000n, []), 3n, { filled: true });
    expect(shadows.verdictOf("a", marketsAt(100n), 3n)).to.include({ splitAt: 1, positions: 2 });
  });

  it("says what isolated margin would not have opened, but asks only after fills", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(100n, pair), 1n, { filled: false });
    expect(shadows.verdictOf("a", marketsAt(100n), 1n).openable).to.equal(true);
    shadows.split(standing(100n, pair), 1n, { filled: true });
    expect(shadows.verdictOf("a", marketsAt(100n), 1n).openable).to.equal(false);
  });

  it("leaves an account without positions alone", () => {
    const shadows = new IsolatedShadows(RULES);
    shadows.split(standing(250n, []), 1n, { filled: false });
    shadows.observe(marketsAt(50n), 2);
    const { positions, losses, equity } = shadows.verdictOf("a", marketsAt(50n), 2n);
    expect({ positions, losses, equity }).to.deep.equal({ positions: 0, losses: [], equity: 250n * WAD });
  });
});
