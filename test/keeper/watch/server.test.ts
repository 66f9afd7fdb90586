import { expect } from "chai";

import { Health } from "../../../scripts/keeper/watch/health.ts";
import { Metrics } from "../../../scripts/keeper/watch/metrics.ts";
import { PortError, serveWatch, type WatchServer } from "../../../scripts/keeper/watch/server.ts";
import { rejected } from "../rejected.ts";

describe("serveWatch", () => {
  const clock = { now: 0 };
  const metrics = new Metrics();
  const health = new Health({ limitMs: 10_000, now: () => clock.now });
  let server: WatchServer;
  before(async () => {
    server = await serveWatch({ metrics, health, host: "127.0.0.1", port: 0 });
  });
  after(async () => server.close());
  const get = async (path: string, method = "GET") => fetch(`http://127.0.0.1:${server.port}${path}`, { method });

  it("is healthy until the first cycle is due, and while the last good one is young", async () => {
    expect((await get("/health")).status).to.equal(200);
    clock.now = 10_001;
    expect((await get("/health")).status).to.equal(503);
    health.good(42);
    const response = await get("/health");
    expect(response.status).to.equal(200);
    clock.now += 4_000;
    expect(await (await get("/health")).json()).to.deep.equal({
      healthy: true,
      secondsSinceGoodCycle: 4,
      block: 42,
      indexedBlock: null,
      indexLagBlocks: null,
    });
    clock.now += 6_001;
    expect((await get("/health")).status).to.equal(503);
  });

  it("shows metrics in the format of Prometheus", async () => {
    metrics.executed("liquidate", 3);
    const response = await get("/metrics");

    expect(response.headers.get("content-type")).to.match(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).to.match(/^plimsoll_keeper_executed_total\{kind="liquidate"\} 3$/m);
  });

  it("answers nothing else", async () => {
    expect((await get("/")).status).to.equal(404);
    expect((await get("/health", "POST")).status).to.equal(405);
  });

  it("says that a port is taken", async () => {
    const taken = serveWatch({ metrics, health, host: "127.0.0.1", port: server.port });
    expect(await rejected(taken)).to.be.instanceOf(PortError);
  });
});

describe("Metrics", () => {
  it("keeps no more series of reasons than it has room for", async () => {
    const metrics = new Metrics();
    for (let place = 0; place < 500; ++place) metrics.failed("execute", `Reason${place}`);
    const series = [...(await metrics.text()).matchAll(/^plimsoll_keeper_failures_total\{/gm)];

    expect(series.length).to.be.at.most(51);
  });

  it("counts what others count, however often it is told", async () => {
    const metrics = new Metrics();
    for (const count of [1, 3, 3]) {
      metrics.sender(0, { replaced: count, displaced: 0 });
      metrics.endpoints({ configured: 1, agreeing: 1, quorum: true }, new Map([["a", count]]));
      metrics.indexed({ rewinds: count });
    }
    const text = await metrics.text();

    expect(text).to.match(/^plimsoll_keeper_replaced_total 3$/m);
    expect(text).to.match(/^plimsoll_keeper_endpoint_failures_total\{endpoint="a"\} 3$/m);
    expect(text).to.match(/^plimsoll_keeper_index_total\{what="rewinds"\} 3$/m);
  });
});
