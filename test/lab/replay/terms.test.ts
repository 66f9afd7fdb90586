import { expect } from "chai";

import arbitrum from "../../../deploy/parameters/arbitrum.ts";
import local from "../../../deploy/parameters/local.ts";
import { loadTerms, localized } from "../../../scripts/lab/replay/terms.ts";
import { LabError } from "../../../scripts/lab/errors.ts";

const opening = new Map(["ETH", "BTC", "SOL", "LINK", "WBTC", "USDC"].map((symbol) => [symbol, 100n * 10n ** 8n]));

describe("localized", () => {
  it("takes what a person chose of risk and money, and leaves feeds and tokens local", () => {
    const { ETH } = arbitrum.assets;
    const other = {
      ...arbitrum,
      globals: { ...arbitrum.globals, deepLoss: "30 %" },
      assets: { ...arbitrum.assets, ETH: { ...ETH, risk: { ...ETH.risk, beta: "17 %" } } },
    };
    const file = localized(other);
    expect(file.assets.ETH.risk.beta).to.equal("17 %");
    expect(file.globals.deepLoss).to.equal("30 %");
    expect(file.assets.ETH.feed).to.include({ proxy: "local", heartbeat: "1 h" });
    expect(file.settlement).to.deep.equal(local.settlement);
    expect(file.chainId).to.equal(31_337n);
  });
});

describe("loadTerms", () => {
  it("opens the feeds at the first answers, without what no rounds tell of", async () => {
    const { assets } = await loadTerms("deploy/parameters/local.ts", opening);
    expect(assets.map(({ symbol }) => symbol)).to.deep.equal([...opening.keys()]);
  });

  it("refuses a file that is not there", async () => {
    const refused = await loadTerms("deploy/parameters/nowhere.ts", opening).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(LabError);
    expect((refused as LabError).message).to.contain("nowhere.ts cannot be loaded");
  });
});
