import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { CONTRACTS, readAddressBook, writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { ConfigError, parseConfig } from "../../scripts/keeper/config.ts";

const KEY = `0x${"11".repeat(32)}`;
const book = {
  parameters: "local.ts",
  chainId: 31337n,
  block: 7n,
  deployer: ZeroAddress,
  contracts: Object.fromEntries(CONTRACTS.map((name) => [name, ZeroAddress])) as Record<
    (typeof CONTRACTS)[number],
    string
  >,
  libraries: {},
  tokens: { USDC: ZeroAddress },
  feeds: { ETH: ZeroAddress },
  legs: {},
  vaults: {},
  streams: {},
  streamReports: ZeroAddress,
  reportRelay: ZeroAddress,
  sequencer: ZeroAddress,
  verifier: ZeroAddress,
  aggregators: {},
};

describe("parseConfig", () => {
  let folder = "";
  let file = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "keeper-"));
    file = join(folder, "addresses.json");
    writeAddressBook(file, book);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const parse = (...argv: string[]) => parseConfig(argv, { KEY, SHORT: "0x1234" });
  const usual = () => ["--deployment", file, "--rpc", "http://127.0.0.1:8545", "--key-env", "KEY"];

  it("is a dry run unless told otherwise", () => {
    expect(parse(...usual())).to.deep.equal({
      book,
      rpc: "http://127.0.0.1:8545",
      key: KEY,
      send: false,
      once: false,
      intervalMs: 2_000,
      logRange: 2_000,
      timeoutMs: 30_000,
      logLevel: "info",
    });
    expect(parse(...usual(), "--send").send).to.equal(true);
  });

  const bad: [string, () => string[]][] = [
    ["no deployment", () => usual().slice(2)],
    ["a deployment that is not there", () => [...usual(), "--deployment", "/nowhere.json"]],
    ["no endpoint", () => [...usual().slice(0, 2), ...usual().slice(4)]],
    ["an endpoint that is no URL", () => [...usual(), "--rpc", "localhost"]],
    ["a variable that is not set", () => [...usual(), "--key-env", "NOTHING"]],
    ["a key that is too short", () => [...usual(), "--key-env", "SHORT"]],
    ["an unknown option", () => [...usual(), "--fast"]],
    ["an unknown level", () => [...usual(), "--log-level", "loud"]],
    ["an interval that is no number", () => [...usual(), "--interval", "soon"]],
    ["an interval out of range", () => [...usual(), "--interval", "1"]],
  ];
  for (const [what, argv] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => parse(...argv())).to.throw(ConfigError);
    });
  }

  it("does not show a key that it refuses", () => {
    expect(() => parse(...usual(), "--key-env", "SHORT")).to.throw(/^(?!.*0x1234)/);
  });

  it("refuses an address book that lacks a contract", () => {
    const broken = join(folder, "broken.json");
    const contracts = { ...book.contracts } as Record<string, string>;
    delete contracts["lens"];
    writeFileSync(broken, JSON.stringify({ ...book, contracts, chainId: "31337", block: "7" }));

    expect(() => readAddressBook(broken)).to.throw(/contracts\.lens: missing key/);
  });
});
