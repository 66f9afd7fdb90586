import { expect } from "chai";

import { accountOf, empty, ethers, loadFixture } from "../fixture.ts";
import { SETTLEMENT, wad } from "../parameters.ts";
import { LISTED } from "./helpers.ts";

async function withToken() {
  const world = await empty();
  return { ...world, token: await ethers.deployContract("TestToken", ["Any", "ANY", 12]) };
}

describe("Vault's views", () => {
  it("refuse what is not listed", async () => {
    const { vault, token } = await loadFixture(withToken);

    for (const view of [vault.held, vault.surplus, vault.limitsOf, vault.tokenOf] as const) {
      await expect(view(LISTED)).to.be.revertedWithCustomError(vault, "UnknownToken").withArgs(LISTED);
    }
    await expect(vault.indexOf(token)).to.be.revertedWithCustomError(vault, "NotListed").withArgs(token);
  });

  it("show a loss as a negative surplus", async () => {
    const { vault, tokens, alice, fund } = await loadFixture(empty);
    await fund(alice, wad("10"));
    const thief = await ethers.getImpersonatedSigner(await vault.getAddress());
    await ethers.provider.send("hardhat_setBalance", [thief.address, "0xde0b6b3a7640000"]);

    await tokens.usdc.connect(thief).transfer(alice, 3n);

    expect(await vault.surplus(SETTLEMENT)).to.equal(-3n);
  });

  it("have no verb by which the admin moves a token", async () => {
    const { vault, admin, clearingHouse, fund, alice } = await loadFixture(empty);
    const account = await fund(alice, wad("10"));

    const verbs = vault.interface.fragments
      .filter((fragment) => fragment.type === "function")
      .map((fragment) => fragment.format("sighash"))
      .sort();
    expect(verbs).to.deep.equal([
      "authority()",
      "clearingHouse()",
      "count()",
      "deposit(bytes32,uint256,uint256)",
      "depositWithPermit(bytes32,uint256,uint256,uint256,uint8,bytes32,bytes32)",
      "held(uint256)",
      "indexOf(address)",
      "isConsumingScheduledOp()",
      "limitsOf(uint256)",
      "list(address,uint256,uint256)",
      "multicall(bytes[])",
      "setAuthority(address)",
      "setCap(uint256,uint256)",
      "setOutflowLimit(uint256,uint256)",
      "surplus(uint256)",
      "tokenOf(uint256)",
      "withdraw(bytes32,uint256,uint256,address)",
    ]);
    await expect(vault.connect(admin).withdraw(account, SETTLEMENT, 1n, admin))
      .to.be.revertedWithCustomError(clearingHouse, "NotAuthorized")
      .withArgs(accountOf(alice), admin, 4n);
  });
});
