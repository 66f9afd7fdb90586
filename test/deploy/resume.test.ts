import { rmSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { stateFolder } from "../../scripts/deploy/ignition.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { endAll, startNode } from "../keeper/processes.ts";

describe("deployPlimsoll over JSON-RPC", function () {
  this.timeout(60_000);

  const ids = ["world", "again"].map((name) => `chain-31337-${process.pid}-${name}`);
  after(async () => {
    await endAll();
    for (const id of ids) rmSync(stateFolder(id), { recursive: true, force: true });
  });

  it("goes on where it ended before, with the address that it predicted then", async () => {
    const [world, again] = ids;
    if (world === undefined || again === undefined) throw new Error("no names");
    const { url } = await startNode();
    const connection = await network.create({ network: "localhost", override: { url } });
    const parameters = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/local.ts"));
    const { book: places } = await deployPlimsoll({ connection, parameters, deploymentId: world });

    const first = await deployPlimsoll({ connection, parameters, places, deploymentId: again });
    const nonce = await connection.ethers.provider.getTransactionCount(first.book.deployer);
    const second = await deployPlimsoll({ connection, parameters, places, deploymentId: again });

    expect(first.book.contracts.clearingHouse).not.to.equal(places.contracts.clearingHouse);
    expect(second.book.contracts).to.deep.equal(first.book.contracts);
    expect(await connection.ethers.provider.getTransactionCount(first.book.deployer)).to.equal(nonce);
    await connection.close();
  });
});
