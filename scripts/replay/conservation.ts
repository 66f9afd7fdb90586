/** Invariants 2 and 3, in wei, from the state of one block. */
import { readTreasury } from "./books.ts";
import { accountId, type ProtocolParts, SETTLEMENT, WAD_PER_USDC } from "./protocol.ts";

export interface Conservation {
  readonly time: number;
  /** Σ positive cash + pool base + insurance + protocol fees + escrows − settlement tokens held, WAD. Zero. */
  readonly driftWei: bigint;
  /** Σ shares of debt of accounts − shares of debt that the pool counts, WAD. Zero. */
  readonly debtDriftWei: bigint;
  readonly collaterals: readonly { readonly symbol: string; readonly ledgerWei: bigint; readonly heldWei: bigint }[];
}

export interface ConservationInput {
  readonly block: number;
  readonly time: number;
  /** Every account that has ever been named by an event. */
  readonly accounts: readonly string[];
  /** Σ escrow of pending orders, WAD. */
  readonly escrows: bigint;
  /** Reads what accounts hold, in their order; one by one by default. */
  readonly readBooks?: (accounts: readonly string[], block: number) => Promise<readonly HeldBook[]>;
}

/** What an account holds that tokens stand behind. */
export interface HeldBook {
  /** WAD of settlement token; negative: debt. */
  readonly cash: bigint;
  readonly debtShares: bigint;
  /** By token, WAD; what is not there is nothing. */
  readonly collateral: ReadonlyMap<number, bigint>;
}

export async function measureConservation(
  protocol: ProtocolParts,
  { block, time, accounts, escrows, readBooks }: ConservationInput,
): Promise<Conservation> {
  const { clearingHouse, insuranceFund, vault, usdc } = protocol;
  const at = { blockTag: block };
  const insured = accountId(await insuranceFund.getAddress());
  const owners = [...new Set([...accounts, insured])];
  const [treasury, { debtShares }, books, tokens, surplus, held] = await Promise.all([
    readTreasury(protocol, block),
    clearingHouse.ledger(at),
    readBooks === undefined ? readEach(protocol, owners, block) : readBooks(owners, block),
    usdc.balanceOf(vault, at),
    vault.surplus(SETTLEMENT, at),
    Promise.all(protocol.collaterals.map(async ({ token }) => vault.held(token, at))),
  ]);
  // What the fund has is in the treasury.
  const own = books.filter((_, index) => owners[index] !== insured || accounts.includes(insured));
  const credits = sum(own.map(({ cash }) => (cash > 0n ? cash : 0n)));
  const shares = sum(own.map((book) => book.debtShares));
  const { base, insurance, protocolFees } = treasury;
  return {
    time,
    driftWei: credits + base + insurance + protocolFees + escrows - (tokens - surplus) * WAD_PER_USDC,
    debtDriftWei: shares - debtShares,
    collaterals: protocol.collaterals.map(({ symbol, token, decimals }, index) => ({
      symbol,
      ledgerWei: sum(books.map(({ collateral }) => collateral.get(token) ?? 0n)),
      heldWei: (held[index] ?? 0n) * 10n ** BigInt(18 - decimals),
    })),
  };
}

async function readEach(
  { clearingHouse, collaterals }: ProtocolParts,
  accounts: readonly string[],
  block: number,
): Promise<HeldBook[]> {
  const at = { blockTag: block };
  return Promise.all(
    accounts.map(async (account) => {
      const [{ cash, shares }, amounts] = await Promise.all([
        clearingHouse.accountOf(account, at),
        Promise.all(
          collaterals.map(async ({ token }) => [token, await clearingHouse.collateralOf(account, token, at)] as const),
        ),
      ]);
      return { cash, debtShares: shares, collateral: new Map(amounts) };
    }),
  );
}

/** Whether all of it adds up. */
export function isConserved({ driftWei, debtDriftWei, collaterals }: Conservation): boolean {
  return driftWei === 0n && debtDriftWei === 0n && collaterals.every(({ ledgerWei, heldWei }) => ledgerWei <= heldWei);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
