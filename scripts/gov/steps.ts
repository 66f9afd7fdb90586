/** How far the clearing house lets a number move at once: its own table, asked by name. */
import { type Contract, encodeBytes32String } from "ethers";

import { PPM } from "../model/fixed.ts";
import type { Gov } from "./gov.ts";
import type { Bound as BoundName } from "./setters.ts";

/** Whose steps count: the steward's are smaller. */
export type Power = "governor" | "steward";

/** What a contract's table says of a number, in the unit in which it is kept there. */
interface BoundRow {
  readonly down: bigint;
  readonly up: bigint;
  readonly amount: bigint;
  readonly stewardShare: bigint;
  readonly stewardAmount: bigint;
}

/** In place of a share: only the range binds. */
const ANY = (1n << 256n) - 1n;
/** After so many steps nobody counts. */
const MAX_STEPS = 1_000;

export interface Step {
  /** Where the first step leads, in the unit of the change. */
  readonly to: bigint;
  /** How many lead to the end. 0: it cannot be moved at all. */
  readonly count: number;
}

/** The first step from one value toward another. A deployment without the table knows no steps. */
export async function stepOf(
  { contracts: { clearingHouse }, at }: Gov,
  { bound, power, from, to }: { bound: BoundName; power: Power; from: bigint; to: bigint },
): Promise<Step> {
  const house = clearingHouse as unknown as Contract;
  if (house.interface.getFunction("boundOf") === null) return { to, count: 1 };
  const row = (await house.getFunction("boundOf")(encodeBytes32String(bound.name), at)) as BoundRow;
  return walk(row, { unit: bound.unit, power, from, to });
}

/** @param unit Of the table, in the unit of the change: values are its multiples. */
export function walk(
  row: BoundRow,
  { unit, power, from, to }: { unit: bigint; power: Power; from: bigint; to: bigint },
): Step {
  let first: bigint | undefined;
  let value = from;
  for (let count = 1; count <= MAX_STEPS; ++count) {
    const next = stepped(row, { unit, power, from: value, to });
    if (next === value) return { to: first ?? from, count: 0 };
    first ??= next;
    if (next === to) return { to: first, count };
    value = next;
  }
  return { to: first ?? from, count: MAX_STEPS };
}

function stepped(
  row: BoundRow,
  { unit, power, from, to }: { unit: bigint; power: Power; from: bigint; to: bigint },
): bigint {
  const steward = power === "steward";
  const share = steward ? row.stewardShare : to < from ? row.down : row.up;
  if (share === ANY) return to;
  const amount = (steward ? row.stewardAmount : row.amount) * unit;
  const byShare = (from * share) / PPM;
  const most = ((byShare > amount ? byShare : amount) / unit) * unit;
  const distance = to < from ? from - to : to - from;
  if (distance <= most) return to;
  return to < from ? from - most : from + most;
}
