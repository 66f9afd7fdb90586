import { expect } from "chai";
import { AbiCoder, Interface, type JsonRpcApiProvider, Transaction } from "ethers";

import { l1FeeOf, paysDataInGas } from "../../../scripts/keeper/send/l1Fee.ts";

const ORACLE = "0x420000000000000000000000000000000000000F";
const SYSTEM = "0x0000000000000000000000000000000000000064";
const call = { to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", data: "0x1234" };
const oracle = new Interface(["function getL1Fee(bytes) view returns (uint256)"]);

function chain(codes: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const provider = {
    getCode: async (address: string) => Promise.resolve(codes[address] ?? "0x"),
    call: async ({ to, data }: { to: string; data: string }) => {
      expect(to).to.equal(ORACLE);
      asked.push(String(oracle.decodeFunctionData("getL1Fee", data)[0]));
      return Promise.resolve(AbiCoder.defaultAbiCoder().encode(["uint256"], [77n]));
    },
  };
  return { provider: provider as unknown as JsonRpcApiProvider, asked };
}

describe("paysDataInGas", () => {
  it("is so on Arbitrum, known by its number or its code, and nowhere else", async () => {
    expect(await paysDataInGas(chain({}).provider, 42_161n)).to.equal(true);
    expect(await paysDataInGas(chain({ [SYSTEM]: "0xfe" }).provider, 999n)).to.equal(true);
    expect(await paysDataInGas(chain({ [ORACLE]: "0x60" }).provider, 8_453n)).to.equal(false);
  });
});

describe("l1FeeOf", () => {
  it("asks the oracle of an OP chain for a transaction like the one that is sent", async () => {
    const { provider, asked } = chain({ [ORACLE]: "0x60" });
    const fee = await l1FeeOf(provider, 8_453n);

    expect(await fee(call)).to.equal(77n);
    expect(Transaction.from(asked[0])).to.deep.include({ to: call.to, data: call.data, chainId: 8_453n });
  });

  it("adds nothing on Arbitrum, whose estimate of gas holds the data, known by its number or its code", async () => {
    for (const [codes, chainId] of [
      [{ [ORACLE]: "0x60" }, 42_161n],
      [{ [ORACLE]: "0x60", [SYSTEM]: "0xfe" }, 999n],
    ] as const) {
      expect(await (await l1FeeOf(chain(codes).provider, chainId))(call)).to.equal(0n);
    }
  });

  it("adds nothing elsewhere", async () => {
    expect(await (await l1FeeOf(chain({}).provider, 1n))(call)).to.equal(0n);
  });
});
