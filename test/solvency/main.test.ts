/** `npm run solvency` as it runs: a process of its own against a node of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { writeAddressBook } from "../../scripts/deploy/addressBook.ts";
import { type Ended, inWorld, runScript, startDeployment } from "../deployment.ts";
import { freePort } from "../keeper/processes.ts";

const SETTLEMENT = 255;
const AMOUNT = 20_000n * 10n ** 6n;

async function solvency(...args: string[]): Promise<Ended> {
  return runScript("scripts/solvency/main.ts", args);
}

async function startWorld(folder: string) {
  const deployment = await startDeployment(folder, "solvency");
  const { ethers, book } = deployment;
  const [signer] = await ethers.getSigners();
  if (signer === undefined) throw new Error("no signer");
  const usdc = await ethers.getContractAt("TestToken", book.tokens["USDC"] ?? "", signer);
  return { ...deployment, signer, usdc };
}

describe("solvency process", function () {
  this.timeout(60_000);

  const suite = inWorld(startWorld);

  it("reports on a deployment, and fails when the vault lacks a token", async () => {
    const { node, ethers, contracts, file, signer, usdc } = suite.world;
    const account = ethers.toBeHex(BigInt(signer.address) << 96n, 32);
    await (await usdc.mint(signer, AMOUNT)).wait();
    await (await usdc.approve(contracts.vault, AMOUNT)).wait();
    await (await contracts.vault.connect(signer).deposit(account, SETTLEMENT, AMOUNT)).wait();

    const args = ["--deployment", file, "--rpc", node.url];
    const text = await solvency(...args);
    expect(text.err).to.equal("");
    expect(text.out).to.match(/^USDC +20,000\.000000 +20,000\.000000 +0\.000000$/m);
    expect(text.out).to.match(/^traders' cash and escrows +20,000\.00$/m);
    for (const symbol of ["ETH", "BTC"]) expect(text.out).to.match(new RegExp(`^${symbol} `, "m"));
    expect(text.out).to.match(/\nsound\n$/);
    expect(text.code).to.equal(0);

    const vault = await contracts.vault.getAddress();
    const { provider } = ethers;
    await provider.send("hardhat_setBalance", [vault, "0xde0b6b3a7640000"]);
    await provider.send("hardhat_impersonateAccount", [vault]);
    await (await usdc.connect(await ethers.getSigner(vault)).transfer(signer, 1n)).wait();
    await provider.send("hardhat_stopImpersonatingAccount", [vault]);
    const broken = await solvency(...args, "--json");
    expect(broken.code).to.equal(1);
    const report = JSON.parse(broken.out) as { sound: boolean; breaches: string[]; tradersCash: string };
    expect(report.sound).to.equal(false);
    expect(report.breaches.join("\n")).to.match(/^the vault lacks 0\.000001 USDC: it has 19,999\.999999,/);
    expect(report.breaches.length).to.equal(2); // nobody but traders has paid in, so that their cash is not covered
    expect(report.tradersCash).to.equal(String(AMOUNT * 10n ** 12n));
    await (await usdc.mint(vault, 1n)).wait();
    expect((await solvency(...args)).code).to.equal(0);
  });

  it("says what is wrong with its arguments, and how it is used", async () => {
    const { file, node } = suite.world;
    const cases: [string[], RegExp][] = [
      [[], /^--deployment is missing/],
      [["--deployment", file], /^--rpc is missing/],
      [["--deployment", file, "--rpc", "ftp://x"], /^--rpc is no http URL: ftp:/],
      [["--deployment", file, "--rpc", node.url, "--jsn"], /^Unknown option '--jsn'/],
      [["--deployment", file, "--rpc", node.url, "extra"], /^Unexpected argument 'extra'/],
      [["--deployment", join(suite.folder, "none.json"), "--rpc", node.url], /^cannot read the deployment/],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await solvency(...args);
      expect([code, out]).to.deep.equal([2, ""]);
      expect(err).to.match(message);
      expect(err).to.include("npm run solvency -- --deployment FILE");
    }
  });

  it("ends with a code of its own for another chain, another deployment, and no node", async () => {
    const { file, node, book, ethers } = suite.world;
    const write = (name: string, changed: typeof book): string => {
      const written = join(suite.folder, name);
      writeAddressBook(written, changed);
      return written;
    };
    const nowhere = ethers.Wallet.createRandom().address;
    const chain = write("chain.json", { ...book, chainId: 1n });
    const lens = write("lens.json", { ...book, contracts: { ...book.contracts, lens: nowhere } });
    const house = write("house.json", { ...book, contracts: { ...book.contracts, clearingHouse: nowhere } });
    const broken = join(suite.folder, "broken.json");
    writeFileSync(broken, "{");

    const ends = await Promise.all([
      ...[chain, lens, house, broken].map(async (deployment) =>
        solvency("--deployment", deployment, "--rpc", node.url),
      ),
      solvency("--deployment", file, "--rpc", `http://127.0.0.1:${await freePort()}`),
    ]);
    expect(ends.map(({ code }) => code)).to.deep.equal([3, 3, 3, 2, 4]);
    expect(ends.map(({ err }) => err.split("\n")[0])).to.deep.equal([
      "chain 31337, the deployment is on 1",
      `no code of lens at ${nowhere}`,
      `the lens belongs to the clearing house ${book.contracts.clearingHouse}, not ${nowhere}`,
      `cannot read the deployment ${broken}`,
      "the RPC endpoint does not answer",
    ]);
  });
});
