import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { loadParameters } from "../../../scripts/deploy/parameters.ts";
import { LISTED } from "../../../scripts/lab/compare/command.ts";
import { changesFor, fileOf, type Needs, scaleOf } from "../../../scripts/lab/size/recommend.ts";
import { WAD } from "../../../scripts/model/fixed.ts";
import { parameters } from "../compare/support.ts";

const NEEDS: Needs = {
  pool: 12_000_000n * WAD,
  fund: 900_000n * WAD,
  byMarket: new Map([
    ["ETH", 300_001n * WAD],
    ["SOL", 20_000n * WAD],
  ]),
  owedShare: 123_456n,
  affordable: 100_000n,
};
const afterOf = (needs: Needs, name: string): string | undefined =>
  changesFor(parameters, needs).find((change) => change.name === name)?.after;

describe("recommended parameters", () => {
  it("cover what is needed, rounded up", () => {
    expect(afterOf(NEEDS, "insurance.targetShare")).to.equal("7.5 %");
    expect(afterOf(NEEDS, "assets.ETH.market.insuranceCap")).to.equal("300100 USD");
    expect(afterOf(NEEDS, "money.lossBudget")).to.equal("13 %");
    expect(afterOf(NEEDS, "assets.ETH.market.openInterestShare")).to.equal(undefined);
  });

  it("cut open interest where the fund cannot be afforded", () => {
    const needs = { ...NEEDS, fund: 2_400_000n * WAD };
    expect(scaleOf(needs)).to.equal(500_000n);
    expect(afterOf(needs, "insurance.targetShare")).to.equal("10 %");
    expect(afterOf(needs, "assets.ETH.market.openInterestShare")).to.equal("30 %");
    // Half of what is needed is less than what is listed.
    expect(afterOf(needs, "assets.ETH.market.insuranceCap")).to.equal(undefined);
  });

  it("leave no market more than half of the fund, and cut its open interest instead", () => {
    const needs = { ...NEEDS, byMarket: new Map([["LINK", 617_200n * WAD]]) };
    expect(afterOf(needs, "assets.LINK.market.insuranceCap")).to.equal("450000 USD");
    expect(afterOf(needs, "assets.LINK.market.openInterestShare")).to.equal("7.2 %");
    expect(afterOf(needs, "assets.ETH.market.openInterestShare")).to.equal(undefined);
  });

  it("lower no cap of insurance", () => {
    const names = changesFor(parameters, { ...NEEDS, byMarket: new Map() }).map(({ name }) => name);
    expect(names).to.deep.equal(["insurance.targetShare", "money.lossBudget"]);
  });

  it("are a file that loads and says the same", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lab-size-"));
    try {
      const file = join(folder, "recommended.mjs");
      writeFileSync(file, fileOf(LISTED, changesFor(parameters, NEEDS)));
      const loaded = await loadParameters(file);
      expect(loaded.insurance.targetShare).to.equal(75_000n);
      expect(loaded.money.lossBudget).to.equal(130_000n);
      expect(loaded.assets[0]?.listing.insuranceCap).to.equal(300_100n * WAD);
      expect(loaded.assets[1]?.listing.openInterestShare).to.equal(parameters.assets[1]?.listing.openInterestShare);
      // What has changed is none of the base's own.
      expect((await loadParameters(LISTED)).insurance).to.deep.equal(parameters.insurance);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
