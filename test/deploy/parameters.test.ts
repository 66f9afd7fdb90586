import { join } from "node:path";

import { expect } from "chai";

import base from "../../deploy/parameters/base.ts";
import local from "../../deploy/parameters/local.ts";
import { type Asset, loadParameters, parseParameters, toMoneySettings } from "../../scripts/deploy/parameters.ts";
import { ParameterError, type ParameterFault } from "../../scripts/deploy/readers.ts";
import { unpackSessions } from "../../scripts/deploy/sessions.ts";

const FILE = "trial.ts";
const folder = join(import.meta.dirname, "../../deploy/parameters");

type Tree = Record<string, unknown>;

/** A file with `value` at `path`; undefined takes the key out. */
function changed(path: string, value: unknown, from: Tree = local): unknown {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const copy = structuredClone(from);
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
  const networks: Record<string, string[]> = {
    local: ["ETH", "BTC", "SOL", "LINK", "WBTC", "USDC", "WSTETH", "EUR", "WAUSDC"],
    arbitrum: ["ETH", "BTC", "SOL", "LINK", "WBTC", "USDC", "WSTETH"],
    base: ["ETH", "BTC", "SOL", "LINK", "EUR", "CBBTC", "WSTETH", "USDC", "WAUSDC"],
  };
  for (const [network, symbols] of Object.entries(networks)) {
    it(`takes the file of ${network}`, async () => {
      const parameters = await loadParameters(join(folder, `${network}.ts`));

      expect(parameters.assets.map(({ symbol }) => symbol)).to.deep.equal(symbols);
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

  const assetOf = (symbol: string): Asset => {
    const asset = parseParameters(base, FILE).assets.find((each) => each.symbol === symbol);
    if (asset === undefined) throw new Error(`no ${symbol}`);
    return asset;
  };

  it("makes of a composite its legs, each with its own age, and the shortest of them as its own", () => {
    const { source, heartbeat, deviation, limits } = assetOf("WSTETH");
    if (source.kind !== "composite") throw new Error("no composite");

    expect(source.legs.map(({ side, feed }) => [side, feed.name, feed.decimals, feed.maxAge])).to.deep.equal([
      ["both", "ETH", 8n, 1_500n],
      ["market", "WSTETH.market.0", 18n, 86_700n],
      ["rate", "WSTETH.rate.0", 18n, 86_700n],
    ]);
    expect(heartbeat).to.equal(1_200n);
    expect(limits).to.deep.include({ maxAge: 1_500n, window: 1_500n });
    // 0.5 % of the market and 0.15 % of ETH; the rate's is less.
    expect(deviation).to.equal(6_500n);
  });

  it("makes of a share its vault and the feed of what is in it", () => {
    const { source, deviation, limits } = assetOf("WAUSDC");
    if (source.kind !== "share") throw new Error("no share");

    expect([source.base.name, source.growth, source.vaultGas]).to.deep.equal(["USDC", 600n, 60_000n]);
    expect([deviation, limits.maxAge]).to.deep.equal([3_000n, 86_700n]);
  });

  it("reads settlement and hours", () => {
    const { settlement } = assetOf("ETH");

    expect(settlement?.stream).to.match(/^0x00036220/);
    expect(settlement?.window).to.equal(60n);
    expect(unpackSessions(assetOf("EUR").sessions)).to.deep.equal([
      { open: 0n, close: 7_020n },
      { open: 10_020n, close: 10_080n },
    ]);
    expect(assetOf("BTC").sessions).to.equal(0n);
    expect(assetOf("EUR").settlement).to.equal(undefined);
  });

  const eth = "0x000362205e10b3a147d02792eccee483dca6c7b44ecce7012cb8c6e0b68b3ae9";
  const leg = { description: "X / ETH", decimals: 18n, heartbeat: "1 h", deviation: "0.1 %" };
  const own = (name: "USDC" | "SOL") => ({ ...leg, proxy: base.assets[name].feed.proxy });
  const badSources: [string, string, unknown, ParameterFault, string?][] = [
    ["a kind that is none", "assets.ETH.feed.kind", "twap", "unknown name"],
    ["a kind that a written feed is not", "assets.ETH.feed.kind", "share", "unknown key", "assets.ETH.feed.proxy"],
    ["a feed without decimals", "assets.ETH.feed.decimals", undefined, "missing key"],
    ["more decimals than prices have", "assets.ETH.feed.decimals", 19n, "out of range"],
    [
      "the proxy of another asset",
      "assets.SOL.feed.proxy",
      base.assets.ETH.feed.proxy,
      "inconsistent",
      "assets.ETH.feed.proxy",
    ],
    ["legs that are no list", "assets.WSTETH.feed.market", "ETH", "wrong type"],
    ["an empty list of legs", "assets.WSTETH.feed.market", [], "wrong type"],
    [
      "a leg of an asset that is not there",
      "assets.WSTETH.feed.both",
      ["DOGE"],
      "unknown name",
      "assets.WSTETH.feed.both.0",
    ],
    [
      "a leg that is computed itself",
      "assets.WSTETH.feed.both",
      ["WAUSDC"],
      "unknown name",
      "assets.WSTETH.feed.both.0",
    ],
    [
      "a leg without a heartbeat",
      "assets.WSTETH.feed.both",
      [{ ...own("SOL"), heartbeat: undefined }],
      "wrong type",
      "assets.WSTETH.feed.both.0.heartbeat",
    ],
    [
      "a first answer of a feed that is there already",
      "assets.WSTETH.feed.both",
      [{ ...own("SOL"), answer: "1" }],
      "unknown key",
      "assets.WSTETH.feed.both.0.answer",
    ],
    ["a market without a rate", "assets.WSTETH.feed.rate", undefined, "inconsistent"],
    ["calls that take more gas than there is", "oracle.callGas", "34_000 gas", "inconsistent", "assets.WSTETH.feed"],
    ["a vault that takes more", "assets.WAUSDC.feed.vaultGas", "70_001 gas", "inconsistent"],
    ["a vault that is not the token", "assets.WAUSDC.feed.vault", base.collaterals.WETH.address, "inconsistent"],
    ["a share of an asset that is computed", "assets.WAUSDC.feed.asset", "WSTETH", "unknown name"],
    ["a growth without its period", "assets.WAUSDC.feed.growth", "0.06 %", "wrong unit"],
    ["a growth that caps nothing", "assets.WAUSDC.feed.growth", "1.1 %/day", "out of range"],
    [
      "a feed id of another schema",
      "assets.ETH.feed.settlement.stream",
      eth.replace("0x0003", "0x0008"),
      "out of range",
    ],
    ["a feed id that is too short", "assets.ETH.feed.settlement.stream", eth.slice(0, -2), "wrong type"],
    [
      "the stream of another asset",
      "assets.BTC.feed.settlement.stream",
      eth,
      "inconsistent",
      "assets.ETH.feed.settlement.stream",
    ],
    ["a window of hours", "assets.ETH.feed.settlement.window", "2 h", "out of range"],
    ["reports without a verifier", "oracle.verifier", "none", "inconsistent", "assets.ETH.feed.settlement"],
    [
      "a settlement of what is no market",
      "assets.CBBTC.feed.settlement",
      { stream: `${eth.slice(0, -4)}0000`, window: "60 s" },
      "inconsistent",
    ],
    ["hours in words", "assets.EUR.feed.sessions", ["weekdays"], "not a time", "assets.EUR.feed.sessions.0"],
    [
      "an hour that there is not",
      "assets.EUR.feed.sessions",
      ["Sun 24:00 – Fri 21:00"],
      "not a time",
      "assets.EUR.feed.sessions.0",
    ],
    [
      "a session of no time",
      "assets.EUR.feed.sessions",
      ["Mon 09:00 – Mon 09:00"],
      "out of range",
      "assets.EUR.feed.sessions.0",
    ],
    [
      "sessions that overlap",
      "assets.EUR.feed.sessions",
      ["Mon 09:00 – Mon 17:00", "Mon 16:59 – Tue 09:00"],
      "inconsistent",
    ],
    [
      "sessions that overlap over the end of the week",
      "assets.EUR.feed.sessions",
      ["Sun 09:00 – Mon 09:01", "Mon 09:00 – Tue 09:00"],
      "inconsistent",
    ],
    [
      "nine sessions",
      "assets.EUR.feed.sessions",
      Array.from({ length: 9 }, (_, hour) => `Mon 1${String(hour)}:00 – Mon 1${String(hour)}:30`),
      "out of range",
    ],
    ["a closure after which the asset is dead", "assets.EUR.feed.deadAfter", "51 h", "inconsistent"],
  ];
  for (const [what, path, value, fault, where = path] of badSources) {
    it(`refuses ${what}, and says where`, () => {
      const error = faultOf(changed(path, value, base));

      expect([error.fault, error.file, error.path]).to.deep.equal([fault, FILE, where]);
    });
  }

  const composites: [string, Tree, object, ParameterFault, string][] = [
    ["without legs", base, {}, "missing key", "assets.WSTETH.feed.both"],
    ["with a leg that is there twice", local, { both: ["ETH", "ETH"] }, "inconsistent", "assets.WSTETH.feed"],
    ["with two legs of one proxy", base, { both: ["SOL", own("SOL")] }, "inconsistent", "assets.WSTETH.feed"],
    [
      "of five legs",
      { ...base, oracle: { ...base.oracle, callGas: "20_000 gas" } },
      { both: ["ETH", "BTC", "SOL", "LINK", "EUR"] },
      "inconsistent",
      "assets.WSTETH.feed",
    ],
  ];
  for (const [what, from, legs, fault, where] of composites) {
    it(`refuses a composite ${what}`, () => {
      const { description, jump, spread, deadAfter, minAnswer, maxAnswer } = base.assets.WSTETH.feed;
      const guards = { description, jump, spread, deadAfter, minAnswer, maxAnswer };
      const error = faultOf(changed("assets.WSTETH.feed", { kind: "composite", ...guards, ...legs }, from));

      expect([error.fault, error.path]).to.deep.equal([fault, where]);
    });
  }

  it("refuses a market over a computed source that orders could not settle by", () => {
    const market = Object.fromEntries(
      Object.entries(base.assets.EUR.market).map(([key, value]) => [key, value.replace("EUR", "WSTETH")]),
    );
    const error = faultOf(changed("assets.WSTETH.market", market, base));

    expect([error.fault, error.path]).to.deep.equal(["inconsistent", "assets.WSTETH.feed.settlement"]);
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
    ["an admin faster than the governor", "governance.adminDelay", "47 h", "inconsistent"],
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
