import { join } from "node:path";

import { expect } from "chai";

import local from "../../deploy/parameters/local.ts";
import { loadParameters, parseParameters, toMoneySettings } from "../../scripts/deploy/parameters.ts";
import { ParameterError, type ParameterFault } from "../../scripts/deploy/readers.ts";

const FILE = "trial.ts";
const folder = join(import.meta.dirname, "../../deploy/parameters");

type Tree = Record<string, unknown>;

/** The local file with `value` at `path`; undefined takes the key out. */
function changed(path: string, value: unknown): unknown {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const copy = structuredClone(local) as Tree;
  const parent = keys.reduce((tree, key) => tree[key] as Tree, copy);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return copy;
}

function faultOf(raw: unknown): ParameterError {
  try {
    parseParameters(raw, FILE);
  } catch (error) {
    if (error instanceof ParameterError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseParameters", () => {
  for (const network of ["local", "arbitrum"]) {
    it(`takes the file of ${network}`, async () => {
      const parameters = await loadParameters(join(folder, `${network}.ts`));

      expect(parameters.assets.map(({ symbol }) => symbol)).to.deep.equal([
        "ETH",
        "BTC",
        "SOL",
        "LINK",
        "WBTC",
        "USDC",
      ]);
    });
  }

  it("converts to chain units", () => {
    const { assets, settlement, globals, money, orders, pool, insurance, governance } = parseParameters(local, FILE);

    expect(assets[1]?.listing).to.deep.include({
      risk: { beta: 70_000n, sigma: 15_000n, gamma: 5_000n, kappa: 1_000_000n },
      depth: 20_000n * 10n ** 18n,
      takerFee: 500n,
      maxFundingRate: 10_000_000n,
      fundingVelocity: 200_000_000n,
      lotExponent: 15n,
      insuranceCap: 250_000n * 10n ** 18n,
      market: true,
    });
    expect(assets[0]?.limits).to.deep.include({ maxAge: 3_900n, window: 3_900n, jump: 60_000n });
    expect(settlement.cap).to.equal(1_000_000_000n * 10n ** 6n);
    expect(globals.takeoverDiscount).to.equal(20_000n);
    expect(money).to.deep.equal({
      minNotional: 50n * 10n ** 18n,
      smallRequirement: 50n * 10n ** 18n,
      flatReward: 2n * 10n ** 18n,
      unattributedCap: 50_000n * 10n ** 18n,
      borrowKink: 800_000n,
      borrowRateKink: 80_000n,
      borrowRateFull: 800_000n,
      lossBudget: 200_000n,
    });
    expect(toMoneySettings(money)).to.deep.include({ minNotional: 50_00n, unattributedCap: 50_000_00n });
    expect(orders).to.deep.include({ delay: 30n, fixedPay: 5n * 10n ** 16n, singleGas: 300_000n });
    expect(pool.cooldown).to.equal(14_400n);
    expect(insurance.targetShare).to.equal(50_000n);
    expect(governance.governorDelay).to.equal(172_800n);
  });

  const bad: [string, string, unknown, ParameterFault, string?][] = [
    ["an unknown key", "orders.patience", "1 s", "unknown key"],
    ["an unknown key at the top", "extra", 1, "unknown key"],
    ["a missing key", "pool.cooldown", undefined, "missing key"],
    ["a missing section", "money", undefined, "missing key"],
    ["a number without a unit", "orders.delay", 30, "wrong type"],
    ["a section that is no section", "money", "50 USD", "wrong type"],
    ["a time in percent", "orders.delay", "30 %", "wrong unit"],
    ["a size in another asset", "assets.ETH.depth", "1000 BTC", "wrong unit"],
    ["a rate without its period", "assets.ETH.market.maxFundingRate", "1 %", "wrong unit"],
    ["words in place of a number", "globals.deepLoss", "some %", "not a number"],
    ["a negative number", "globals.deepLoss", "-1 %", "not a number"],
    ["half a second", "orders.delay", "30.5 s", "too fine"],
    ["less than a millionth", "assets.ETH.market.takerFee", "0.00001 %", "too fine"],
    ["more decimals than the token", "settlement.cap", "1.0000001 USDC", "too fine"],
    ["a delay below the bound", "orders.delay", "4 s", "out of range"],
    ["a delay above the bound", "orders.delay", "5 min", "out of range"],
    ["a fee above the bound", "assets.ETH.market.takerFee", "1.1 %", "out of range"],
    ["a lot that is no power of ten", "assets.ETH.market.lot", "0.02 ETH", "out of range"],
    ["a broken address", "settlement.address", "0x1234", "not an address"],
    [
      "an address with a wrong checksum",
      "settlement.address",
      "0xAf88d065e77c8cC2239327C5EDb3A432268e5831",
      "not an address",
    ],
    ["a group that is not there", "assets.ETH.group", "metals", "unknown name"],
    ["a collateral of an asset that is not there", "collaterals.WETH.asset", "GOLD", "unknown name"],
    ["a peg on an asset that is not there", "oracle.pegAsset", "DAI", "unknown name"],
    ["a local feed without a price", "assets.ETH.feed.price", undefined, "missing key"],
    ["a maker fee above the taker fee", "assets.ETH.market.makerFee", "0.9 %", "inconsistent"],
    ["an open interest beyond the depth", "assets.ETH.market.openInterestCap", "400001 ETH", "inconsistent"],
    [
      "an open interest that breaks the listing invariant",
      "assets.BTC.market.openInterestCap",
      "242 BTC",
      "inconsistent",
    ],
    ["a limit that locks in", "collaterals.WETH.outflowLimit", "99 WETH", "inconsistent"],
    ["λ_M below λ_I", "globals.shortfallMaintenance", "59 %", "inconsistent"],
    ["fee shares above the whole", "globals.insuranceFeeShare", "95 %", "inconsistent"],
    ["a death before the feed is stale", "assets.ETH.feed.deadAfter", "1 h", "inconsistent"],
    ["bounds the wrong way round", "assets.ETH.feed.maxAnswer", "49 USD", "inconsistent"],
    ["a borrow rate without its period", "money.borrowRateFull", "80 %", "wrong unit"],
    ["a takeover discount above the bound", "globals.takeoverDiscount", "5.1 %", "out of range"],
    ["a kink at no utilisation", "money.borrowKink", "9 %", "out of range"],
    ["an insurance cap above its width", "assets.ETH.market.insuranceCap", "6_553_600 USD", "out of range"],
    ["a target of insurance below the bound", "insurance.targetShare", "0.4 %", "out of range"],
    ["an insurance cap that is not in hundreds", "assets.ETH.market.insuranceCap", "150 USD", "inconsistent"],
    ["a jump that insurance would have to pay for", "assets.ETH.feed.jump", "6.81 %", "inconsistent"],
    ["a rate at the kink above the full one", "money.borrowRateKink", "81 %/year", "inconsistent"],
    ["a fraction of a cent", "money.minNotional", "0.001 USD", "inconsistent"],
    ["gas that is not in thousands", "orders.legGas", "1500 gas", "inconsistent"],
    ["θ below a feed's threshold", "pool.deviation", "0.2 %", "inconsistent"],
    ["a governor faster than a pending order", "governance.governorDelay", "3900 s", "inconsistent"],
  ];
  for (const [what, path, value, fault, where = path] of bad) {
    it(`refuses ${what}, and says where`, () => {
      const error = faultOf(changed(path, value));

      expect([error.fault, error.file, error.path]).to.deep.equal([fault, FILE, where]);
      expect(error.message).to.include(FILE).and.to.include(where);
      if (fault !== "inconsistent" && fault !== "missing key") expect(error.value).to.equal(value);
    });
  }

  it("takes an open interest just inside the listing invariant", () => {
    expect(() => parseParameters(changed("assets.BTC.market.openInterestCap", "241 BTC"), FILE)).not.to.throw();
  });

  it("refuses a price for a feed that is there already", () => {
    const error = faultOf(changed("assets.ETH.feed.proxy", "0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612"));

    expect([error.fault, error.path]).to.deep.equal(["unknown key", "assets.ETH.feed.price"]);
  });
});
