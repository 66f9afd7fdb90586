/** What must hold after every step: the books add up to the wei, and nobody sound is liquidated or pushed over. */
import type { IClearingHouse, Lens } from "../../../typechain-types/index.ts";
import type { ChainBook } from "../../keeper/index/EventSource.ts";
import { type Conservation, isConserved } from "../../replay/conservation.ts";
import type { ProtocolParts } from "../../replay/protocol.ts";

/** Of an account at one moment, WAD. */
export interface Health {
  readonly account: string;
  readonly equity: bigint;
  readonly maintenance: bigint;
  readonly initial: bigint;
}

/** One side of a market: what its positions add up to, and what the market says. */
export interface SideSum {
  readonly asset: number;
  readonly long: boolean;
  readonly positions: number;
  readonly sum: bigint;
  readonly side: bigint;
}

/** Accounts in one call. */
const PAGE = 40;

/** In the order asked. @param block At whose end. */
export async function readHealth(lens: Lens, accounts: readonly string[], block: number): Promise<readonly Health[]> {
  const health: Health[] = [];
  for (let start = 0; start < accounts.length; start += PAGE) {
    const page = accounts.slice(start, start + PAGE);
    const read = await lens.health(page, { blockTag: block });
    for (const [index, { equity, maintenance, initial }] of read.entries()) {
      health.push({ account: page[index] ?? "", equity, maintenance, initial });
    }
  }
  return health;
}

/** Something is held, and E ≤ R_M. */
export function isUnhealthy({ equity, maintenance }: Health): boolean {
  return maintenance > 0n && equity <= maintenance;
}

/** Accounts that were sound before and are not after, but for those that an action names. */
export function pushedOver(
  before: readonly Health[],
  after: readonly Health[],
  named: readonly string[],
): readonly string[] {
  const unsound = new Set(before.filter(isUnhealthy).map(({ account }) => account));
  return after
    .filter((health) => isUnhealthy(health) && !unsound.has(health.account) && !named.includes(health.account))
    .map(({ account }) => account);
}

/** Sums of the sizes of all positions beside the sides of their markets. */
export async function readSides(
  { clearingHouse, parameters }: Pick<ProtocolParts, "parameters"> & { clearingHouse: IClearingHouse },
  books: readonly ChainBook[],
  block: number,
): Promise<readonly SideSum[]> {
  const markets = parameters.assets.flatMap(({ listing }, asset) => (listing.market ? [asset] : []));
  const sides = await Promise.all(
    markets.map(async (asset) => {
      const { longSize, shortSize } = await clearingHouse.marketOf(asset, { blockTag: block });
      const sizes = books.flatMap(({ positions }) => positions.get(asset)?.size ?? []);
      return [
        sideSum({ asset, long: true, sizes: sizes.filter((size) => size > 0n), side: longSize }),
        sideSum({ asset, long: false, sizes: sizes.filter((size) => size < 0n).map((size) => -size), side: shortSize }),
      ];
    }),
  );
  return sides.flat();
}

function sideSum({
  asset,
  long,
  sizes,
  side,
}: {
  asset: number;
  long: boolean;
  sizes: readonly bigint[];
  side: bigint;
}): SideSum {
  const sum = sizes.reduce((total, size) => total + size, 0n);
  return { asset, long, positions: sizes.length, sum, side };
}

/** What does not add up, in words; nothing where all does. A position reads down by less than a wei. */
export function faultsOf(conservation: Conservation, sides: readonly SideSum[]): readonly string[] {
  const faults: string[] = [];
  if (!isConserved(conservation)) {
    const { driftWei, debtDriftWei, collaterals } = conservation;
    const short = collaterals.filter(({ ledgerWei, heldWei }) => ledgerWei > heldWei).map(({ symbol }) => symbol);
    faults.push(
      `cash ${driftWei} wei off, debts ${debtDriftWei} shares off, short of ${short.join(", ") || "nothing"}`,
    );
  }
  for (const { asset, long, positions, sum, side } of sides) {
    const rest = side - sum;
    if (rest < 0n ? -rest > BigInt(positions) : rest > BigInt(positions)) {
      faults.push(`${long ? "long" : "short"} side of asset ${asset} is ${side}, its positions ${sum}`);
    }
  }
  return faults;
}
