import { expect } from "chai";

import type { Market, SolvencyReading } from "../../scripts/solvency/reading.ts";
import { findBreaches, render, toJson } from "../../scripts/solvency/report.ts";

const WAD = 10n ** 18n;
const HOUR = 3_600n;
const NOW = 1_700_000_000n;

const ETH: Market = {
  symbol: "ETH",
  status: "Active",
  price: 1_800n * WAD,
  live: true,
  longSize: 750n * WAD,
  shortSize: 250n * WAD,
  skew: 500n * WAD,
  longValue: 1_000n * WAD,
  shortValue: -300n * WAD,
  heldPremium: 100n * WAD,
  owed: 800n * WAD,
  budget: 200_000n * WAD,
  insuranceRoom: 249_000n * WAD,
  insuranceCap: 250_000n * WAD,
  flag: "None",
  flaggedAt: 0n,
  overSince: 0n,
  graceUntil: 0n,
  closesAt: 0n,
};

const SOUND: SolvencyReading = {
  chainId: 31_337n,
  block: 42n,
  time: NOW,
  custody: [
    { symbol: "USDC", decimals: 6n, held: 1_200_000_000_000n, actual: 1_200_000_000_000n },
    { symbol: "WETH", decimals: 18n, held: 10n * WAD, actual: 11n * WAD },
  ],
  tradersCash: 180_000n * WAD,
  seniorCoverage: 1_020_000n * WAD,
  pool: {
    equity: 1_004_100n * WAD,
    base: 1_000_000n * WAD,
    lent: 5_000n * WAD,
    redeemable: 900_000n * WAD,
    closedValue: 100n * WAD,
    seizedOwed: 0n,
    uncoveredDeficits: 2_500n * WAD,
    utilisation: 4_975n,
    borrowRate: 497n,
    mark: 1_004_000n * WAD,
    markTime: NOW - HOUR,
    live: true,
    blocked: false,
  },
  insurance: 15_000n * WAD,
  insuranceTarget: 50_200n * WAD,
  protocolFees: 5_000n * WAD,
  pendingLosses: 0n,
  flaggedMarkets: 0n,
  paused: false,
  markets: [ETH],
};

describe("solvency report", () => {
  it("finds nothing wrong with a protocol that can pay everybody, whatever was sent to the vault", () => {
    expect(findBreaches(SOUND)).to.deep.equal([]);
  });

  const { pool, custody } = SOUND;
  const [usdc, weth] = custody;
  if (usdc === undefined || weth === undefined) throw new Error("no tokens");
  const cases: [string, Partial<SolvencyReading>, RegExp[]][] = [
    [
      "a token that the vault lacks, by one unit",
      { custody: [usdc, { ...weth, actual: weth.held - 1n }] },
      [/^the vault lacks 0\.0{17}1 WETH: it has 9\.9{18}, its ledger says 10\.0{18}$/],
    ],
    [
      "the settlement token that the vault lacks",
      { custody: [{ ...usdc, actual: usdc.held - 1_000_000n }, weth] },
      [/^the vault lacks 1\.000000 USDC: it has 1,199,999\.000000, its ledger says 1,200,000\.000000$/],
    ],
    [
      "traders' cash that tokens do not cover",
      { seniorCoverage: -1n },
      [/^traders' cash of 180,000\.00 is not covered/],
    ],
    [
      "a loss that is covered by nobody",
      { pool: { ...pool, equity: -2n * WAD, base: -1_004_102n * WAD + pool.base } },
      [/^a loss is covered by nobody: the pool's equity is −2\.00$/],
    ],
    ["a deficit that is not settled", { pendingLosses: 1n }, [/^a deficit is not settled: 1 insolvent account is/]],
    ["several of them", { pendingLosses: 3n }, [/3 insolvent accounts are/]],
    [
      "markets that do not explain the pool",
      { markets: [{ ...ETH, owed: ETH.owed + 1n }] },
      [/^the markets leave the/],
    ],
    ["all at once", { seniorCoverage: -1n, pendingLosses: 1n }, [/not covered/, /not settled/]],
  ];
  for (const [what, change, reasons] of cases) {
    it(`says what is wrong: ${what}`, () => {
      const reading = { ...SOUND, ...change };
      const breaches = findBreaches(reading);

      expect(breaches.length).to.equal(reasons.length);
      for (const [place, reason] of reasons.entries()) expect(breaches[place]).to.match(reason);
      const text = render(reading, breaches);
      expect(text).to.match(/\nNOT SOUND\n/);
      for (const breach of breaches) expect(text).to.include(breach);
      expect(JSON.parse(toJson(reading, breaches))).to.deep.include({ sound: false, breaches });
    });
  }

  it("shows what there is and who is owed what", () => {
    const text = render(SOUND, []);

    expect(text).to.match(/^block 42 of chain 31337, 2023-11-14T22:13:20Z\n/);
    for (const line of [
      /^WETH +10\.000000 +11\.000000 +1\.000000$/m,
      /^traders' cash and escrows +180,000\.00$/m,
      /^senior coverage +1,020,000\.00/m,
      /^pool equity +1,004,100\.00$/m,
      /^ {2}lent +5,000\.00 {2}0\.50 % of what there is, at 0\.05 % a year$/m,
      /^insurance +15,000\.00 {2}29\.88 % of its target 50,200\.00$/m,
      /^ETH +1,800\.00 +750\.000 +250\.000 +500\.000 +800\.00 +200,000 +249,000 +250,000$/m,
      /\nsound$/,
    ]) {
      expect(text).to.match(line);
    }
  });

  it("shows what is the matter with a market, the pool and the protocol", () => {
    const market: Market = {
      ...ETH,
      status: "Closing",
      live: false,
      flag: "Skew",
      flaggedAt: NOW - HOUR,
      overSince: NOW - 2n * HOUR,
      graceUntil: NOW + HOUR,
      closesAt: NOW + 2n * HOUR,
    };
    const text = render(
      { ...SOUND, paused: true, pool: { ...pool, live: false, blocked: true }, markets: [market] },
      [],
    );

    expect(text).to.match(/not every price is live; requests are blocked; the protocol is paused/);
    expect(text).to.include(
      "closing; price not live; to be deleveraged since 2023-11-14T21:13:20Z (skew); " +
        "over its hard cap since 2023-11-14T20:13:20Z; grace until 2023-11-14T23:13:20Z; " +
        "closes after 2023-11-15T00:13:20Z",
    );
    const later = render({ ...SOUND, markets: [{ ...market, status: "Closed", graceUntil: NOW }] }, []);
    expect(later).to.include("closed; price").and.not.include("grace").and.not.include("closes after");
  });

  it("is one JSON object with every amount as a string", () => {
    const json = JSON.parse(toJson(SOUND, [])) as Record<string, unknown>;

    expect(json).to.deep.include({ sound: true, breaches: [], block: "42", insurance: String(15_000n * WAD) });
    expect(Object.keys(json)).to.deep.equal(["sound", "breaches", ...Object.keys(SOUND)]);
  });
});
