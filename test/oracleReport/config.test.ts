/** What `npm run oracles` may be asked for with. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { ConfigError } from "../../scripts/command.ts";
import { writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { parseConfig } from "../../scripts/oracles/config.ts";
import { addressBookWith } from "../addressBook.ts";

const folder = join(import.meta.dirname, "../../deploy/parameters");
const RPC = "http://127.0.0.1:8545";

const book = addressBookWith({
  parameters: "base.ts",
  chainId: 8453n,
  tokens: { USDC: ZeroAddress },
  feeds: Object.fromEntries(
    ["ETH", "BTC", "SOL", "LINK", "EUR", "CBBTC", "WSTETH", "USDC", "WAUSDC"].map((symbol) => [symbol, ZeroAddress]),
  ),
});

describe("parseConfig of the oracles report", () => {
  let place = "";
  const inPlace = (name: string): string => join(place, name);
  before(() => {
    place = mkdtempSync(join(tmpdir(), "oracles-"));
    writeAddressBook(inPlace("book.json"), book);
    writeAddressBook(inPlace("unknown.json"), { ...book, parameters: "elsewhere.ts" });
    writeFileSync(inPlace("broken.ts"), "export default { chainId: 1n };");
  });
  after(() => {
    rmSync(place, { recursive: true });
  });

  it("takes a deployment, and the file that its address book names", async () => {
    const config = await parseConfig(["--deployment", inPlace("book.json"), "--rpc", RPC, "--json"]);

    if ("check" in config) throw new Error("a check");
    expect([config.book, config.rpc, config.json]).to.deep.equal([book, RPC, true]);
    expect(config.parameters?.file).to.equal(join(folder, "base.ts"));
  });

  it("goes without a file that is not there", async () => {
    const config = await parseConfig(["--deployment", inPlace("unknown.json"), "--rpc", RPC]);

    expect(config).to.deep.include({ parameters: undefined, json: false });
  });

  it("takes the file that it is given in its place", async () => {
    const given = ["--parameters", join(folder, "base.ts")];
    const config = await parseConfig(["--deployment", inPlace("unknown.json"), "--rpc", RPC, ...given]);

    expect("parameters" in config && config.parameters?.chainId).to.equal(8453n);
  });

  it("takes a file to check, without any deployment", async () => {
    const config = await parseConfig(["--check", join(folder, "arbitrum.ts"), "--rpc", RPC]);

    expect("check" in config && config.check.chainId).to.equal(42161n);
  });

  const usual = () => ["--deployment", inPlace("book.json"), "--rpc", RPC];
  const bad: [string, () => string[], RegExp][] = [
    ["nothing", () => [], /^--deployment or --check is missing$/],
    ["an empty deployment", () => ["--deployment", "", "--rpc", RPC], /^--deployment or --check is missing$/],
    ["no endpoint", () => usual().slice(0, 2), /^--rpc is missing$/],
    ["an endpoint of another kind", () => [...usual().slice(0, 3), "ftp://x"], /^--rpc is no http URL: ftp:/],
    ["two tasks", () => [...usual(), "--check", inPlace("broken.ts")], /^--check and --deployment exclude each other$/],
    [
      "parameters of a check",
      () => ["--check", inPlace("broken.ts"), "--parameters", inPlace("broken.ts"), "--rpc", RPC],
      /^--parameters is only for --deployment$/,
    ],
    ["an unknown flag", () => [...usual(), "--jsn"], /^Unknown option '--jsn'/],
    ["a word too many", () => [...usual(), "extra"], /^Unexpected argument 'extra'/],
    [
      "an address book that is not there",
      () => ["--deployment", inPlace("none.json"), "--rpc", RPC],
      /^cannot read the deployment/,
    ],
    [
      "a parameter file that is not there",
      () => ["--check", inPlace("none.ts"), "--rpc", RPC],
      /^cannot load the param/,
    ],
    [
      "a parameter file that says too little",
      () => ["--check", inPlace("broken.ts"), "--rpc", RPC],
      /broken\.ts: governance: missing key/,
    ],
    [
      "the parameters of another deployment",
      () => [...usual(), "--parameters", join(folder, "arbitrum.ts")],
      /arbitrum\.ts lists ETH, BTC, SOL, LINK, WBTC, .*, the deployment ETH, BTC, SOL, LINK, EUR, /,
    ],
  ];
  for (const [what, argv, message] of bad) {
    it(`refuses ${what}`, async () => {
      const error = await parseConfig(argv()).catch((thrown: unknown) => thrown);

      expect(error).to.be.instanceOf(ConfigError);
      expect((error as Error).message).to.match(message);
    });
  }
});
