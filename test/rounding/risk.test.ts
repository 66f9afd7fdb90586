import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { encodeFunding, NO_FUNDING } from "../../scripts/model/funding.ts";
import {
  encodeGlobals,
  encodeGroups,
  encodeRisk,
  encodeSizes,
  encodeTrade,
  type GlobalParameters,
  type RiskRates,
} from "../../scripts/model/parameters.ts";
import { encodePrice, livePrice } from "../../scripts/model/price.ts";
import { call } from "../model/harness.ts";
import { frozen } from "../clearing/scenarios.ts";
import { movePrice } from "../clearing/support.ts";
import { type Account, ethers, loadFixture, type World } from "../fixture.ts";
import { BTC, ETH, wad, WETH_TOKEN } from "../parameters.ts";
import { ceil, floor } from "./exact.ts";

const PRICE = 1_799_123_456_789_012_345_679n;
const GLOBALS: GlobalParameters = {
  maintenanceFactor: 600_007n,
  shortfallInitial: 500_000n,
  shortfallMaintenance: 700_000n,
  protocolFeeShare: 0n,
  insuranceFeeShare: 0n,
  markMaxAge: 3_600n,
  liquidationTarget: 500_000n,
  liquidationPenalty: 100_000n,
  liquidatorShare: 500_000n,
  deepLoss: 500_000n,
  takeoverDiscount: 20_000n,
};

interface Holding {
  size?: bigint;
  quote?: bigint;
  collateral?: bigint;
  index?: bigint;
  price?: bigint;
  rates?: RiskRates;
  depth?: bigint;
}

/** Terms, R_I and R_M of an account with one asset. */
async function assess(holding: Holding) {
  const { size = 0n, quote = 0n, collateral = 0n, index = 0n, price = PRICE, depth = 250_000n * WAD } = holding;
  const rates = holding.rates ?? { beta: 0n, sigma: 0n, gamma: 0n, kappa: 0n };
  const exposure = {
    asset: 0n,
    price: encodePrice(livePrice(price)),
    size,
    quote,
    collateral,
    funding: encodeFunding({ ...NO_FUNDING, index }),
    risk: encodeRisk({ from: rates, to: rates, start: 0n, duration: 0n, group: 0 }),
    sizes: encodeSizes({ depth, openInterestCap: 0n, openInterestShare: 0n, status: "Active" }),
    trade: encodeTrade({
      skewCap: 0n,
      takerFee: 0n,
      makerFee: 0n,
      maxFundingRate: 0n,
      fundingVelocity: 0n,
      profitWeight: 600_000n,
      lotExponent: 15n,
      insuranceCap: 0n,
    }),
  };
  const groups = encodeGroups(new Array<bigint>(10).fill(PPM));
  const [answer] = await call("assess", [[[exposure], 0n, groups, encodeGlobals(GLOBALS), 1_000n, true]]);
  const [terms, initial, maintenance] = answer?.[0] as [bigint[], bigint, bigint];
  const [, , unrealised, unrealisedWeighted, collateralValue, base, closeOut] = terms;
  return { unrealised, unrealisedWeighted, collateralValue, base, closeOut, initial, maintenance };
}

describe("rounding of the risk formula", () => {
  it("value of a position, of collateral: down", async () => {
    const [size, index, quote] = [1_234_567_890_123_456_789n, 1_000_000_000_000_000_003n, 7n];
    const value = (signed: bigint) => floor(signed * (PRICE - index), WAD) + quote;
    const [long, short, collateral] = [
      await assess({ size, index, quote }),
      await assess({ size: -size, index, quote }),
      await assess({ collateral: size }),
    ];

    expect([long.unrealised, short.unrealised]).to.deep.equal([value(size), value(-size)]);
    expect(long.unrealisedWeighted).to.equal(floor(value(size) * 600_000n, PPM));
    expect(collateral.collateralValue).to.equal(floor(size * PRICE, WAD));
  });

  it("group risk, own risk, close-out, R_I, R_M: up", async () => {
    const size = 1_234_567_890_123_456_789n;
    const [beta, sigma, gamma] = [50_001n, 15_001n, 3_001n];
    const group = ceil(size * PRICE * beta, PPM * WAD);
    const own = ceil(size * PRICE * sigma, PPM * WAD);
    expect((await assess({ size, rates: { beta, sigma: 0n, gamma: 0n, kappa: 0n } })).base).to.equal(group);
    expect((await assess({ size, rates: { beta: 0n, sigma, gamma: 0n, kappa: 0n } })).base).to.equal(own);

    const all = await assess({ size, rates: { beta, sigma, gamma, kappa: 0n } });
    const closeOut = ceil(size * PRICE * gamma, PPM * WAD);
    expect(all.closeOut).to.equal(closeOut);
    expect(all.initial).to.equal(group + own + ceil(3n * closeOut, 2n));
    expect(all.maintenance).to.equal(ceil((group + own) * GLOBALS.maintenanceFactor, PPM) + closeOut);

    // Concentration of less than the smallest part of a wei, beside a charge that is whole.
    const concentrated = await assess({
      size: PPM,
      price: WAD,
      depth: 10n ** 30n,
      rates: { beta: 0n, sigma: 0n, gamma: 1n, kappa: 1n },
    });
    expect(concentrated.closeOut).to.equal(ceil(PPM * WAD * (2n * 10n ** 30n + PPM), 2n * 10n ** 30n * PPM * WAD));
  });

  it("margin that an account lacks: up", async () => {
    const world = await loadFixture(short);
    const { clearingHouse, account } = world;
    const { cash } = await clearingHouse.accountOf(account);
    const { size, quote } = await clearingHouse.positionOf(account, BTC);
    const owed = -(cash + floor(size * (await world.priceOf(BTC)), WAD) + quote);
    const value = floor((await clearingHouse.collateralOf(account, WETH_TOKEN)) * (await world.priceOf(ETH)), WAD);

    expect(await lackOf(world, account)).to.equal(owed - floor(value * SHARE, PPM));
  });
});

/** Of its collateral, 1e-6, what an account may owe. */
const SHARE = 500_001n;

/** Carol owes 130,000 against 100 WETH. */
async function short() {
  const world = await frozen(({ globals }) => {
    globals.shortfallInitial = Number(SHARE);
  });
  const account = await world.fundCollateral(world.carol, WETH_TOKEN, wad("100.000000000000000001"));
  await world.trade(account, BTC, wad("20.000000000000000003"));
  await movePrice(world, BTC, wad("22_500.12345678"));
  await world.setPrice(ETH, wad("1799.12345678"));
  return { ...world, account };
}

/** What the vault is told under the lock. */
async function lackOf({ clearingHouse, vault }: World, account: Account): Promise<bigint> {
  const { interface: verbs } = clearingHouse;
  const calls = [
    verbs.encodeFunctionData("lock"),
    verbs.encodeFunctionData("lackOf", [account]),
    verbs.encodeFunctionData("unlock"),
  ];
  const from = await vault.getAddress();
  const [, answer = "0x"] = await clearingHouse.connect(ethers.provider).multicall.staticCall(calls, { from });
  return BigInt(answer);
}
