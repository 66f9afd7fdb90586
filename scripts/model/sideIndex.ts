/**
 * How the stored positions of one side of a market read now: `contracts/types/SideIndex.sol`,
 * `contracts/libraries/Sides.sol`.
 *
 * A position is stored as (n, m) in an epoch of its side; its size is n·A and its value n·(A·(P − F) + B) + m·H.
 * Deleveraging moves A and B, a cut of profits B and H: either reaches every position of the side at once.
 */
import { abs, divCeil, divFloor, divUp, fitInt, fitUint, max, mulDivCeil, mulDivFloor, WAD } from "./fixed.ts";
import { readInt, readUint, writeInt, writeUint } from "./word.ts";

/** 1.0 of a scale. */
export const ONE_64 = 1n << 64n;
/** B is a price (WAD) with this many more steps. */
export const OFFSET_UNIT = 1n << 32n;

export interface SideIndex {
  /** A, in 2^-64; above 0, at most `ONE_64`. */
  readonly scale: bigint;
  /** H, in 2^-64; above 0, at most `ONE_64`. */
  readonly profitScale: bigint;
  /** B, WAD · 2^32. */
  readonly offset: bigint;
}

/** Of a side that nothing has happened to in its epoch. */
export const UNTOUCHED: SideIndex = { scale: ONE_64, profitScale: ONE_64, offset: 0n };

/** A position as it is stored. */
export interface StoredPosition {
  /** n: signed, positive is long; its size where the side's index is untouched, WAD. */
  readonly units: bigint;
  /** m: its quote where the side's index is untouched, WAD of settlement token. */
  readonly quote: bigint;
  /** Of its side when it was given its size. */
  readonly epoch: bigint;
  /** How often its side had been deleveraged in that epoch by then, modulo `CUTS`. */
  readonly cuts: bigint;
}

/** A position as it reads. */
export interface ReadPosition {
  /** s, base units, WAD. */
  readonly size: bigint;
  /** q, WAD of settlement token. */
  readonly quote: bigint;
}

/** One side of a market. */
export interface Side {
  readonly long: boolean;
  /** N: Σ |n| over the positions of this epoch. */
  readonly units: bigint;
  /** M: Σ m over the positions of this epoch. */
  readonly quote: bigint;
  /** How often the side has been closed whole. */
  readonly epoch: bigint;
  /** How often it has been deleveraged in this epoch, modulo `CUTS`. */
  readonly cuts: bigint;
  readonly index: SideIndex;
  /** The index at which each former epoch ended. */
  readonly closed: ReadonlyMap<bigint, SideIndex>;
}

/** Deleveragings are counted modulo this. */
export const CUTS = 64n;

/** What an account without a position has stored. */
export const NO_POSITION: StoredPosition = { units: 0n, quote: 0n, epoch: 0n, cuts: 0n };

/** A side without positions and without a past. */
export function emptySide(long: boolean): Side {
  return { long, units: 0n, quote: 0n, epoch: 0n, cuts: 0n, index: UNTOUCHED, closed: new Map() };
}

/** Whether positions have to be read through the index: it or the epoch is not the default. */
export function isIndexed({ index, epoch }: Side): boolean {
  return epoch !== 0n || encodeSideIndex(index) !== 0n;
}

/** Unpacks a `SideIndex` word. */
export function decodeSideIndex(word: bigint): SideIndex {
  const scale = readUint(word, 0, 64);
  const profitScale = readUint(word, 64, 64);
  return {
    scale: scale === 0n ? ONE_64 : scale,
    profitScale: profitScale === 0n ? ONE_64 : profitScale,
    offset: readInt(word, 128, 128),
  };
}

/** Packs as `toSideIndex`: a scale of 1 as 0. Throws a RangeError for an offset that does not fit. */
export function encodeSideIndex({ scale, profitScale, offset }: SideIndex): bigint {
  return BigInt.asUintN(64, scale) | (BigInt.asUintN(64, profitScale) << 64n) | writeInt(offset, 128, 128);
}

/** Unpacks a `Position` word. */
export function decodePosition(word: bigint): StoredPosition {
  return {
    units: readInt(word, 0, 112),
    quote: readInt(word, 112, 128),
    epoch: readUint(word, 240, 10),
    cuts: readUint(word, 250, 6),
  };
}

/** Packs as `toPosition`. Throws a RangeError for a field that is too wide. */
export function encodePosition({ units, quote, epoch, cuts }: StoredPosition): bigint {
  return writeInt(units, 0, 112) | writeInt(quote, 112, 128) | writeUint(epoch, 240, 10) | writeUint(cuts, 250, 6);
}

/** |n|·A, WAD, rounded down. Mirrors `sizeDown`. */
export function sizeDown({ scale }: SideIndex, units: bigint): bigint {
  return (units * scale) / ONE_64;
}

/** Units that read back as exactly `size` (WAD, unsigned): |s|/A, rounded up. Mirrors `unitsUp`. */
export function unitsUp({ scale }: SideIndex, size: bigint): bigint {
  return divUp(size * ONE_64, scale);
}

/** n·B + m·H, WAD, each rounded down. Mirrors `heldQuoteFloor`. @param units Signed. */
export function heldQuoteFloor({ offset, profitScale }: SideIndex, units: bigint, quote: bigint): bigint {
  return divFloor(units * offset, OFFSET_UNIT * WAD) + divFloor(quote * profitScale, ONE_64);
}

/** n·B + m·H, WAD, each rounded up. Mirrors `Sides.heldQuoteCeil`. @param units Signed. */
export function heldQuoteCeil({ offset, profitScale }: SideIndex, units: bigint, quote: bigint): bigint {
  return divCeil(units * offset, OFFSET_UNIT * WAD) + divCeil(quote * profitScale, ONE_64);
}

/** m with which `units` (signed) hold `quote`: (q − n·B)/H, WAD, rounded down. Mirrors `storedQuoteFloor`. */
export function storedQuoteFloor({ offset, profitScale }: SideIndex, units: bigint, quote: bigint): bigint {
  return divFloor((quote - divFloor(units * offset, OFFSET_UNIT * WAD)) * ONE_64, profitScale);
}

/** What the fraction of a size that `sizeDown` drops is worth at `net` = P − F: n·A·net − s·net, WAD, each rounded
 * down. Mirrors `restDown`. @param units Signed. @param size As read, signed, WAD. */
export function restDown(
  { scale }: SideIndex,
  { units, size, net }: { units: bigint; size: bigint; net: bigint },
): bigint {
  return mulDivFloor(units * scale, net, ONE_64 * WAD) - divFloor(size * net, WAD);
}

/** What `units` are worth beyond `size` at `net` = P − F, WAD, rounded up. Mirrors `restUp`. */
export function restUp(
  { scale }: SideIndex,
  { units, size, net }: { units: bigint; size: bigint; net: bigint },
): bigint {
  return mulDivCeil(units * scale - size * ONE_64, net, ONE_64 * WAD);
}

/**
 * What a stored position is now: a wei of size at least. One of a former epoch has no size; its quote is what it became when its side was closed
 * whole. Mirrors `Sides.read`.
 *
 * @param net P − F, WAD; where it is given, the fraction of the size that is dropped counts with the quote.
 */
export function readPosition(side: Side, { units, quote, epoch }: StoredPosition, net?: bigint): ReadPosition {
  if (units === 0n) return { size: 0n, quote };
  if (epoch !== side.epoch) return { size: 0n, quote: heldQuoteFloor(recordOf(side, epoch), units, quote) };
  const { index } = side;
  const magnitude = max(1n, sizeDown(index, abs(units)));
  const size = units < 0n ? -magnitude : magnitude;
  const held = heldQuoteFloor(index, units, quote);
  return { size, quote: net === undefined ? held : held + restDown(index, { units, size, net }) };
}

/**
 * How a position is stored on `side`, that of its size. Mirrors `Sides._stored`. Throws a RangeError for a field that is
 * too wide.
 *
 * @param net P − F, WAD.
 * @param before The position that it was: one whose size stays keeps its cuts.
 */
export function storePosition(
  { index, epoch, cuts }: Side,
  { size, quote }: ReadPosition,
  { net, before }: { net: bigint; before?: StoredPosition | undefined },
): StoredPosition {
  if (size === 0n) return NO_POSITION;
  const magnitude = unitsUp(index, abs(size));
  const units = size < 0n ? -magnitude : magnitude;
  const rest = restUp(index, { units, size, net });
  const stored = { units, quote: storedQuoteFloor(index, units, quote - rest), epoch, cuts: before?.cuts ?? cuts };
  encodePosition(stored);
  return stored;
}

/** The side after one of its positions (undefined: none) has become another. Both are of its epoch. Mirrors
 * `MarketSide.add`. Throws a RangeError where the sums do not fit. */
export function moveSide(
  side: Side,
  { from = NO_POSITION, to = NO_POSITION }: { from?: StoredPosition; to?: StoredPosition },
): Side {
  const units = fitUint(side.units + abs(to.units) - abs(from.units), 112);
  return { ...side, units, quote: fitInt(side.quote + to.quote - from.quote, 128) };
}

/** Size of a side, base units, WAD, rounded down. Mirrors `Sides.sizeDown`. */
export function sideSizeDown({ index, units }: Side): bigint {
  return sizeDown(index, units);
}

/** S: net size of all traders, base units, WAD. Mirrors `Sides.skew`. */
export function skewOf({ long, short }: { long: Side; short: Side }): bigint {
  return sideSizeDown(long) - sideSizeDown(short);
}

/** What the pool owes to all positions of a side at `net` = P − F: N·A·net + N·B + M·H, WAD, each rounded up. Mirrors
 * `Sides.valueCeil`. */
export function sideValueCeil({ long, index, units, quote }: Side, net: bigint): bigint {
  const signed = long ? units : -units;
  return mulDivCeil(signed * index.scale, net, ONE_64 * WAD) + heldQuoteCeil(index, signed, quote);
}

/** The side under another index. Throws a RangeError for an offset that does not fit. */
export function withIndex(side: Side, index: SideIndex): Side {
  encodeSideIndex(index);
  return { ...side, index };
}

/**
 * The empty side of the next epoch after all of its size has been closed, and what is owed to its positions, WAD, rounded
 * up. Mirrors `Deleveraging._put` with a scale of 0. Throws a RangeError where there are no more epochs.
 *
 * @param offset B that the positions of this epoch read by from now on.
 */
export function closedWhole(side: Side, offset: bigint): { side: Side; owed: bigint } {
  const last = withIndex(side, { ...side.index, scale: ONE_64, offset }).index;
  const closed = new Map(side.closed).set(side.epoch, last);
  const owed = heldQuoteCeil(last, side.long ? side.units : -side.units, side.quote);
  return { side: { ...emptySide(side.long), epoch: fitUint(side.epoch + 1n, 10), closed }, owed };
}

function recordOf({ closed }: Side, epoch: bigint): SideIndex {
  const index = closed.get(epoch);
  if (index === undefined) throw new RangeError(`no record of epoch ${String(epoch)}`);
  return index;
}
