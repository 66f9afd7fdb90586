/** What a deployment has and owes, read at one block through its lens. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, type InterfaceAbi, type Provider } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { Lens } from "../../typechain-types/index.ts";

/** The chain is not the one of the deployment. */
export class WrongChainError extends PlimsollError {}

/** Tokens of one kind, token units. */
export interface Custody {
  readonly symbol: string;
  readonly decimals: bigint;
  /** By the vault's ledger. */
  readonly held: bigint;
  /** What the token says that the vault has. */
  readonly actual: bigint;
}

/** In the order of the contracts' enums. */
export const STATUSES = ["None", "Active", "ReduceOnly", "Closing", "Closed"] as const;
export const TRIGGERS = ["None", "Skew", "Budget", "Pool"] as const;

/** Sizes in base units, money in settlement token, both WAD; times in unix seconds, 0: none. */
export interface Market {
  readonly symbol: string;
  readonly status: (typeof STATUSES)[number];
  readonly price: bigint;
  readonly live: boolean;
  readonly longSize: bigint;
  readonly shortSize: bigint;
  readonly skew: bigint;
  readonly longValue: bigint;
  readonly shortValue: bigint;
  readonly heldPremium: bigint;
  /** What the pool owes to its traders, held premium included. */
  readonly owed: bigint;
  readonly budget: bigint;
  readonly insuranceRoom: bigint;
  readonly insuranceCap: bigint;
  /** Why it is to be deleveraged; None: it is not. */
  readonly flag: (typeof TRIGGERS)[number];
  readonly flaggedAt: bigint;
  readonly overSince: bigint;
  readonly graceUntil: bigint;
  readonly closesAt: bigint;
}

/** Money is WAD of settlement token. */
export interface SolvencyReading {
  readonly chainId: bigint;
  readonly block: bigint;
  /** Unix seconds. */
  readonly time: bigint;
  /** The settlement token first. */
  readonly custody: readonly Custody[];
  /** Σ positive cash and escrows. */
  readonly tradersCash: bigint;
  /** Settlement tokens that are there, less that. */
  readonly seniorCoverage: bigint;
  readonly pool: {
    readonly equity: bigint;
    readonly base: bigint;
    readonly lent: bigint;
    readonly redeemable: bigint;
    /** Owed to positions of sides that were closed whole. */
    readonly closedValue: bigint;
    /** Advanced for seized collateral that is not sold yet. */
    readonly seizedOwed: bigint;
    /** Borne for others so far: deficits beyond insurance, seized collateral that sold too low. */
    readonly uncoveredDeficits: bigint;
    /** 1e-6 of what could be lent. */
    readonly utilisation: bigint;
    /** 1e-6 per year. */
    readonly borrowRate: bigint;
    readonly mark: bigint;
    readonly markTime: bigint;
    /** Every price that the equity depends on is live. */
    readonly live: boolean;
    /** Its requests wait for a loss to be worked out. */
    readonly blocked: boolean;
  };
  readonly insurance: bigint;
  readonly insuranceTarget: bigint;
  readonly protocolFees: bigint;
  /** Insolvent accounts that have been found and not been settled. */
  readonly pendingLosses: bigint;
  readonly flaggedMarkets: bigint;
  readonly paused: boolean;
  readonly markets: readonly Market[];
}

const LIVE = 0n;

/** Throws a WrongChainError unless the lens of the deployment is there and belongs to it. */
export async function readSolvency(provider: Provider, { chainId, contracts, ...book }: AddressBook) {
  const { chainId: actual } = await provider.getNetwork();
  if (actual !== chainId) {
    throw new WrongChainError(`chain ${String(actual)}, the deployment is on ${String(chainId)}`);
  }
  const block = await provider.getBlock("latest");
  if (block === null) throw new PlimsollError("the node has no latest block");
  const at = { blockTag: block.number };
  if ((await provider.getCode(contracts.lens, block.number)) === "0x") {
    throw new WrongChainError(`no code of lens at ${contracts.lens}`);
  }
  const lens = new Contract(contracts.lens, lensAbi(), provider) as unknown as Lens;
  const house = await lens.clearingHouse(at);
  if (house !== contracts.clearingHouse) {
    throw new WrongChainError(`the lens belongs to the clearing house ${house}, not ${contracts.clearingHouse}`);
  }
  const read = await lens.solvency(at);
  return toReading(read, {
    chainId,
    block: BigInt(block.number),
    time: BigInt(block.timestamp),
    tokens: Object.keys(book.tokens),
    assets: Object.keys(book.feeds),
  });
}

interface Frame {
  readonly chainId: bigint;
  readonly block: bigint;
  readonly time: bigint;
  /** Symbols: the settlement token, then collateral in the order of its index. */
  readonly tokens: readonly string[];
  /** Symbols in the order of asset indices. */
  readonly assets: readonly string[];
}

function toReading(read: Awaited<ReturnType<Lens["solvency"]>>, { tokens, assets, ...frame }: Frame): SolvencyReading {
  const { ledger, pool } = read;
  return {
    ...frame,
    custody: read.custody.map(({ contractAddress, decimals, held, surplus }, place) => ({
      symbol: tokens[place] ?? contractAddress,
      decimals,
      held,
      actual: held + surplus,
    })),
    tradersCash: read.tradersCash,
    seniorCoverage: read.seniorCoverage,
    pool: {
      equity: pool.equity,
      base: ledger.base,
      lent: ledger.lent,
      redeemable: pool.redeemable,
      closedValue: ledger.closedValue,
      seizedOwed: ledger.seizedOwed,
      uncoveredDeficits: ledger.uncoveredDeficits,
      utilisation: read.utilisation,
      borrowRate: read.borrowRate,
      mark: ledger.markValue,
      markTime: ledger.markTime,
      live: pool.live,
      blocked: pool.blocked,
    },
    insurance: ledger.insurance,
    insuranceTarget: read.insuranceTarget,
    protocolFees: ledger.protocolFees,
    pendingLosses: ledger.pendingLosses,
    flaggedMarkets: ledger.flaggedMarkets,
    paused: ledger.paused,
    markets: read.markets.map((row) => ({
      symbol: assets[Number(row.asset)] ?? `asset ${String(row.asset)}`,
      status: STATUSES[Number(row.status)] ?? "None",
      price: row.price,
      live: row.refusal === LIVE,
      longSize: row.longSize,
      shortSize: row.shortSize,
      skew: row.skew,
      longValue: row.longValue,
      shortValue: row.shortValue,
      heldPremium: row.heldPremium,
      owed: row.longValue + row.shortValue + row.heldPremium,
      budget: row.budget,
      insuranceRoom: row.insuranceRoom,
      insuranceCap: row.insuranceCap,
      flag: TRIGGERS[Number(row.flag)] ?? "None",
      flaggedAt: row.flaggedAt,
      overSince: row.overSince,
      graceUntil: row.graceUntil,
      closesAt: row.closesAt,
    })),
  };
}

function lensAbi(): InterfaceAbi {
  const file = join(import.meta.dirname, "../../artifacts/contracts/Lens.sol/Lens.json");
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new PlimsollError("no artifact of Lens: build first", { cause });
  }
}
