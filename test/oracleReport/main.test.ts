/** `npm run oracles` as it runs: a process of its own against a node of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { type AddressBook, writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { type Ended, inWorld, root, runScript, startDeployment } from "../deployment.ts";
import { freePort } from "../keeper/processes.ts";

async function oracles(...args: string[]): Promise<Ended> {
  return runScript("scripts/oracles/main.ts", args);
}

/** A parameter file that names what a deployment has put where the local one says `local`; `edit` is run on it. */
function writeParameters(folder: string, name: string, book: AddressBook, edit = ""): string {
  const file = join(folder, name);
  const source = join(root, "deploy/parameters/local.ts");
  const text = `import local from ${JSON.stringify(source)};
const book = ${JSON.stringify(book, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))};
const file = structuredClone(local);
file.oracle.sequencer = book.sequencer;
for (const [symbol, { feed }] of Object.entries(file.assets)) {
  if (feed.proxy === "local") { feed.proxy = book.feeds[symbol]; delete feed.price; }
  if (feed.vault === "local") feed.vault = book.vaults[symbol];
  for (const side of ["both", "market", "rate"]) {
    for (const [index, leg] of (feed[side] ?? []).entries()) {
      if (typeof leg === "string") continue;
      leg.proxy = book.legs[[symbol, side, index].join(".")];
      delete leg.answer;
    }
  }
}
file.settlement.address = book.tokens.USDC;
for (const [symbol, token] of Object.entries(file.collaterals)) token.address = book.tokens[symbol];
${edit}
export default file;
`;
  writeFileSync(file, text);
  return file;
}

describe("oracles process", function () {
  this.timeout(60_000);

  const suite = inWorld(async (folder) => startDeployment(folder, "oracles"));

  it("reports on a deployment, with the heartbeats of its file", async () => {
    const { node, file, book } = suite.world;
    const { code, out, err } = await oracles("--deployment", file, "--rpc", node.url);

    expect(err).to.equal("");
    expect(out).to.match(
      /^ETH +4,000\.00 +4,000\.00 +0\.00 % +0\.05 % .* 1 h +1 h 5 min +50\.00 to 200,000\.00 +live$/m,
    );
    expect(out).to.match(new RegExp(`^WSTETH +derived +${book.feeds["WSTETH"] ?? ""} +- `, "m"));
    expect(out).to.match(
      new RegExp(`^BTC +rounds +${book.feeds["BTC"] ?? ""} +${book.aggregators["BTC"] ?? ""} +1 +1 `, "m"),
    );
    expect(out).to.match(/hours Sun 23:00 – Fri 21:00 UTC/);
    expect(out).to.match(/\nhealthy\n$/);
    expect(code).to.equal(0);
  });

  it("checks a parameter file against what is there", async () => {
    const { node, book } = suite.world;
    const { code, out, err } = await oracles(
      "--check",
      writeParameters(suite.folder, "as-is.ts", book),
      "--rpc",
      node.url,
    );

    expect(err).to.equal("");
    expect(out).to.match(/^ETH +0x\w{40} +ETH \/ USD +8 +0x\w{40} +1 +4,000\.000000 +.* 1 h$/m);
    expect(out).to.match(/^WSTETH\.rate\.0 +0x\w{40} +wstETH-stETH Exchange Rate +18 /m);
    expect(out).to.match(/^sequencer +0x\w{40} +L2 Sequencer Uptime Status Feed +0 /m);
    expect(out).to.match(/^WAUSDC vault +0x\w{40} +SHARE +6 /m);
    expect(out).to.match(/\nas the file says\n$/);
    expect(code).to.equal(0);
  });

  it("says what of a parameter file is otherwise on the chain, and fails", async () => {
    const { node, book } = suite.world;
    const edit = `
file.assets.ETH.feed.description = "ETH / EUR";
file.assets.BTC.feed.decimals = 18n;
file.assets.SOL.feed.proxy = "0x0000000000000000000000000000000000000007";
file.assets.WAUSDC.feed.vault = file.collaterals.WAUSDC.address = file.settlement.address;
file.oracle.sequencer = file.assets.LINK.feed.proxy;
file.oracle.verifier = file.settlement.address;
file.collaterals.WBTC.decimals = 6n;`;
    const file = writeParameters(suite.folder, "otherwise.ts", book, edit);
    const { code, out } = await oracles("--check", file, "--rpc", node.url, "--json");

    const report = JSON.parse(out) as { healthy: boolean; faults: string[] };
    expect(report.faults.map((fault) => fault.replace(/ \(0x\w+\)/, "").replace(/ for .*$/, ""))).to.have.members([
      'ETH describes itself "ETH / USD", not "ETH / EUR"',
      "BTC has 8 decimals, not 18",
      "SOL is not there, or not SOL / USD",
      "SOL has no decimals, not 8",
      "SOL has no round",
      'sequencer describes itself "LINK / USD", not "L2 Sequencer Uptime Status Feed"',
      "sequencer has 8 decimals, not 0",
      "sequencer says that the sequencer is down,",
      "verifier is not there, or not VerifierProxy",
      "WAUSDC vault says no rate of its shares",
      "WBTC token has 8 decimals, not 6",
    ]);
    expect([report.healthy, code]).to.deep.equal([false, 1]);
  });

  it("fails when a price is no longer live, and says why", async () => {
    const { node, ethers, file, book } = suite.world;
    const args = ["--deployment", file, "--rpc", node.url];
    const snapshot: unknown = await ethers.provider.send("evm_snapshot", []);
    await ethers.provider.send("evm_increaseTime", [3_901]);
    await ethers.provider.send("evm_mine", []);

    const { code, out } = await oracles(...args, "--json");
    expect(code).to.equal(1);
    const report = JSON.parse(out) as {
      healthy: boolean;
      faults: string[];
      feeds: { symbol: string; refusal: string }[];
    };
    expect(report.healthy).to.equal(false);
    expect(report.faults[0]).to.match(/^the settlement token is at 0\.950000, or its price is refused: the band is/);
    expect(report.faults.find((fault) => fault.startsWith("ETH "))).to.match(
      /^ETH is stale: its latest round is 1 h \d+ min old, the limit 1 h 5 min$/,
    );
    expect(report.feeds.find(({ symbol }) => symbol === "ETH")?.refusal).to.equal("Stale");

    const checked = await oracles("--check", writeParameters(suite.folder, "stale.ts", book), "--rpc", node.url);
    expect(checked.code).to.equal(1);
    expect(checked.out).to.match(/^ {2}ETH \(0x\w{40}\) is 1 h \d+ min old, heartbeat and margin are 1 h 5 min$/m);
    await ethers.provider.send("evm_revert", [snapshot]);
  });

  it("says what is wrong with its arguments, and how it is used", async () => {
    const ends = await Promise.all([
      oracles(),
      oracles("--deployment", suite.world.file, "--rpc", suite.world.node.url, "--jsn"),
    ]);

    expect(ends.map(({ code, out }) => [code, out])).to.deep.equal([
      [2, ""],
      [2, ""],
    ]);
    expect(ends[0].err).to.match(/^--deployment or --check is missing\nnpm run oracles -- --deployment FILE/);
    expect(ends[1].err).to.match(/^Unknown option '--jsn'/);
  });

  it("ends with a code of its own for another chain, another deployment, and no node", async () => {
    const { file, node, book, ethers } = suite.world;
    const write = (name: string, changed: AddressBook): string => {
      const written = join(suite.folder, name);
      writeAddressBook(written, changed);
      return written;
    };
    const nowhere = ethers.Wallet.createRandom().address;
    const { contracts } = book;
    const chain = write("chain.json", { ...book, chainId: 1n });
    const view = write("view.json", { ...book, contracts: { ...contracts, oracleHealth: nowhere } });
    const oracle = write("oracle.json", { ...book, contracts: { ...contracts, oracle: nowhere } });
    const elsewhere = join(root, "deploy/parameters/base.ts");

    const ends = await Promise.all([
      ...[chain, view, oracle].map(async (deployment) => oracles("--deployment", deployment, "--rpc", node.url)),
      oracles("--check", elsewhere, "--rpc", node.url),
      oracles("--deployment", file, "--rpc", `http://127.0.0.1:${await freePort()}`),
    ]);
    expect(ends.map(({ code }) => code)).to.deep.equal([3, 3, 3, 3, 4]);
    expect(ends.map(({ err }) => err.split("\n")[0])).to.deep.equal([
      "chain 31337, the deployment is on 1",
      `no code of oracleHealth at ${nowhere}`,
      `the health view belongs to the oracle ${contracts.oracle}, not ${nowhere}`,
      `chain 31337, ${elsewhere} is on 8453`,
      "the RPC endpoint does not answer",
    ]);
  });
});
