import { expect } from "chai";
import { makeError } from "ethers";

import { EndpointsError } from "../../../scripts/keeper/rpc/Endpoints.ts";
import { classify, type Verdict } from "../../../scripts/keeper/send/classify.ts";

/** What nodes say to `eth_sendRawTransaction`. */
const SAYINGS: readonly (readonly [string, Verdict])[] = [
  ["already known", "known"],
  ["AlreadyKnown", "known"],
  ["Known transaction", "known"],
  ["nonce too low", "nonceUsed"],
  ["nonce too low: next nonce 9, tx nonce 8", "nonceUsed"],
  ["Nonce too low. Expected nonce to be 9 but got 8.", "nonceUsed"],
  ["OldNonce", "nonceUsed"],
  ["replacement transaction underpriced", "underpriced"],
  ["transaction underpriced", "underpriced"],
  ["Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 2 is necessary", "underpriced"],
  ["max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 2", "underpriced"],
  ["FeeTooLow, MaxFeePerGas too low", "underpriced"],
  ["txpool is full", "retry"],
  ["nonce too high", "retry"],
  ["NonceGap, Future nonce", "retry"],
  ["insufficient funds for gas * price + value: balance 1, tx cost 2", "fatal"],
  ["Sender doesn't have enough funds to send tx", "fatal"],
  ["Upfront cost exceeds account balance", "fatal"],
  ["intrinsic gas too low", "fatal"],
  ["exceeds block gas limit", "fatal"],
  ["tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", "fatal"],
  ["invalid chain id for signer: have 1 want 8453", "fatal"],
  ["invalid sender", "fatal"],
  ["internal error", "retry"],
  ["", "retry"],
];

describe("classify", () => {
  for (const [saying, verdict] of SAYINGS) {
    it(`takes “${saying}” for ${verdict}`, () => {
      expect(classify(new Error(saying))).to.equal(verdict);
      // As ethers wraps it.
      const wrapped = makeError("could not coalesce error", "UNKNOWN_ERROR", {});
      expect(classify(Object.assign(wrapped, { error: { message: saying } }))).to.equal(verdict);
    });
  }

  it("knows the codes that ethers has made of it", () => {
    const info = { transaction: {} as never };
    expect(classify(makeError("x", "NONCE_EXPIRED", info))).to.equal("nonceUsed");
    expect(classify(makeError("x", "REPLACEMENT_UNDERPRICED", info))).to.equal("underpriced");
    expect(classify(makeError("x", "INSUFFICIENT_FUNDS", info))).to.equal("fatal");
  });

  it("never takes a failure of endpoints for an answer", () => {
    expect(classify(new EndpointsError("no endpoint takes the transaction: nonce too low"))).to.equal("retry");
  });
});
