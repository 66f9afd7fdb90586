import { expect } from "chai";
import { AbiCoder, Interface } from "ethers";

import { CONTRACTS } from "../../scripts/deploy/addressBook.ts";
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
] as const;
const selectorOf = (name: string) =>
  new Interface([`function ${name}() view returns (address)`]).getFunction(name)?.selector;

/** A chain with a deployment that is right but for `code` and `links`. */
function chain({
  chainId = "0x7a69",
  code = {},
  links = {},
  balance = "0x64",
}: {
  chainId?: unknown;
  code?: Readonly<Record<string, string>>;
  links?: Readonly<Record<string, string>>;
  balance?: string;
} = {}): Endpoint {
  const answers: Readonly<Record<string, (params: readonly unknown[]) => unknown>> = {
    eth_chainId: () => chainId,
    eth_getBalance: () => balance,
    eth_getCode: ([address]) => code[nameAt(address)] ?? "0x60aabbccdd63001122335f",
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
  const selectors = { orders: ["0xaabbccdd", "0x00112233"], oracle: ["0xaabbccdd"], clearingHouse: ["0xaabbccdd"] };
  const check = async (endpoint: Endpoint) => checkContracts({ provider: providerOf(endpoint), book, selectors });

  it("passes a deployment that is as its address book says", async () => {
    await check(chain());
  });

  it("finds functions in the parts of a contract that has some", async () => {
    await check(chain({ code: { oracle: "0x60" } }));
    await check(chain({ code: { clearingHouse: "0x60", extension: "0x60" } }));
    const none = { clearingHouse: "0x60", extension: "0x60", governance: "0x60" };
    expect(await rejected(check(chain({ code: none })))).to.be.instanceOf(WrongContractsError);
    expect(await rejected(check(chain({ code: { orders: "0x60" } })))).to.be.instanceOf(WrongContractsError);
  });

  it("refuses an address without code", async () => {
    const error = (await rejected(check(chain({ code: { vault: "0x" } })))) as Error;

    expect(error).to.be.instanceOf(WrongContractsError);
    expect(error.message).to.include(contracts.vault);
  });

  it("refuses code without a function that the keeper calls", async () => {
    expect(await rejected(check(chain({ code: { orders: "0x60aabbccdd" } })))).to.match(/has no 0x00112233/);
  });

  for (const link of [
    "orders.clearingHouse",
    "orders.oracle",
    "pool.clearingHouse",
    "clearingHouse.oracle",
    "extension.governance",
  ]) {
    it(`refuses a deployment whose ${link} is another`, async () => {
      const error = await rejected(check(chain({ links: { [link]: addressOf(200) } })));

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
