/** Whether files are stamped in the same time zone: assets of a market move in the same hour, not hours apart. */
import { DataError } from "../data/errors.ts";
import { priceAt, type Track } from "./windows.ts";

const HOUR = 3_600;
/** Of time zones. */
const FARTHEST = 14;
/** Least hours that both files have. */
const LEAST = 48;
/** By how much the correlation at another hour must be the better one. */
const CLEARLY = 0.3;

/**
 * Throws a DataError for a file whose hourly moves follow those of `leader` clearly better when it is shifted by hours. Files
 * without two days in common with it are not judged.
 */
export function checkClock(track: Track, leader: Track): void {
  const atZero = correlation(track, leader, 0);
  if (atZero === undefined) return;
  for (let shift = -FARTHEST; shift <= FARTHEST; shift++) {
    const shifted = correlation(track, leader, shift) ?? -1;
    if (shift !== 0 && shifted > atZero + CLEARLY) {
      const figures = `correlation ${shifted.toFixed(2)} at ${shift} h, ${atZero.toFixed(2)} at 0`;
      throw new DataError("off the grid", {
        file: track.file,
        line: 2,
        detail: `stamps are ${shift} h from those of ${leader.file}: another time zone? (${figures})`,
      });
    }
  }
}

/** Of hourly moves, those of `track` looked up `shift` hours later; undefined without enough of them. */
function correlation(track: Track, leader: Track, shift: number): number | undefined {
  const [first, last] = [leader.points[0]?.at ?? 0, leader.points.at(-1)?.at ?? 0];
  const [a, b]: [number[], number[]] = [[], []];
  for (let at = Math.ceil(first / HOUR) * HOUR; at + HOUR <= last; at += HOUR) {
    const ours = moveAt(track, at + shift * HOUR);
    const theirs = moveAt(leader, at);
    if (ours === undefined || theirs === undefined) continue;
    a.push(ours);
    b.push(theirs);
  }
  if (a.length < LEAST) return undefined;
  const sum = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((total, value, index) => total + value * (y[index] ?? 0), 0);
  const scale = Math.sqrt(sum(a, a) * sum(b, b));
  return scale === 0 ? undefined : sum(a, b) / scale;
}

function moveAt(track: Track, at: number): number | undefined {
  const [from, to] = [priceAt(track, at), priceAt(track, at + HOUR)];
  return from === undefined || to === undefined ? undefined : to / from - 1;
}
