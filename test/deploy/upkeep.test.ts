import { join } from "node:path";

import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { network } from "hardhat";

import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { DeploymentError } from "../../scripts/deploy/DeploymentError.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { deployUpkeep, registrationsOf, type UpkeepLimits } from "../../scripts/deploy/upkeep.ts";

const connection = await network.create();
const { ethers, networkHelpers } = connection;
const parameters = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/local.ts"));

const LIMITS: UpkeepLimits = { gas: 5_000_000n, size: 1_000n, period: 2n, shards: 3 };

async function deployed() {
  const [deployer, owner] = await ethers.getSigners();
  if (deployer === undefined || owner === undefined) throw new Error("the network has no accounts");
  const { book, contracts } = await deployPlimsoll({ connection, parameters });
  const interfaces = { clearingHouse: contracts.clearingHouse.interface, orders: contracts.orders.interface };
  return { book, contracts, interfaces, deployer, owner };
}

async function rejected(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("deployUpkeep", () => {
  it("leaves an upkeep over the deployment, with the owner that was named", async () => {
    const { book, owner } = await networkHelpers.loadFixture(deployed);

    const { upkeep, finder } = await deployUpkeep({ connection, book, owner: owner.address });
    expect(await upkeep.owner()).to.equal(owner.address);
    expect(await upkeep.finder()).to.equal(finder);
    expect(await upkeep.orders()).to.equal(book.contracts.orders);
    expect(await upkeep.clearingHouse()).to.equal(book.contracts.clearingHouse);
  });

  it("refuses another chain, a protocol that is not there, and nobody as the owner", async () => {
    const { book } = await networkHelpers.loadFixture(deployed);
    const elsewhere = { ...book, chainId: 1n };
    const nowhere = { ...book, contracts: { ...book.contracts, lens: "0x000000000000000000000000000000000000dEaD" } };

    for (const options of [
      { book: elsewhere },
      { book: nowhere },
      { book, owner: ZeroAddress },
      { book, owner: "0x12" },
    ]) {
      expect(await rejected(deployUpkeep({ connection, ...options }))).to.be.instanceOf(DeploymentError);
    }
  });

  it("refuses a lens of another clearing house than the book's", async () => {
    const { book } = await networkHelpers.loadFixture(deployed);
    const contracts = { ...book.contracts, clearingHouse: book.contracts.vault };

    expect(await rejected(deployUpkeep({ connection, book: { ...book, contracts } }))).to.be.instanceOf(
      DeploymentError,
    );
  });
});

describe("registrationsOf", () => {
  it("names check data that the upkeep takes: every duty, accounts in shards", async () => {
    const { book, interfaces } = await networkHelpers.loadFixture(deployed);
    const { upkeep } = await deployUpkeep({ connection, book });

    const duties = registrationsOf(book, interfaces, LIMITS).filter(({ trigger }) => trigger === "conditional");
    expect(duties.map(({ name }) => name)).to.deep.equal([
      "Prices",
      "Orders 1/3",
      "Orders 2/3",
      "Orders 3/3",
      "Accounts 1/3",
      "Accounts 2/3",
      "Accounts 3/3",
      "Protocol",
    ]);
    // Nothing is to be done but for the pool, which nobody has marked for long.
    await networkHelpers.time.increase(2 * 86_400);
    const needed: string[] = [];
    for (const { name, checkData } of duties) {
      if ((await upkeep.checkUpkeep.staticCall(checkData))[0]) needed.push(name);
    }
    expect(needed).to.deep.equal(["Protocol"]);
  });

  it("names the events by which accounts and triggers come into the register", async () => {
    const { book, interfaces, contracts } = await networkHelpers.loadFixture(deployed);

    const logs = registrationsOf(book, interfaces, LIMITS).filter(({ trigger }) => trigger === "log");
    expect(logs.map(({ name, source }) => [name, source])).to.deep.equal([
      ["Fill", book.contracts.clearingHouse],
      ["OrderSubmitted", book.contracts.orders],
      ["BasketSubmitted", book.contracts.orders],
      ["TriggerSubmitted", book.contracts.orders],
    ]);
    expect(logs[0]?.topic).to.equal(contracts.clearingHouse.interface.getEvent("Fill").topicHash);
  });

  it("refuses limits that nothing can be done within", async () => {
    const { book, interfaces } = await networkHelpers.loadFixture(deployed);

    for (const limits of [{ gas: 1_000_000n }, { gas: 20_000_000n }, { size: 100n }, { period: 0n }, { shards: 0 }]) {
      expect(() => registrationsOf(book, interfaces, { ...LIMITS, ...limits })).to.throw(DeploymentError);
    }
  });
});
