import { expect } from "chai";
import { Interface, ZeroAddress } from "ethers";

import { addressOf, revertDataOf } from "../../scripts/keeper/contracts.ts";
import { funded } from "../fixture.ts";
import { load } from "../clearing/support.ts";
import { keeperOf } from "./reading/stage.ts";

const reverted = (data: string) => Object.assign(new Error("call failed"), { code: "CALL_EXCEPTION", data });

describe("Contracts.describe", () => {
  it("names the error of a revert, with its arguments, whichever contract has thrown it", async () => {
    const contracts = await keeperOf(await load(funded)).contracts();
    const errors = new Interface([
      "error ShortfallWithinLimit(bytes32, uint256, uint256)",
      "error ReportOutsideWindow(uint256, uint256, uint256, uint256)",
      "error NothingRedeemable(uint256)",
      "error ReportExpired(bytes32, uint256, uint256)",
    ]);
    const named = (name: string, args: unknown[]) => contracts.describe(reverted(errors.encodeErrorResult(name, args)));
    const id = `0x${"11".repeat(32)}`;

    expect(named("ShortfallWithinLimit", [id, 1, 2])).to.deep.equal({
      name: "ShortfallWithinLimit",
      text: `ShortfallWithinLimit(${id}, 1, 2)`,
    });
    expect(named("ReportOutsideWindow", [1, 2, 3, 4]).name).to.equal("ReportOutsideWindow");
    expect(named("NothingRedeemable", [5]).name).to.equal("NothingRedeemable");
    expect(named("ReportExpired", [id, 5, 6]).name).to.equal("ReportExpired");
  });

  it("says what the endpoint says of anything else", async () => {
    const contracts = await keeperOf(await load(funded)).contracts();

    expect(contracts.describe(new Error("socket\n hung up"))).to.deep.equal({ name: "", text: "socket hung up" });
    expect(contracts.describe(reverted("0xdeadbeef"))).to.deep.equal({ name: "", text: "call failed 0xdeadbeef" });
    expect(contracts.describe(undefined)).to.deep.equal({ name: "", text: "undefined" });
  });

  it("has no relay for reports where none is deployed", async () => {
    const world = await load(funded);
    const address = await world.orders.getAddress();

    expect((await keeperOf(world).contracts()).reportRelay).to.equal(undefined);
    const relayed = await keeperOf(world, { book: { reportRelay: address, streamReports: ZeroAddress } }).contracts();
    expect(relayed.reportRelay === undefined ? "" : addressOf(relayed.reportRelay)).to.equal(address);
  });
});

describe("revertDataOf", () => {
  it("knows a revert from any other failure", () => {
    expect(revertDataOf(reverted("0x01"))).to.equal("0x01");
    expect(revertDataOf(Object.assign(new Error(), { code: "CALL_EXCEPTION", data: null }))).to.equal("0x");
    expect(revertDataOf(Object.assign(new Error(), { code: 3, data: "0x02" }))).to.equal("0x02");
    expect(revertDataOf(Object.assign(new Error(), { code: "TIMEOUT", data: "0x01" }))).to.equal(undefined);
    expect(revertDataOf(undefined)).to.equal(undefined);
  });
});
