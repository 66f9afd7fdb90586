import { expect } from "chai";
import { AbiCoder, Interface } from "ethers";

import { CONTRACTS } from "../../scripts/deploy/addressBook.ts";
import type { Built } from "../../scripts/gov/artifacts.ts";
import {
  checkChain,
  checkContracts,
  checkFunds,
  FundsError,
  WrongChainError,
  WrongContractsError,
} from "../../scripts/keeper/boot.ts";
import { type Endpoint, EndpointError, RpcError } from "../../scripts/keeper/rpc/endpoint.ts";
import { Endpoints, EndpointsError } from "../../scripts/keeper/rpc/Endpoints.ts";
import { addressBookWith } from "../addressBook.ts";
import { rejected } from "./rejected.ts";

const names = [...CONTRACTS];
const addressOf = (place: number) => `0x${(0xa0 + place).toString(16).padStart(40, "0")}`;
type Name = (typeof CONTRACTS)[number];
const contracts = Object.fromEntries(names.map((name, place) => [name, addressOf(place)])) as Record<Name, string>;
const book = addressBookWith({ contracts });
const LINKS = [
  "clearingHouse",
  "oracle",
  "orders",
  "pool",
  "insuranceFund",
  "vault",
  "extension",
  "governance",
  "authority",
] as const;
const CODE = "0x60aabbccdd63001122335f";
const AT = { start: 1, length: 20 };
const built = (deployedBytecode: string): Built => ({ abi: [], deployedBytecode });
const selectorOf = (name: string) =>
  new Interface([`function ${name}() view returns (address)`]).getFunction(name)?.selector;

/** A chain with a deployment that is right but for `code` and `links`. */
function chain({
  chainId = "0x7a69",
  code = {},
  links = {},
  balance = "0x64",
  block = "0x7",
}: {
  chainId?: unknown;
  /** By name, or by address where it has none. */
  code?: Readonly<Record<string, string>>;
  links?: Readonly<Record<string, string>>;
  balance?: string;
  block?: string;
} = {}): Endpoint {
  const answers: Readonly<Record<string, (params: readonly unknown[]) => unknown>> = {
    eth_chainId: () => chainId,
    eth_getBalance: () => balance,
    eth_blockNumber: () => block,
    eth_getCode: ([address]) => code[nameAt(address)] ?? code[String(address)] ?? CODE,
    eth_call: ([request]) => {
      const { to, data } = request as { to: string; data: string };
      const link = LINKS.find((name) => selectorOf(name) === data) ?? "";
      const linked = links[`${nameAt(to)}.${link}`] ?? (contracts as Record<string, string>)[link] ?? "";
      if (linked === "") throw new RpcError({ code: 3, message: "execution reverted", data: "0x" });
      return AbiCoder.defaultAbiCoder().encode(["address"], [linked]);
    },
  };
  return { name: "node", request: async (method, params) => Promise.resolve(answers[method]?.(params as unknown[])) };
}

function nameAt(address: unknown): string {
  return names.find((name) => contracts[name].toLowerCase() === String(address).toLowerCase()) ?? "";
}

const down: Endpoint = { name: "down", request: async () => Promise.reject(new EndpointError("down")) };
const providerOf = (endpoint: Endpoint) => new Endpoints({ endpoints: [endpoint], chainId: 31337n });

describe("checkChain", () => {
  it("passes while those that answer are on the chain of the deployment", async () => {
    await checkChain([down, chain()], 31337n);
  });

  it("refuses one that is on another, whatever the others are on", async () => {
    expect(await rejected(checkChain([chain(), chain({ chainId: "0x1" })], 31337n))).to.be.instanceOf(WrongChainError);
    expect(await rejected(checkChain([chain({ chainId: {} })], 31337n))).to.be.instanceOf(WrongChainError);
  });

  it("says that none answers", async () => {
    expect(await rejected(checkChain([down], 31337n))).to.be.instanceOf(EndpointsError);
  });
});

describe("checkContracts", () => {
  const check = async (endpoint: Endpoint, builtOf: (name: string) => Built = () => built(CODE)) =>
    checkContracts({ provider: providerOf(endpoint), book, builtOf });

  it("passes a deployment that is as its address book says", async () => {
    await check(chain());
  });

  it("refuses an address without code", async () => {
    const error = (await rejected(check(chain({ code: { vault: "0x" } })))) as Error;

    expect(error).to.be.instanceOf(WrongContractsError);
    expect(error.message).to.include(contracts.vault);
  });

  it("refuses other code of any contract, and of what is behind it", async () => {
    for (const name of names) {
      const error = await rejected(check(chain({ code: { [name]: "0x60aabbccde" } })));
      expect(error)
        .to.be.instanceOf(WrongContractsError)
        .and.to.match(new RegExp(`not that of ${name} `));
    }
    const behind = chain({ links: { "oracle.extension": addressOf(90) }, code: { [addressOf(90)]: "0x00" } });
    expect(await rejected(check(behind))).to.match(/not that of oracleExtension /);
  });

  it("refuses code that is linked with another library", async () => {
    const linked = { ...built(`0x73${"00".repeat(20)}60`), deployedLinkReferences: { file: { Ramps: [AT] } } };
    const builtOf = (name: string) => (name === "governance" ? linked : built(CODE));
    const code = { governance: `0x73${addressOf(80).slice(2)}60` };

    await checkContracts({
      provider: providerOf(chain({ code })),
      book: { ...book, libraries: { Ramps: addressOf(80) } },
      builtOf,
    });
    expect(await rejected(check(chain({ code }), builtOf)))
      .to.be.instanceOf(WrongContractsError)
      .and.to.match(/governance is linked with Ramps at 0x0{38}F0/i);
  });

  it("waits for an endpoint that has not come to the deployment's block yet", async () => {
    const behind = chain({ block: "0x6", code: { vault: "0x" } });

    expect(await rejected(check(behind)))
      .to.be.instanceOf(EndpointsError)
      .and.to.match(/at block 6, .* in 7/);
  });

  for (const link of [
    "orders.clearingHouse",
    "orders.oracle",
    "pool.clearingHouse",
    "pool.vault",
    "lens.clearingHouse",
    "clearingHouse.oracle",
    "clearingHouse.extension",
    "extension.governance",
    "extension.insuranceFund",
    "governance.vault",
    "insuranceFund.authority",
    "oracle.authority",
  ]) {
    it(`refuses a deployment whose ${link} is another`, async () => {
      const error = await rejected(check(chain({ links: { [link]: addressOf(90) } })));

      expect(error)
        .to.be.instanceOf(WrongContractsError)
        .and.to.match(new RegExp(link.replace(".", "\\.")));
    });
  }

  it("does not call an endpoint that fails a wrong deployment", async () => {
    expect(await rejected(check(down))).to.be.instanceOf(EndpointsError);
  });
});

describe("checkFunds", () => {
  const check = async (balance: string, minBalance: bigint) =>
    checkFunds(providerOf(chain({ balance })), { address: addressOf(1), minBalance });

  it("wants the least balance, and more than nothing", async () => {
    expect(await check("0x64", 100n)).to.equal(100n);
    expect(await rejected(check("0x63", 100n))).to.be.instanceOf(FundsError);
    expect(await rejected(check("0x0", 0n))).to.be.instanceOf(FundsError);
  });
});
