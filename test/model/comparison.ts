/** All that the clearing house keeps, beside what the model keeps. */
import { expect } from "chai";
import type { Result } from "ethers";

import { max } from "../../scripts/model/fixed.ts";
import { decodeFunding } from "../../scripts/model/funding.ts";
import { lentDown } from "../../scripts/model/interest.ts";
import { decodeSizes } from "../../scripts/model/parameters.ts";
import { assess, decodeExposure, initialUp, maintenanceUp, type Terms } from "../../scripts/model/risk.ts";
import { type Side, sideSizeDown } from "../../scripts/model/sideIndex.ts";
import { UNATTRIBUTED } from "../../scripts/model/deficit.ts";
import { decodeWatch } from "../../scripts/model/watch.ts";
import type { Account, Books } from "../../scripts/model/books.ts";
import { found } from "../../scripts/model/books.ts";
import type { World } from "./world.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

type Dump = Awaited<ReturnType<World["driver"]["dump"]>>;

/** Throws at the first difference; returns the time that both were read at. */
export async function compareWorld({ driver, books, ids, fund }: World): Promise<bigint> {
  const dump = await driver.dump([...ids, fund]);
  const expected = expectedOf(books, dump.time);
  expectSame(actualOf(dump), expected, "");
  expectConserved(books);
  return dump.time;
}

/** Whether the terms that the contract makes of an account, at the worse ends, are the model's. */
export async function compareTerms({ house, books, ids }: World, index: number, now: bigint): Promise<void> {
  const { cash, exposures } = books.standingOf(books.account(index), now);
  const terms = assess({ exposures, cash, groups: books.groups, time: now, end: "worse" });
  expect(await simulatedTerms(house, found(ids[index]))).to.deep.equal([
    cash,
    toTuple(terms),
    initialUp(terms),
    maintenanceUp(terms, books.globals),
  ]);
}

/** What the pool, the reserves and the traders have is what was paid in. */
function expectConserved({ accounts, base, insurance, protocolFees, paidIn }: Books): void {
  const cash = accounts.reduce((sum, account) => sum + max(0n, account.cash), 0n);
  expect(cash + base + insurance + protocolFees, "conserved").to.equal(paidIn);
}

/** Names the first place where two structures differ. */
function expectSame(actual: unknown, expected: unknown, path: string): void {
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null) {
    expect(actual, path).to.equal(expected);
    return;
  }
  expect(Object.keys(actual).sort(), path).to.deep.equal(Object.keys(expected).sort());
  for (const [key, value] of Object.entries(actual)) {
    expectSame(value, expected[key as keyof typeof expected], `${path}/${key}`);
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

function expectedOf(books: Books, now: bigint): Record<keyof ReturnType<typeof actualOf>, unknown> {
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
    accounts: [
      ...books.accounts.map((account) => accountOf(books, account, now)),
      // Its seized collateral is not an account's: it has no bit in the word and no exposure.
      { ...accountOf(books, books.fund, now), exposures: [] },
    ],
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

async function simulatedTerms(house: World["house"], id: string): Promise<unknown[]> {
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
export function customErrorOf(house: World["house"], error: unknown) {
  const { data } = error as { data?: unknown };
  return typeof data === "string" ? house.interface.parseError(data) : null;
}

function toTuple(terms: Terms): readonly bigint[] {
  const { equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut } = terms;
  return [equity, weighted, unrealised, unrealisedWeighted, collateralValue, base, closeOut];
}
