import { expect } from "chai";
import { getAddress } from "ethers";

import { isBuiltAs, linksIn } from "../../scripts/keeper/bytecode.ts";

const AT = (start: number, length: number) => ({ start, length });
const ADDRESS = "c0ffee254729296a45a3885639ac7e10f9d54979";

describe("isBuiltAs", () => {
  const built = {
    abi: [],
    deployedBytecode: `0x6000${"00".repeat(4)}5b${"00".repeat(20)}f3`,
    immutableReferences: { 7: [AT(2, 4)] },
    deployedLinkReferences: { file: { Ramps: [AT(7, 20)] } },
  };

  it("leaves out what only a deployment knows", () => {
    const code = `0x6000112233445b${ADDRESS}f3`;

    expect(isBuiltAs(code, built)).to.equal(true);
    expect(isBuiltAs(code.replace("5b", "5c"), built)).to.equal(false);
    expect(isBuiltAs(code.slice(0, -2), built)).to.equal(false);
    expect(isBuiltAs("0x", built)).to.equal(false);
    expect(linksIn(code, built)).to.deep.equal([["Ramps", getAddress(`0x${ADDRESS}`)]]);
  });

  it("leaves out the address that a library has of itself, and no other", () => {
    const library = (address: string) => `0x73${address}30146080`;
    const nothing = "00".repeat(20);

    expect(isBuiltAs(library(ADDRESS), { abi: [], deployedBytecode: library(nothing) })).to.equal(true);
    const other = `0x73${nothing}31146080`;
    expect(isBuiltAs(other.replace(nothing, ADDRESS), { abi: [], deployedBytecode: other })).to.equal(false);
  });

  it("leaves out the metadata", () => {
    // A map of one entry: "ipfs" and one byte.
    const codeOf = (body: string, hash: string) => `0x${body}a1646970667341${hash}0008`;
    const built = { abi: [], deployedBytecode: codeOf("6001", "11") };

    expect(isBuiltAs(codeOf("6001", "22"), built)).to.equal(true);
    expect(isBuiltAs(codeOf("6002", "11"), built)).to.equal(false);
    expect(isBuiltAs(codeOf("600160", "11"), built)).to.equal(false);
  });
});
