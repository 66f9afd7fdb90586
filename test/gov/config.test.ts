/** What `npm run gov` may be asked for with. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { ConfigError } from "../../scripts/command.ts";
import { writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { parseConfig } from "../../scripts/gov/config.ts";
import { walletAt } from "../../scripts/replay/wallets.ts";
import { addressBookWith } from "../addressBook.ts";

const RPC = "http://127.0.0.1:8545";
const { privateKey: KEY, address: OWN } = walletAt(1);
const ENV = { GOVERNOR: KEY, BAD: "0x12" };
const ID = `0x${"ab".repeat(32)}`;
const DEPLOYER = walletAt(0).address;

const book = addressBookWith({ deployer: DEPLOYER });

describe("parseConfig of governance", () => {
  let folder = "";
  const inPlace = (name: string): string => join(folder, name);
  const usual = (command: string, ...more: string[]): string[] => [
    command,
    ...["--deployment", inPlace("book.json"), "--rpc", RPC],
    ...more,
  ];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "gov-"));
    writeAddressBook(inPlace("book.json"), book);
    writeAddressBook(inPlace("unknown.json"), { ...book, parameters: "elsewhere.ts" });
    writeFileSync(inPlace("broken.ts"), "export default {");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("is a dry run by the governor of the file, unless it is told otherwise", async () => {
    const config = await parseConfig(usual("plan"), ENV);

    expect(config).to.deep.include({ command: "plan", send: false, key: undefined, safe: undefined, json: false });
    expect(config.from).to.equal(DEPLOYER);
    expect([config.only, config.operations, config.when]).to.deep.equal([[], [], 0n]);
  });

  it("acts for the account of the key", async () => {
    const config = await parseConfig(usual("execute", "--all", "--key-env", "GOVERNOR", "--send"), ENV);

    expect(config).to.deep.include({ from: OWN, key: KEY, send: true, all: true });
    expect(new Wallet(config.key ?? "").address).to.equal(OWN);
  });

  it("reads a time, paths and operations", async () => {
    const at = ["--at", "2026-12-01T12:00:00Z", "--only", "assets.*.risk", "--only", "money"];
    const proposal = await parseConfig(usual("propose", ...at), ENV);
    expect([proposal.when, proposal.only]).to.deep.equal([1_796_126_400n, ["assets.*.risk", "money"]]);

    const { operations } = await parseConfig(usual("cancel", "--operation", ID, "--operation", ID), ENV);
    expect(operations).to.deep.equal([ID, ID]);
  });

  const bad: [string, () => string[], RegExp][] = [
    ["no command", () => [], /^a command is missing: plan, propose/],
    ["an unknown command", () => usual("proposee"), /^no command proposee: plan, /],
    ["two commands", () => usual("plan", "audit"), /^one command at a time, not audit too$/],
    ["no deployment", () => ["plan", "--rpc", RPC], /^--deployment is missing$/],
    ["no endpoint", () => ["plan", "--deployment", inPlace("book.json")], /^--rpc is missing$/],
    ["an endpoint of another kind", () => [...usual("plan").slice(0, 4), "ws://x"], /^--rpc is no http URL: ws:/],
    ["an unknown flag", () => usual("plan", "--sendd"), /^Unknown option '--sendd'/],
    ["a flag of another command", () => usual("plan", "--all"), /^--all is not for plan$/],
    ["sending what only reads", () => usual("audit", "--send"), /^--send is not for audit$/],
    ["sending without a key", () => usual("propose", "--send"), /^--send needs --key-env$/],
    ["a key that is not there", () => usual("propose", "--key-env", "NONE"), /^the environment has no NONE$/],
    ["a key that is none", () => usual("propose", "--key-env", "BAD"), /^BAD is not a private key/],
    [
      "another caller than the key's",
      () => usual("propose", "--key-env", "GOVERNOR", "--from", DEPLOYER),
      /^--from is 0x\w{40}, the key is of 0x\w{40}$/,
    ],
    ["a caller that is no address", () => usual("plan", "--from", "0x12"), /^--from is not an address: 0x12$/],
    ["no operation", () => usual("execute"), /^--operation or --all is missing$/],
    ["both", () => usual("cancel", "--all", "--operation", ID), /^--operation and --all exclude each other$/],
    ["an operation that is none", () => usual("cancel", "--operation", "0xab"), /^--operation is no id/],
    ["a time that is none", () => usual("propose", "--at", "tomorrow"), /^--at is not a time in UTC/],
    [
      "a time of another zone",
      () => usual("propose", "--at", "2026-12-01T12:00:00+01:00"),
      /^--at is not a time in UTC/,
    ],
    [
      "two ways out",
      () => usual("propose", "--send", "--key-env", "GOVERNOR", "--safe", "x.json"),
      /^--send and --safe exclude each other$/,
    ],
    ["two things to propose", () => usual("propose", "--call", "x", "--only", "y"), /^--call and --only exclude each/],
    ["a book that is not there", () => ["plan", "--deployment", inPlace("none"), "--rpc", RPC], /^cannot read the dep/],
    [
      "a file that is not there",
      () => ["plan", "--deployment", inPlace("unknown.json"), "--rpc", RPC],
      /elsewhere\.ts: --parameters is missing$/,
    ],
    ["a malformed file", () => usual("plan", "--parameters", inPlace("broken.ts")), /^cannot load the parameters/],
  ];
  for (const [what, argv, message] of bad) {
    it(`refuses ${what}`, async () => {
      const error = await parseConfig(argv(), ENV).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(ConfigError);
      expect((error as Error).message).to.match(message);
      expect((error as Error).message).not.to.include(KEY);
    });
  }
});
