/** Files for Safe's Transaction Builder. */
import { expect } from "chai";

import { checksumOf, safeBatch } from "../../scripts/gov/safe.ts";

const OWNER = "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6";
const SAFE = "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa";

describe("safeBatch", () => {
  // The batch and the checksum of the builder's own test, apps/tx-builder/src/lib/checksum.test.js.
  it("has the checksum that the builder computes", () => {
    const input = (name: string, type: string) => ({ internalType: type, name, type });
    const call = (name: string, inputs: object[], values: object) => ({
      to: OWNER,
      value: "0",
      contractMethod: { inputs, name, payable: false },
      contractInputsValues: values,
    });
    const batch = {
      version: "1.0",
      chainId: "4",
      createdAt: 1646321521061,
      meta: {
        name: "test batch file",
        txBuilderVersion: "1.4.0",
        checksum: "",
        createdFromSafeAddress: SAFE,
        createdFromOwnerAddress: OWNER,
      },
      transactions: [
        call("testAddress", [input("paramAddress", "address")], { paramAddress: OWNER }),
        call("testBool", [input("paramBool", "bool")], { paramAddress: "", paramBool: "false" }),
        {
          to: OWNER,
          value: "2000000000000000000",
          data: "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6",
        },
      ],
    };

    expect(checksumOf(batch)).to.equal("0x4ecbfd364aa6759983915644e73f8bd411e85a2dc306f252a387c2728c4db64c");
  });

  it("names the chain, the safe and every transaction, and changes its checksum with any of them", () => {
    const transactions = [
      { to: OWNER, data: "0x1234", description: "schedule: pool.setCooldown(18000)" },
      { to: SAFE, data: "0x", description: "at once: clearingHouse.pause()" },
    ];
    const given = { name: "Plimsoll", chainId: 42161n, safe: SAFE, createdAt: 7, transactions };
    const batch = safeBatch(given);

    const { checksum, ...meta } = batch.meta;
    expect(checksumOf({ ...batch, meta })).to.equal(checksum);
    expect([batch.version, batch.chainId, batch.createdAt]).to.deep.equal(["1.0", "42161", 7]);
    expect(batch.meta.createdFromSafeAddress).to.equal(SAFE);
    expect(batch.meta.description).to.equal("schedule: pool.setCooldown(18000)\nat once: clearingHouse.pause()");
    expect(batch.transactions.map(({ to, value, data }) => [to, value, data])).to.deep.equal([
      [OWNER, "0", "0x1234"],
      [SAFE, "0", "0x"],
    ]);
    const others = [
      safeBatch({ ...given, chainId: 1n }),
      safeBatch({ ...given, safe: OWNER }),
      safeBatch({ ...given, transactions: transactions.slice(0, 1) }),
      safeBatch({ ...given, transactions: [...transactions].reverse() }),
    ];
    for (const other of others) expect(other.meta.checksum).not.to.equal(batch.meta.checksum);
    expect(safeBatch({ ...given, name: "renamed" }).meta.checksum).to.equal(batch.meta.checksum);
  });
});
