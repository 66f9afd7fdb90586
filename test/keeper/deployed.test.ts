/** The checks at the start against what a deployment really is. */
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { ROLES } from "../../deploy/roles.ts";
import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { checkContracts, WrongContractsError } from "../../scripts/keeper/boot.ts";
import { abiOf, builtOf } from "../../scripts/keeper/builds.ts";
import { checkRoles, RolesError } from "../../scripts/keeper/roles.ts";
import { rejected } from "./rejected.ts";

const connection = await network.create();
const { ethers, networkHelpers } = connection;
const { provider } = ethers;
const parameters = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/local.ts"));
const PUBLIC = 2n ** 64n - 1n;

async function deployed() {
  const [deployer, stranger] = await ethers.getSigners();
  if (deployer === undefined || stranger === undefined) throw new Error("the network has no accounts");
  const { book, contracts } = await deployPlimsoll({ connection, parameters });
  const code = async () => checkContracts({ provider, book, builtOf });
  const roles = async (signer?: string) => checkRoles({ provider, book, abiOf, signer });
  return { book, contracts, deployer: deployer.address, stranger: stranger.address, code, roles };
}

describe("keeper's checks of a deployment", function () {
  this.timeout(120_000);

  it("pass it as it was deployed", async () => {
    const { code, roles, stranger } = await networkHelpers.loadFixture(deployed);
    await code();
    await roles(stranger);
  });

  it("find one byte of other code, of a contract, of a library, and of the oracle's extension", async () => {
    const { book, contracts, code } = await networkHelpers.loadFixture(deployed);
    const getter = ["function extension() view returns (address)"];
    const oracle = new ethers.Contract(await contracts.oracle.getAddress(), getter, provider);
    const oracleExtension = String(await oracle.getFunction("extension")());
    const places = {
      lens: book.contracts.lens,
      Waterfall: book.libraries["Waterfall"],
      oracleExtension,
    };
    for (const [name, address = ""] of Object.entries(places)) {
      const right = await provider.getCode(address);
      const middle = right.length / 2;
      const digit = right[middle] === "0" ? "1" : "0";
      await networkHelpers.setCode(address, right.slice(0, middle) + digit + right.slice(middle + 1));
      expect(await rejected(code()))
        .to.be.instanceOf(WrongContractsError)
        .and.to.match(new RegExp(`that of ${name} `));
      await networkHelpers.setCode(address, right);
    }
    await code();
  });

  it("find a library elsewhere", async () => {
    const { book } = await networkHelpers.loadFixture(deployed);
    const libraries = { ...book.libraries, Ramps: book.libraries["Settings"] ?? "" };
    const check = checkContracts({ provider, book: { ...book, libraries }, builtOf });

    expect(await rejected(check))
      .to.be.instanceOf(WrongContractsError)
      .and.to.match(/Ramps/);
  });

  it("find a key with a role, and a function that anybody may call", async () => {
    const { book, contracts, deployer, stranger, roles } = await networkHelpers.loadFixture(deployed);
    const { authority } = contracts;
    expect(await rejected(roles(deployer))).to.match(/is admin of the deployment/);
    await authority.getFunction("grantRole")(ROLES.guardian, stranger, 0);
    expect(await rejected(roles(stranger))).to.match(/is guardian of the deployment/);

    const selector = contracts.vault.interface.getFunction("setCap").selector;
    await authority.getFunction("setTargetFunctionRole")(book.contracts.vault, [selector], PUBLIC);
    expect(await rejected(roles()))
      .to.be.instanceOf(RolesError)
      .and.to.match(/vault\.setCap is for the role public, not for governor/);
  });
});
