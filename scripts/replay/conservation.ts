/** Invariants 2 and 3, in wei, from the state of one block. */
import { readTreasury } from "./books.ts";
import { accountId, type Protocol, SETTLEMENT, WAD_PER_USDC } from "./protocol.ts";

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
}

export async function measureConservation(
  protocol: Protocol,
  { block, time, accounts, escrows }: ConservationInput,
): Promise<Conservation> {
  const { clearingHouse, insuranceFund, vault, usdc } = protocol;
  const at = { blockTag: block };
  const owners = new Set([...accounts, accountId(await insuranceFund.getAddress())]);
  const [treasury, { debtShares }, states, tokens, surplus, collaterals] = await Promise.all([
    readTreasury(protocol, block),
    clearingHouse.ledger(at),
    Promise.all(accounts.map((account) => clearingHouse.accountOf(account, at))),
    usdc.balanceOf(vault, at),
    vault.surplus(SETTLEMENT, at),
    Promise.all(
      protocol.collaterals.map(async ({ symbol, token, decimals }) => {
        const [held, amounts] = await Promise.all([
          vault.held(token, at),
          Promise.all([...owners].map((account) => clearingHouse.collateralOf(account, token, at))),
        ]);
        return { symbol, ledgerWei: sum(amounts), heldWei: held * 10n ** BigInt(18 - decimals) };
      }),
    ),
  ]);
  const credits = sum(states.map(({ cash }) => (cash > 0n ? cash : 0n)));
  const shares = sum(states.map((state) => state.shares));
  const { base, insurance, protocolFees } = treasury;
  return {
    time,
    driftWei: credits + base + insurance + protocolFees + escrows - (tokens - surplus) * WAD_PER_USDC,
    debtDriftWei: shares - debtShares,
    collaterals,
  };
}

/** Whether all of it adds up. */
export function isConserved({ driftWei, debtDriftWei, collaterals }: Conservation): boolean {
  return driftWei === 0n && debtDriftWei === 0n && collaterals.every(({ ledgerWei, heldWei }) => ledgerWei <= heldWei);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
