/** The events that the index is made of, out of raw logs. By hand: an ABI coder takes ten times as long for a million. */
import { id } from "ethers";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { OrderLeg } from "./entries.ts";
import type { IndexedContracts, RawLog } from "./EventSource.ts";

/** A log of a known event that is not as long as it must be. */
export class MalformedLogError extends PlimsollError {}

/** As the contracts' events of the same names; only what the index needs. Amounts are WAD. */
export type IndexedEvent =
  | {
      readonly name: "Fill";
      readonly account: string;
      readonly asset: number;
      readonly delta: bigint;
      readonly quote: bigint;
      readonly realised: bigint;
      readonly fee: bigint;
    }
  | {
      readonly name: "Credited" | "Debited";
      readonly account: string;
      readonly token: number;
      readonly amount: bigint;
    }
  | {
      readonly name: "Transferred";
      readonly from: string;
      readonly to: string;
      readonly token: number;
      readonly amount: bigint;
    }
  | {
      readonly name: "OrderClosed";
      readonly account: string;
      readonly payTo: string;
      readonly released: bigint;
      readonly pay: bigint;
    }
  | { readonly name: "KeeperPaid"; readonly from: string; readonly to: string; readonly amount: bigint }
  | {
      readonly name: "Liquidated";
      readonly account: string;
      readonly liquidator: string;
      readonly penalty: bigint;
      readonly discount: bigint;
      readonly reward: bigint;
    }
  | {
      readonly name: "CollateralSold";
      readonly account: string;
      readonly buyer: string;
      readonly token: number;
      readonly amount: bigint;
      readonly proceeds: bigint;
    }
  | { readonly name: "LossRealised"; readonly account: string; readonly asset: number; readonly loss: bigint }
  | {
      readonly name: "PositionsClosed";
      readonly account: string;
      /** Bitmap. */
      readonly assets: bigint;
      readonly value: bigint;
    }
  | { readonly name: "DeficitBooked" | "Insolvent" | "InsolvencyCleared"; readonly account: string }
  | {
      readonly name: "CollateralSeized";
      readonly account: string;
      readonly token: number;
      readonly amount: bigint;
      readonly paid: bigint;
    }
  /** Cash that comes from the pool, from insurance or from the protocol's fees, or (negative) goes there. */
  | { readonly name: "CashMoved"; readonly account: string; readonly amount: bigint }
  /** Positions of a side are no longer what the events of their accounts say. */
  | { readonly name: "SideTouched"; readonly asset: number; readonly long: boolean }
  | { readonly name: "MarketClosed"; readonly asset: number }
  | {
      readonly name: "OrderSubmitted";
      readonly account: string;
      readonly sequence: bigint;
      readonly boundary: bigint;
      readonly legs: readonly OrderLeg[];
      /** Pay and charge together. */
      readonly escrow: bigint;
    }
  | { readonly name: "OrderEnded"; readonly account: string; readonly sequence: bigint }
  | {
      readonly name: "TriggerSubmitted";
      readonly account: string;
      readonly sequence: bigint;
      readonly asset: number;
      readonly delta: bigint;
      readonly triggerPrice: bigint;
      readonly above: boolean;
      readonly expiry: bigint;
    }
  | { readonly name: "TriggerEnded"; readonly account: string; readonly sequence: bigint }
  | { readonly name: "BatchOpened"; readonly batch: bigint; readonly closesAt: bigint; readonly maturesAt: bigint }
  /** Requests of a batch: more (positive), or settled. Assets in units of the token, shares of the pool. */
  | { readonly name: "BatchMoved"; readonly batch: bigint; readonly assets: bigint; readonly shares: bigint }
  /** Windows are seconds, addresses in lower case. */
  | {
      readonly name: "FeedListed" | "SourceProposed";
      readonly asset: number;
      readonly proxy: string;
      readonly kind: number;
      readonly window: bigint;
    }
  | { readonly name: "FeedConfigured"; readonly asset: number; readonly window: bigint }
  | { readonly name: "SourceAdopted"; readonly asset: number }
  | { readonly name: "SettlementSet"; readonly asset: number; readonly stream: string; readonly window: bigint };

type Decoder = (log: Log) => IndexedEvent;

/** Topics and words of a log, counted from the first that is not the event's own. */
class Log {
  readonly #raw: RawLog;

  constructor(raw: RawLog) {
    this.#raw = raw;
  }

  /** An indexed account. */
  account(place: number): string {
    return this.#topic(place);
  }

  topic(place: number): bigint {
    return BigInt(this.#topic(place));
  }

  index(place: number): number {
    return Number(this.#topic(place));
  }

  /** In lower case. */
  address(place: number): string {
    return `0x${this.#topic(place).slice(-40)}`;
  }

  flag(place: number): boolean {
    return this.index(place) !== 0;
  }

  word(place: number): bigint {
    const { data } = this.#raw;
    const start = 2 + 64 * place;
    const word = data.slice(start, start + 64);
    if (word.length < 64) throw this.#malformed();
    return BigInt(`0x${word}`);
  }

  signed(place: number): bigint {
    return BigInt.asIntN(256, this.word(place));
  }

  /** @throws A MalformedLogError for a number that no length or place can be. */
  small(place: number): number {
    const value = Number(this.word(place));
    if (value > 65_536) throw this.#malformed();
    return value;
  }

  #topic(place: number): string {
    const topic = this.#raw.topics[place + 1];
    if (topic?.length !== 66) throw this.#malformed();
    return topic;
  }

  #malformed(): MalformedLogError {
    const { topics, blockNumber, logIndex } = this.#raw;
    return new MalformedLogError(`log ${logIndex} of block ${blockNumber} (${String(topics[0])}) is cut short`);
  }
}

const moved =
  (sign: 1n | -1n): Decoder =>
  (log) => ({ name: "CashMoved", account: log.account(0), amount: sign * log.word(0) });

const moneyOf =
  (name: "Credited" | "Debited"): Decoder =>
  (log) => ({ name, account: log.account(0), token: log.index(1), amount: log.word(0) });

const accountOnly =
  (name: "DeficitBooked" | "Insolvent" | "InsolvencyCleared"): Decoder =>
  (log) => ({ name, account: log.account(0) });

const sideTouched: Decoder = (log) => ({ name: "SideTouched", asset: log.index(0), long: log.flag(1) });

const ended =
  (name: "OrderEnded" | "TriggerEnded"): Decoder =>
  (log) => ({ name, account: log.account(0), sequence: log.topic(1) });

const LIQUIDATION_RESULT = "(int256,uint256,int256,uint256,uint256,uint256,uint256,uint256)";
/** Asset, delta, phase, middle of the band. */
const LEG_WORDS = 4;

/** By signature. */
const CLEARING_HOUSE: Readonly<Record<string, Decoder>> = {
  "Fill(bytes32,uint256,int256,uint256,int256,int256,uint256,int256)": (log) => ({
    name: "Fill",
    account: log.account(0),
    asset: log.index(1),
    delta: log.signed(0),
    quote: log.signed(2),
    realised: log.signed(3),
    fee: log.word(4),
  }),
  "Credited(bytes32,uint256,uint256)": moneyOf("Credited"),
  "Debited(bytes32,uint256,uint256)": moneyOf("Debited"),
  "Transferred(bytes32,bytes32,uint256,uint256)": (log) => ({
    name: "Transferred",
    from: log.account(0),
    to: log.account(1),
    token: log.index(2),
    amount: log.word(0),
  }),
  "OrderClosed(bytes32,bytes32,uint256,uint256,uint256)": (log) => ({
    name: "OrderClosed",
    account: log.account(0),
    payTo: log.account(1),
    released: log.word(0),
    pay: log.word(1),
  }),
  "KeeperPaid(bytes32,bytes32,uint256)": (log) => ({
    name: "KeeperPaid",
    from: log.account(0),
    to: log.account(1),
    amount: log.word(0),
  }),
  [`Liquidated(bytes32,bytes32,${LIQUIDATION_RESULT})`]: (log) => ({
    name: "Liquidated",
    account: log.account(0),
    liquidator: log.account(1),
    penalty: log.word(4),
    discount: log.word(5),
    reward: log.word(6),
  }),
  "CollateralSold(bytes32,bytes32,uint256,uint256,uint256)": (log) => ({
    name: "CollateralSold",
    account: log.account(0),
    buyer: log.account(1),
    token: log.index(2),
    amount: log.word(0),
    proceeds: log.word(1),
  }),
  "LossRealised(bytes32,uint256,uint256)": (log) => ({
    name: "LossRealised",
    account: log.account(0),
    asset: log.index(1),
    loss: log.word(0),
  }),
  "PositionsClosed(bytes32,uint256,int256)": (log) => ({
    name: "PositionsClosed",
    account: log.account(0),
    assets: log.word(0),
    value: log.signed(1),
  }),
  "DeficitBooked(bytes32,uint256,uint256,uint256)": accountOnly("DeficitBooked"),
  "Insolvent(bytes32,int256)": accountOnly("Insolvent"),
  "InsolvencyCleared(bytes32)": accountOnly("InsolvencyCleared"),
  "CollateralSeized(bytes32,uint256,uint256,uint256,uint256)": (log) => ({
    name: "CollateralSeized",
    account: log.account(0),
    token: log.index(1),
    amount: log.word(0),
    paid: log.word(1),
  }),
  "PoolFunded(bytes32,uint256)": moved(-1n),
  "PoolDrained(bytes32,uint256)": moved(1n),
  "InsuranceFunded(bytes32,uint256)": moved(-1n),
  "InsurancePaidOut(bytes32,uint256)": moved(1n),
  "ProtocolFeesPaid(bytes32,uint256)": moved(1n),
  "Deleveraged(uint256,bool,uint256,uint256,int256,uint256,int256)": sideTouched,
  "SideClosed(uint256,bool,uint256)": sideTouched,
  "ProfitsCut(uint256,bool,uint256,int256)": sideTouched,
  "MarketClosed(uint256,uint256,int256)": (log) => ({ name: "MarketClosed", asset: log.index(0) }),
};

const ORDERS: Readonly<Record<string, Decoder>> = {
  "OrderSubmitted(bytes32,uint256,uint256,int256,uint256,bool,uint256,uint256,uint256,uint256,uint256)": (log) => ({
    name: "OrderSubmitted",
    account: log.account(0),
    sequence: log.topic(1),
    boundary: log.word(4),
    legs: [{ asset: log.index(2), phase: log.word(5) }],
    escrow: log.word(6) + log.word(7),
  }),
  "BasketSubmitted(bytes32,uint256,(uint256,int256,uint256,uint256)[],bool,uint256,uint256,uint256,uint256)": (log) => {
    const start = log.small(0) / 32;
    return {
      name: "OrderSubmitted",
      account: log.account(0),
      sequence: log.topic(1),
      boundary: log.word(3),
      legs: Array.from({ length: log.small(start) }, (_, leg) => {
        const first = start + 1 + LEG_WORDS * leg;
        return { asset: Number(log.word(first)), phase: log.word(first + 2) };
      }),
      escrow: log.word(4) + log.word(5),
    };
  },
  "OrderFilled(bytes32,uint256,bytes32,uint256,uint256)": ended("OrderEnded"),
  "OrderCancelled(bytes32,uint256,bytes32,uint8,uint256,uint256)": ended("OrderEnded"),
  "OrderRefunded(bytes32,uint256,bytes32,uint256)": ended("OrderEnded"),
  "TriggerSubmitted(bytes32,uint256,uint256,int256,uint256,bool,uint256,uint256)": (log) => ({
    name: "TriggerSubmitted",
    account: log.account(0),
    sequence: log.topic(1),
    asset: log.index(2),
    delta: log.signed(0),
    triggerPrice: log.word(1),
    above: log.word(2) !== 0n,
    expiry: log.word(4),
  }),
  "TriggerCancelled(bytes32,uint256)": ended("TriggerEnded"),
  "TriggerPoked(bytes32,uint256,bytes32,uint256,uint256,uint256)": ended("TriggerEnded"),
};

const POOL: Readonly<Record<string, Decoder>> = {
  "BatchOpened(uint256,uint256,uint256)": (log) => ({
    name: "BatchOpened",
    batch: log.topic(0),
    closesAt: log.word(0),
    maturesAt: log.word(1),
  }),
  "DepositRequest(address,address,uint256,address,uint256)": (log) => ({
    name: "BatchMoved",
    batch: log.topic(2),
    assets: log.word(1),
    shares: 0n,
  }),
  "RedeemRequest(address,address,uint256,address,uint256)": (log) => ({
    name: "BatchMoved",
    batch: log.topic(2),
    assets: 0n,
    shares: log.word(1),
  }),
  "DepositsFulfilled(uint256,uint256,uint256,int256,uint256)": (log) => ({
    name: "BatchMoved",
    batch: log.topic(0),
    assets: -log.word(0),
    shares: 0n,
  }),
  "RedemptionsFulfilled(uint256,uint256,uint256,int256,uint256)": (log) => ({
    name: "BatchMoved",
    batch: log.topic(0),
    assets: 0n,
    shares: -log.word(0),
  }),
};

const LIMITS = "(uint24,uint24,uint24,uint24,uint32,uint96,uint96)";

const ORACLE: Readonly<Record<string, Decoder>> = {
  [`FeedListed(uint256,address,uint8,${LIMITS})`]: (log) => ({
    name: "FeedListed",
    asset: log.index(0),
    proxy: log.address(1),
    kind: log.small(0),
    window: log.word(2),
  }),
  [`FeedConfigured(uint256,${LIMITS})`]: (log) => ({
    name: "FeedConfigured",
    asset: log.index(0),
    window: log.word(1),
  }),
  [`SourceProposed(uint256,address,uint8,uint256,${LIMITS})`]: (log) => ({
    name: "SourceProposed",
    asset: log.index(0),
    proxy: log.address(1),
    kind: log.small(0),
    window: log.word(3),
  }),
  "SourceAdopted(uint256,address,uint256,uint80)": (log) => ({ name: "SourceAdopted", asset: log.index(0) }),
  "SettlementSet(uint256,address,uint256)": (log) => ({
    name: "SettlementSet",
    asset: log.index(0),
    stream: log.address(1),
    window: log.word(0),
  }),
};

/** Signatures of the events by contract: all that is decoded. */
export const SIGNATURES = {
  clearingHouse: Object.keys(CLEARING_HOUSE),
  orders: Object.keys(ORDERS),
  pool: Object.keys(POOL),
  oracle: Object.keys(ORACLE),
} as const;

/** @return Of a log the event that the index needs; undefined for any other. Throws a MalformedLogError. */
export function eventDecoder({
  clearingHouse,
  orders,
  pool,
  oracle,
}: IndexedContracts): (log: RawLog) => IndexedEvent | undefined {
  const decoders = new Map(
    (
      [
        [clearingHouse, CLEARING_HOUSE],
        [orders, ORDERS],
        [pool, POOL],
        [oracle, ORACLE],
      ] as const
    ).map(([address, events]) => [
      address.toLowerCase(),
      new Map(Object.entries(events).map(([signature, decoder]) => [id(signature), decoder])),
    ]),
  );
  return (log) => decoders.get(log.address)?.get(log.topics[0] ?? "")?.(new Log(log));
}
