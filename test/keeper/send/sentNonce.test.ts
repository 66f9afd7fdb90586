import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { SentNonceError, sentNonceIn } from "../../../scripts/keeper/send/sentNonce.ts";

const signer = { chainId: 8453n, address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" };

describe("sentNonceIn", () => {
  const folder = mkdtempSync(join(tmpdir(), "nonce-"));
  const file = join(folder, "keeper.db.nonce");
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("is the highest that was kept, for the next process of the same signer", () => {
    const kept = sentNonceIn(file, signer);
    expect(kept.last).to.equal(undefined);
    for (const nonce of [7, 9, 8]) kept.keep(nonce);

    expect(kept.last).to.equal(9);
    expect(sentNonceIn(file, signer).last).to.equal(9);
    expect(sentNonceIn(file, { ...signer, chainId: 1n }).last).to.equal(undefined);
    expect(sentNonceIn(file, { ...signer, address: `0x${"11".repeat(20)}` }).last).to.equal(undefined);
  });

  it("is not known of a file that is damaged", () => {
    sentNonceIn(file, signer).keep(9);
    const whole = readFileSync(file, "utf8");
    for (const text of ["", "null", whole.slice(0, -2), whole.replace("9}", "-}"), whole.replace("9}", '"9"}')]) {
      writeFileSync(file, text);
      expect(sentNonceIn(file, signer).last, text).to.equal(undefined);
    }
  });

  it("is refused where it cannot be kept, and is kept nowhere without a file", () => {
    const nowhere = sentNonceIn(join(folder, "missing", "nonce"), signer);
    expect(() => {
      nowhere.keep(1);
    }).to.throw(SentNonceError, /nonce 1 in .*missing/);
    expect(nowhere.last).to.equal(undefined);

    const none = sentNonceIn(undefined, signer);
    none.keep(1);
    expect(none.last).to.equal(undefined);
  });
});
