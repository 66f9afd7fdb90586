import { expect } from "chai";
import { Interface } from "ethers";

import { ROLES, TARGETS } from "../../deploy/roles.ts";
import { CONTRACTS } from "../../scripts/deploy/addressBook.ts";
import { abiOf } from "../../scripts/keeper/builds.ts";
import { WrongContractsError } from "../../scripts/keeper/boot.ts";
import { checkRoles, RolesError } from "../../scripts/keeper/roles.ts";
import { type Endpoint, EndpointError } from "../../scripts/keeper/rpc/endpoint.ts";
import { Endpoints, EndpointsError } from "../../scripts/keeper/rpc/Endpoints.ts";
import { addressBookWith } from "../addressBook.ts";
import { rejected } from "./rejected.ts";

const MANAGER = new Interface([
  "function multicall(bytes[] data) returns (bytes[])",
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)",
  "function hasRole(uint64 role, address account) view returns (bool isMember, uint32 delay)",
]);
const PUBLIC = 2n ** 64n - 1n;
const SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const addresses = CONTRACTS.map((name, place) => [name, `0x${(0xa0 + place).toString(16).padStart(40, "0")}`] as const);
const book = addressBookWith({ contracts: Object.fromEntries(addresses) });

/** A manager whose roles are those of `deploy/roles.ts` but for `change`; the signer has those in `held`. */
function managerWith(change: Readonly<Record<string, bigint>> = {}, held: readonly bigint[] = []): Endpoint {
  const roles = new Map<string, bigint>();
  for (const [target, functions] of Object.entries(TARGETS)) {
    const abi = Interface.from(abiOf(target as keyof typeof TARGETS));
    for (const [role, methods] of Object.entries(functions)) {
      for (const method of methods as readonly string[]) {
        const key = `${book.contracts[target as keyof typeof TARGETS]}/${String(abi.getFunction(method)?.selector)}`;
        roles.set(key.toLowerCase(), change[`${target}.${method}`] ?? ROLES[role as keyof typeof ROLES]);
      }
    }
  }
  const answerTo = (call: string): string => {
    const parsed = MANAGER.parseTransaction({ data: call });
    const [first, second] = (parsed?.args ?? []) as unknown as [unknown, string];
    if (parsed?.name === "hasRole") {
      return MANAGER.encodeFunctionResult("hasRole", [second === SIGNER && held.includes(first as bigint), 0]);
    }
    const role = roles.get(`${String(first)}/${second}`.toLowerCase()) ?? 0n;
    return MANAGER.encodeFunctionResult("getTargetFunctionRole", [role]);
  };
  return {
    name: "node",
    request: async (method, params) => {
      if (method === "eth_chainId") return Promise.resolve("0x7a69");
      const [{ to, data }] = params as [{ to: string; data: string }];
      expect(to).to.equal(book.contracts.authority);
      const [calls] = MANAGER.decodeFunctionData("multicall", data) as unknown as [readonly string[]];
      return Promise.resolve(MANAGER.encodeFunctionResult("multicall", [calls.map(answerTo)]));
    },
  };
}

describe("checkRoles", () => {
  const check = async (endpoint: Endpoint, signer: string | undefined = SIGNER) =>
    checkRoles({ provider: new Endpoints({ endpoints: [endpoint], chainId: 31337n }), book, abiOf, signer });

  it("passes a deployment whose functions are for the roles that they should be for", async () => {
    await check(managerWith());
  });

  it("refuses one with a function for another role, or for everybody", async () => {
    for (const [method, role, shown] of [
      ["oracle.configure", PUBLIC, "public"],
      ["vault.setCap", ROLES.guardian, "guardian"],
      ["clearingHouse.unpause", 0n, "admin"],
    ] as const) {
      expect(await rejected(check(managerWith({ [method]: role }))))
        .to.be.instanceOf(RolesError)
        .and.to.match(new RegExp(`${method.replace(".", "\\.")} is for the role ${shown}, not for`));
    }
  });

  it("refuses to send with a key that may change the deployment", async () => {
    for (const [role, shown] of [
      [0n, "admin"],
      [ROLES.governor, "governor"],
      [ROLES.guardian, "guardian"],
      [ROLES.steward, "steward"],
    ] as const) {
      const error = await rejected(check(managerWith({}, [role])));
      expect(error)
        .to.be.instanceOf(RolesError)
        .and.to.match(new RegExp(`${SIGNER} is ${shown} of the deployment`));
    }
    await checkRoles({
      provider: new Endpoints({ endpoints: [managerWith({}, [0n])], chainId: 31337n }),
      book,
      abiOf,
      signer: undefined,
    });
  });

  it("says where nothing answers, and where something else does", async () => {
    const down: Endpoint = { name: "down", request: async () => Promise.reject(new EndpointError("down")) };
    expect(await rejected(check(down))).to.be.instanceOf(EndpointsError);
    const other: Endpoint = {
      name: "node",
      request: async (method) => Promise.resolve(method === "eth_chainId" ? "0x7a69" : "0x"),
    };
    expect(await rejected(check(other))).to.be.instanceOf(WrongContractsError);
  });
});
