/** What a listing file may say, and how feeds and tokens are tried out before anything is proposed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ConfigError } from "../../scripts/command.ts";
import { ParameterError } from "../../scripts/deploy/readers.ts";
import { FILE } from "../../scripts/drill/stage.ts";
import { NothingToDoError } from "../../scripts/gov/errors.ts";
import { makeListing } from "../../scripts/gov/list.ts";
import { execute, propose } from "../../scripts/gov/operations.ts";
import { probeToken } from "../../scripts/gov/probe.ts";
import { DAY, ethers, govOf, load, networkHelpers, rejection, sendAs, type World } from "./world.ts";

const DOGE = {
  group: "alts",
  feed: {
    description: "DOGE / USD",
    decimals: 8n,
    heartbeat: "1 h",
    deviation: "0.2 %",
    jump: "12 %",
    spread: "20 %",
    deadAfter: "24 h",
    minAnswer: "0.001 USD",
    maxAnswer: "100 USD",
  },
  risk: { beta: "14 %", sigma: "6 %", gamma: "1 %", kappa: "100 %" },
  depth: "100_000_000 DOGE",
  market: {
    openInterestCap: "1_000_000 DOGE",
    openInterestShare: "10 %",
    skewCap: "500_000 DOGE",
    takerFee: "0.08 %",
    makerFee: "0.04 %",
    maxFundingRate: "1 %/day",
    fundingVelocity: "20 %/day²",
    profitWeight: "70 %",
    lot: "1 DOGE",
    insuranceCap: "20_000 USD",
  },
};

const TOKEN = {
  decimals: 8n,
  cap: "1_000_000 WDOGE",
  outflowLimit: "200_000 WDOGE",
  asset: "DOGE",
  saleDiscount: "1 %",
  lot: "1 WDOGE",
};

/** A feed of DOGE with a round of now. @param answer 8 decimals. */
async function deployFeed({ description = "DOGE / USD", decimals = 8, answer = 20_000_000n } = {}): Promise<string> {
  const aggregator = await ethers.deployContract("AccessListAggregator", [decimals, description, false]);
  const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
  await aggregator.addAccess(proxy);
  const now = await networkHelpers.time.latest();
  await aggregator.transmit(answer, now, now);
  return proxy.getAddress();
}

async function deployToken(name = "TestToken", args: unknown[] = ["Wrapped DOGE", "WDOGE", 8]): Promise<string> {
  const token = await ethers.deployContract(name, args);
  return token.getAddress();
}

describe("list", () => {
  let folder = "";
  let count = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** A listing file; what is imported is kept, so that each has a name of its own. */
  function write(content: unknown): string {
    const file = join(folder, `listing-${String(++count)}.ts`);
    const text = JSON.stringify(content, (_, value: unknown) =>
      typeof value === "bigint" ? `${String(value)}n` : value,
    );
    writeFileSync(file, `export default ${text.replace(/"(\d+)n"/g, "$1n")};\n`);
    return file;
  }

  async function listing(world: World, content: unknown) {
    return makeListing(await govOf(world), { listing: write(content), holder: undefined });
  }

  async function complete() {
    const [proxy, address] = [await deployFeed(), await deployToken()];
    return {
      assets: { DOGE: { ...DOGE, feed: { ...DOGE.feed, proxy } } },
      collaterals: { WDOGE: { ...TOKEN, address } },
    };
  }

  it("proposes feed, market, custody and collateral in their order, and they work when they are executed", async () => {
    const world = await load();
    const content = await complete();
    const { faults, calls, assets, collaterals } = await listing(world, content);

    expect(faults).to.deep.equal([]);
    expect([assets, collaterals]).to.deep.equal([["DOGE"], ["WDOGE"]]);
    expect(calls.map(({ target, method }) => `${target}.${method}`)).to.deep.equal([
      "oracle.list",
      "clearingHouse.listAssets",
      "vault.list",
      "clearingHouse.listCollateral",
    ]);

    const caller = world.governor.address;
    const { transactions } = await propose(await govOf(world), { calls, caller, when: 0n, refusals: [] });
    await sendAs(world.governor, transactions);
    await networkHelpers.time.increase(2n * DAY);
    const feed = await ethers.getContractAt("EACAggregatorProxy", content.assets.DOGE.feed.proxy);
    const aggregator = await ethers.getContractAt("AccessListAggregator", await feed.aggregator());
    const now = await networkHelpers.time.latest();
    await aggregator.transmit(20_000_000n, now, now);
    await sendAs(world.governor, await execute(await govOf(world), { selection: { all: true }, caller }));

    const { clearingHouse } = world.contracts;
    const [assetCount, tokenCount] = await clearingHouse.listed();
    expect([assetCount, tokenCount]).to.deep.equal([10n, 5n]);
    // The file that has it says what the chain says.
    const file = { ...world.file, ...merge(world, content) };
    const { openGov } = await import("../../scripts/gov/gov.ts");
    const { parseParameters } = await import("../../scripts/deploy/parameters.ts");
    const { findChanges } = await import("../../scripts/gov/plan.ts");
    const gov = await openGov(ethers.provider, { parameters: parseParameters(file, FILE), book: world.book });
    expect(await findChanges(gov)).to.deep.equal([]);
  });

  function merge(world: World, content: { assets: object; collaterals: object }) {
    return {
      assets: { ...world.file.assets, ...content.assets },
      collaterals: { ...world.file.collaterals, ...content.collaterals },
    };
  }

  const feeds: [string, Parameters<typeof deployFeed>[0], RegExp][] = [
    [
      "another description",
      { description: "SHIB / USD" },
      /^DOGE \(0x\w+\) describes itself "SHIB \/ USD", not "DOGE \/ USD"$/,
    ],
    ["other decimals", { decimals: 18, answer: 2n * 10n ** 17n }, /^DOGE \(0x\w+\) has 18 decimals, not 8$/],
    [
      "an answer outside its bounds",
      { answer: 20_000_000_000n },
      /^DOGE answers 20000000000, outside minAnswer to maxAnswer$/,
    ],
    ["no answer", { answer: 0n }, /^DOGE \(0x\w+\) answers 0$/],
  ];
  for (const [what, feed, fault] of feeds) {
    it(`refuses a feed with ${what}`, async () => {
      const world = await load();
      const proxy = await deployFeed(feed);
      const { faults, calls } = await listing(world, { assets: { DOGE: { ...DOGE, feed: { ...DOGE.feed, proxy } } } });

      expect(faults[0]).to.match(fault);
      expect(calls).to.deep.equal([]);
    });
  }

  it("refuses a proxy that another asset has, as the oracle would", async () => {
    const world = await load();
    const proxy = world.book.feeds["ETH"] ?? "";
    const feed = { ...DOGE.feed, proxy, description: "ETH / USD", maxAnswer: "100000 USD" };
    const { faults } = await listing(world, { assets: { DOGE: { ...DOGE, feed } } });

    expect(faults[0]).to.match(/^list would be refused: ProxyListed\(0x\w+, 0\)$/);
  });

  const tokens: [string, string, unknown[], RegExp][] = [
    [
      "takes a fee",
      "FeeOnTransferToken",
      [8, 100],
      /^WDOGE delivers 99000000 of 100000000 in a transfer: it takes a fee$/,
    ],
    [
      "has other decimals",
      "TestToken",
      ["Wrapped DOGE", "WDOGE", 18],
      /^WDOGE token \(0x\w+\) has 18 decimals, not 8$/,
    ],
  ];
  for (const [what, name, args, fault] of tokens) {
    it(`refuses a token that ${what}`, async () => {
      const world = await load();
      const content = await complete();
      const address = await deployToken(name, args);
      const { faults, calls } = await listing(world, { ...content, collaterals: { WDOGE: { ...TOKEN, address } } });

      expect(
        faults.some((text) => fault.test(text)),
        faults.join("\n"),
      ).to.equal(true);
      expect(calls).to.deep.equal([]);
    });
  }

  it("refuses what is no contract, and what is listed already", async () => {
    const world = await load();
    const content = await complete();
    const nowhere = ethers.getAddress("0x00000000000000000000000000000000000000aa");
    const none = await listing(world, { ...content, collaterals: { WDOGE: { ...TOKEN, address: nowhere } } });
    expect(none.faults).to.include(`WDOGE has no code at ${nowhere}`);

    const known = { ...TOKEN, address: world.book.tokens["WBTC"] };
    const again = await listing(world, { ...content, collaterals: { WDOGE: known } });
    expect(again.faults).to.include("WDOGE is listed already, as WBTC");
  });

  it("refuses a file that says something else, or what is there already", async () => {
    const world = await load();
    const content = await complete();
    const refused = async (more: unknown): Promise<Error> => rejection(listing(world, more));

    expect(await refused({ ...content, globals: {} })).to.be.instanceOf(ConfigError);
    const twice = await refused({ assets: { ETH: content.assets.DOGE } });
    expect(twice).to.be.instanceOf(ConfigError);
    expect(twice.message).to.match(/assets\.ETH is in .*local\.ts already$/);
    const nothing = await rejection(makeListing(await govOf(world), { listing: undefined, holder: undefined }));
    expect(nothing).to.be.instanceOf(NothingToDoError);
    const missing = await rejection(
      makeListing(await govOf(world), { listing: join(folder, "none.ts"), holder: undefined }),
    );
    expect(missing).to.be.instanceOf(ConfigError);
  });

  it("holds a listing to the rules of a parameter file: units, bounds, and what close-outs cost", async () => {
    const world = await load();
    const { assets } = await complete();
    const refused = async (changes: object): Promise<Error> =>
      rejection(listing(world, { assets: { DOGE: { ...assets.DOGE, ...changes } } }));

    for (const [changes, message] of [
      [
        { risk: { ...DOGE.risk, sigma: 60_000n } },
        /assets\.DOGE\.risk\.sigma: wrong type \(a number with its unit\): 60000n$/,
      ],
      [{ risk: { ...DOGE.risk, sigma: "0.06" } }, /assets\.DOGE\.risk\.sigma: wrong unit \(in %\): "0\.06"$/],
      [
        { risk: { ...DOGE.risk, sigma: "0.05 %" } },
        /assets\.DOGE\.risk\.sigma: out of range \(0\.1 % to 100 %\): "0\.05 %"$/,
      ],
      [{ group: "memes" }, /assets\.DOGE\.group: unknown name/],
      [{ depth: "10_000_000 DOGE" }, /assets\.DOGE\.market\.openInterestCap: inconsistent \(closing frees/],
    ] as const) {
      const error = await refused(changes);
      expect(error).to.be.instanceOf(ParameterError);
      expect(error.message).to.match(message);
    }
  });
});

describe("probeToken", () => {
  async function probe(world: World, token: string, holder?: string) {
    const gov = await govOf(world);
    const { vault } = world.book.contracts;
    return probeToken(ethers.provider, { token, vault, holder, amount: 1_000n, ...gov.at, time: gov.time });
  }

  it("finds nothing wrong with an ordinary token", async () => {
    const world = await load();
    const { faults, notes } = await probe(world, await deployToken());

    expect(faults).to.deep.equal([]);
    expect(notes.filter((note) => !note.startsWith("was not tried at a later time"))).to.deep.equal([]);
  });

  it("takes a token that returns nothing, and says so", async () => {
    const world = await load();
    const { faults, notes } = await probe(world, await deployToken("NoReturnToken", [6]));

    expect(faults).to.deep.equal([]);
    expect(notes).to.include.members(["returns nothing from a transfer", "returns nothing from a transferFrom"]);
  });

  it("takes wrapped ether", async () => {
    const world = await load();
    expect((await probe(world, await deployToken("TestWETH", []))).faults).to.deep.equal([]);
  });

  it("refuses a fee and a surcharge", async () => {
    const world = await load();
    const fee = await probe(world, await deployToken("FeeOnTransferToken", [18, 50]));
    expect(fee.faults).to.deep.equal([
      "delivers 995 of 1000 in a transfer: it takes a fee",
      "delivers 995 of 1000 in a transfer to the vault: it takes a fee",
      "delivers 995 of 1000 in a transferFrom: it takes a fee",
    ]);

    const address = await deployToken("SurchargeToken", [18]);
    const token = await ethers.getContractAt("SurchargeToken", address);
    await token.setSurcharge(7);
    expect((await probe(world, address)).faults).to.deep.equal([
      "takes 1007 for 1000 in a transfer: a surcharge",
      "takes 1007 for 1000 in a transfer to the vault: a surcharge",
    ]);
  });

  it("refuses a token that refuses the vault", async () => {
    const world = await load();
    const address = await deployToken("BlacklistToken", [18]);
    const token = await ethers.getContractAt("BlacklistToken", address);
    await token.setBlacklisted(world.book.contracts.vault, true);

    const { faults, notes } = await probe(world, address);
    expect(faults.map((text) => text.replace(/:.*/, ""))).to.deep.equal([
      "refuses a transfer to the vault",
      "refuses a transferFrom",
    ]);
    expect(notes).to.include("has isBlacklisted(address): its issuer can stop transfers");
  });

  it("cannot try a token whose balances it does not find, but with a holder", async () => {
    const world = await load();
    // Shares of a vault stand for a token that keeps balances elsewhere: the lookup is given another contract's address.
    const address = world.book.contracts.lens;
    const { faults } = await probe(world, address);
    expect(faults).to.deep.equal([
      "cannot be tried out: its balances are not kept as plain numbers, as those of tokens that rebase: try --holder",
    ]);

    const token = await ethers.getContractAt("TestToken", await deployToken());
    await token.mint(world.stranger, 10_000n);
    expect((await probe(world, await token.getAddress(), world.stranger.address)).faults).to.deep.equal([]);
    const empty = await probe(world, await token.getAddress(), world.governor.address);
    expect(empty.faults[0]).to.match(/^refuses a transfer: /);
  });
});
