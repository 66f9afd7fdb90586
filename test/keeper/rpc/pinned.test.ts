import { expect } from "chai";

import { EndpointError, RpcError } from "../../../scripts/keeper/rpc/endpoint.ts";
import { pinned } from "../../../scripts/keeper/rpc/pinned.ts";
import { rejected } from "../rejected.ts";

/** An endpoint on chain 10 at first; a test says what it is then, and what fails. */
function node() {
  const asked: string[] = [];
  const state: { chainId: unknown; failure: Error | undefined } = { chainId: "0xa", failure: undefined };
  const request = async (method: string): Promise<unknown> => {
    asked.push(method);
    if (state.failure !== undefined) return Promise.reject(state.failure);
    return Promise.resolve(method === "eth_chainId" ? state.chainId : "0x01");
  };
  return { asked, state, endpoint: pinned({ name: "node", request }, 10n) };
}

const call = async ({ endpoint }: ReturnType<typeof node>) => endpoint.request("eth_call", []);

describe("pinned endpoint", () => {
  it("is asked for its chain once, before all else, however many ask", async () => {
    const one = node();
    await Promise.all([call(one), call(one), call(one)]);
    await call(one);
    expect(one.asked.filter((method) => method === "eth_chainId").length).to.equal(1);
    expect(one.asked[0]).to.equal("eth_chainId");
  });

  for (const chainId of ["0x1", "0x", null, 10]) {
    it(`is asked nothing else where it answers ${JSON.stringify(chainId)} for its chain`, async () => {
      const one = node();
      one.state.chainId = chainId;
      expect(await rejected(call(one))).to.be.instanceOf(EndpointError);
      await rejected(call(one));
      expect(one.asked).to.deep.equal(["eth_chainId", "eth_chainId"]);
    });
  }

  it("is asked again after it was not reached: another node may be in its place", async () => {
    const one = node();
    await call(one);
    one.state.failure = new EndpointError("down");
    await rejected(call(one));
    one.state.failure = undefined;
    one.state.chainId = "0x1";
    const error = await rejected(call(one));
    expect((error as Error).message).to.equal("node is on chain 1, not on 10");
  });

  it("is not asked again after an error of the chain", async () => {
    const one = node();
    await call(one);
    one.state.failure = new RpcError({ code: 3, message: "execution reverted" });
    await rejected(call(one));
    one.state.failure = undefined;
    await call(one);
    expect(one.asked.filter((method) => method === "eth_chainId").length).to.equal(1);
  });

  it("that names no chain has failed, whatever it says in its place", async () => {
    const one = node();
    one.state.failure = new RpcError({ code: -32_601, message: "no such method" });
    expect(await rejected(call(one))).to.be.instanceOf(EndpointError);
  });
});
