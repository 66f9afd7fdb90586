import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { stateFolder } from "../../scripts/deploy/ignition.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { endAll, startNode } from "../keeper/processes.ts";

const idOf = (name: string): string => `chain-31337-${process.pid}-${name}`;

/** What Ignition has deployed so far under an id. */
function deployedAs(id: string): Record<string, string> {
  const file = join(stateFolder(id), "deployed_addresses.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, string>) : {};
}

/** What Ignition has begun under an id. */
function journalOf(id: string): string {
  const file = join(stateFolder(id), "journal.jsonl");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** A chain with tokens and feeds, which do not change when a deployment goes on. */
async function startWorld() {
  const { url } = await startNode();
  const connection = await network.create({ network: "localhost", override: { url } });
  const parameters = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/local.ts"));
  const { book: places } = await deployPlimsoll({ connection, parameters, deploymentId: idOf("world") });
  return { connection, parameters, places };
}

describe("deployPlimsoll over JSON-RPC", function () {
  this.timeout(60_000);

  let world: Awaited<ReturnType<typeof startWorld>>;
  before(async () => {
    world = await startWorld();
  });
  after(async () => {
    // Where `before` has failed there is none.
    await (world as typeof world | undefined)?.connection.close();
    await endAll();
    for (const name of ["world", "again", "interrupted"]) {
      rmSync(stateFolder(idOf(name)), { recursive: true, force: true });
    }
  });

  it("goes on where it ended before, with the address that it predicted then", async () => {
    const { connection, places } = world;
    const deploymentId = idOf("again");

    const first = await deployPlimsoll({ ...world, deploymentId });
    const nonce = await connection.ethers.provider.getTransactionCount(first.book.deployer);
    const second = await deployPlimsoll({ ...world, deploymentId });

    expect(first.book.contracts.clearingHouse).not.to.equal(places.contracts.clearingHouse);
    expect(second.book.contracts).to.deep.equal(first.book.contracts);
    expect(await connection.ethers.provider.getTransactionCount(first.book.deployer)).to.equal(nonce);
  });

  it("goes on after an interruption between the satellites", async () => {
    const { provider } = world.connection;
    const deploymentId = idOf("interrupted");
    const request = provider.request.bind(provider);
    provider.request = async (args) => {
      if (journalOf(deploymentId).includes("Core#InsuranceFund")) throw new Error("the line is dead");
      return (await request(args)) as unknown;
    };
    const error = await deployPlimsoll({ ...world, deploymentId }).catch((thrown: unknown) => thrown);
    provider.request = request;
    expect(error).to.be.instanceOf(Error);
    const before = deployedAs(deploymentId);
    expect(before).not.to.include.keys("Core#InsuranceFund");

    const { book } = await deployPlimsoll({ ...world, deploymentId });
    expect(book.contracts.vault).to.equal(before["Core#Vault"]);
    expect(book.contracts.pool).to.equal(before["Core#LiquidityPool"]);
  });
});
