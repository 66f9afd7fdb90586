/** All that the clearing house keeps, beside what the model keeps. */
import type { Result } from "ethers";

import { decodeFunding } from "../../model/funding.ts";
import { lentDown } from "../../model/interest.ts";
import { decodeSizes } from "../../model/parameters.ts";
import { assess, decodeExposure, initialUp, maintenanceUp, type Terms } from "../../model/risk.ts";
import { type Side, sideSizeDown } from "../../model/sideIndex.ts";
import { UNATTRIBUTED } from "../../model/deficit.ts";
import { decodeWatch } from "../../model/watch.ts";
import type { Account, Books } from "../../model/books.ts";
import { found } from "../../model/books.ts";
import type { Chain, House } from "./chain.ts";
import { requireCashConserved } from "./conservation.ts";
import { DifferenceError } from "./errors.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

type Dump = Awaited<ReturnType<Chain["driver"]["dump"]>>;

/** A clearing house and the books that are to be the same. */
export interface Pair extends Chain {
  readonly books: Books;
}

/** Accounts that one call reads: so many fit into the gas of a transaction. */
const ACCOUNTS_OF_A_CALL = 16;

/** Throws a DifferenceError at the first difference; returns the time that both were read at, unix seconds. */
export async function compareWorld({ driver, books, ids, fund }: Pair): Promise<bigint> {
  const owners = [
    ...books.accounts.map((account, index) => ({ account, id: found(ids[index]) })),
    { account: books.fund, id: fund },
  ];
  let time = 0n;
  for (let start = 0; start < owners.length; start += ACCOUNTS_OF_A_CALL) {
    const read = owners.slice(start, start + ACCOUNTS_OF_A_CALL);
    const dump = await driver.dump(read.map(({ id }) => id));
    const accounts = read.map(({ account }) => account);
    requireSame(actualOf(dump), expectedOf(books, accounts, dump.time), "");
    ({ time } = dump);
  }
  requireCashConserved(books);
  return time;
}

/** Whether the terms that the contract makes of an account, at the worse ends, are the model's. */
export async function compareTerms({ house, books, ids }: Pair, index: number, now: bigint): Promise<void> {
  const { cash, exposures } = books.standingOf(books.account(index), now);
  const terms = assess({ exposures, cash, groups: books.groups, time: now, end: "worse" });
  const expected = [cash, toTuple(terms), initialUp(terms), maintenanceUp(terms, books.globals)];
  requireSame(await simulatedTerms(house, found(ids[index])), expected, "terms");
}

/** Names the first place where two structures differ. */
function requireSame(actual: unknown, expected: unknown, path: string): void {
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null) {
    if (actual === expected) return;
    throw new DifferenceError(`${path}: the contract has ${String(actual)}, the model ${String(expected)}`);
  }
  const [keys, foreseen] = [actual, expected].map((structure) => Object.keys(structure).sort().join());
  if (keys !== foreseen)
    throw new DifferenceError(`${path}: the contract has ${keys ?? ""}, the model ${foreseen ?? ""}`);
  for (const [key, value] of Object.entries(actual)) {
    requireSame(value, expected[key as keyof typeof expected], `${path}/${key}`);
  }
}

function actualOf({ ledger, pool, accounts, markets, seizures, unattributedRoom }: Dump) {
  return {
    ledger: plain(ledger),
    pool: plain(pool),
    accounts: accounts.map((account) => ({
      cash: account.cash,
      shares: account.shares,
      insolventSince: account.insolventSince,
      positions: account.units.map((units, asset) => [
        units,
        account.quotes[asset],
        account.epochs[asset],
        account.cuts[asset],
      ]),
      collateral: [...account.collateral],
      exposures: account.exposures.map((exposure) => {
        const { size, quote, funding, ...rest } = decodeExposure(exposure);
        // The contract loads funding for positions only.
        return { ...rest, ...(size === 0n ? {} : { size, quote, funding }) };
      }),
    })),
    markets: markets
      .filter(({ sizes }) => decodeSizes(sizes).status !== "None")
      .map(({ long, short, funding, watch, sizes, room }) => ({
        long: plain(long),
        short: plain(short),
        funding: decodeFunding(funding),
        watch: decodeWatch(watch),
        status: decodeSizes(sizes).status,
        room,
      })),
    seizures: seizures.map(({ amount, owed, since }) => [amount, owed, since]),
    unattributedRoom,
  };
}

function expectedOf(
  books: Books,
  accounts: readonly Account[],
  now: bigint,
): Record<keyof ReturnType<typeof actualOf>, unknown> {
  const pool = books.poolValue(now);
  const index = books.debtIndex(now);
  return {
    ledger: {
      base: books.base,
      lent: lentDown({ shares: books.debts.shares, index }),
      debtShares: books.debts.shares,
      debtIndex: index,
      insurance: books.insurance,
      protocolFees: books.protocolFees,
      closedValue: books.closedValue,
      seizedOwed: books.seizedOwed,
      uncoveredDeficits: books.uncoveredDeficits,
      pendingLosses: books.pendingLosses,
      flaggedMarkets: books.flaggedMarkets(),
      markValue: books.mark,
      markTime: books.markTime,
      paused: false,
    },
    pool: {
      equity: pool.equity,
      gross: pool.gross,
      redeemable: pool.redeemable,
      oldest: pool.oldest ?? MAX_UINT256,
      live: pool.live,
      blocked: pool.blocked,
    },
    accounts: accounts.map((account) => ({
      ...accountOf(books, account, now),
      // Seized collateral of the fund is not an account's: it has no bit in the word and no exposure.
      ...(account === books.fund ? { exposures: [] } : {}),
    })),
    markets: [...books.assets.keys()]
      .filter((asset) => books.statusOf(asset) !== "None")
      .map((asset) => {
        const { long, short, funding, watch } = books.market(asset);
        const status = books.statusOf(asset);
        return { long: viewOf(long), short: viewOf(short), funding, watch, status, room: books.roomOf(asset, now) };
      }),
    seizures: books.tokens.map((_, token) => {
      const { owed = 0n, since = 0n } = books.seizures.get(token) ?? {};
      return [books.fund.collateralOf(token), owed, since];
    }),
    unattributedRoom: books.roomOf(UNATTRIBUTED, now),
  };
}

function accountOf(books: Books, account: Account, now: bigint) {
  return {
    cash: books.cashOf(account, now),
    shares: account.shares,
    insolventSince: account.insolventSince,
    positions: [...books.assets.keys()].map((asset) => {
      const { units, quote, epoch, cuts } = account.positionOf(asset);
      return [units, quote, epoch, cuts];
    }),
    collateral: books.tokens.map((_, token) => account.collateralOf(token)),
    exposures: [...books.assets.keys()].flatMap((asset) => {
      const { size, quote, funding, ...rest } = books.exposureOf(account, asset, now);
      if (account.positionOf(asset).units === 0n && rest.collateral === 0n) return [];
      return [{ ...rest, ...(size === 0n ? {} : { size, quote, funding }) }];
    }),
  };
}

function viewOf(side: Side) {
  const { units, quote, epoch, cuts, index } = side;
  const { scale, profitScale, offset } = index;
  return { units, quote, epoch, cuts, scale, profitScale, offset, size: sideSizeDown(side) };
}

/** A struct by the names of its fields. */
function plain(struct: object): object {
  return (struct as Result).toObject();
}

async function simulatedTerms(house: House, id: string): Promise<unknown[]> {
  try {
    await house.simulate.staticCall(id, [], false);
  } catch (error) {
    const decoded = customErrorOf(house, error);
    if (decoded?.name !== "Simulated") throw error;
    return decoded.args.toArray(true).slice(1) as unknown[];
  }
  throw new Error("simulate did not revert");
}

/** The contract's error in what a call or transaction threw. */
export function customErrorOf(house: House, error: unknown) {
  const { data } = error as { data?: unknown };
  return typeof data === "string" ? house.interface.parseError(data) : null;
}

function toTuple(terms: Terms): readonly bigint[] {
  const { equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut } = terms;
  return [equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut];
}
