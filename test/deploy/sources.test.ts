/** A deployment whose prices come from every kind of source, and whose orders settle by reports. */
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import arbitrum from "../../deploy/parameters/arbitrum.ts";
import local from "../../deploy/parameters/local.ts";
import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { DeploymentError } from "../../scripts/deploy/DeploymentError.ts";
import { findDrift } from "../../scripts/deploy/drift.ts";
import { type Asset, type Parameters, parseParameters } from "../../scripts/deploy/parameters.ts";
import type { FetchReports } from "../../scripts/deploy/sources.ts";
import { DIGEST, Don } from "../streams/don.ts";

const connection = await network.create();
const { ethers, networkHelpers } = connection;
const WAD = 10n ** 18n;

const { ETH, BTC } = local.assets;
const [stream, other] = [arbitrum.assets.ETH.feed.settlement.stream, arbitrum.assets.SOL.feed.settlement.stream];
const parameters = parseParameters(
  {
    ...local,
    oracle: { ...local.oracle, verifier: "local" },
    assets: {
      ...local.assets,
      ETH: { ...ETH, feed: { ...ETH.feed, settlement: { stream, window: "60 s" } } },
      BTC: { ...BTC, feed: { ...BTC.feed, kind: "observed" } },
    },
  },
  join(import.meta.dirname, "sources.ts"),
);

async function deployVerifier() {
  const don = new Don(4);
  const proxy = await ethers.deployContract("VerifierProxy", [ethers.ZeroAddress]);
  const verifier = await ethers.deployContract("Verifier", [proxy]);
  await proxy.initializeVerifier(verifier);
  await verifier.setConfig(DIGEST, don.addresses, don.faulty, []);
  return { don, verifier: await proxy.getAddress() };
}

/** What the DON says of ETH. */
function reporting(don: Don, price = 4_000n * WAD): { fetchReports: FetchReports; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetchReports: async (streams) => {
      asked.push(...streams);
      const now = await networkHelpers.time.latest();
      return { reports: streams.map((feedId) => don.report(now, { feedId, price })), fee: 0n };
    },
  };
}

async function deployed() {
  const [deployer] = await ethers.getSigners();
  if (deployer === undefined) throw new Error("the network has no accounts");
  const { don, verifier } = await deployVerifier();
  const { fetchReports, asked } = reporting(don);
  const deployment = await deployPlimsoll({ connection, parameters, places: { verifier }, fetchReports });
  const compare = async (changed: Partial<Parameters> = {}, places: Partial<typeof deployment.book> = {}) => {
    const book = { ...deployment.book, ...places };
    return findDrift({
      contracts: deployment.contracts,
      parameters: { ...parameters, ...changed },
      places: book,
      reports: book,
      deployer: deployer.address,
    });
  };
  return { ...deployment, asked, verifier, don, compare };
}

/** The parameters with one asset changed. */
function withAsset(symbol: string, change: (asset: Asset) => Partial<Asset>): Partial<Parameters> {
  const { assets } = parameters;
  return { assets: assets.map((asset) => (asset.symbol === symbol ? { ...asset, ...change(asset) } : asset)) };
}

describe("deployPlimsoll with every kind of source", () => {
  it("leaves every number of the file on the chain, after the one report that it needs", async () => {
    const { compare, asked } = await networkHelpers.loadFixture(deployed);

    expect(await compare()).to.deep.equal([]);
    expect(asked).to.deep.equal([stream]);
  });

  it("has the oracle value computed sources by the feeds behind them", async () => {
    const { contracts } = await networkHelpers.loadFixture(deployed);
    const { feeds } = await contracts.oracleHealth.health();
    const priceOf = (symbol: string) => feeds[parameters.assets.findIndex((asset) => asset.symbol === symbol)]?.price;

    // The market's 1.217 is below the rate of 1.2175.
    expect(priceOf("WSTETH")).to.equal(4_868n * WAD);
    expect(priceOf("WAUSDC")).to.equal(WAD);
    expect(priceOf("EUR")).to.equal((116n * WAD) / 100n);
  });

  it("writes down where everything is", async () => {
    const { book, verifier } = await networkHelpers.loadFixture(deployed);

    expect(Object.keys(book.feeds)).to.deep.equal(parameters.assets.map(({ symbol }) => symbol));
    expect(Object.keys(book.legs)).to.deep.equal(["WSTETH.market.0", "WSTETH.rate.0"]);
    expect(Object.keys(book.streams)).to.deep.equal(["ETH"]);
    expect(book.tokens["WAUSDC"]).to.equal(book.vaults["WAUSDC"]);
    expect(book.verifier).to.equal(verifier);
    for (const address of [...Object.values(book.legs), ...Object.values(book.streams), book.reportRelay]) {
      expect(await ethers.provider.getCode(address)).not.to.equal("0x");
    }
  });

  const eur = parameters.assets.find(({ symbol }) => symbol === "EUR");
  const elsewhere = "0x0000000000000000000000000000000000000001";
  const drifts: [string, Partial<Parameters>, object, string[]][] = [
    [
      "a kind",
      withAsset("BTC", ({ source }) => ("feed" in source ? { source: { ...source, kind: "rounds" } } : {})),
      {},
      ["assets.BTC.feed.kind"],
    ],
    ["hours", withAsset("EUR", () => ({ sessions: (eur?.sessions ?? 0n) + 1n })), {}, ["assets.EUR.feed.sessions"]],
    ["the gas of a leg", { callGas: 31_000n }, {}, ["assets.WSTETH.feed.legs"]],
    [
      "the side of a leg",
      withAsset("WSTETH", ({ source }) =>
        source.kind === "composite"
          ? { source: { ...source, legs: source.legs.map((leg) => ({ ...leg, side: "both" as const })) } }
          : {},
      ),
      {},
      ["assets.WSTETH.feed.legs"],
    ],
    [
      "the growth of a share",
      withAsset("WAUSDC", ({ source }) => (source.kind === "share" ? { source: { ...source, growth: 601n } } : {})),
      {},
      ["assets.WAUSDC.feed.growth"],
    ],
    [
      "the description of a share",
      withAsset("WAUSDC", () => ({ description: "X" })),
      {},
      ["assets.WAUSDC.feed.description"],
    ],
    ["a vault", {}, { vaults: { WAUSDC: elsewhere } }, ["assets.WAUSDC.feed.vault"]],
    [
      "a window",
      withAsset("ETH", ({ settlement }) => ({ settlement: settlement && { ...settlement, window: 61n } })),
      {},
      ["assets.ETH.feed.settlement.window"],
    ],
    [
      "a stream",
      withAsset("ETH", ({ settlement }) => ({
        settlement: settlement && { ...settlement, stream: other as `0x${string}` },
      })),
      {},
      ["assets.ETH.feed.settlement.stream"],
    ],
    [
      "a settlement that the file has not",
      withAsset("ETH", () => ({ settlement: undefined })),
      {},
      ["assets.ETH.feed.settlement", "assets.ETH.feed.settlement.window"],
    ],
    ["the verifier", {}, { verifier: elsewhere }, ["oracle.verifier"]],
  ];
  for (const [what, changed, places, paths] of drifts) {
    it(`finds ${what} that is not the one of the file`, async () => {
      const { compare } = await networkHelpers.loadFixture(deployed);

      expect((await compare(changed, places)).map(({ path }) => path)).to.deep.equal(paths);
    });
  }

  it("finds a relay of another deployment", async () => {
    const { compare, book } = await networkHelpers.loadFixture(deployed);
    const { oracle, orders } = book.contracts;
    const relay = await ethers.deployContract("ReportRelay", [book.streamReports, orders, oracle]);

    const found = await compare({}, { reportRelay: await relay.getAddress() });
    expect(found.map(({ path }) => path)).to.deep.equal(["reportRelay.clearingHouse"]);
  });

  it("asks for reports before it deploys anything", async () => {
    const { verifier } = await networkHelpers.loadFixture(deployed);
    const block = await ethers.provider.getBlockNumber();
    const error = await deployPlimsoll({ connection, parameters, places: { verifier } }).catch(
      (thrown: unknown) => thrown,
    );

    expect(error).to.be.instanceOf(DeploymentError);
    expect((error as Error).message).to.match(/settles by reports, and none are given of 0x00036220/);
    expect(await ethers.provider.getBlockNumber()).to.equal(block);
  });

  it("refuses a local verifier that is not given", async () => {
    const { fetchReports } = reporting(new Don(4));
    const error = await deployPlimsoll({ connection, parameters, fetchReports }).catch((thrown: unknown) => thrown);

    expect(error).to.be.instanceOf(DeploymentError);
    expect((error as Error).message).to.match(/a local verifier has to be given/);
  });
});
