import { readFileSync } from "node:fs";

import { expect } from "chai";
import { EventFragment, id as topicOf, Interface, type InterfaceAbi, type ParamType, toBeHex } from "ethers";

import { eventDecoder, MalformedLogError, SIGNATURES } from "../../../scripts/keeper/index/events.ts";
import type { RawLog } from "../../../scripts/keeper/index/EventSource.ts";
import { CONTRACTS } from "./fakeChain.ts";

const decode = eventDecoder(CONTRACTS);
const SOURCES = {
  clearingHouse: "interfaces/IClearingHouse.sol/IClearingHouse",
  orders: "interfaces/IOrders.sol/IOrders",
  pool: "LiquidityPool.sol/LiquidityPool",
  oracle: "oracles/IPriceOracle.sol/IPriceOracle",
} as const;
/** Events of accounts that change nothing of what the index keeps. */
const SILENT = ["OperatorSet", "LiquidationFailed", "Converted", "ItemFailed"];

/** Interfaces as they were built. */
function interfaceOf(contract: keyof typeof SOURCES): Interface {
  const file = new URL(`../../../artifacts/contracts/${SOURCES[contract]}.json`, import.meta.url);
  return new Interface((JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi);
}

function rawLog(contract: keyof typeof SOURCES, { topics, data }: { topics: readonly string[]; data: string }): RawLog {
  return {
    address: CONTRACTS[contract].toLowerCase(),
    topics,
    data,
    blockNumber: 7,
    blockHash: toBeHex(7, 32),
    logIndex: 3,
  };
}

/** A log of the event whose arguments are all different, and the arguments. */
function sampleOf(contract: keyof typeof SOURCES, signature: string) {
  const contractInterface = interfaceOf(contract);
  const fragment = contractInterface.getEvent(signature);
  if (fragment === null) throw new Error(`${contract} has no event ${signature}`);
  let next = 0x11n;
  const valueOf = (type: ParamType): unknown => {
    if (type.arrayChildren !== null) return [valueOf(type.arrayChildren), valueOf(type.arrayChildren)];
    if (type.baseType === "tuple") return (type.components ?? []).map(valueOf);
    next += 1n;
    if (type.type === "bool") return next % 2n === 0n;
    if (type.type === "uint8") return 1n;
    if (type.type === "bytes32") return toBeHex(next << 96n, 32);
    if (type.type === "address") return toBeHex(next, 20);
    return type.type.startsWith("int") ? -next * 10n ** 20n : next;
  };
  const values = fragment.inputs.map(valueOf);
  const log = contractInterface.encodeEventLog(fragment, values);
  const args = Object.fromEntries(fragment.inputs.map(({ name }, place) => [name, values[place]]));
  return { log: rawLog(contract, log), args };
}

describe("events of the index", () => {
  for (const contract of ["clearingHouse", "orders", "pool", "oracle"] as const) {
    for (const signature of SIGNATURES[contract]) {
      const name = signature.slice(0, signature.indexOf("("));
      it(`reads ${name} as the contract writes it`, () => {
        const { log, args } = sampleOf(contract, signature);
        const event = decode(log) as unknown as Record<string, unknown>;
        expect(event).to.not.equal(undefined);
        for (const [field, value] of Object.entries(event)) {
          const expected = expectedOf(name, field, args);
          expect(value, field).to.deep.equal(typeof value === "number" ? Number(expected) : expected);
        }
      });

      it(`refuses ${name} that is cut short`, () => {
        const { log } = sampleOf(contract, signature);
        expect(() => decode({ ...log, topics: log.topics.slice(0, 1) })).to.throw(MalformedLogError);
      });
    }
  }

  it("refuses a log whose data end too early", () => {
    const { log } = sampleOf("clearingHouse", SIGNATURES.clearingHouse[0] ?? "");
    expect(() => decode({ ...log, data: log.data.slice(0, -2 * 64) })).to.throw(MalformedLogError);
  });

  it("knows every event of the clearing house and of orders that names an account", () => {
    for (const contract of ["clearingHouse", "orders"] as const) {
      const known = new Set(SIGNATURES[contract].map(topicOf));
      const missing = interfaceOf(contract).fragments.filter(
        (fragment): fragment is EventFragment =>
          fragment instanceof EventFragment &&
          fragment.inputs.some(({ type, indexed }) => type === "bytes32" && indexed) &&
          !known.has(fragment.topicHash) &&
          !SILENT.includes(fragment.name),
      );
      expect(missing.map(({ name }) => name)).to.deep.equal([]);
    }
  });

  it("ignores the same event of another contract", () => {
    const { log } = sampleOf("clearingHouse", "Credited(bytes32,uint256,uint256)");
    expect(decode({ ...log, address: CONTRACTS.orders.toLowerCase() })).to.equal(undefined);
    expect(decode({ ...log, address: toBeHex(0xbad, 20) })).to.equal(undefined);
  });
});

/** What a field of the decoded event must be, out of the contract's arguments. */
function expectedOf(name: string, field: string, args: Readonly<Record<string, unknown>>): unknown {
  const number = (argument: string): bigint => args[argument] as bigint;
  if (field === "name") return nameOf(name);
  if (name === "Liquidated" && ["penalty", "discount", "reward"].includes(field)) {
    return (args["result"] as bigint[])[{ penalty: 4, discount: 5, reward: 6 }[field] ?? 0];
  }
  switch (`${name}.${field}`) {
    case "PoolFunded.amount":
    case "InsuranceFunded.amount":
      return -number("amount");
    case "OrderSubmitted.escrow":
    case "BasketSubmitted.escrow":
      return number("pay") + number("charge");
    case "OrderSubmitted.legs":
      return [{ asset: Number(args["asset"]), phase: args["phase"] }];
    case "BasketSubmitted.legs":
      return (args["legs"] as bigint[][]).map(([asset, , phase]) => ({ asset: Number(asset), phase }));
    case "FeedListed.window":
    case "FeedConfigured.window":
    case "SourceProposed.window":
      return (args["limits"] as bigint[])[1];
    case "DepositRequest.batch":
    case "RedeemRequest.batch":
      return args["requestId"];
    case "RedeemRequest.assets":
    case "RedemptionsFulfilled.assets":
    case "DepositRequest.shares":
    case "DepositsFulfilled.shares":
      return 0n;
    case "DepositsFulfilled.assets":
      return -number("assets");
    case "RedemptionsFulfilled.shares":
      return -number("shares");
    default:
      return args[field];
  }
}

function nameOf(name: string): string {
  if (/^Order(Filled|Cancelled|Refunded)$/.test(name)) return "OrderEnded";
  if (/^Trigger(Cancelled|Poked)$/.test(name)) return "TriggerEnded";
  if (/^(Pool(Funded|Drained)|InsuranceFunded|InsurancePaidOut|ProtocolFeesPaid)$/.test(name)) return "CashMoved";
  if (/^(Deleveraged|SideClosed|ProfitsCut)$/.test(name)) return "SideTouched";
  if (/^(Deposit|Redeem)Request$|Fulfilled$/.test(name)) return "BatchMoved";
  return name === "BasketSubmitted" ? "OrderSubmitted" : name;
}
