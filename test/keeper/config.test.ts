import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { readAddressBook, writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { ConfigError, KeyError, parseConfig, secretsOf } from "../../scripts/keeper/config.ts";
import { addressBookWith } from "../addressBook.ts";

const KEY = `0x${"11".repeat(32)}`;
const SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const book = addressBookWith({ tokens: { USDC: ZeroAddress }, feeds: { ETH: ZeroAddress } });

describe("parseConfig", () => {
  let folder = "";
  let file = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "keeper-"));
    file = join(folder, "addresses.json");
    writeAddressBook(file, book);
    writeFileSync(join(folder, "password"), "secret word\n");
    writeFileSync(join(folder, "keystore.json"), "{}");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const env = {
    KEY,
    SHORT: "0x1234",
    URLS: "https://a.example/token,https://b.example",
    HOOK: "https://hook.example/t",
  };
  const parse = (argv: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    parseConfig(argv, { ...env, ...more });
  const bare = () => ["orders", "--deployment", file, "--rpc", "http://127.0.0.1:8545"];
  const usual = () => [...bare(), "--key-env", "KEY"];

  it("is a dry run unless told otherwise", () => {
    expect(parse(usual())).to.deep.equal({
      roles: new Set(["orders"]),
      book,
      rpc: ["http://127.0.0.1:8545"],
      relay: undefined,
      send: false,
      once: false,
      key: { kind: "key", key: KEY },
      database: undefined,
      shard: { index: 0, count: 1 },
      maxFee: 500n * 10n ** 9n,
      maxTip: 10n ** 7n,
      margin: 0n,
      minBalance: 10n ** 16n,
      maxTakeOver: 0n,
      confirmations: 1,
      maxInFlight: 8,
      timeoutMs: 30_000,
      intervalMs: 2_000,
      deadlineMs: 120_000,
      rpcTimeoutMs: 10_000,
      logRange: 2_000,
      checkIntervalMs: 3_600_000,
      watch: undefined,
      staleAfterMs: 120_000,
      overdueAfterMs: 300_000,
      webhook: undefined,
      logLevel: "info",
    });
    expect(parse([...usual(), "--send"]).send).to.equal(true);
  });

  it("takes several roles, endpoints, a shard, and amounts in whole units", () => {
    const argv = ["liquidate", "pool", ...usual(), "--shard", "2/5", "--max-fee", "0.05", "--margin=-1.5"];
    const config = parse([...argv, "--rpc", "https://a.example,https://b.example"]);

    expect([...config.roles]).to.deep.equal(["liquidate", "pool", "orders"]);
    expect(config.rpc).to.deep.equal(["https://a.example", "https://b.example"]);
    expect(config).to.deep.include({ shard: { index: 2, count: 5 }, maxFee: 5n * 10n ** 7n });
    expect(config.margin).to.equal(-15n * 10n ** 17n);
  });

  it("takes endpoints, webhook and database from the environment", () => {
    const argv = ["orders", "--deployment", file, "--rpc-env", "URLS", "--alert-webhook-env", "HOOK"];
    const config = parse([...argv, "--key-env", "KEY"], { DATABASE_URL: "postgres://keeper:word@db.example/index" });

    expect(config.rpc).to.have.length(2);
    expect(config.webhook).to.equal("https://hook.example/t");
    expect(config.database).to.deep.equal({ url: "postgres://keeper:word@db.example/index" });
  });

  it("takes a keystore with its password, and a signer with its address", () => {
    const keystore = [...bare(), "--keystore", join(folder, "keystore.json")];

    expect(parse([...keystore, "--password-file", join(folder, "password")]).key).to.deep.equal({
      kind: "keystore",
      json: "{}",
      password: "secret word",
    });
    const external = [...bare(), "--signer", "http://127.0.0.1:9000", "--address", SIGNER.toLowerCase()];
    expect(parse(external).key).to.deep.equal({ kind: "external", url: "http://127.0.0.1:9000", address: SIGNER });
  });

  it("needs no key for a dry run, nor for one that only monitors", () => {
    expect(parse([...bare(), "--address", SIGNER]).key).to.deep.equal({ kind: "none", address: SIGNER });
    expect(parse(["monitor", ...bare().slice(1), "--send"]).key.kind).to.equal("none");
  });

  const bad: [string, () => string[]][] = [
    ["no role", () => usual().slice(1)],
    ["an unknown role", () => ["order", ...usual()]],
    ["no deployment", () => ["orders", ...usual().slice(3)]],
    ["a deployment that is not there", () => [...usual(), "--deployment", "/nowhere.json"]],
    ["no endpoint", () => [...usual().slice(0, 3), ...usual().slice(5)]],
    ["an endpoint that is no URL", () => [...usual(), "--rpc", "localhost"]],
    ["an empty endpoint among others", () => [...usual(), "--rpc", "http://a.example,"]],
    ["an endpoint twice", () => [...usual(), "--rpc", "http://a.example,http://a.example/"]],
    ["endpoints by flag and variable", () => [...usual(), "--rpc-env", "URLS"]],
    ["endpoints of a variable that is not set", () => ["orders", "--deployment", file, "--rpc-env", "NOTHING"]],
    ["a relay that is no URL", () => [...usual(), "--relay", "ftp://a"]],
    ["two kinds of keys", () => [...usual(), "--signer", "http://a.example", "--address", SIGNER]],
    ["a signer without an address", () => [...bare(), "--signer", "http://a.example"]],
    ["an address that is none", () => [...bare(), "--address", "0x12"]],
    ["a keystore without a password", () => [...bare(), "--keystore", file]],
    ["an empty database", () => [...usual(), "--database", ""]],
    ["a shard beyond the last", () => [...usual(), "--shard", "3/3"]],
    ["too many shards", () => [...usual(), "--shard", "0/100000"]],
    ["a shard that is no fraction", () => [...usual(), "--shard", "1"]],
    ["an unknown option", () => [...usual(), "--fast"]],
    ["an unknown level", () => [...usual(), "--log-level", "loud"]],
    ["an interval that is no number", () => [...usual(), "--interval", "soon"]],
    ["an interval out of range", () => [...usual(), "--interval", "1"]],
    ["an absurd fee", () => [...usual(), "--max-fee", "1000000"]],
    ["an absurd tip", () => [...usual(), "--max-tip", "5000"]],
    ["no fee at all", () => [...usual(), "--max-fee", "0"]],
    ["a fee in scientific notation", () => [...usual(), "--max-fee", "1e3"]],
    ["more decimals than a unit has", () => [...usual(), "--max-fee", "1.0000000001"]],
    ["an absurd balance", () => [...usual(), "--min-balance", "5000"]],
    ["an absurd margin", () => [...usual(), "--margin", "-5000"]],
    ["more in flight than pools take", () => [...usual(), "--in-flight", "100"]],
    ["no confirmations", () => [...usual(), "--confirmations", "0"]],
    ["a port that is none", () => [...usual(), "--port", "70000"]],
    ["an alarm that would always ring", () => [...usual(), "--interval", "60000", "--stale-after", "100"]],
    [
      "an alert about all that is liquidated in time",
      () => [...usual(), ...["--interval", "30000", "--overdue-after", "59"]],
    ],
    ["a tip above the fee that it is a part of", () => [...usual(), "--max-fee", "1", "--max-tip", "1.000000001"]],
    ["an answer that may outlast a cycle", () => [...usual(), "--rpc-timeout", "5001", "--deadline", "5000"]],
    ["takeovers by who does not liquidate", () => [...usual(), "--take-over", "1"]],
    ["a webhook that is no URL", () => [...usual(), "--alert-webhook", "chat"]],
  ];
  for (const [what, argv] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => parse(argv())).to.throw(ConfigError);
    });
  }

  const keyless: [string, () => string[]][] = [
    ["no key to send with", () => [...bare(), "--send"]],
    ["a variable that is not set", () => [...bare(), "--key-env", "NOTHING"]],
    ["a key that is too short", () => [...bare(), "--key-env", "SHORT"]],
    ["a keystore that is not there", () => [...bare(), "--keystore", "/nowhere", "--password-env", "SHORT"]],
    ["a password that is not set", () => [...bare(), "--keystore", file, "--password-env", "NOTHING"]],
  ];
  for (const [what, argv] of keyless) {
    it(`refuses ${what} as a missing key`, () => {
      expect(() => parse(argv())).to.throw(KeyError);
    });
  }

  it("takes what is at the edge of these", () => {
    const { maxFee, maxTip } = parse([...usual(), "--max-fee", "1", "--max-tip", "1"]);
    expect(maxTip).to.equal(maxFee);
    parse([...usual(), "--rpc-timeout", "5000", "--deadline", "5000"]);
    parse([...usual(), "--interval", "30000", "--overdue-after", "60"]);
    parse(["liquidate", ...usual(), "--take-over", "1"]);
  });

  it("names both flags and values of what does not go together", () => {
    expect(() => parse([...usual(), "--max-fee", "1", "--max-tip", "2"])).to.throw(/--max-tip 2 .* --max-fee 1,/);
    expect(() => parse([...usual(), "--rpc-timeout", "5001", "--deadline", "5000"])).to.throw(/5001 ms .* 5000 ms/);
  });

  it("names the flag and the value", () => {
    expect(() => parse([...usual(), "--max-fee", "lots"])).to.throw(/--max-fee .*: lots$/);
    expect(() => parse([...usual(), "--shard", "9/3"])).to.throw(/--shard .*: 9\/3$/);
  });

  it("refuses a database by flag and by variable, and a variable of another kind", () => {
    const DATABASE_URL = "postgres://db.example/index";
    expect(() => parse([...usual(), "--database", "index.db"], { DATABASE_URL })).to.throw(ConfigError);
    expect(() => parse(usual(), { DATABASE_URL: "mysql://user:word@db.example" })).to.throw(/^(?!.*word)/);
  });

  it("does not show a key, an endpoint or a webhook that it refuses", () => {
    expect(() => parse([...bare(), "--key-env", "SHORT"])).to.throw(/^(?!.*0x1234)/);
    expect(() => parse([...usual(), "--rpc", "wss://name:word@a.example"])).to.throw(/^(?!.*word)/);
  });

  it("knows what is secret", () => {
    const config = parse([
      ...usual(),
      "--relay",
      "https://relay.example/r",
      "--alert-webhook",
      "https://hook.example/w",
    ]);

    expect(secretsOf(config)).to.include.members([
      KEY,
      "http://127.0.0.1:8545",
      "https://relay.example/r",
      "https://hook.example/w",
    ]);
  });

  it("refuses an address book that lacks a contract", () => {
    const broken = join(folder, "broken.json");
    const contracts = { ...book.contracts } as Record<string, string>;
    delete contracts["lens"];
    writeFileSync(broken, JSON.stringify({ ...book, contracts, chainId: "31337", block: "7" }));

    expect(() => readAddressBook(broken)).to.throw(/contracts\.lens: missing key/);
  });
});
