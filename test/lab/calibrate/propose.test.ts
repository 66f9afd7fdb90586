import { expect } from "chai";

import type { GroupFit } from "../../../scripts/lab/calibrate/fit.ts";
import { overridden, renderOverrides } from "../../../scripts/lab/calibrate/overrides.ts";
import { type Change, type Measured, proposeGroup } from "../../../scripts/lab/calibrate/propose.ts";
import { loadParameters, type Parameters } from "../../../scripts/deploy/parameters.ts";

const ASSUMPTIONS = { thin: 4, closing: 0.1, exposed: 0.25 };
const ETH: Measured = { jump: 0.03, liquidationMove: 0.03, price: 4_000, funding: undefined };

const fitOf = (need: number, sigma: number): GroupFit => ({
  group: "majors",
  assets: [{ symbol: "ETH", slope: 1, loading: 1, sigma, need }],
  shock: need - sigma,
  boundBy: "ETH",
  windows: 1_000,
});

describe("proposeGroup", () => {
  let parameters: Parameters;

  before(async () => {
    parameters = await loadParameters("deploy/parameters/local.ts");
  });

  const propose = (fit: GroupFit, eth: Measured = ETH, floor = 0) => {
    const changes = proposeGroup(parameters, fit, {
      measured: new Map([["ETH", eth]]),
      floor: () => floor,
      assumptions: ASSUMPTIONS,
    });
    return (path: string): Change | undefined => changes.find((change) => change.path === path);
  };

  it("rounds rates up to tenths of a percent", () => {
    const of = propose(fitOf(0.12, 0.03001));
    expect(of("assets.ETH.risk.sigma")?.after).to.equal(31_000n);
    expect(of("assets.ETH.risk.beta")?.after).to.equal(89_000n);
  });

  it("raises the shock until maintenance outlasts the jumps that feeds make", () => {
    const of = propose(fitOf(0.02, 0.01), { ...ETH, jump: 0.0601 });
    const beta = of("assets.ETH.risk.beta");
    const gamma = of("assets.ETH.risk.gamma")?.after ?? 0n;
    // J = 6.5 %: m·(β + σ) + γ.
    expect((600_000n * ((beta?.after ?? 0n) + 10_000n)) / 1_000_000n + gamma >= 65_000n).to.equal(true);
    expect(beta?.reason).to.contain("jump of ETH");
  });

  it("lowers a jump limit that maintenance would not outlast", () => {
    const of = propose(fitOf(0.05, 0.02));
    const jump = of("feed.jump") ?? of("assets.ETH.feed.jump");
    expect(jump?.before).to.equal(60_000n);
    // m·(β + σ) + γ of 5 % and what closing costs: 3.3 %.
    expect(jump?.after).to.equal(30_000n);
  });

  it("lowers open interest to what insurance pays beyond maintenance", () => {
    const of = propose(fitOf(0.12, 0.03), { ...ETH, liquidationMove: 0.5 });
    const cap = of("assets.ETH.market.openInterestCap");
    expect((cap?.after ?? 0n) < (cap?.before ?? 0n)).to.equal(true);
    // 250,000 USD at 4,000 USD, for a quarter of the cap: (50 % − μ)·cap/4·4,000 ≤ 250,000.
    const maintenance = 0.6 * 0.12 + 0.003;
    expect((Number(cap?.after) / 1e18) * 0.25 * 4_000 * (0.5 - maintenance)).to.be.within(225_000, 250_000);
    expect(of("assets.ETH.market.skewCap")?.after).to.equal(cap?.after);
  });

  it("lowers open interest to what a close frees, so that the listing invariant holds", () => {
    const of = propose(fitOf(0.12, 0.005));
    const gamma = of("assets.ETH.risk.gamma")?.after ?? 0n;
    const cap = of("assets.ETH.market.openInterestCap")?.after ?? 4_000n * 10n ** 18n;
    const relief = (0.9 * (Number(gamma) + 0.6 * 5_000)) / 1e6;
    expect(relief).to.be.greaterThan(0.0005 + Number(cap) / 1e18 / 400_000);
  });

  it("keeps γ above what a sale of the collateral gives away", () => {
    const of = propose(fitOf(0.12, 0.001));
    // Without a change it stays at 0.5 %.
    const gamma = Number(of("assets.ETH.risk.gamma")?.after ?? 5_000n) / 1e6;
    expect(0.9 * (gamma + 0.6 * 0.001)).to.be.greaterThan(0.005);
  });

  it("never raises a cap, and never lowers a hedge floor", () => {
    // A little beyond maintenance: insurance would pay for far more.
    const of = propose(fitOf(0.5, 0.3), { ...ETH, liquidationMove: 0.304 });
    expect(of("assets.ETH.market.openInterestCap")).to.equal(undefined);
    expect(of("groups.majors.hedgeFloor")).to.equal(undefined);
    expect(propose(fitOf(0.5, 0.3), ETH, 0.31)("groups.majors.hedgeFloor")?.after).to.equal(310_000n);
  });

  it("reaches the funding that markets charge at the skew cap within a day, within the bound", () => {
    const at = (funding: number) =>
      propose(fitOf(0.12, 0.03), { ...ETH, funding })("assets.ETH.market.fundingVelocity")?.after;
    // 0.05 % a day at D/100: 5 %/day².
    expect(at(0.0005)).to.equal(50_000_000n);
    expect(at(0.01)).to.equal(undefined);
  });
});

describe("overrides of a parameter file", () => {
  const base = { a: { b: { c: "1", d: "2" }, e: "3" }, "f-g": { h: "4" } };
  const changes = [
    { path: "a.b.c", text: '9 "%"' },
    { path: "f-g.h", text: "8" },
  ];

  it("change what they name and leave the base alone", () => {
    expect(overridden(base, changes)).to.deep.equal({ a: { b: { c: '9 "%"', d: "2" }, e: "3" }, "f-g": { h: "8" } });
    expect(base.a.b.c).to.equal("1");
  });

  it("are written as a module that says the same", () => {
    expect(renderOverrides(changes, { from: "../base.ts", head: ["why"] })).to.equal(
      [
        "/**",
        " * why",
        " */",
        'import base from "../base.ts";',
        "",
        "export default {",
        "  ...base,",
        "  a: {",
        "    ...base.a,",
        "    b: {",
        "      ...base.a.b,",
        '      c: "9 \\"%\\"",',
        "    },",
        "  },",
        '  "f-g": {',
        '    ...base["f-g"],',
        '    h: "8",',
        "  },",
        "};",
        "",
      ].join("\n"),
    );
  });
});
