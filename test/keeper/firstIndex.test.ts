/** A first index that takes long: what a process shows meanwhile, and that it can be stopped. */
import { createServer } from "node:http";

import { expect } from "chai";

import { inWorld, startDeployment } from "../deployment.ts";
import { freePort, startKeeper, until } from "./processes.ts";

const BLOCKS = 100;
const SLOWNESS_MS = 200;

/** An endpoint that takes long to find events. */
async function startSlowLogs(target: string) {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts).toString("utf8");
      if (body.includes("eth_getLogs")) await new Promise((resolve) => setTimeout(resolve, SLOWNESS_MS));
      const headers = { "content-type": "application/json" };
      response.writeHead(200, headers).end(await (await fetch(target, { method: "POST", headers, body })).text());
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

describe("first index of a keeper process", function () {
  this.timeout(120_000);

  const suite = inWorld(async (folder) => startDeployment(folder, "keeper"));

  it("is shown as progress and is no alert, and stops at a signal with what it has", async () => {
    const { node, ethers, file } = suite.world;
    await ethers.provider.send("hardhat_mine", [`0x${BLOCKS.toString(16)}`]);
    const slow = await startSlowLogs(node.url);
    const port = await freePort();
    const args = ["monitor", "--deployment", file, "--rpc", slow.url, "--log-range", "1", "--interval", "100"];
    const running = startKeeper([...args, "--stale-after", "1", "--port", String(port)]);
    const get = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    try {
      await until("it indexes", async () => /"indexedBlock":\d/.test((await (await get("/health"))?.text()) ?? ""), {
        context: running.output,
      });
      // Without a cycle for longer than would do.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const health = await get("/health");
      const { healthy, indexLagBlocks } = (await health?.json()) as Record<string, unknown>;
      expect([health?.status, healthy]).to.deep.equal([200, true]);
      expect(indexLagBlocks).to.be.within(1, 2 * BLOCKS);
      expect(await (await get("/metrics"))?.text()).to.match(/^plimsoll_keeper_index_lag_blocks [1-9]/m);
      expect(running.output()).to.not.include("no good cycle");

      const asked = Date.now();
      running.signal("SIGTERM");
      expect(await running.exited).to.equal(0);
      expect(Date.now() - asked).to.be.below(5_000);
      expect(running.output()).to.include("stopped while indexing");
    } finally {
      running.signal("SIGKILL");
      slow.close();
    }
  });
});
