/** The contracts of a deployment as a keeper calls them, and what their refusals mean. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, Interface, type InterfaceAbi, type Provider, ZeroAddress } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import type {
  IClearingHouse,
  IPriceOracle,
  InsuranceFund,
  IShareFeed,
  Lens,
  LiquidityPool,
  Orders,
  ReportRelay,
  StreamFeed,
  StreamReports,
} from "../../typechain-types/index.ts";

/** A source of prices: proxy, computed feed or stream. */
const FEED_ABI = [
  "function decimals() view returns (uint8)",
  "function latestRoundData() view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)",
  "function getRoundData(uint80) view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80)",
];

/** The error of a revert: its name, empty if no contract has it, and all of it in words. */
export interface Refusal {
  readonly name: string;
  readonly text: string;
}

export interface ContractsOptions {
  /** What calls go through. */
  readonly provider: Provider;
  readonly book: AddressBook;
}

export class Contracts {
  readonly provider: Provider;
  readonly book: AddressBook;
  readonly clearingHouse: IClearingHouse;
  readonly orders: Orders;
  readonly oracle: IPriceOracle;
  readonly lens: Lens;
  readonly pool: LiquidityPool;
  readonly insuranceFund: InsuranceFund;
  /** Undefined where no market settles by reports, as the next one. */
  readonly reportRelay: ReportRelay | undefined;
  readonly streamReports: StreamReports | undefined;
  /** Whose events and errors are understood. */
  readonly interfaces: readonly Interface[];

  constructor({ provider, book }: ContractsOptions) {
    const { contracts } = book;
    this.book = book;
    this.provider = provider;
    const at = (address: string, source: string): unknown => new Contract(address, abiOf(source), provider);
    this.clearingHouse = at(contracts.clearingHouse, "interfaces/IClearingHouse") as IClearingHouse;
    this.orders = at(contracts.orders, "Orders") as Orders;
    this.oracle = at(contracts.oracle, "oracles/IPriceOracle") as IPriceOracle;
    this.lens = at(contracts.lens, "Lens") as Lens;
    this.pool = at(contracts.pool, "LiquidityPool") as LiquidityPool;
    this.insuranceFund = at(contracts.insuranceFund, "InsuranceFund") as InsuranceFund;
    const { reportRelay, streamReports } = book;
    this.reportRelay =
      reportRelay === ZeroAddress ? undefined : (at(reportRelay, "oracles/ReportRelay") as ReportRelay);
    this.streamReports =
      streamReports === ZeroAddress ? undefined : (at(streamReports, "oracles/StreamReports") as StreamReports);
    this.interfaces = [
      this.clearingHouse.interface,
      this.orders.interface,
      this.oracle.interface,
      this.pool.interface,
      this.insuranceFund.interface,
      ...ERRORS_INSIDE.map((source) => new Interface(abiOf(source))),
    ];
  }

  /** Any source of prices at an address. */
  feedAt(address: string): Contract {
    return new Contract(address, FEED_ABI, this.provider);
  }

  streamAt(address: string): StreamFeed {
    return new Contract(address, abiOf("oracles/StreamFeed"), this.provider) as unknown as StreamFeed;
  }

  shareFeedAt(address: string): IShareFeed {
    return new Contract(address, abiOf("oracles/IShareFeed"), this.provider) as unknown as IShareFeed;
  }

  /** The name of the error in a revert, with its arguments, or what the endpoint says. */
  describe(error: unknown): Refusal {
    const data = revertDataOf(error);
    const parsed = data === undefined ? undefined : this.parseRefusal(data);
    if (parsed !== undefined) return parsed;
    const text = (error as { shortMessage?: string } | undefined)?.shortMessage ?? messageOf(error);
    return { name: "", text: data === undefined ? text : `${text} ${data}` };
  }

  /** The error that revert data stands for; undefined if no contract has it. */
  parseRefusal(data: string): Refusal | undefined {
    for (const contract of this.interfaces) {
      const parsed = contract.parseError(data);
      if (parsed !== null) return { name: parsed.name, text: `${parsed.name}(${parsed.args.join(", ")})` };
    }
    return undefined;
  }
}

/** Errors of libraries and of contracts behind, which no interface above declares. */
const ERRORS_INSIDE = [
  "oracles/ChainlinkPush",
  "oracles/StreamSettlement",
  "oracles/StreamReports",
  "oracles/StreamFeed",
  "oracles/ReportRelay",
  "oracles/ShareFeed",
  "ClearingHouse",
  "ClearingHouseExtension",
  "Vault",
] as const;

/** The address of a contract that was made for one. */
export function addressOf({ target }: { readonly target: unknown }): string {
  if (typeof target !== "string") throw new PlimsollError("a contract without an address");
  return target;
}

/** Of a JSON-RPC error, where it has come through as it is. */
const REVERTED = 3;

/** What a call reverted with; undefined if it failed otherwise. */
export function revertDataOf(error: unknown): string | undefined {
  const { code, data } = (error ?? {}) as { code?: unknown; data?: unknown };
  if (code !== "CALL_EXCEPTION" && code !== REVERTED) return undefined;
  return typeof data === "string" ? data : "0x";
}

const artifacts = join(import.meta.dirname, "../../artifacts/contracts");

/** @param source Path of a file without its ending, which has the name of the contract. */
function abiOf(source: string): InterfaceAbi {
  const name = source.slice(source.lastIndexOf("/") + 1);
  const file = join(artifacts, `${source}.sol`, `${name}.json`);
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new PlimsollError(`no artifact of ${name}: build first`, { cause });
  }
}
