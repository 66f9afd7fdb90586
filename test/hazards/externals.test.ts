import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { FunctionFragment, Interface, type JsonFragment, type ParamType } from "ethers";

import { load, expectConserved } from "../clearing/support.ts";
import { accountOf, ethers, funded, type World } from "../fixture.ts";
import { ETH, wad } from "../parameters.ts";
import { type Caller, EXTERNALS } from "./externals.ts";

const ARTIFACTS = join(import.meta.dirname, "../../artifacts/contracts");

/** Errors of a call by somebody who is not among the callers. */
const REFUSALS: Partial<Record<Caller, readonly string[]>> = {
  vault: ["OnlySatellite"],
  orders: ["OnlySatellite"],
  pool: ["OnlySatellite"],
  insuranceFund: ["OnlySatellite"],
  satellites: ["OnlySatellite"],
  self: ["OnlySelf"],
  governor: ["AccessManagedUnauthorized"],
  guardian: ["AccessManagedUnauthorized"],
  steward: ["AccessManagedUnauthorized"],
  authority: ["AccessManagedUnauthorized"],
  owner: ["NotAuthorized", "ERC20InsufficientAllowance", "InvalidSignature"],
};

/** Know neither tokens nor accounts; what the relay and the upkeep call is on its own. */
const OUTSIDE = [
  "CompositeFeed",
  "GovernanceLens",
  "KeeperUpkeep",
  "OracleHealth",
  "PriceOracle",
  "PriceOracleExtension",
  "ReportRelay",
  "ShareFeed",
  "StreamFeed",
  "StreamReports",
  "UpkeepFinder",
];

/** Callable in the middle of a transaction of the protocol: shares are an ordinary token. */
const OPEN: Readonly<Record<string, readonly string[]>> = {
  LiquidityPool: ["approve", "transfer", "transferFrom"],
  ClearingHouse: ["multicall"], // each of its calls is on its own
  Orders: ["multicall"],
  Vault: ["multicall"],
};

describe("hazards of the surface", () => {
  afterEach(expectConserved);

  describe("hazard 32: an external function that nobody thinks of", () => {
    it("every external function of every contract stands in the table of callers, and no other does", () => {
      const found: Record<string, string[]> = {};
      for (const { name, abi } of artifacts()) {
        const signatures = abi
          .filter(({ type }) => type === "function" || type === "fallback" || type === "receive")
          .map((item) =>
            item.type === "function" ? FunctionFragment.from(item).format("sighash") : String(item.type),
          );
        if (signatures.length !== 0) found[name] = signatures.sort();
      }
      const listed = Object.entries(EXTERNALS).map(([name, callers]) => [name, Object.values(callers).flat().sort()]);
      expect(found).to.deep.equal(Object.fromEntries(listed));
    });

    for (const [contract, callers] of Object.entries(EXTERNALS)) {
      for (const [caller, errors] of Object.entries(REFUSALS)) {
        const signatures = callers[caller as Caller];
        if (signatures === undefined) continue;
        it(`what is for ${caller} in ${contract} refuses a stranger`, async () => {
          const world = await load(funded);
          for (const signature of signatures) {
            const { to, fragment } = await placeOf(world, contract, signature);
            const data = new Interface([fragment]).encodeFunctionData(fragment, argumentsFor(fragment, world));
            const error = await errorOf(to, data, world.stranger.address);
            expect(error, signature).to.be.oneOf([...errors]);
          }
        });
      }
    }
  });

  describe("hazard 27: a token calls back in the middle of its transfer", () => {
    for (const [contract, callers] of Object.entries(EXTERNALS)) {
      if (OUTSIDE.includes(contract)) continue;
      it(`no verb of ${contract} and no view of what something is worth answers it`, async () => {
        const world = await load(withHooks);
        const open = OPEN[contract] ?? [];
        for (const [caller, signatures] of Object.entries(callers)) {
          if (caller === "views") continue;
          for (const signature of signatures) {
            if (signature === "fallback" || open.some((name) => signature.startsWith(`${name}(`))) continue;
            const { to, fragment } = await placeOf(world, contract, signature);
            const data = new Interface([fragment]).encodeFunctionData(fragment, argumentsFor(fragment, world));
            const { success, result } = await callInside(world, to, data);
            const answered = fragment.name === "preview" ? acceptedBy(fragment, result) : success;
            expect(answered, `${signature} inside a transfer`).to.equal(false);
            if (caller === "valueViews") expect(nameOf(result), signature).to.equal("Locked");
          }
        }
      });
    }

    it("nor is anything in it when many calls are made as one", async () => {
      const world = await load(withHooks);
      const { clearingHouse, alice } = world;
      const inner = clearingHouse.interface.encodeFunctionData("markPool");
      const data = clearingHouse.interface.encodeFunctionData("multicall", [[inner]]);
      const { success, result } = await callInside(world, await clearingHouse.getAddress(), data);
      expect([success, nameOf(result)]).to.deep.equal([false, "Locked"]);
      expect((await clearingHouse.accountOf(accountOf(alice))).cash).to.equal(wad("100_000"));
    });
  });
});

interface Artifact {
  name: string;
  abi: readonly JsonFragment[];
}

/** All that can be deployed, but for what only tests deploy. */
function artifacts(): Artifact[] {
  const found: Artifact[] = [];
  for (const file of readdirSync(ARTIFACTS, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".json") || file.startsWith("testing")) continue;
    const artifact = JSON.parse(readFileSync(join(ARTIFACTS, file), "utf8")) as {
      contractName?: string;
      abi?: JsonFragment[];
      bytecode?: string;
    };
    if (artifact.contractName === undefined || artifact.abi === undefined || artifact.bytecode === "0x") continue;
    found.push({ name: artifact.contractName, abi: artifact.abi });
  }
  return found;
}

const ERRORS = new Interface([
  "error AccessManagedUnauthorized(address)",
  "error Locked()",
  "error ERC20InsufficientAllowance(address,uint256,uint256)",
  "error InvalidSignature(address)",
  "error NotAuthorized(bytes32,address,uint256)",
]);
const POOL_ERRORS = new Interface(["error NotAuthorized(address,address)"]);
const SATELLITE_ERRORS = new Interface(["error OnlySatellite(address)", "error OnlySelf(address)"]);

function nameOf(data: string): string {
  for (const errors of [ERRORS, POOL_ERRORS, SATELLITE_ERRORS]) {
    const error = errors.parseError(data);
    if (error !== null) return error.name;
  }
  return data;
}

/** Where a function of a contract is called: those of the extension at the clearing house. */
async function placeOf(world: World, contract: string, signature: string) {
  // The lens has deployed it.
  const finder = ethers.getCreateAddress({ from: await world.lens.getAddress(), nonce: 1 });
  const at: Record<string, { getAddress(): Promise<string> }> = {
    ClearingHouse: world.clearingHouse,
    ClearingHouseExtension: world.clearingHouse,
    ClearingHouseGovernance: world.clearingHouse,
    Vault: world.vault,
    Orders: world.orders,
    LiquidityPool: world.pool,
    InsuranceFund: world.insuranceFund,
    PriceOracle: world.oracle,
    PriceOracleExtension: world.oracle,
    Lens: world.lens,
    LiquidationFinder: { getAddress: () => Promise.resolve(finder) },
  };
  const place = at[contract];
  const artifact = artifacts().find(({ name }) => name === contract);
  const item = artifact?.abi.find(
    (entry) => entry.type === "function" && FunctionFragment.from(entry).format("sighash") === signature,
  );
  if (place === undefined || item === undefined) throw new Error(`no ${signature} in ${contract}`);
  return { to: await place.getAddress(), fragment: FunctionFragment.from(item) };
}

/** Alice's account, alice, and one of everything else. */
function argumentsFor({ inputs }: FunctionFragment, { alice }: World): unknown[] {
  const valueFor = (type: ParamType): unknown => {
    if (type.isTuple()) return type.components.map(valueFor);
    if (type.isArray()) {
      const { arrayChildren: child, arrayLength } = type;
      if (child.baseType === "bytes") return [];
      return Array.from({ length: Math.max(arrayLength, 1) }, () => valueFor(child)); // -1: of any length
    }
    if (type.baseType === "address") return alice.address;
    if (type.baseType === "bytes32") return accountOf(alice);
    if (type.baseType === "bool") return false;
    if (type.baseType.startsWith("bytes")) return type.baseType === "bytes" ? "0x" : ethers.zeroPadValue("0x", 4);
    if (type.name === "expiry") return 0n;
    return type.name === "deadline" ? 2n ** 40n : 1n;
  };
  return inputs.map(valueFor);
}

async function errorOf(to: string, data: string, from: string): Promise<string> {
  try {
    await ethers.provider.call({ to, data, from });
  } catch (error) {
    const { data: reason } = error as { data?: string };
    return reason === undefined ? String(error) : nameOf(reason);
  }
  return "no error";
}

function acceptedBy(fragment: FunctionFragment, result: string): boolean {
  const [{ accepted }] = new Interface([fragment]).decodeFunctionResult(fragment, result) as unknown as [
    { accepted: boolean },
  ];
  return accepted;
}

/** A token that calls back is collateral, priced as ether. */
async function withHooks() {
  const world = await funded();
  const { vault, clearingHouse, alice } = world;
  const token = await ethers.deployContract("ReentrantToken", [18]);
  await vault.list(token, wad("1000000"), 0);
  await clearingHouse.listCollateral(ETH, 10_000, 15);
  await token.mint(alice, wad("10"));
  await token.connect(alice).approve(vault, wad("10"));
  return { ...world, token };
}

/** How a call ends that the token makes in the middle of a deposit. */
async function callInside(world: Awaited<ReturnType<typeof withHooks>>, target: string, data: string) {
  const { vault, token, alice } = world;
  await token.arm(target, data, false);
  await vault.connect(alice).deposit(accountOf(alice), await vault.indexOf(token), 1n);
  return { success: await token.lastSuccess(), result: await token.lastResult() };
}
