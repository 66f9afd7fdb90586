/** A deployment that dies at its transactions, one after the other, and is run again each time. */
import { rmSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { deployPlimsoll } from "../../scripts/deploy/deploy.ts";
import { stateFolder } from "../../scripts/deploy/ignition.ts";
import { loadParameters } from "../../scripts/deploy/parameters.ts";
import { endAll, startNode } from "../keeper/processes.ts";

const deep = process.env["TEST_DEPTH"] === "deep";
/** Transactions that a run gets through before it dies; the fourths are among others those of the vault and of linked code. */
const STRIDE = deep ? 1 : 4;

/** Before a transaction is sent; when it is and the answer is lost; when its hash is known and its receipt is not. */
const MOMENTS = ["before", "lost", "after"] as const;
type Moment = (typeof MOMENTS)[number];

const idOf = (name: string): string => `chain-31337-${String(process.pid)}-${name}`;

/** A chain with tokens and feeds, which do not change when a deployment goes on. */
async function startWorld() {
  const { url } = await startNode();
  const connection = await network.create({ network: "localhost", override: { url } });
  const parameters = await loadParameters(join(import.meta.dirname, "../../deploy/parameters/local.ts"));
  const { book: places } = await deployPlimsoll({ connection, parameters, deploymentId: idOf("places") });
  return { connection, parameters, places };
}

describe("deployPlimsoll that dies", function () {
  this.timeout(deep ? 600_000 : 120_000);

  let world: Awaited<ReturnType<typeof startWorld>>;
  before(async () => {
    world = await startWorld();
  });
  after(async () => {
    await (world as typeof world | undefined)?.connection.close();
    await endAll();
    for (const name of ["places", "whole", ...MOMENTS]) {
      rmSync(stateFolder(idOf(name)), { recursive: true, force: true });
    }
  });

  async function sentBy(deploy: () => Promise<void>): Promise<number> {
    const { ethers } = world.connection;
    const [deployer] = await ethers.getSigners();
    if (deployer === undefined) throw new Error("the network has no accounts");
    const before = await deployer.getNonce();
    await deploy();
    return (await deployer.getNonce()) - before;
  }

  async function deployDying(deploymentId: string, at: Moment): Promise<number> {
    const { provider } = world.connection;
    const request = provider.request.bind(provider);
    let deaths = 0;
    for (;;) {
      let sent = 0;
      provider.request = async (args) => {
        const isSend = args.method === "eth_sendTransaction" || args.method === "eth_sendRawTransaction";
        if (at === "before" && isSend && sent === STRIDE) throw new Error("the line is dead");
        if (at === "after" && args.method === "eth_getTransactionReceipt" && sent === STRIDE) {
          throw new Error("the line is dead");
        }
        const result = (await request(args)) as unknown;
        if (isSend) ++sent;
        if (at === "lost" && isSend && sent >= STRIDE) throw new Error("the line is dead");
        return result;
      };
      try {
        await deployPlimsoll({ ...world, deploymentId });
        return deaths;
      } catch (error) {
        const { message, cause } = error as Error;
        if (!`${message} ${String(cause)}`.includes("the line is dead")) throw error;
        ++deaths;
      } finally {
        provider.request = request;
      }
    }
  }

  for (const at of MOMENTS) {
    it(`at a transaction (${at}) ends as one that lives, with no transaction twice`, async () => {
      const whole = await sentBy(async () => {
        await deployPlimsoll({ ...world, deploymentId: idOf("whole"), fresh: true });
      });
      let deaths = 0;
      const dying = await sentBy(async () => {
        deaths = await deployDying(idOf(at), at);
      });

      expect(deaths).to.be.greaterThanOrEqual(Math.floor(whole / STRIDE) - 1);
      expect(deaths).to.be.greaterThan(0);
      // That it is as its file says has been checked at the end of the deployment.
      expect(dying).to.equal(whole);
    });
  }
});
